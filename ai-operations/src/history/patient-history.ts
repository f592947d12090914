// FHIR R4 resources of one patient -> the plain facts that analyses read. Only clinical dates; nothing identifying is taken along.
import type { Patient, Resource } from '@limen/fhir-model';
import type { Code, ConditionFact, EncounterFact, MedicationFact, ObservationFact, PatientHistory } from '../analyses/patient-history.ts';
import type { CodeableConcept, ResourceOf } from '../resource-of.ts';

type Observation = ResourceOf<'Observation'>;
type Component = NonNullable<Observation['component']>[number];

const notHappened: ReadonlySet<string> = new Set(['planned', 'cancelled', 'entered-in-error']);
const refutedConditions: ReadonlySet<string> = new Set(['refuted', 'entered-in-error']);
const finalObservations: ReadonlySet<string> = new Set(['final', 'amended', 'corrected', 'preliminary']);

function codesOf(concept: CodeableConcept | undefined): Code[] {
  return (concept?.coding ?? []).flatMap(({ system, code, display }) =>
    system && code ? [{ system, code, ...(display ? { display } : {}) }] : [],
  );
}

function referenceTo(resource: Resource): { reference?: string } {
  return resource.id ? { reference: `${resource.resourceType}/${resource.id}` } : {};
}

function encounterFacts(encounter: ResourceOf<'Encounter'>): EncounterFact[] {
  const date = encounter.period?.start ?? encounter.period?.end;
  if (!date || notHappened.has(encounter.status)) return [];
  return [{ date, class: encounter.class?.code ?? '', ...referenceTo(encounter) }];
}

function conditionFacts(condition: ResourceOf<'Condition'>): ConditionFact[] {
  const date = condition.recordedDate ?? condition.onsetDateTime ?? condition.onsetPeriod?.start;
  if (!date || condition.verificationStatus?.coding?.some((c) => refutedConditions.has(c.code ?? ''))) return [];
  const end = condition.abatementDateTime ?? condition.abatementPeriod?.end;
  return [{ date, codes: codesOf(condition.code), ...(end ? { end } : {}), ...referenceTo(condition) }];
}

function medicationFacts(request: ResourceOf<'MedicationRequest'>): MedicationFact[] {
  if (!request.authoredOn || request.status === 'entered-in-error' || request.status === 'draft' || request.status === 'cancelled')
    return [];
  return [{ date: request.authoredOn, codes: codesOf(request.medicationCodeableConcept), ...referenceTo(request) }];
}

function quantity(value: Observation['valueQuantity']): { value?: number; unit?: string } {
  if (typeof value?.value !== 'number' || value.comparator) return {};
  return { value: value.value, ...((value.code ?? value.unit) ? { unit: value.code ?? value.unit ?? '' } : {}) };
}

function observationFacts(observation: Observation): ObservationFact[] {
  const date = observation.effectiveDateTime ?? observation.effectivePeriod?.start ?? observation.effectiveInstant;
  if (!date || !finalObservations.has(observation.status)) return [];
  const parts: (Observation | Component)[] = [observation, ...(observation.component ?? [])];
  return parts.flatMap((part) =>
    codesOf(part.code).map((code) => ({
      date,
      code,
      ...quantity(part.valueQuantity),
      ...(part.valueCodeableConcept ? { valueCodes: codesOf(part.valueCodeableConcept) } : {}),
      ...referenceTo(observation),
    })),
  );
}

/** Facts of one patient from any mix of resources; types that no analysis reads (Claim, CarePlan, ...) are passed over. */
export function patientHistory(patient: Patient, resources: readonly Resource[]): PatientHistory {
  const facts = {
    encounters: [] as EncounterFact[],
    conditions: [] as ConditionFact[],
    medications: [] as MedicationFact[],
    observations: [] as ObservationFact[],
  };
  for (const resource of resources) {
    if (resource.resourceType === 'Encounter') facts.encounters.push(...encounterFacts(resource));
    else if (resource.resourceType === 'Condition') facts.conditions.push(...conditionFacts(resource));
    else if (resource.resourceType === 'MedicationRequest') facts.medications.push(...medicationFacts(resource));
    else if (resource.resourceType === 'Observation') facts.observations.push(...observationFacts(resource));
  }
  return {
    ...(patient.birthDate ? { birthDate: patient.birthDate } : {}),
    ...(patient.gender ? { gender: patient.gender } : {}),
    ...(patient.deceasedDateTime ? { deceasedDate: patient.deceasedDateTime } : {}),
    ...facts,
  };
}
