// DECISIONS 5: on the stored plane a date of something that has happened can't lie after the patient's stored "now": it would be a real date.
import { shiftDate } from '@limen/fhir-model';
import { isObject, type Json } from './context.ts';
import type { Resource } from './contract.ts';

/** Top-level elements that say when something happened. Planned things are not in the list. */
const happened: { readonly [type: string]: readonly string[] | undefined } = {
  AllergyIntolerance: ['recordedDate', 'lastOccurrence', 'onsetDateTime'],
  Condition: ['recordedDate', 'onsetDateTime', 'onsetPeriod'],
  DetectedIssue: ['identifiedDateTime'],
  DiagnosticReport: ['effectiveDateTime', 'effectivePeriod', 'issued'],
  Encounter: ['period'],
  Immunization: ['occurrenceDateTime', 'recorded'],
  MedicationAdministration: ['effectiveDateTime', 'effectivePeriod'],
  Observation: ['effectiveDateTime', 'effectivePeriod', 'effectiveInstant', 'issued'],
  Patient: ['birthDate', 'deceasedDateTime'],
  Procedure: ['performedDateTime', 'performedPeriod'],
  RiskAssessment: ['occurrenceDateTime'],
};
const notYet = new Set(['planned', 'preparation', 'not-done', 'registered', 'entered-in-error']);

function start(value: unknown): string | undefined {
  const date = isObject(value) ? value['start'] : value;
  return typeof date === 'string' ? date : undefined;
}

/** The element whose date lies more than a day after asOf, unless it is stored so already. */
export function futureElement(resource: Resource, asOf: string, stored: Resource | undefined): string | undefined {
  const fields = resource as unknown as Json;
  if (typeof fields['status'] === 'string' && notYet.has(fields['status'])) return undefined;
  const latest = shiftDate(asOf, 1);
  return happened[resource.resourceType]?.find((element) => {
    const date = start(fields[element]);
    if (date === undefined || date.slice(0, 10) <= latest.slice(0, date.length)) return false;
    return date !== start((stored as unknown as Json | undefined)?.[element]);
  });
}
