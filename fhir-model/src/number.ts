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

/** JSON.parse that keeps the digits of numbers a double would write otherwise. */
export function parseExact(text: string): unknown {
  const revive = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value) && json.rawJSON
      ? json.rawJSON(context.source)
      : value;
  return JSON.parse(text, revive as (name: string, value: unknown) => unknown);
}
