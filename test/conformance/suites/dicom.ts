// PS3.15 Table E.1-1, as it came from the standard: each attribute under the Basic Profile and under each option column acts as the table says.
import { createHmac } from 'node:crypto';
import {
  aboutOf,
  type DicomContext,
  type DicomDataset,
  type DicomElement,
  type DicomOption,
  deidentifyDicom,
  readDicom,
} from '@limen/deidentification';
import type { Json } from '../../rest-client.ts';
import { readJson, type Suite, type Tally } from '../suite.ts';

const columns: readonly (readonly [column: string, option: DicomOption | undefined])[] = [
  ['basicProfile', undefined],
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

const context = (option: DicomOption | undefined): DicomContext => ({
  dates: 'moved',
  pseudonym: 'P-AAAABBBBCCCCDDDD',
  offsetDays: -70,
  pseudonymOf: (...parts) => createHmac('sha256', 'suite').update(parts.join('|')).digest('hex').slice(0, 32),
  about: aboutOf({ nameParts: ['Zephyrine'] }),
  options: option ? [option] : [],
});

function tagOf(text: string): number {
  const match = /^\(([0-9A-FX]{4}),([0-9A-FX]{4})\)$/.exec(text.trim());
  // The row of private attributes has no tag of its own.
  return match ? Number.parseInt(`${match[1]}${match[2]}`.replaceAll('X', '0'), 16) : 0x00091001;
}

/** The representation, asked of the reader: an element in implicit VR has none of its own. */
function vrOf(tag: number): string {
  if (tag >>> 16 === 2) return 'UI';
  const uid = Buffer.from('1.2.840.10008.1.2\0');
  const meta = Buffer.from([0x02, 0, 0x10, 0, 0x55, 0x49, uid.length, 0]);
  const element = Buffer.alloc(8);
  element.writeUInt16LE(tag >>> 16, 0);
  element.writeUInt16LE(tag & 0xffff, 2);
  const { dataset } = readDicom(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), meta, uid, element]));
  return dataset.get(tag)?.vr ?? 'UN';
}

const values: { readonly [vr: string]: string } = {
  AE: 'PLANTED',
  AS: '045Y',
  CS: 'PLANTED',
  DA: '20240318',
  DS: '1.5',
  DT: '20240318093000',
  IS: '7',
  TM: '093000',
  UI: '1.2.3.4.5',
  UR: 'urn:x:planted',
};

function planted(tag: number, vr: string, cleaned: boolean): DicomElement {
  if (vr === 'SQ') {
    const inner: DicomElement[] = [
      { tag: 0x00081155, vr: 'UI', bytes: Buffer.from('1.2.3.4.5') },
      { tag: 0x00100010, vr: 'PN', bytes: Buffer.from('Zephyrine') },
    ];
    return { tag, vr, bytes: new Uint8Array(0), items: [new Map(inner.map((each) => [each.tag, each]))] };
  }
  const text = values[vr] ?? (cleaned ? 'seen by Zephyrine' : 'plain words');
  return { tag, vr, bytes: Buffer.from(/^(?:OB|OW|UN|US|FD|UL)$/.test(vr) ? 'planted!' : text) };
}

const bytesOf = (element: DicomElement | undefined): string => Buffer.from(element?.bytes ?? []).toString('utf8');

/** Whether anything of the planted name or UID is left, however deep. */
function leaks(dataset: DicomDataset): boolean {
  return [...dataset.values()].some((element) => (element.items ?? []).some(leaks) || /Zephyrine|1\.2\.3\.4\.5/.test(bytesOf(element)));
}

function acts(action: string, before: DicomElement, after: DicomElement | undefined, out: DicomDataset): boolean {
  const same = after !== undefined && bytesOf(after) === bytesOf(before);
  const empty = after !== undefined && after.bytes.length === 0 && (after.items ?? []).length === 0;
  const dummy = after !== undefined && !empty && !leaks(out) && (before.items !== undefined || !same);
  switch (action) {
    case 'X':
      return after === undefined;
    case 'Z':
      return empty || dummy;
    case 'D':
      return dummy;
    case 'U':
      return before.items ? dummy : after !== undefined && /^2\.25\.\d+$/.test(bytesOf(after));
    case 'K':
      return before.items ? (after?.items ?? []).length === 1 : same;
    default:
      // Cleaned: gone, or there without what identifies; a date has moved.
      return !leaks(out) && (after === undefined || !(after.vr === 'DA' || after.vr === 'DT') || !same);
  }
}

/** What the cell allows: one action, or those that depend on the type of the attribute in an IOD. */
function allowed(row: Json, column: string): string[] {
  return String(row[column] ?? row['basicProfile'])
    .replace('*', '')
    .split('/');
}

function check(row: Json, column: string, option: DicomOption | undefined, tally: Tally): void {
  const tag = tagOf(String(row['tag']));
  const actions = allowed(row, column);
  const before = planted(tag, vrOf(tag), !actions.includes('K'));
  const out = deidentifyDicom(new Map([[tag, before]]), context(option)).dataset;
  const fits = actions.some((action) => acts(action, before, out.get(tag), out));
  tally.add(`${row['tag']} ${column}`, fits ? undefined : `${actions.join('/')} was expected of ${row['name']} (${before.vr})`);
}

export const dicom: Suite = {
  name: 'dicom',
  folder: '../reference/dicom',
  async run(folder, tally) {
    const rows = readJson(folder, 'confidentiality-profile-table-e1-1.json')['rows'] as unknown as Json[];
    for (const row of rows) for (const [column, option] of columns) check(row, column, option, tally);
    tally.figures['attributes'] = rows.length;
    tally.figures['columns'] = columns.length;
  },
};
