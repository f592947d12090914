// https://hl7.org/fhir/R4/references.html — the form and the target type of Reference.reference; existence is the store's to say.

import { type Cursor, single } from './cursor.ts';
import { type Check, isObject } from './elements.ts';

const literal = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const conditional = /^[A-Z][A-Za-z]+\?\S+$/;
const absolute = /^[a-z][a-z0-9+.-]*:\S+$/;

function checkTarget(type: unknown, targets: ReadonlySet<string>, known: ReadonlySet<string>, cursor: Cursor): void {
  if (typeof type !== 'string' || !known.has(type)) cursor.report('value', 'The reference names no resource type of R4.', 'reference');
  else if (targets.size > 0 && !targets.has(type)) cursor.report('value', 'The element must not refer to this resource type.', 'reference');
}

function checkContained(reference: string, targets: ReadonlySet<string>, known: ReadonlySet<string>, cursor: Cursor): void {
  // A contained resource refers to the one around it by a bare "#".
  if (reference === '#' && cursor.insideContained) return;
  const target = cursor.containedWithId(reference.slice(1));
  if (!target) cursor.report('value', 'The reference names no contained resource.', 'reference');
  else checkTarget(target.resourceType, targets, known, cursor);
}

function checkForm(reference: string, targets: ReadonlySet<string>, known: ReadonlySet<string>, cursor: Cursor): void {
  if (literal.test(reference)) checkTarget(reference.slice(0, reference.indexOf('/')), targets, known, cursor);
  else if (reference.startsWith('#')) checkContained(reference, targets, known, cursor);
  else if (conditional.test(reference)) checkTarget(reference.slice(0, reference.indexOf('?')), targets, known, cursor);
  else if (!absolute.test(reference))
    cursor.report('value', 'The reference is neither relative, absolute, contained nor conditional.', 'reference');
}

/**
 * A Reference: its structure by `structure`, then its target.
 * Literal, contained and conditional references must name an allowed type; of absolute ones (https:, urn:uuid:) the type can't be known.
 * @param targets allowed resource types; empty = any
 */
export function referenceCheck(structure: Check, targets: ReadonlySet<string>, known: ReadonlySet<string>): Check {
  return (value, cursor, label, index = single) => {
    structure(value, cursor, label, index);
    if (!isObject(value) || typeof value['reference'] !== 'string' || value['reference'] === '') return;
    if (!cursor.enter(label, index)) return;
    checkForm(value['reference'], targets, known, cursor);
    cursor.leave();
  };
}
