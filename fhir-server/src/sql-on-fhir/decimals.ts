// https://hl7.org/fhir/R4/datatypes.html#decimal — "1.0" is more precise than "1": what JavaScript's numbers forget of a resource is kept beside it.
const written = new WeakMap<object, Map<string, string>>();

/** JSON whose decimals can be asked for their digits afterwards; slower than JSON.parse. */
export function parseKeepingDecimals(text: string): unknown {
  return JSON.parse(text, function (this: object, key: string, value: unknown, context?: { source?: string }) {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined || source === String(value)) return value;
    const known = written.get(this) ?? new Map<string, string>();
    written.set(this, known.set(key, source));
    return value;
  });
}

/** The decimal as it was written in the resource; undefined when its number says the same, or FHIRPath has no such literal. */
export function decimalText(holder: unknown, name: string): string | undefined {
  if (typeof holder !== 'object' || holder === null) return undefined;
  const known = written.get(holder);
  const text = known?.get(name) ?? known?.get(`${name}Decimal`);
  return text !== undefined && /^-?\d+(?:\.\d+)?$/.test(text) ? text : undefined;
}
