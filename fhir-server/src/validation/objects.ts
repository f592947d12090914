// https://hl7.org/fhir/R4/json.html — one object of a type: which properties it may and must have, and that it is not empty.
import type { Cursor } from './cursor.ts';
import { type Check, isObject, type JsonObject, type PropertyCheck } from './elements.ts';

export interface Property {
  readonly check: PropertyCheck;
  /** Bit of an element that is required or a choice; 0 for the others. */
  readonly bit: number;
  /** For a choice: the property with the value, the same for `valueCode` and `_valueCode`. */
  readonly choice?: string;
  /** Whether it makes the object non-empty (ele-1: `id` does not). */
  readonly content: boolean;
}

export interface ObjectType {
  readonly properties: ReadonlyMap<string, Property>;
  readonly required: number;
  /** Element names by bit: `status`, `value`. */
  readonly bitNames: readonly string[];
  /** Rules of the type that no single property can check. */
  readonly also: ((value: JsonObject, cursor: Cursor) => void) | undefined;
}

const elementName = /^_?[A-Za-z]{1,64}$/;

/** The name is spelled only when it can be an element's: a key is input too. */
function reportUnknown(key: string, cursor: Cursor): void {
  cursor.report('structure', 'The element is unknown here.', elementName.test(key) ? key : undefined);
}

function reportMissing(missing: number, type: ObjectType, cursor: Cursor): void {
  for (let i = 0; i < type.bitNames.length; i++) {
    if (missing & (1 << i)) cursor.report('required', 'The element is required.', type.bitNames[i]);
  }
}

function isOtherChoice(value: JsonObject, type: ObjectType, property: Property): boolean {
  return Object.keys(value).some((key) => {
    const other = type.properties.get(key);
    return other !== undefined && other.bit === property.bit && other.choice !== property.choice && value[key] !== undefined;
  });
}

function checkChoice(value: JsonObject, type: ObjectType, property: Property, bit: number, cursor: Cursor): void {
  if (property.choice === undefined || !isOtherChoice(value, type, property)) return;
  cursor.report('structure', 'Only one type of a choice may be given.', type.bitNames[31 - Math.clz32(bit)]);
}

function checkProperties(value: JsonObject, type: ObjectType, cursor: Cursor): void {
  let seen = 0;
  let content = false;
  for (const key in value) {
    const given = value[key];
    if (given === undefined) continue;
    const property = type.properties.get(key);
    if (property === undefined) {
      reportUnknown(key, cursor);
      continue;
    }
    if (seen & property.bit) checkChoice(value, type, property, property.bit, cursor);
    seen |= property.bit;
    content ||= property.content;
    property.check(given, value, cursor);
  }
  if (!content) cursor.report('structure', 'An object must not be empty.');
  if ((seen & type.required) !== type.required) reportMissing(type.required & ~seen, type, cursor);
  if (type.also !== undefined) type.also(value, cursor);
}

/** The check of an object of the type; the type is asked for at its first use, because types refer to each other. */
export function objectCheck(type: () => ObjectType): Check {
  let compiled: ObjectType | undefined;
  return (value, cursor, label, index) => {
    compiled ??= type();
    if (Array.isArray(value)) cursor.report('structure', 'The element does not repeat: it must not be an array.', label, index);
    else if (!isObject(value)) cursor.report('structure', 'The element must be an object.', label, index);
    else if (cursor.enter(label, index)) {
      checkProperties(value, compiled, cursor);
      cursor.leave();
    }
  };
}
