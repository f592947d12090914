// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/OperationDefinition-ViewDefinitionRun.html — rows as JSON, NDJSON or CSV (RFC 4180), in pieces.
import type { Row } from './rows.ts';

export const viewFormats = ['json', 'ndjson', 'csv'] as const;
export type ViewFormat = (typeof viewFormats)[number];

export const viewMediaTypes: { readonly [F in ViewFormat]: string } = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvLine = (fields: readonly unknown[]): string => `${fields.map(csvField).join(',')}\r\n`;

/** What stands before the first row. */
export function tableHead(format: ViewFormat, names: readonly string[]): string {
  return format === 'json' ? '[' : format === 'csv' ? csvLine(names) : '';
}

export function tableEnd(format: ViewFormat): string {
  return format === 'json' ? ']' : '';
}

/** @param isFirst whether no row stands before these */
export function tableRows(format: ViewFormat, names: readonly string[], rows: readonly Row[], isFirst: boolean): string {
  if (format === 'csv') return rows.map(csvLine).join('');
  const objects = rows.map((row) => JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]))));
  if (format === 'ndjson') return objects.map((text) => `${text}\n`).join('');
  return objects.length === 0 ? '' : `${isFirst ? '' : ','}${objects.join(',')}`;
}
