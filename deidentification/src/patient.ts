// https://hl7.org/fhir/R4/patient.html — the one type with rules over more than one element: the pseudonym and ages over 89.
import { type Context, isObject, type Json } from './context.ts';
import { ageYears, yearOf } from './dates.ts';
import { ageLowerBound, pseudonymSystem } from './rules/extensions.ts';

/** A Patient has exactly one identifier: its pseudonym. */
function pseudonymIdentifier(pseudonym: string): Json {
  return { system: pseudonymSystem, value: pseudonym };
}

/** Over 89 at asOf, or at death: only "90 or more" stays (DECISIONS 3). */
function boundBirthDate(out: Json, context: Context): void {
  const birthDate = out['birthDate'];
  const death = out['deceasedDateTime'];
  const at = typeof death === 'string' ? death : context.resolved.asOf;
  if (typeof birthDate !== 'string' || ageYears(birthDate, at) <= 89) return;
  out['birthDate'] = String(Number(yearOf(at)) - 90).padStart(4, '0');
  out['_birthDate'] = { extension: [{ url: ageLowerBound, valueUnsignedInt: 90 }] };
}

const whoContactIs = ['name', 'telecom', 'address', 'organization'];

/** pat-1: a contact that has lost who it is says nothing. */
function dropEmptyContacts(out: Json): void {
  if (!Array.isArray(out['contact'])) return;
  const kept = out['contact'].filter((contact) => isObject(contact) && whoContactIs.some((name) => contact[name] !== undefined));
  if (kept.length > 0) out['contact'] = kept;
  else delete out['contact'];
}

export function finishPatient(out: Json, context: Context): void {
  const pseudonym = context.patientPseudonym();
  if (context.transforms) {
    if (pseudonym === undefined) delete out['identifier'];
    else out['identifier'] = [pseudonymIdentifier(pseudonym)];
    boundBirthDate(out, context);
    dropEmptyContacts(out);
    return;
  }
  const given = out['identifier'];
  const only = Array.isArray(given) && given.length === 1 ? given[0] : undefined;
  if (!isObject(only) || only['system'] !== pseudonymSystem || only['value'] !== pseudonym || Object.keys(only).length !== 2) {
    context.path.push('identifier');
    context.refuse('A patient has exactly one identifier on this server: its pseudonym.');
  }
}
