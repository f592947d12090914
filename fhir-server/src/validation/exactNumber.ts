// https://hl7.org/fhir/R4/datatypes.html#decimal — numbers whose digits must survive (`1.00`) travel as JSON.rawJSON values.
import { isExactNumber } from '@limen/fhir-model';

// The language server's library does not declare it yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): { readonly rawJSON: string } };

/** A number that JSON.stringify writes with exactly these digits. */
export function exactNumber(digits: string): { readonly rawJSON: string } {
  return rawJSON(digits);
}

/** The value of a JSON number, plain or exact; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return isExactNumber(value) ? Number(value.rawJSON) : undefined;
}

/** The digits of a JSON number as they were sent; undefined for anything else. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return isExactNumber(value) ? value.rawJSON : undefined;
}
