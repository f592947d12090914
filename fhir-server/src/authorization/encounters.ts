// Encounters that a launch can be bound to: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
import { type Encounter, type FhirClient, searchAll } from '@limen/fhir-model';
import type { EncounterSummary } from './pages.ts';

const maximum = 50;

function day(date: string | undefined): string {
  return date?.slice(0, 10) ?? '';
}

function summary(encounter: Encounter & { readonly id: string }): EncounterSummary {
  const { class: kind, period, status } = encounter;
  return { id: encounter.id, kind: kind.display ?? kind.code ?? 'unknown', start: day(period?.start), end: day(period?.end), status };
}

/** The newest encounters of the patient, as this caller may see them. */
export async function encountersOf(client: FhirClient, patientId: string): Promise<EncounterSummary[]> {
  const found = await searchAll<Encounter>(client, `Encounter?patient=${patientId}&_sort=-date&_count=${maximum}`, maximum);
  return found.flatMap((encounter) => (encounter.id === undefined ? [] : [summary({ ...encounter, id: encounter.id })]));
}
