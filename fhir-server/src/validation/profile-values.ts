// https://hl7.org/fhir/R4/elementdefinition.html — what a profile can ask of one value: fixed, pattern, codes, targets of references.
import { isDeepStrictEqual } from 'node:util';
import { parseReference } from '@limen/fhir-model';
import { isObject, type JsonObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';
import type { CodeSet } from './value-sets.ts';

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

/** Whether a code, Coding or CodeableConcept (by at least one of its codings) is of the set. */
export function isInCodeSet(value: unknown, set: CodeSet): boolean {
  if (typeof value === 'string') return set.codes.has(value);
  if (!isObject(value)) return false;
  const { coding } = value;
  if (Array.isArray(coding)) return coding.some((each) => isInCodeSet(each, set));
  return set.codings.has(`${value['system']}|${value['code']}`);
}

function containedType(id: string, container: JsonObject): unknown {
  if (id === '') return container['resourceType'];
  const { contained } = container;
  const found = Array.isArray(contained) ? contained.find((each) => isObject(each) && each['id'] === id) : undefined;
  return isObject(found) ? found['resourceType'] : undefined;
}

/** The type that a Reference names; undefined where the text does not tell (urn:uuid, identifier only). */
function targetType(reference: JsonObject, container: JsonObject): unknown {
  const text = reference['reference'];
  if (typeof text !== 'string') return reference['type'];
  return text.startsWith('#') ? containedType(text.slice(1), container) : (parseReference(text)?.type ?? reference['type']);
}

/** Whether a Reference may lead where it leads; one whose type cannot be told may. */
export function isAllowedTarget(value: unknown, targets: ReadonlySet<string>, container: JsonObject): boolean {
  const type = isObject(value) ? targetType(value, container) : undefined;
  return typeof type !== 'string' || targets.has(type);
}
