// IG data type maps CWE[CodeableConcept], CE[CodeableConcept], CNE[CodeableConcept], IS and ID
import { part, type Repetition } from '../message/segment.ts';
import type { CodeableConcept, Coding } from '../resource-types.ts';
import { codingSystemUri } from '../tables/coding-systems.ts';
import { element, present } from './element.ts';

/** Where code, display, system and version of a CWE's three codings stand. */
const codingParts = [
  [1, 2, 3, 7],
  [4, 5, 6, 8],
  [10, 11, 12, 13],
] as const;

/** https://hl7.org/fhir/R4/datatypes.html#code: no outer and no doubled white space. */
export function codeText(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

function coding(
  cwe: Repetition,
  [code, display, system, version]: readonly [number, number, number, number],
  defaultSystem?: string,
): Coding | undefined {
  if (part(cwe, code) === '') return undefined;
  return element<Coding>({
    system: codingSystemUri(part(cwe, system)) ?? (part(cwe, system) === '' ? defaultSystem : undefined),
    version: part(cwe, version),
    code: codeText(part(cwe, code)),
    display: part(cwe, display),
  });
}

/** CWE[CodeableConcept]; the text is CWE.9, else what is said without a code. `defaultSystem` is the table bound to the field. */
export function cweConcept(cwe: Repetition | undefined, defaultSystem?: string): CodeableConcept | undefined {
  if (!cwe) return undefined;
  const uncoded = part(cwe, 1) === '' ? part(cwe, 2) : '';
  return element<CodeableConcept>({
    coding: present(codingParts.map((parts, index) => coding(cwe, parts, index === 0 ? defaultSystem : undefined))),
    text: part(cwe, 9) || uncoded,
  });
}

/** A concept for a required element of which the message says nothing. */
export const unknownConcept: CodeableConcept = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
};
