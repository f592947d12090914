// https://hl7.org/fhir/R4/patient.html — what the door takes away from a Patient and the care view gives back: kept only here, sealed.
import type { Resource } from '@limen/fhir-model';

type Patient = Extract<Resource, { resourceType: 'Patient' }>;

/** Elements of the Patient as its source wrote them. */
export type Demographics = Pick<Patient, 'identifier' | 'name' | 'telecom' | 'gender' | 'birthDate' | 'address' | 'contact'>;

const elements = ['identifier', 'name', 'telecom', 'gender', 'birthDate', 'address', 'contact'] as const;
/** Characters of one element; a longer one is cut to its first entries. */
const maximumText = 8000;

function bounded(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const kept = [...value];
  while (kept.length > 1 && JSON.stringify(kept).length > maximumText) kept.pop();
  return kept;
}

/** @returns undefined for what is no Patient or says nothing of these */
export function demographicsOf(resource: Resource): Demographics | undefined {
  if (resource.resourceType !== 'Patient') return undefined;
  const found = elements.flatMap((name) => (resource[name] === undefined ? [] : [[name, bounded(resource[name])]]));
  return found.length > 0 ? (Object.fromEntries(found) as Demographics) : undefined;
}

/** What is said now replaces what was said before, element by element; what is not said stays. */
export function mergeDemographics(old: Demographics | undefined, more: Demographics | undefined): Demographics | undefined {
  return old && more ? { ...old, ...more } : (more ?? old);
}
