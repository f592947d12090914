// Loading of code systems that do not ship with the product: each from the files that its owner publishes, under its own licence.
import pg from 'pg';
import { icd10cmRelease } from '../load-icd10cm.ts';
import { loincRelease } from '../load-loinc.ts';
import { rxnormRelease } from '../load-rxnorm-rrf.ts';
import { snomedRelease } from '../load-snomed-rf2.ts';
import { openRelease, type ReleaseFiles } from './archive.ts';
import { type Release, ReleaseError } from './release.ts';
import { type Loaded, storeRelease } from './store.ts';

const readers: { readonly [kind: string]: ((files: ReleaseFiles, version?: string) => Promise<Release>) | undefined } = {
  loinc: loincRelease,
  'snomed-rf2': snomedRelease,
  'rxnorm-rrf': rxnormRelease,
  icd10cm: icd10cmRelease,
};

export const releaseKinds: readonly string[] = Object.keys(readers);
export { type Loaded, ReleaseError };

/** Reads a release from its folder or zip file into the database. @throws ReleaseError */
export async function loadRelease(client: pg.ClientBase, kind: string, where: string, version?: string): Promise<Loaded> {
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (!reader) throw new ReleaseError(`The kind is one of ${releaseKinds.join(', ')}.`);
  const files = await openRelease(where);
  try {
    return await storeRelease(client, await reader(files, version));
  } finally {
    await files.close();
  }
}

/** The same on a database of the product, which must have been started once: it makes the tables. @throws ReleaseError */
export async function loadCodeSystem(database: pg.ClientConfig, kind: string, where: string, version?: string): Promise<Loaded> {
  const client = new pg.Client(database);
  await client.connect();
  try {
    const { rows } = await client.query<{ made: boolean }>("select to_regclass('concept') is not null as made");
    if (!rows[0]?.made) throw new ReleaseError('The database has no tables yet: start Limen on it once.');
    return await loadRelease(client, kind, where, version);
  } finally {
    await client.end();
  }
}
