// A door per policy and a resolved person, for tests.
import { createHmac } from 'node:crypto';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { aboutOf, compileDoor, type Door, type PolicyName, type Pseudonymize, policy, type Resolved, type Resource } from '../src/index.ts';

const doors = new Map<PolicyName, Door>();

export function door(name: PolicyName = 'date-shift'): Door {
  const known = doors.get(name);
  if (known) return known;
  const made = compileDoor(loadDefinitions(), policy(name));
  doors.set(name, made);
  return made;
}

export function pseudonyms(key: string): Pseudonymize {
  return (type, system, value) => createHmac('sha256', key).update(`${type}|${system}|${value}`).digest('hex').slice(0, 32);
}

export const names = ['Zephyrine', 'Quillfeather', 'Ostrowhisk'];
export const ownNames = aboutOf({ nameParts: names });
export const unowned: Resolved = { asOf: '2025-06-30', tenantPseudonym: pseudonyms('tenant') };
export const owned: Resolved = {
  ...unowned,
  person: { pseudonym: 'P-AAAABBBBCCCCDDDD', offsetDays: -70, facts: { nameParts: names }, pseudonymOf: pseudonyms('patient') },
};

/** Without the type check of fhirtypes: fixtures are also invalid on purpose. */
export function resource(fields: { resourceType: string; [name: string]: unknown }): Resource {
  return fields as unknown as Resource;
}

export type Fields = { [name: string]: unknown };

export function applied(
  fields: { resourceType: string; [name: string]: unknown },
  resolved = owned,
  name: PolicyName = 'date-shift',
): Fields {
  const { meta: _meta, ...rest } = door(name).apply(resource(fields), resolved).resource as unknown as Fields;
  return rest;
}
