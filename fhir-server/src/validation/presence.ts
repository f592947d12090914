// https://hl7.org/fhir/R4/json.html — the questions that invariants ask of one object: is an element there, how often, with which code.
import { isObject, type JsonObject } from './elements.ts';

const capital = /[A-Z]/;

/** FHIRPath's `exists()`: a value, or a primitive that has only extensions. */
export function has(holder: JsonObject, name: string): boolean {
  return holder[name] !== undefined || holder[`_${name}`] !== undefined;
}

/** `exists()` of a choice, whichever type it has. */
export function hasChoice(holder: JsonObject, name: string): boolean {
  for (const key in holder) {
    const at = key.charCodeAt(0) === 0x5f ? 1 : 0;
    if (key.startsWith(name, at) && capital.test(key.charAt(at + name.length))) return true;
  }
  return false;
}

/** `count()`. */
export function count(holder: JsonObject, name: string): number {
  const size = (value: unknown): number => (value === undefined ? 0 : Array.isArray(value) ? value.length : 1);
  return Math.max(size(holder[name]), size(holder[`_${name}`]));
}

/** The objects of an element, none for what is not there or no object. */
export function objectsOf(holder: JsonObject, name: string): readonly JsonObject[] {
  const value = holder[name];
  if (Array.isArray(value)) return value.filter(isObject);
  return isObject(value) ? [value] : [];
}

/** Whether a CodeableConcept has one of the codes of the system. */
export function hasCode(holder: JsonObject, name: string, system: string, codes: readonly string[]): boolean {
  return objectsOf(holder, name).some((concept) =>
    objectsOf(concept, 'coding').some((coding) => coding['system'] === system && codes.includes(coding['code'] as string)),
  );
}

/** `isDistinct()` of what is there. */
export function areDistinct(values: readonly unknown[]): boolean {
  const there = values.filter((value) => value !== undefined);
  return new Set(there).size === there.length;
}

/**
 * Whether a date or dateTime lies surely before another: `2020` is not before `2020-05`. FHIRPath has no answer where precisions differ, and a
 * date that was made coarser must not become a fault.
 */
export function isBefore(date: unknown, other: unknown): boolean {
  if (typeof date !== 'string' || typeof other !== 'string' || date === other) return false;
  const length = Math.min(date.length, other.length, 10);
  if (date.length <= 10 || other.length <= 10) return date.slice(0, length) < other.slice(0, length);
  return Date.parse(date) < Date.parse(other);
}
