// https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html — RxNorm: the RRF files, only what the library itself makes (SAB=RXNORM).
import type { ReleaseFiles } from './load/archive.ts';
import { append, type LoadedConcept, type LoadedTerm, type Release, ReleaseError } from './load/release.ts';
import { pipeRows } from './load/rows.ts';

/** Terms that name a concept; the others are synonyms. */
const naming = new Set(['IN', 'PIN', 'MIN', 'BN', 'SCD', 'SBD', 'GPCK', 'BPCK', 'SCDC', 'SCDF', 'SCDFP', 'SCDG', 'SCDGP', 'SBDC', 'SBDF', 'SBDFP', 'SBDG', 'DF', 'DFG']); // biome-ignore format: a table
const relations = [
  'has_ingredient',
  'has_precise_ingredient',
  'has_dose_form',
  'has_doseformgroup',
  'has_tradename',
  'consists_of',
  'contains',
] as const;
const isRelation = new Set<string>(relations);

/** https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html#s12_4 — columns of RXNCONSO.RRF. */
interface Atom {
  readonly code: string;
  readonly tty: string;
  readonly text: string;
  readonly active: boolean;
}

async function* atoms(files: ReleaseFiles, file: string): AsyncGenerator<Atom> {
  for await (const row of pipeRows(files, file)) {
    const [code = '', language, tty = '', text = '', suppress] = [row[0], row[1], row[12], row[14], row[16]];
    if (row[11] === 'RXNORM' && language === 'ENG') yield { code, tty, text, active: suppress === 'N' };
  }
}

interface Relations {
  readonly parents: Map<string, string[]>;
  readonly others: Map<string, string[]>;
}

/** RXNREL says what the second concept is to the first: `B isa A` is the row A ... B. */
async function relationsOf(files: ReleaseFiles): Promise<Relations> {
  const file = files.find(/RXNREL\.RRF$/);
  const found: Relations = { parents: new Map(), others: new Map() };
  if (file === undefined) return found;
  for await (const row of pipeRows(files, file)) {
    const [first = '', second = '', name = ''] = [row[0], row[4], row[7]];
    if (row[10] !== 'RXNORM' || first === '' || second === '') continue;
    if (name === 'isa') append(found.parents, second, first);
    else if (isRelation.has(name)) append(found.others, second, `${name}|${first}`);
  }
  return found;
}

/** The release's own row among the sources. */
async function versionOf(files: ReleaseFiles): Promise<string> {
  const file = files.find(/RXNSAB\.RRF$/);
  if (file !== undefined) for await (const row of pipeRows(files, file)) if (row[3] === 'RXNORM' && row[6]) return row[6];
  throw new ReleaseError('The release does not tell its version: give it (--version 01062025).');
}

function propertiesOf(tty: string, others: readonly string[]): { [name: string]: string[] } {
  const properties: { [name: string]: string[] } = { TTY: [tty] };
  for (const each of others) {
    const [name = '', value = ''] = each.split('|');
    properties[name] = [...(properties[name] ?? []), value];
  }
  return properties;
}

/** @param version where the files do not tell */
export async function rxnormRelease(files: ReleaseFiles, version?: string): Promise<Release> {
  const file = files.find(/(^|[\\/])RXNCONSO\.RRF$/);
  if (file === undefined) throw new ReleaseError('The release has no file RXNCONSO.RRF.');
  const { parents, others } = await relationsOf(files);
  return {
    system: 'http://www.nlm.nih.gov/research/umls/rxnorm',
    version: version ?? (await versionOf(files)),
    name: 'RxNorm',
    types: { TTY: 'string', ...Object.fromEntries(relations.map((name) => [name, 'code' as const])) },
    parents,
    async *concepts(): AsyncGenerator<LoadedConcept> {
      for await (const { code, tty, text, active } of atoms(files, file)) {
        if (naming.has(tty)) yield { code, display: text, active, properties: propertiesOf(tty, others.get(code) ?? []) };
      }
    },
    async *terms(): AsyncGenerator<LoadedTerm> {
      for await (const { code, tty, text } of atoms(files, file))
        if (!naming.has(tty)) yield { code, language: 'en', usage: tty, value: text };
    },
  };
}
