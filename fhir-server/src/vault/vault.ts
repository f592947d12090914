// The crosswalk between people and pseudonyms (ARCHITECTURE section 5, DECISIONS 6): the only code that can re-identify.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Pool, PoolClient } from 'pg';
import { type Batch, type BlindIdentifier, type PersonRequest, planBatch } from './batch.ts';
import { PersonCache } from './cache.ts';
import { deriveKey, keyedHash } from './keys.ts';
import { openPerson, type Person, type PersonRow, sealPerson, type VaultPerson } from './person.ts';
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
}

const pseudonymSystem = 'https://limen.example/pseudonym';
type Queryable = Pool | PoolClient;
/** In turn only a first attempt of somebody else can come between. */
const maximumAttempts = 20;
/** Few enough that the largest batch can lock them all. */
const turnCount = 512;
const turnSql = 'select pg_advisory_xact_lock($1, turn) from unnest($2::int4[]) as turn';
const outdated = '40001';

const personColumns = 'p.person_id, p.patient_id, p.pseudonym, p.version, p.sealed';
const byBlindSql = `select i.blind, ${personColumns} from vault.identifier i join vault.person p using (tenant, person_id)
  where i.tenant = $1 and i.blind = any($2)`;
const byValueSql = `select i.blind_value as blind, ${personColumns} from vault.identifier i join vault.person p using (tenant, person_id)
  where i.tenant = $1 and i.blind_value = any($2)`;
const byPatientSql = `select ${personColumns} from vault.person p where p.tenant = $1 and p.patient_id = any($2)`;
const writeSql = 'select vault.write_persons($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)';

/** White space and Unicode forms do not make another identifier; letter case may. */
function normalised(value: string): string {
  return value.normalize('NFKC').trim().replace(/\s+/g, ' ');
}

class PostgresVault implements Vault {
  readonly #pool: Pool;
  readonly #tenant: number;
  readonly #blindKey: Buffer;
  readonly #sealKey: Buffer;
  readonly #cache = new PersonCache(() => performance.now());
  readonly #turns = new Turns();

  constructor(pool: Pool, masterKey: Buffer, tenant: number) {
    this.#pool = pool;
    this.#tenant = tenant;
    this.#blindKey = deriveKey(masterKey, 'blind-index', tenant);
    this.#sealKey = deriveKey(masterKey, 'seal', tenant);
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
    for (const opened of (await this.#readPatients(this.#pool, missing)).values()) {
      const person = publicPerson(opened);
      this.#cache.set(person);
      found.set(person.patientId, person);
    }
    return found;
  }

  async #readPatients(on: Queryable, ids: readonly string[]): Promise<Map<string, VaultPerson>> {
    if (ids.length === 0) return new Map();
    const { rows } = await on.query<PersonRow>({ name: 'vault-patient', text: byPatientSql, values: [this.#tenant, ids] });
    return new Map(rows.map((row) => [row.patient_id, openPerson(this.#sealKey, this.#tenant, row)]));
  }

  #blind(system: string, value: string): BlindIdentifier {
    const text = normalised(value);
    return {
      blind: keyedHash(this.#blindKey, 'identifier', String(this.#tenant), system, text).toString('hex'),
      blindValue: keyedHash(this.#blindKey, 'value', String(this.#tenant), text).toString('hex'),
      lookupOnly: system === pseudonymSystem,
    };
  }

  async #rows(on: Queryable, name: string, text: string, hex: readonly string[]): Promise<{ blind: string; person: VaultPerson }[]> {
    if (hex.length === 0) return [];
    const bytes = [...new Set(hex)].map((h) => Buffer.from(h, 'hex'));
    const { rows } = await on.query<PersonRow & { blind: Buffer }>({ name, text, values: [this.#tenant, bytes] });
    const opened = new Map<string, VaultPerson>();
    return rows.map((row) => {
      const person = opened.get(row.person_id) ?? openPerson(this.#sealKey, this.#tenant, row);
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
    const sealed = (person: VaultPerson): Buffer => sealPerson(this.#sealKey, this.#tenant, person);
    const values = [
      this.#tenant,
      added.map((p) => p.personId),
      added.map((p) => p.patientId),
      added.map((p) => p.pseudonym),
      added.map(sealed),
      changed.map((p) => p.personId),
      changed.map((p) => p.version),
      changed.map(sealed),
      identifiers.map((i) => Buffer.from(i.identifier.blind, 'hex')),
      identifiers.map((i) => Buffer.from(i.identifier.blindValue, 'hex')),
      identifiers.map((i) => i.personId),
    ];
    try {
      await on.query({ name: 'vault-write', text: writeSql, values });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === outdated) return false;
      throw error;
    }
  }
}

function publicPerson({ personId, patientId, pseudonym, offsetDays, facts, secret, isNew }: Person): Person {
  return { personId, patientId, pseudonym, offsetDays, facts, secret, isNew };
}

/** @param masterKey 32 bytes */
export function openVault(pool: Pool, masterKey: Buffer, tenant: number): Vault {
  return new PostgresVault(pool, masterKey, tenant);
}
