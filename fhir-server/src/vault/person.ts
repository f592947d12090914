// A person of the vault, as sealed in its row and as the pipeline sees it.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { PersonFacts } from '@limen/deidentification';
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
  /** 256 bits; all other pseudonyms of the patient are computed with it. */
  readonly secret: Buffer;
  /** Made by this call. */
  readonly isNew: boolean;
}

/** A row of vault.person, opened. */
export interface VaultPerson extends Person {
  readonly version: number;
}

interface Sealed {
  readonly offsetDays: number;
  readonly secret: string;
  readonly facts: PersonFacts;
}

/** Limits of a record that grows by merging; what came first stays. */
const maximumEach = 200;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function randomPseudonym(): string {
  return `P-${[...randomBytes(16)].map((byte) => base32[byte & 31]).join('')}`;
}

export function newPerson(facts: PersonFacts): VaultPerson {
  return {
    personId: randomUUID(),
    patientId: randomUUID(),
    pseudonym: randomPseudonym(),
    offsetDays: -7 * randomInt(1, 53),
    secret: randomBytes(32),
    isNew: true,
    version: 1,
    facts: mergeFacts({ identifiers: [], nameParts: [], addressLines: [], telecom: [] }, facts),
  };
}

const place = (tenant: number, personId: string): string => `${tenant}|${personId}`;

export function sealPerson(key: Buffer, tenant: number, person: VaultPerson): Buffer {
  const content: Sealed = { offsetDays: person.offsetDays, secret: person.secret.toString('base64'), facts: person.facts };
  return seal(key, JSON.stringify(content), place(tenant, person.personId));
}

export interface PersonRow {
  readonly person_id: string;
  readonly patient_id: string;
  readonly pseudonym: string;
  readonly version: number;
  readonly sealed: Buffer;
}

export function openPerson(key: Buffer, tenant: number, row: PersonRow): VaultPerson {
  const { offsetDays, secret, facts } = JSON.parse(unseal(key, row.sealed, place(tenant, row.person_id))) as Sealed;
  return {
    personId: row.person_id,
    patientId: row.patient_id,
    pseudonym: row.pseudonym,
    offsetDays,
    secret: Buffer.from(secret, 'base64'),
    isNew: false,
    version: row.version,
    facts,
  };
}

function union<T>(old: readonly T[], more: readonly T[], keyOf: (item: T) => string): T[] {
  const known = new Map(old.map((item) => [keyOf(item), item]));
  for (const item of more) if (!known.has(keyOf(item)) && known.size < maximumEach) known.set(keyOf(item), item);
  return [...known.values()];
}

const same = (text: string): string => text;

/** Old facts stay: an earlier name must still be found in later texts. The newest birth date counts. */
export function mergeFacts(old: PersonFacts, more: PersonFacts): PersonFacts {
  const birthDate = more.birthDate ?? old.birthDate;
  return {
    identifiers: union(old.identifiers, more.identifiers, (i) => `${i.system}\u0000${i.value}`),
    nameParts: union(old.nameParts, more.nameParts, same),
    ...(birthDate === undefined ? {} : { birthDate }),
    addressLines: union(old.addressLines, more.addressLines, same),
    telecom: union(old.telecom, more.telecom, same),
  };
}

export function sameFacts(a: PersonFacts, b: PersonFacts): boolean {
  return (
    a.identifiers.length === b.identifiers.length &&
    a.nameParts.length === b.nameParts.length &&
    a.addressLines.length === b.addressLines.length &&
    a.telecom.length === b.telecom.length &&
    a.birthDate === b.birthDate
  );
}
