// https://hl7.org/fhir/R4/references.html#contained — a resource by its own type, alone, in a Bundle, in Parameters or contained.
import type { Cursor } from './cursor.ts';
import { type Check, isObject, type JsonObject } from './elements.ts';

/** The check of a resource type; undefined for an unknown one. */
export type ResourceChecks = (type: string) => Check | undefined;

function checkByType(checks: ResourceChecks, value: JsonObject, cursor: Cursor, label: string, index: number): void {
  const type = value['resourceType'];
  const check = typeof type === 'string' ? checks(type) : undefined;
  if (check) check(value, cursor, label, index);
  else cursor.report('structure', 'The resourceType is missing or no resource type of R4.', label, index);
}

/** A resource in a Bundle entry or a parameter: it owns its contained resources. */
export function ownResource(checks: ResourceChecks): Check {
  return (value, cursor, label, index) => {
    if (!isObject(value)) {
      cursor.report('structure', 'A resource must be an object.', label, index);
      return;
    }
    const { container, insideContained } = cursor;
    cursor.own(value, false);
    checkByType(checks, value, cursor, label, index);
    cursor.own(container, insideContained);
  };
}

/** A contained resource: it needs an id of its own and contains nothing itself (dom-2). */
export function containedResource(checks: ResourceChecks): Check {
  return (value, cursor, label, index) => {
    if (cursor.insideContained) {
      cursor.report('structure', 'A contained resource must not contain others.', label, index);
      return;
    }
    if (!isObject(value)) {
      cursor.report('structure', 'A resource must be an object.', label, index);
      return;
    }
    if (typeof value['id'] !== 'string') cursor.report('required', 'A contained resource needs an id.', label, index);
    else if (cursor.containedWithId(value['id']) !== value)
      cursor.report('value', 'Two contained resources have the same id.', label, index);
    cursor.insideContained = true;
    checkByType(checks, value, cursor, label, index);
    cursor.insideContained = false;
  };
}
