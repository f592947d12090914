// https://hl7.org/fhir/R4/elementdefinition.html — what a profile can ask of one value: fixed, pattern, codes, targets of references.
import { isDeepStrictEqual } from 'node:util';
import { parseReference } from '@limen/fhir-model';
import { isObject, type JsonObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';
import type { Membership } from './value-sets.ts';

/** Whether the value has all that the pattern has; an array of the pattern asks for each of its items somewhere. */
export function matchesPattern(value: unknown, pattern: unknown): boolean {
  if (typeof pattern === 'number') return numberOf(value) === pattern;
  if (Array.isArray(pattern)) return Array.isArray(value) && pattern.every((item) => value.some((each) => matchesPattern(each, item)));
  if (!isObject(pattern)) return value === pattern;
  return isObject(value) && Object.entries(pattern).every(([key, part]) => matchesPattern(value[key], part));
}

/** Whether the value is exactly the fixed one. */
export function equalsFixed(value: unknown, fixed: unknown): boolean {
  return typeof fixed === 'number' ? numberOf(value) === fixed : isDeepStrictEqual(value, fixed);
}

/**
 * Whether a code, Coding, Quantity or CodeableConcept (by at least one of its codings) is a member; undefined where that can't be told.
 * A concept without any code is none.
 */
export function memberOf(value: unknown, member: Membership): boolean | undefined {
  if (typeof value === 'string') return member(undefined, value);
  if (!isObject(value)) return false;
  const { coding, system, code } = value;
  if (!Array.isArray(coding)) return typeof code === 'string' ? member(typeof system === 'string' ? system : '', code) : false;
  const answers = coding.map((each) => memberOf(each, member));
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

/** The contained resource that a reference leads to: `#` is the container itself. */
export function containedTarget(reference: unknown, container: JsonObject): JsonObject | undefined {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  if (reference === '#') return container;
  const { contained } = container;
  const found = Array.isArray(contained) ? contained.find((each) => isObject(each) && each['id'] === reference.slice(1)) : undefined;
  return isObject(found) ? found : undefined;
}

/** The type that a Reference names; undefined where the text does not tell (urn:uuid, identifier only). */
function targetType(reference: JsonObject, container: JsonObject): unknown {
  const text = reference['reference'];
  if (typeof text !== 'string') return reference['type'];
  return text.startsWith('#') ? containedTarget(text, container)?.['resourceType'] : (parseReference(text)?.type ?? reference['type']);
}

/** Whether a Reference may lead where it leads; one whose type cannot be told may. */
export function isAllowedTarget(value: unknown, targets: ReadonlySet<string>, container: JsonObject): boolean {
  const type = isObject(value) ? targetType(value, container) : undefined;
  return typeof type !== 'string' || targets.has(type);
}
