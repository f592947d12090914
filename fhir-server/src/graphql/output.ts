// https://hl7.org/fhir/R4/graphql.html#flattening — the object of an answer, into which flattened elements put their fields too.
import { queryFault } from './fault.ts';

export type Json = { [name: string]: unknown };

/** How the values of a field stand in the answer. */
export type Shape = 'one' | 'list' | 'singleton';

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** One field selected twice gives what both select. */
function merged(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second) && first.length === second.length)
    return first.map((each, i) => merged(each, second[i]));
  if (!isObject(first) || !isObject(second)) {
    if (JSON.stringify(first) === JSON.stringify(second)) return first;
    throw queryFault('Two fields of the query have one name in the answer.');
  }
  const out: Json = { ...first };
  for (const [name, value] of Object.entries(second)) out[name] = Object.hasOwn(out, name) ? merged(out[name], value) : value;
  return out;
}

export class Output {
  private readonly fields = new Map<string, unknown>();

  /**
   * Adds a field.
   * @param isFlattened the fields of several elements meet here: each gives its part of the list
   */
  add(name: string, values: readonly unknown[], shape: Shape, isFlattened: boolean): void {
    if (values.length === 0) return;
    const known = this.fields.get(name);
    if (shape === 'list') {
      const list = [...values];
      this.fields.set(name, known === undefined ? list : isFlattened ? [...(known as unknown[]), ...list] : merged(known, list));
      return;
    }
    if (values.length > 1 || (isFlattened && known !== undefined))
      throw queryFault(
        shape === 'singleton'
          ? '@singleton stands where there are several values.'
          : 'Several values meet in one field: flatten with a list.',
      );
    this.fields.set(name, known === undefined ? values[0] : merged(known, values[0]));
  }

  /** A field that could not be answered. */
  none(name: string): void {
    this.fields.set(name, null);
  }

  json(): Json {
    return Object.fromEntries(this.fields);
  }
}
