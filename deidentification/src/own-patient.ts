// DECISIONS 12: whose a resource is, and what the vault has to know of a Patient.
import { eachReference, parseReference } from '@limen/fhir-model';
import { isObject, type Json } from './context.ts';
import type { Needs, PersonFacts, Resource } from './contract.ts';
import { nameWords, ownNames } from './name-words.ts';

const ownElements = ['patient', 'subject', 'beneficiary'];
/** State and country stay in the resource, so they may stay in texts. */
const addressParts = ['line', 'text', 'city', 'district', 'postalCode'];
const mothersMaidenName = 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName';

/** "Patient/x", "urn:uuid:..." or "Patient?identifier=..."; a logical reference becomes the last form. */
function patientOf(reference: unknown): string | undefined {
  if (!isObject(reference)) return undefined;
  const literal = reference['reference'];
  if (typeof literal === 'string') {
    const parsed = parseReference(literal);
    if (parsed) return parsed.type === 'Patient' ? `Patient/${parsed.id}` : undefined;
    return literal.startsWith('urn:uuid:') || literal.startsWith('Patient?') ? literal : undefined;
  }
  const identifier = reference['identifier'];
  if (!isObject(identifier) || typeof identifier['value'] !== 'string') return undefined;
  if (reference['type'] !== undefined && reference['type'] !== 'Patient') return undefined;
  const system = typeof identifier['system'] === 'string' ? identifier['system'] : '';
  return `Patient?identifier=${encodeURIComponent(`${system}|${identifier['value']}`)}`;
}

/** The only patient that is referred to anywhere. */
function onlyPatient(resource: Resource): string | undefined {
  const found = new Set<string>();
  eachReference(resource, (literal, holder) => {
    const isPatient = literal.startsWith('Patient/') || literal.startsWith('Patient?') || (holder as { type?: string }).type === 'Patient';
    const patient = isPatient ? patientOf(holder) : undefined;
    if (patient) found.add(patient);
    return undefined;
  });
  return found.size === 1 ? [...found][0] : undefined;
}

function strings(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string' && item.length > 0);
}

function objects(value: unknown): Json[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

function personFacts(patient: Json): PersonFacts {
  const identifiers = objects(patient['identifier']).flatMap(({ system, value, use }) =>
    typeof system === 'string' && typeof value === 'string' && use !== 'old' && use !== 'temp' ? [{ system, value }] : [],
  );
  const maiden = objects(patient['extension']).filter((e) => e['url'] === mothersMaidenName);
  const contacts = objects(patient['contact']).flatMap((c) => ownNames({ name: objects(c['name']) } as unknown as Resource));
  const birthDate = patient['birthDate'];
  const names = [
    ...ownNames(patient as unknown as Resource),
    ...contacts,
    ...maiden.flatMap((e) => strings(e['valueString']).flatMap(nameWords)),
  ];
  return {
    identifiers,
    nameParts: [...new Set(names)],
    ...(typeof birthDate === 'string' ? { birthDate } : {}),
    addressLines: [...new Set(objects(patient['address']).flatMap((a) => addressParts.flatMap((part) => strings(a[part]))))],
    telecom: objects(patient['telecom']).flatMap((t) => strings(t['value'])),
  };
}

/** Pure: what has to be known before the resource can pass the door. */
export function collect(resource: Resource): Needs {
  const fields = resource as unknown as Json;
  if (resource.resourceType === 'Patient') return { person: personFacts(fields) };
  for (const element of ownElements) {
    const value = fields[element];
    if (!isObject(value)) continue;
    const ownPatient = patientOf(value);
    if (ownPatient) return { ownPatient };
  }
  const ownPatient = onlyPatient(resource);
  return ownPatient ? { ownPatient } : {};
}
