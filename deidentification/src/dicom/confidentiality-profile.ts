// https://dicom.nema.org/medical/dicom/current/output/html/part15.html#chapter_E — what the table says of an attribute under the options.
import table from './confidentiality-profile.json' with { type: 'json' };
import { isPrivate } from './dataset.ts';

/** Options of PS3.15 section E.3 that are columns of the table, with their codes (CID 7050) and the meaning that the standard gives them. */
const optionCodes = {
  'retain-safe-private': ['113111', 'Retain Safe Private Option'],
  'retain-uids': ['113110', 'Retain UIDs Option'],
  'retain-device-identity': ['113109', 'Retain Device Identity Option'],
  'retain-institution-identity': ['113112', 'Retain Institution Identity Option'],
  'retain-patient-characteristics': ['113108', 'Retain Patient Characteristics Option'],
  'retain-full-dates': ['113106', 'Retain Longitudinal Temporal Information Full Dates Option'],
  'retain-modified-dates': ['113107', 'Retain Longitudinal Temporal Information Modified Dates Option'],
  'clean-descriptors': ['113105', 'Clean Descriptors Option'],
  'clean-structured-content': ['113104', 'Clean Structured Content Option'],
  'clean-graphics': ['113103', 'Clean Graphics Option'],
} as const;

export type DicomOption = keyof typeof optionCodes;
/** Remove, empty, dummy, replace the UID, clean, keep. */
export type DicomAction = 'X' | 'Z' | 'D' | 'U' | 'C' | 'K';

export interface MethodCode {
  readonly value: string;
  readonly meaning: string;
}

interface Row {
  readonly basic: string;
  readonly options: ReadonlyMap<DicomOption, 'K' | 'C'>;
}

const [header = [], ...body] = table;
const optionNames = Object.keys(optionCodes) as DicomOption[];

function rowOf(cells: readonly string[]): Row {
  const cell = (column: string): string => cells[header.indexOf(column)] ?? '';
  const options = optionNames.flatMap((name) => (cell(name) === '' ? [] : [[name, cell(name) as 'K' | 'C'] as const]));
  return { basic: cell('basic'), options: new Map(options) };
}

const rows = new Map(body.map((cells) => [cells[0] ?? '', rowOf(cells)]));
const byTag = new Map([...rows].flatMap(([tag, row]) => (/^[0-9a-f]{8}$/.test(tag) ? [[Number.parseInt(tag, 16), row] as const] : [])));

function rowFor(tag: number): Row | undefined {
  if (isPrivate(tag)) return rows.get('private');
  const known = byTag.get(tag);
  if (known) return known;
  const hex = tag.toString(16).padStart(8, '0');
  if (hex.startsWith('50')) return rows.get('50xxxxxx');
  return hex.startsWith('60') ? rows.get(`60xx${hex.slice(4)}`) : undefined;
}

/**
 * A compound action depends on the type that the attribute has in an IOD: X where it may be absent (type 3), Z where it may be empty (2), D where
 * it may be neither (1). The strictest of those that the row names fits every IOD, and none of them shows anything of the value.
 */
function strictest(basic: string): DicomAction {
  const last = basic.replace('*', '').split('/').at(-1);
  return last === 'Z' || last === 'D' || last === 'U' ? last : 'X';
}

/**
 * The action of the table for an attribute, undefined when the table has no row for it. An option that cleans goes before one that keeps.
 */
export function actionFor(tag: number, options: readonly DicomOption[]): DicomAction | undefined {
  const row = rowFor(tag);
  if (!row) return undefined;
  const said = options.flatMap((option) => row.options.get(option) ?? []);
  if (said.includes('C')) return 'C';
  return said.includes('K') ? 'K' : strictest(row.basic);
}

/** Codes of CID 7050 for the Basic Profile with these options. */
export function methodCodes(options: readonly DicomOption[]): MethodCode[] {
  const basic = { value: '113100', meaning: 'Basic Application Confidentiality Profile' };
  return [basic, ...options.map((option) => ({ value: optionCodes[option][0], meaning: optionCodes[option][1] }))];
}

/** Cleaning of pixels is said by who did it (the gateway). */
export const cleanPixelData: MethodCode = { value: '113101', meaning: 'Clean Pixel Data Option' };
