// https://hl7.org/fhir/R4/json.html: an element has no empty values, and an element without content does not exist.
type Sparse<T> = { [K in keyof T]: T[K] | undefined };

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

/** The element with only what has content; undefined when nothing has. */
export function element<T extends object>(parts: Sparse<T>): T | undefined {
  const entries = Object.entries(parts).filter(([, value]) => !isEmpty(value));
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}

/** The values that exist. */
export function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}
