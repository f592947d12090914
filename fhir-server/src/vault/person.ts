// A person of the vault, as sealed in its row and as the pipeline sees it.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { PersonFacts } from '@limen/deidentification';
import { type Demographics, mergeDemographics } from './demographics.ts';
import { type Keyring, newPatientKey, type PatientKey } from './keyring.ts';
import { seal, unseal } from './keys.ts';

export interface Person {
  readonly personId: string;
  /** Logical id of the person's one Patient. */
  readonly patientId: string;
  readonly pseudonym: string;
  /** Whole weeks into the past: -7 to -364. */
  readonly offsetDays: number;
  /** What must leave the texts of the person's resources. */
  readonly facts: PersonFacts;
  /** What the care view gives back; absent for persons that no Patient has come for since it is kept. */
  readonly demographics?: Demographics | undefined;
  /** 256 bits; all other pseudonyms of the patient are computed with it. */
  readonly secret: Buffer;
  /** Made by this call. */
  readonly isNew: boolean;
}

/** A row of vault.person, opened. */
export interface VaultPerson extends Person {
  readonly version: number;
  /** Seals the row. */
  readonly key: Buffer;
}

/** What is said of a person: to be found again in texts, and to be given back. */
export interface Said extends PersonFacts {
  readonly demographics?: Demographics | undefined;
}

interface Sealed {
  readonly offsetDays: number;
  readonly secret: string;
  readonly facts: PersonFacts;
  readonly demographics?: Demographics | undefined;
}

/** Limits of a record that grows by merging; what came first stays. */
const maximumEach = 200;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function randomPseudonym(): string {
  return `P-${[...randomBytes(16)].map((byte) => base32[byte & 31]).join('')}`;
}

export function newPerson(said: Said): VaultPerson {
  return {
    personId: randomUUID(),
    patientId: randomUUID(),
    pseudonym: randomPseudonym(),
    offsetDays: -7 * randomInt(1, 53),
    secret: randomBytes(32),
    isNew: true,
    version: 1,
    key: newPatientKey(),
    facts: mergeFacts({ identifiers: [], nameParts: [], addressLines: [], telecom: [] }, said),
    demographics: said.demographics,
  };
}

/** The person with what is said now. */
export function toldMore(person: VaultPerson, said: Said): VaultPerson {
  return { ...person, facts: mergeFacts(person.facts, said), demographics: mergeDemographics(person.demographics, said.demographics) };
}

export const placeOf = (tenant: number, personId: string): string => `${tenant}|${personId}`;

export function sealPerson(tenant: number, person: VaultPerson): Buffer {
  const { offsetDays, facts, demographics } = person;
  const content: Sealed = { offsetDays, secret: person.secret.toString('base64'), facts, demographics };
  return seal(person.key, JSON.stringify(content), placeOf(tenant, person.personId));
}

export interface PersonRow {
  readonly person_id: string;
  readonly patient_id: string;
  readonly pseudonym: string;
  readonly version: number;
  readonly sealed: Buffer;
  readonly key_id: string;
  readonly wrapped: Buffer;
}

const patientKeyOf = (row: PersonRow): PatientKey => ({ keyId: row.key_id, wrapped: row.wrapped });

/** The keyring knows the row's wrapping key. */
export function openPerson(keyring: Keyring, tenant: number, row: PersonRow): VaultPerson {
  return openWith(keyring.unwrap(patientKeyOf(row), placeOf(tenant, row.person_id)), tenant, row);
}

export function openWith(key: Buffer, tenant: number, row: Omit<PersonRow, 'key_id' | 'wrapped'>): VaultPerson {
  const { offsetDays, secret, facts, demographics } = JSON.parse(unseal(key, row.sealed, placeOf(tenant, row.person_id))) as Sealed;
  return {
    personId: row.person_id,
    patientId: row.patient_id,
    pseudonym: row.pseudonym,
    offsetDays,
    secret: Buffer.from(secret, 'base64'),
    isNew: false,
    version: row.version,
    key,
    facts,
    demographics,
  };
}

function union<T>(old: readonly T[], more: readonly T[], keyOf: (item: T) => string): T[] {
  const known = new Map(old.map((item) => [keyOf(item), item]));
  for (const item of more) if (!known.has(keyOf(item)) && known.size < maximumEach) known.set(keyOf(item), item);
  return [...known.values()];
}

const same = (text: string): string => text;

/** Old facts stay: an earlier name must still be found in later texts. The newest birth date counts. */
function mergeFacts(old: PersonFacts, more: PersonFacts): PersonFacts {
  const birthDate = more.birthDate ?? old.birthDate;
  return {
    identifiers: union(old.identifiers, more.identifiers, (i) => `${i.system}\u0000${i.value}`),
    nameParts: union(old.nameParts, more.nameParts, same),
    ...(birthDate === undefined ? {} : { birthDate }),
    addressLines: union(old.addressLines, more.addressLines, same),
    telecom: union(old.telecom, more.telecom, same),
  };
}

export function samePerson(a: VaultPerson, b: VaultPerson): boolean {
  return (
    a.facts.identifiers.length === b.facts.identifiers.length &&
    a.facts.nameParts.length === b.facts.nameParts.length &&
    a.facts.addressLines.length === b.facts.addressLines.length &&
    a.facts.telecom.length === b.facts.telecom.length &&
    a.facts.birthDate === b.facts.birthDate &&
    JSON.stringify(a.demographics) === JSON.stringify(b.demographics)
  );
}
