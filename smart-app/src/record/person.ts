// What the head of the page says of the patient: pseudonym, age band, sex. Never an id.
import type { Patient } from '@limen/fhir-model';

const pseudonymSystem = 'https://limen.example/pseudonym';
const yearMs = 365.25 * 86_400_000;

export interface Person {
  readonly pseudonym: string;
  readonly age: string;
  readonly sex: string;
  readonly died: boolean;
}

function ageBand(patient: Patient, at: Date): string {
  const { birthDate } = patient;
  if (!birthDate) return 'age unknown';
  const years = Math.floor((at.getTime() - Date.parse(birthDate)) / yearMs);
  if (Number.isNaN(years) || years < 0) return 'age unknown';
  const decade = Math.floor(years / 10) * 10;
  return years >= 90 ? '90 years or older' : `${decade} to ${decade + 9} years`;
}

/** @param at the patient's last activity on the stored timeline: the clock on the wall stands on another one */
export function personOf(patient: Patient, at: Date): Person {
  return {
    pseudonym: patient.identifier?.find((identifier) => identifier.system === pseudonymSystem)?.value ?? 'no pseudonym',
    age: ageBand(patient, at),
    sex: patient.gender ?? 'sex unknown',
    died: patient.deceasedBoolean === true || patient.deceasedDateTime !== undefined,
  };
}
