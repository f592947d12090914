// https://www.cdc.gov/nchs/icd/icd-10-cm/files.html — ICD-10-CM: the order file, with fixed columns. Chapters and blocks are not part of it.
import type { ReleaseFiles } from './load/archive.ts';
import { type LoadedConcept, type Release, ReleaseError } from './load/release.ts';
import { linesOf } from './load/rows.ts';

interface OrderLine {
  readonly code: string;
  /** May be submitted; the others are headers. */
  readonly valid: boolean;
  readonly display: string;
}

/** Columns 7-13 code, 15 validity, 17-76 short and 78 on long description. */
async function* orderLines(files: ReleaseFiles, file: string): AsyncGenerator<OrderLine> {
  for await (const line of linesOf(files, file)) {
    const raw = line.slice(6, 13).trim();
    if (raw === '') continue;
    const code = raw.length > 3 ? `${raw.slice(0, 3)}.${raw.slice(3)}` : raw;
    yield { code, valid: line[14] === '1', display: line.slice(77).trim() || line.slice(16, 76).trim() };
  }
}

/** A code stands under the longest other code that it begins with; the file lists that one first. */
function parentOf(code: string, known: ReadonlySet<string>): string | undefined {
  for (let length = code.length - 1; length >= 3; length--) {
    const shorter = code.slice(0, length).replace(/\.$/, '');
    if (known.has(shorter)) return shorter;
  }
  return undefined;
}

/** @param version where the name of the file does not tell */
export async function icd10cmRelease(files: ReleaseFiles, version?: string): Promise<Release> {
  const file = files.find(/icd10cm[-_]order[-_]\d{4}\.txt$/i);
  if (file === undefined) throw new ReleaseError('The release has no file icd10cm-order-YYYY.txt.');
  const known = new Set<string>();
  const parents = new Map<string, string[]>();
  for await (const { code } of orderLines(files, file)) {
    const parent = parentOf(code, known);
    if (parent !== undefined) parents.set(code, [parent]);
    known.add(code);
  }
  return {
    system: 'http://hl7.org/fhir/sid/icd-10-cm',
    version: version ?? /(\d{4})\.txt$/.exec(file)?.[1] ?? '',
    name: 'ICD-10-CM',
    types: { valid: 'boolean' },
    parents,
    async *concepts(): AsyncGenerator<LoadedConcept> {
      for await (const { code, valid, display } of orderLines(files, file))
        yield { code, display, active: true, properties: { valid: [String(valid)] } };
    },
    // The file has no other names.
    async *terms() {},
  };
}
