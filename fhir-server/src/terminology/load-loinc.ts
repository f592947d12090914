// https://loinc.org/kb/users-guide — LOINC: the table of terms, answers, and the hierarchy of components of the complete download.
import type { ReleaseFiles } from './load/archive.ts';
import { append, type LoadedConcept, type LoadedTerm, type Release, ReleaseError } from './load/release.ts';
import { csvRows } from './load/rows.ts';

/** https://hl7.org/fhir/R4/loinc.html#alldef — properties by their names in the table. */
const columns = [
  'COMPONENT',
  'PROPERTY',
  'TIME_ASPCT',
  'SYSTEM',
  'SCALE_TYP',
  'METHOD_TYP',
  'CLASS',
  'CLASSTYPE',
  'STATUS',
  'ORDER_OBS',
] as const;
const names = ['SHORTNAME', 'CONSUMER_NAME'] as const;

const byNumber = (a: string, b: string): number => {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)];
  return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0);
};

/** A release is as new as its newest change. */
async function versionOf(files: ReleaseFiles, table: string): Promise<string> {
  let newest = '';
  for await (const row of csvRows(files, table)) {
    const own = row('VersionLastChanged');
    if (/^\d+\.\d+$/.test(own) && (newest === '' || byNumber(own, newest) > 0)) newest = own;
  }
  if (newest === '') throw new ReleaseError('The release does not tell its version: give it (--version 2.80).');
  return newest;
}

interface Hierarchy {
  readonly parents: ReadonlyMap<string, readonly string[]>;
  /** Names of the parts that only group terms. */
  readonly parts: ReadonlyMap<string, string>;
}

async function hierarchyOf(files: ReleaseFiles): Promise<Hierarchy> {
  const file = files.find(/(ComponentHierarchyBySystem|MultiAxialHierarchy)\.csv$/);
  const parents = new Map<string, string[]>();
  const parts = new Map<string, string>();
  if (file === undefined) return { parents, parts };
  for await (const row of csvRows(files, file)) {
    const [code, parent] = [row('CODE'), row('IMMEDIATE_PARENT')];
    if (parent !== '') append(parents, code, parent);
    if (code.startsWith('LP')) parts.set(code, row('CODE_TEXT'));
  }
  return { parents, parts };
}

async function* termsOfTable(files: ReleaseFiles, table: string): AsyncGenerator<LoadedTerm> {
  for await (const row of csvRows(files, table)) {
    for (const usage of names) if (row(usage) !== '') yield { code: row('LOINC_NUM'), language: 'en', usage, value: row(usage) };
  }
}

async function* answers(files: ReleaseFiles): AsyncGenerator<LoadedConcept> {
  const file = files.find(/AnswerList\.csv$/);
  if (file === undefined) return;
  for await (const row of csvRows(files, file)) {
    const code = row('AnswerStringId');
    if (code !== '') yield { code, display: row('DisplayText'), active: true, properties: {} };
  }
}

async function* concepts(files: ReleaseFiles, table: string, parts: ReadonlyMap<string, string>): AsyncGenerator<LoadedConcept> {
  for await (const row of csvRows(files, table)) {
    const own = columns.filter((column) => row(column) !== '').map((column) => [column, [row(column)]] as const);
    yield {
      code: row('LOINC_NUM'),
      display: row('LONG_COMMON_NAME'),
      active: row('STATUS') !== 'DEPRECATED',
      properties: Object.fromEntries(own),
    };
  }
  for (const [code, display] of parts) yield { code, display, active: true, properties: {} };
  yield* answers(files);
}

/** @param version where the files do not tell */
export async function loincRelease(files: ReleaseFiles, version?: string): Promise<Release> {
  const table = files.find(/(^|[\\/])Loinc\.csv$/);
  if (table === undefined) throw new ReleaseError('The release has no file Loinc.csv.');
  const { parents, parts } = await hierarchyOf(files);
  return {
    system: 'http://loinc.org',
    version: version ?? (await versionOf(files, table)),
    name: 'LOINC',
    types: Object.fromEntries(columns.map((column) => [column, 'string' as const])),
    parents,
    concepts: () => concepts(files, table, parts),
    terms: () => termsOfTable(files, table),
  };
}
