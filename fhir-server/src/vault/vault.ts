// The crosswalk between people and pseudonyms (ARCHITECTURE section 5, DECISIONS 6): the only code that can re-identify.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Pool, PoolClient } from 'pg';
import { type Batch, type BlindIdentifier, type PersonRequest, planBatch } from './batch.ts';
import { PersonCache } from './cache.ts';
import type { Demographics } from './demographics.ts';
import type { Keyring } from './keyring.ts';
import { deriveKey, keyedHash } from './keys.ts';
import { blocksOf } from './match.ts';
import { normalisedSystem, normalisedValue } from './normalise.ts';
import { openPerson, type Person, type PersonRow, placeOf, sealPerson, type VaultPerson } from './person.ts';
import { Turns } from './turns.ts';

export interface Vault {
  /**
   * Finds or makes a person for each; new facts and identifiers are added to it. 409 `conflict` when identifiers lead to two persons, or to
   * another than the facts name by patient id.
   */
  resolvePersons(facts: readonly PersonRequest[]): Promise<Person[]>;
  /** Never makes a person. An empty system means any; then undefined when the value leads to several. */
  findByIdentifier(pairs: readonly { readonly system: string; readonly value: string }[]): Promise<(Person | undefined)[]>;
  /** By logical id of the Patient; ids of no patient are not in the answer. */
  findByPatientId(ids: readonly string[]): Promise<Map<string, Person>>;
  /** The person that a Patient was made for, also when it was merged into another since: its old versions lie on its own timeline. */
  findOriginal(patientId: string): Promise<Person | undefined>;
  /** Persons that may be the one described; at most `maximum`, undefined when there are more. */
  findAlike(demographics: Demographics, maximum: number): Promise<Person[] | undefined>;
  /** What other programs of the same vault may have changed is read again. */
  forget(patientIds: readonly string[]): void;
}

const pseudonymSystem = 'https://limen.example/pseudonym';
type Queryable = Pool | PoolClient;
/** In turn only a first attempt of somebody else can come between. */
const maximumAttempts = 20;
/** Few enough that the largest batch can lock them all. */
const turnCount = 512;
const turnSql = 'select pg_advisory_xact_lock($1, turn) from unnest($2::int4[]) as turn';
const outdated = '40001';

const personColumns = 'p.person_id, p.patient_id, p.pseudonym, p.version, p.sealed, k.key_id, k.wrapped';
const personTables = 'vault.person p join vault.patient_key k on k.tenant = p.tenant and k.person_id = p.person_id';
const byBlindSql = `select i.blind, ${personColumns} from vault.identifier i join (${personTables}) on p.tenant = i.tenant and p.person_id = i.person_id
  where i.tenant = $1 and i.blind = any($2)`;
const byValueSql = `select i.blind_value as blind, ${personColumns} from vault.identifier i join (${personTables}) on p.tenant = i.tenant and p.person_id = i.person_id
  where i.tenant = $1 and i.blind_value = any($2)`;
const byPatientSql = `select a.patient_id as asked, ${personColumns} from vault.person a
  join (${personTables}) on p.tenant = a.tenant and p.person_id = coalesce(a.merged_into, a.person_id)
  where a.tenant = $1 and a.patient_id = any($2)`;
const originalSql = `select ${personColumns} from ${personTables} where p.tenant = $1 and p.patient_id = $2`;
const alikeSql = `select ${personColumns} from ${personTables} where p.tenant = $1 and p.merged_into is null and p.person_id in (
  select person_id from vault.block where tenant = $1 and block = any($2)) limit $3`;
const writeSql = `select vault.write_persons(${Array.from({ length: 15 }, (_, i) => `$${i + 1}`).join(', ')})`;

class PostgresVault implements Vault {
  readonly #pool: Pool;
  readonly #tenant: number;
  readonly #blindKey: Buffer;
  readonly #keyring: Keyring;
  readonly #cache = new PersonCache(() => performance.now());
  readonly #turns = new Turns();

  constructor(pool: Pool, keyring: Keyring, tenant: number) {
    this.#pool = pool;
    this.#tenant = tenant;
    this.#keyring = keyring;
    this.#blindKey = deriveKey(keyring.root, 'blind-index', tenant);
  }

