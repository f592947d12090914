// https://hl7.org/fhir/R4/datatypes.html#decimal — numbers whose digits must survive (`1.00`, 20 digits) travel as JSON.rawJSON values.
interface RawJsonFunctions {
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}
// The language server's library does not declare these two yet; a browser without them never meets such a value.
const json = JSON as unknown as Partial<RawJsonFunctions>;

/** Whether this is a number with exact digits: a leaf that must be passed on by reference (a spread would lose it). */
export function isExactNumber(value: unknown): value is { readonly rawJSON: string } {
  return json.isRawJSON?.(value) ?? false;
}
