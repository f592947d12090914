// https://confluence.ihtsdotools.org/display/DOCRELFMT — SNOMED CT: the snapshot files of an RF2 release. Concepts, is-a relationships, English terms.
import type { ReleaseFiles } from './load/archive.ts';
import { append, type LoadedConcept, type LoadedTerm, type Release, ReleaseError } from './load/release.ts';
import { tabRows } from './load/rows.ts';

const isA = '116680003';
const fullySpecified = '900000000000003001';
const preferred = '900000000000548007';
const defined = '900000000000073002';
/** Language reference sets, the first that a release has counts: US, then GB English. */
const languages = ['900000000000509007', '900000000000508004'];
/** Modules of editions, by the namespace in the names of their files. */
const editions: { readonly [namespace: string]: string } = {
  INT: '900000000000207008',
  US1000124: '731000124108',
  GB1000000: '999000041000000102',
};

function fileOf(files: ReleaseFiles, pattern: RegExp): string {
  const found = files.find(pattern);
  if (found === undefined) throw new ReleaseError(`The release has no file ${pattern.source}.`);
  return found;
}

function versionOf(conceptFile: string): string {
  const [, namespace = '', date = ''] = /_Snapshot_([A-Z]+\d*)_(\d{8})\.txt$/.exec(conceptFile) ?? [];
  const module = editions[namespace];
  if (!module) throw new ReleaseError('The edition is not known by the names of its files: give its version (--version URI).');
  return `http://snomed.info/sct/${module}/version/${date}`;
}

/** Descriptions that are preferred, by language reference set. */
async function preferredTerms(files: ReleaseFiles): Promise<readonly ReadonlySet<string>[]> {
  const found = languages.map(() => new Set<string>());
  for await (const row of tabRows(files, fileOf(files, /der2_cRefset_Language(Snapshot-en|-enSnapshot|Snapshot)_[^/]*\.txt$/))) {
    if (row('active') !== '1' || row('acceptabilityId') !== preferred) continue;
    found[languages.indexOf(row('refsetId'))]?.add(row('referencedComponentId'));
  }
  return found;
}

interface Names {
  readonly display: ReadonlyMap<string, string>;
  readonly terms: () => AsyncGenerator<LoadedTerm>;
}

/** The preferred synonym names a concept, or else its fully specified name. */
async function namesOf(files: ReleaseFiles): Promise<Names> {
  const file = fileOf(files, /sct2_Description_Snapshot(-en)?_[^/]*\.txt$/);
  const sets = await preferredTerms(files);
  const display = new Map<string, string>();
  const rank = new Map<string, number>();
  for await (const row of tabRows(files, file)) {
    if (row('active') !== '1') continue;
    const own = row('typeId') === fullySpecified ? languages.length : sets.findIndex((set) => set.has(row('id')));
    const concept = row('conceptId');
    if (own < 0 || own >= (rank.get(concept) ?? Number.POSITIVE_INFINITY)) continue;
    rank.set(concept, own);
    display.set(concept, row('term'));
  }
  return {
    display,
    async *terms() {
      for await (const row of tabRows(files, file)) {
        if (row('active') === '1')
          yield { code: row('conceptId'), language: row('languageCode'), usage: row('typeId'), value: row('term') };
      }
    },
  };
}

/** @param version URI of the edition and its date, where the files do not tell */
export async function snomedRelease(files: ReleaseFiles, version?: string): Promise<Release> {
  const conceptFile = fileOf(files, /sct2_Concept_Snapshot_[^/]*\.txt$/);
  const parents = new Map<string, string[]>();
  for await (const row of tabRows(files, fileOf(files, /sct2_Relationship_Snapshot_[^/]*\.txt$/))) {
    if (row('active') === '1' && row('typeId') === isA) append(parents, row('sourceId'), row('destinationId'));
  }
  const { display, terms } = await namesOf(files);
  return {
    system: 'http://snomed.info/sct',
    version: version ?? versionOf(conceptFile),
    name: 'SNOMED CT',
    types: { sufficientlyDefined: 'boolean', moduleId: 'code', effectiveTime: 'string' },
    parents,
    terms,
    async *concepts(): AsyncGenerator<LoadedConcept> {
      for await (const row of tabRows(files, conceptFile)) {
        const code = row('id');
        yield {
          code,
          display: display.get(code) ?? code,
          active: row('active') === '1',
          properties: {
            sufficientlyDefined: [String(row('definitionStatusId') === defined)],
            moduleId: [row('moduleId')],
            effectiveTime: [row('effectiveTime')],
          },
        };
      }
    },
  };
}