  async resolvePersons(facts: readonly PersonRequest[]): Promise<Person[]> {
    if (facts.length === 0) return [];
    const blinds = facts.map((one) => one.identifiers.map((i) => this.#blind(i.system, i.value)));
    const keys = [...blinds.flat().map((b) => b.blind), ...facts.flatMap((one) => one.patientId ?? [])];
    return this.#turns.run(keys, () => this.#resolve(facts, blinds));
  }

  async #resolve(facts: readonly PersonRequest[], blinds: readonly BlindIdentifier[][]): Promise<Person[]> {
    const first = await this.#attempt(this.#pool, facts, blinds);
    if (first) return this.#remember(first);
    // Somebody else writes the same persons: now in turn, so that each wait ends with a success.
    for (let attempt = 1; attempt <= maximumAttempts; attempt += 1) {
      const found = await this.#inTurn(facts, blinds);
      if (found) return this.#remember(found);
    }
    throw new OperationOutcomeError(409, { code: 'conflict', diagnostics: 'The same persons are being changed by others; try again.' });
  }

  /** Reads and writes; undefined when another writer was first. */
  async #attempt(on: Queryable, facts: readonly PersonRequest[], blinds: readonly BlindIdentifier[][]): Promise<Person[] | undefined> {
    const known = await this.#readBlinds(
      on,
      blinds.flat().map((b) => b.blind),
    );
    const named = await this.#readPatients(
      on,
      facts.flatMap((one) => one.patientId ?? []),
    );
    const batch = planBatch(facts, blinds, known, named, (person) => this.#blind(pseudonymSystem, person.pseudonym));
    if (!(await this.#write(on, batch))) return undefined;
    return batch.persons.map(publicPerson);
  }

  async #inTurn(facts: readonly PersonRequest[], blinds: readonly BlindIdentifier[][]): Promise<Person[] | undefined> {
    const named = facts.flatMap((one) => (one.patientId === undefined ? [] : [this.#blind('', one.patientId)]));
    const turns = new Set([...blinds.flat(), ...named].map((b) => Number.parseInt(b.blind.slice(0, 8), 16) % turnCount));
    const client = await this.#pool.connect();
    let found: Person[] | undefined;
    try {
      await client.query('begin');
      await client.query(turnSql, [this.#tenant, [...turns].sort((a, b) => a - b)]);
      found = await this.#attempt(client, facts, blinds);
      return found;
    } finally {
      try {
        await client.query(found ? 'commit' : 'rollback');
      } finally {
        client.release();
      }
    }
  }

  /** Only what is committed is remembered. */
  #remember(persons: Person[]): Person[] {
    for (const person of persons) this.#cache.set(person);
    return persons;
  }

  async findByIdentifier(pairs: readonly { readonly system: string; readonly value: string }[]): Promise<(Person | undefined)[]> {
    const blinds = pairs.map((pair) => this.#blind(pair.system, pair.value));
    const exact = blinds.flatMap((b, i) => (pairs[i]?.system ? [b.blind] : []));
    const anySystem = blinds.flatMap((b, i) => (pairs[i]?.system ? [] : [b.blindValue]));
    const [bySystem, byValue] = await Promise.all([this.#readBlinds(this.#pool, exact), this.#readValues(this.#pool, anySystem)]);
    return blinds.map((b, i) => {
      if (pairs[i]?.system) {
        const found = bySystem.get(b.blind);
        return found && publicPerson(found);
      }
      const found = byValue.get(b.blindValue) ?? [];
      const [only] = found;
      return only && found.every((p) => p.personId === only.personId) ? publicPerson(only) : undefined;
    });
  }

  async findByPatientId(ids: readonly string[]): Promise<Map<string, Person>> {
    const found = new Map<string, Person>();
    const missing: string[] = [];
    for (const id of new Set(ids)) {
      const cached = this.#cache.get(id);
      if (cached) found.set(id, cached);
      else missing.push(id);
    }
    for (const [asked, opened] of await this.#readPatients(this.#pool, missing)) {
      const person = publicPerson(opened);
      // Who was merged is not remembered: an undone merge counts at once.
      if (asked === person.patientId) this.#cache.set(person);
      found.set(asked, person);
    }
    return found;
  }

  async findOriginal(patientId: string): Promise<Person | undefined> {
    const { rows } = await this.#pool.query<PersonRow>({ name: 'vault-original', text: originalSql, values: [this.#tenant, patientId] });
    const [opened] = await this.#opened(rows);
    return opened && publicPerson(opened);
  }

  async findAlike(demographics: Demographics, maximum: number): Promise<Person[] | undefined> {
    const blocks = blocksOf(demographics).map((text) => this.#block(text));
    const values = [this.#tenant, blocks, maximum + 1];
    const { rows } = await this.#pool.query<PersonRow>({ name: 'vault-alike', text: alikeSql, values });
    return rows.length > maximum ? undefined : (await this.#opened(rows)).map(publicPerson);
  }

  forget(patientIds: readonly string[]): void {
    for (const id of patientIds) this.#cache.delete(id);
  }

  async #opened(rows: readonly PersonRow[]): Promise<VaultPerson[]> {
    await this.#keyring.know(rows.map((row) => row.key_id));
    return rows.map((row) => openPerson(this.#keyring, this.#tenant, row));
  }

  async #readPatients(on: Queryable, ids: readonly string[]): Promise<Map<string, VaultPerson>> {
    if (ids.length === 0) return new Map();
    const { rows } = await on.query<PersonRow & { asked: string }>({
      name: 'vault-patient',
      text: byPatientSql,
      values: [this.#tenant, ids],
    });
    const opened = await this.#opened(rows);
    return new Map(rows.flatMap(({ asked }, i) => (opened[i] ? [[asked, opened[i]] as const] : [])));
  }

  #block(text: string): Buffer {
    return keyedHash(this.#blindKey, 'block', String(this.#tenant), text);
  }

  #blind(system: string, value: string): BlindIdentifier {
    return { ...blindOf(this.#blindKey, this.#tenant, system, value), lookupOnly: system === pseudonymSystem };
  }

  async #rows(on: Queryable, name: string, text: string, hex: readonly string[]): Promise<{ blind: string; person: VaultPerson }[]> {
    if (hex.length === 0) return [];
    const bytes = [...new Set(hex)].map((h) => Buffer.from(h, 'hex'));
    const { rows } = await on.query<PersonRow & { blind: Buffer }>({ name, text, values: [this.#tenant, bytes] });
    await this.#keyring.know(rows.map((row) => row.key_id));
    const opened = new Map<string, VaultPerson>();
    return rows.map((row) => {
      const person = opened.get(row.person_id) ?? openPerson(this.#keyring, this.#tenant, row);
      opened.set(row.person_id, person);
      return { blind: row.blind.toString('hex'), person };
    });
  }

  async #readBlinds(on: Queryable, hex: readonly string[]): Promise<Map<string, VaultPerson>> {
    const rows = await this.#rows(on, 'vault-blind', byBlindSql, hex);
    return new Map(rows.map((row) => [row.blind, row.person]));
  }

  async #readValues(on: Queryable, hex: readonly string[]): Promise<Map<string, VaultPerson[]>> {
    const rows = await this.#rows(on, 'vault-value', byValueSql, hex);
    const found = new Map<string, VaultPerson[]>();
    for (const { blind, person } of rows) found.set(blind, [...(found.get(blind) ?? []), person]);
    return found;
  }

  /** False when another writer was first. */
  async #write(on: Queryable, { added, changed, identifiers }: Batch): Promise<boolean> {
    if (added.length === 0 && changed.length === 0 && identifiers.length === 0) return true;
    const sealed = (person: VaultPerson): Buffer => sealPerson(this.#tenant, person);
    const keys = added.map((person) => this.#keyring.wrap(person.key, placeOf(this.#tenant, person.personId)));
    const blocks = [...added, ...changed].flatMap(({ personId, demographics }) =>
      (demographics ? blocksOf(demographics) : []).map((text) => ({ block: this.#block(text), personId })),
    );
    const values = [
      this.#tenant,
      added.map((p) => p.personId),
      added.map((p) => p.patientId),
      added.map((p) => p.pseudonym),
      added.map(sealed),
      keys.map((key) => key.keyId),
      keys.map((key) => key.wrapped),
      changed.map((p) => p.personId),
      changed.map((p) => p.version),
      changed.map(sealed),
      identifiers.map((i) => Buffer.from(i.identifier.blind, 'hex')),
      identifiers.map((i) => Buffer.from(i.identifier.blindValue, 'hex')),
      identifiers.map((i) => i.personId),
      blocks.map(({ block }) => block),
      blocks.map(({ personId }) => personId),
    ];
    try {
      await on.query({ name: 'vault-write', text: writeSql, values });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== outdated) throw error;
      // It may be the key in use that has changed.
      await this.#keyring.refresh();
      return false;
    }
  }
}

function publicPerson({ personId, patientId, pseudonym, offsetDays, facts, demographics, secret, isNew }: Person): Person {
  return { personId, patientId, pseudonym, offsetDays, facts, demographics, secret, isNew };
}

/** An identifier as it is found again: under keyed hashes, in hex. */
export function blindOf(
  key: Buffer,
  tenant: number,
  system: string,
  value: string,
): { readonly blind: string; readonly blindValue: string } {
  const text = normalisedValue(value);
  return {
    blind: keyedHash(key, 'identifier', String(tenant), normalisedSystem(system), text).toString('hex'),
    blindValue: keyedHash(key, 'value', String(tenant), text).toString('hex'),
  };
}

export function openVault(pool: Pool, keyring: Keyring, tenant: number): Vault {
  return new PostgresVault(pool, keyring, tenant);
}
