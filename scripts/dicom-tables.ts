// Re-expresses two tables of the DICOM standard as data of this repository: PS3.15 Table E.1-1 (what happens to each attribute) and
// PS3.6 (value representation by tag). Run by hand: `node scripts/dicom-tables.ts TABLE-E.1-1.json PS3.6-DICTIONARY.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

interface SourceRow {
  readonly name: string;
  readonly tag: string;
  readonly basicProfile: string;
  readonly [column: string]: string;
}

/** Columns of the table in its order, with the names that the source file gives them. */
const columns: readonly (readonly [source: string, ours: string])[] = [
  ['basicProfile', 'basic'],
  ['rtnSafePrivOpt', 'retain-safe-private'],
  ['rtnUIDsOpt', 'retain-uids'],
  ['rtnDevIdOpt', 'retain-device-identity'],
  ['rtnInstIdOpt', 'retain-institution-identity'],
  ['rtnPatCharsOpt', 'retain-patient-characteristics'],
  ['rtnLongFullDatesOpt', 'retain-full-dates'],
  ['rtnLongModifDatesOpt', 'retain-modified-dates'],
  ['cleanDescOpt', 'clean-descriptors'],
  ['cleanStructContOpt', 'clean-structured-content'],
  ['cleanGraphOpt', 'clean-graphics'],
];
const edition = 'PS3.15 E.1-1, edition of 2025-01-28';
const folder = path.join(import.meta.dirname, '../deidentification/src/dicom');

/** "(60XX,3000)" -> "60xx3000"; the one row that has no tag, that of private attributes, is "private". */
function tagOf(text: string): string {
  const match = /^\(([0-9A-FX]{4}),([0-9A-FX]{4})\)$/.exec(text.trim());
  return match ? `${match[1]}${match[2]}`.toLowerCase() : 'private';
}

function profileRows(file: string): string[] {
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: SourceRow[] };
  return rows
    .map((row) => [tagOf(row.tag), row.name.split(/\s*\n/)[0] ?? '', ...columns.map(([source]) => row[source] ?? ''), edition])
    .sort((a, b) => String(a[0]).localeCompare(String(b[0])))
    .map((cells) => JSON.stringify(cells));
}

/** VRs that depend on other attributes get the one whose bytes are read alike (PS3.5 section 6.2.2 and annex A). */
const chosen: { readonly [vr: string]: string } = { xs: 'US', ox: 'OW', lt: 'OW', up: 'UL' };

async function tagsByVr(file: string): Promise<[string, string[]][]> {
  const { dictionary } = (await import(pathToFileURL(file).href)) as { dictionary: Record<string, { tag: string; vr?: string }> };
  const byVr = new Map<string, string[]>();
  for (const { tag, vr } of Object.values(dictionary)) {
    const plain = tagOf(tag);
    const known = chosen[vr ?? ''] ?? vr ?? '';
    // Repeating and private groups are removed whole, and delimiters are no attributes. UN in the source is a VR that it does not know.
    if (!/^[0-9a-f]{8}$/.test(plain) || !/^[A-Z]{2}$/.test(known) || known === 'UN' || plain.startsWith('fffe')) continue;
    byVr.set(known, [...(byVr.get(known) ?? []), plain]);
  }
  return [...byVr].map(([vr, tags]) => [vr, tags.sort()] as [string, string[]]).sort(([a], [b]) => a.localeCompare(b));
}

const [profile, dictionary] = process.argv.slice(2);
if (profile === undefined || dictionary === undefined) {
  process.stderr.write('Usage: node scripts/dicom-tables.ts TABLE-E.1-1.json PS3.6-DICTIONARY.mjs\n');
  process.exitCode = 2;
} else {
  const header = JSON.stringify(['tag', 'name', ...columns.map(([, ours]) => ours), 'source']);
  writeFileSync(path.join(folder, 'confidentiality-profile.json'), `[\n${[header, ...profileRows(profile)].join(',\n')}\n]\n`);
  const lines = (await tagsByVr(dictionary)).map(([vr, tags]) => `${JSON.stringify(vr)}: ${JSON.stringify(tags.join(' '))}`);
  writeFileSync(path.join(folder, 'value-representations.json'), `{\n${lines.join(',\n')}\n}\n`);
}
