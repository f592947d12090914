// https://hl7.org/fhir/R4/json.html — how the JSON form of one element is checked: alone, repeating, primitive and its `_` partner.
import { type Cursor, single } from './cursor.ts';
import type { PrimitiveCheck } from './primitives.ts';

/** Checks one value that stands at `label` (and `index`) under the cursor. */
export type Check = (value: unknown, cursor: Cursor, label: string, index: number) => void;
/** Checks one property; `holder` is the object that it belongs to. */
export type PropertyCheck = (value: unknown, holder: JsonObject, cursor: Cursor) => void;

export interface JsonObject {
  readonly [key: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An array with something in it and not more than `max`; otherwise the fault is reported. */
function isArray(value: unknown, max: number | null, cursor: Cursor, label: string): value is readonly unknown[] {
  if (!Array.isArray(value)) cursor.report('structure', 'The element repeats: it must be an array.', label);
  else if (value.length === 0) cursor.report('structure', 'An array must not be empty.', label);
  else if (max !== null && value.length > max) cursor.report('structure', 'The element has too many repetitions.', label);
  else return true;
  return false;
}

/** A complex element, max 1. */
export function one(label: string, check: Check): PropertyCheck {
  return (value, _holder, cursor) => check(value, cursor, label, single);
}

/** A complex element that repeats. */
export function many(label: string, max: number | null, check: Check): PropertyCheck {
  return (value, _holder, cursor) => {
    if (!isArray(value, max, cursor, label)) return;
    for (let i = 0; i < value.length && !cursor.full; i++) check(value[i], cursor, label, i);
  };
}

/** What is wrong with a primitive value; JSON shape first, then the type's own rules. */
function reportPrimitive(value: unknown, codes: ReadonlySet<string> | undefined, cursor: Cursor, label: string, index: number): void {
  if (value === null)
    cursor.report('structure', 'null stands only in an array of primitives, where its extension has content.', label, index);
  else if (Array.isArray(value)) cursor.report('structure', 'The element does not repeat: it must not be an array.', label, index);
  else if (value === '') cursor.report('value', 'A string must not be empty.', label, index);
  else if (codes && typeof value === 'string') cursor.report('code-invalid', 'The code is not in the required value set.', label, index);
  else cursor.report('value', 'The value is not a valid one of its type.', label, index);
}

/** A primitive, max 1. With `codes`, membership is the whole check. */
export function onePrimitive(label: string, check: PrimitiveCheck, codes: ReadonlySet<string> | undefined): PropertyCheck {
  return (value, _holder, cursor) => {
    if (!check(value)) reportPrimitive(value, codes, cursor, label, single);
  };
}

/** A primitive that repeats; `partner` is the property with its extensions. */
export function manyPrimitives(
  label: string,
  max: number | null,
  check: PrimitiveCheck,
  codes: ReadonlySet<string> | undefined,
  partner: string,
): PropertyCheck {
  return (value, holder, cursor) => {
    if (!isArray(value, max, cursor, label)) return;
    const extensions = holder[partner];
    for (let i = 0; i < value.length && !cursor.full; i++) {
      if (check(value[i])) continue;
      const carried = value[i] === null && Array.isArray(extensions) && isObject(extensions[i]);
      if (!carried) reportPrimitive(value[i], codes, cursor, label, i);
    }
  };
}

/** `id` and `extension` of a primitive. Without a value only an extension is content (ele-1). */
function checkPartner(extension: unknown, hasValue: boolean, element: Check, cursor: Cursor, label: string, index: number): void {
  element(extension, cursor, label, index);
  if (!hasValue && isObject(extension) && extension['id'] !== undefined && extension['extension'] === undefined) {
    cursor.report('structure', 'The element has neither a value nor an extension.', label, index);
  }
}

/** The `_` property of a primitive, max 1; `key` is the property with the value. */
export function onePartner(label: string, key: string, element: Check): PropertyCheck {
  return (value, holder, cursor) => checkPartner(value, holder[key] !== undefined, element, cursor, label, single);
}

/** The `_` property of a primitive that repeats: aligned with the values, null where there is nothing to add. */
export function manyPartners(label: string, max: number | null, key: string, element: Check): PropertyCheck {
  return (value, holder, cursor) => {
    if (!isArray(value, max, cursor, label)) return;
    const values = holder[key];
    if (Array.isArray(values) && values.length !== value.length) {
      cursor.report('structure', 'The array of extensions must be as long as the array of values.', label);
      return;
    }
    for (let i = 0; i < value.length && !cursor.full; i++) {
      const hasValue = Array.isArray(values) && values[i] !== null;
      if (value[i] !== null) checkPartner(value[i], hasValue, element, cursor, label, i);
      // Where there are values, their own check reports the null.
      else if (!Array.isArray(values)) cursor.report('structure', 'The element has neither a value nor an extension.', label, i);
    }
  };
}
