// What happens to a person in the vault when two records are merged or one is erased: each in one transaction, with a row that a later start goes on from.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Pool, PoolClient } from 'pg';
import type { Keyring } from './keyring.ts';
import { openPerson, type PersonRow, sealPerson, toldMore, type VaultPerson } from './person.ts';

export interface Who {
  readonly client: string;
  readonly account: string | undefined;
}

export interface Merge {
  readonly loser: string;
  readonly survivor: string;
  readonly pseudonym: string;
  /** By how many days the loser's dates move to stand on the survivor's timeline. */
  readonly moveDays: number;
  /** Resources moved; undefined while it is under way. */
  readonly moved: number | undefined;
}

export interface Erasure {
  readonly id: string;
  readonly patients: readonly string[];
  readonly ids: readonly string[];
}

interface CaseRow extends PersonRow {
  readonly merged_into: string | null;
}

const rowSql = `select p.person_id, p.patient_id, p.pseudonym, p.version, p.sealed, p.merged_into, k.key_id, k.wrapped
  from vault.person p join vault.patient_key k on k.tenant = p.tenant and k.person_id = p.person_id`;
const conflict = (diagnostics: string): OperationOutcomeError => new OperationOutcomeError(409, { code: 'conflict', diagnostics });

export class VaultCases {
  readonly #pool: Pool;
  readonly #keyring: Keyring;
  readonly #tenant: number;

  constructor(pool: Pool, keyring: Keyring, tenant: number) {
    this.#pool = pool;
    this.#keyring = keyring;
    this.#tenant = tenant;
  }

  async #transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async #open(rows: readonly PersonRow[]): Promise<VaultPerson[]> {
    await this.#keyring.know(rows.map((row) => row.key_id));
    return rows.map((row) => openPerson(this.#keyring, this.#tenant, row));
  }

  async #lock(client: PoolClient, patientIds: readonly string[]): Promise<CaseRow[]> {
    const text = `${rowSql} where p.tenant = $1 and p.patient_id = any($2) order by p.person_id for update`;
    return (await client.query<CaseRow>(text, [this.#tenant, patientIds])).rows;
  }

  /**
   * Identifiers and facts become the survivor's, from now on whoever sends them means it. Asked for again it answers the merge that is there.
   * @throws OperationOutcomeError 409 for who was merged into another one, 422 for who is unknown
   */
  async startMerge(loserId: string, survivorId: string, who: Who): Promise<Merge> {
    await this.#transaction(async (client) => {
      const rows = await this.#lock(client, [loserId, survivorId]);
      const loserRow = rows.find((row) => row.patient_id === loserId);
      const survivorRow = rows.find((row) => row.patient_id === survivorId);
      if (!loserRow || !survivorRow || loserRow === survivorRow)
        throw new OperationOutcomeError(422, {
          code: 'business-rule',
          diagnostics: 'A merge needs two different patients that the vault knows.',
        });
      if (loserRow.merged_into === survivorRow.person_id) return;
      if (loserRow.merged_into !== null || survivorRow.merged_into !== null)
        throw conflict('One of the patients was merged into another one before.');
      const [loser, survivor] = await this.#open([loserRow, survivorRow]);
      if (!loser || !survivor) return;
      await this.#moveIdentity(client, loser, survivor);
      await client.query(
        'insert into vault.merge (tenant, loser, loser_patient, survivor, survivor_patient, client, account) values ($1, $2, $3, $4, $5, $6, $7)',
        [this.#tenant, loser.personId, loserId, survivor.personId, survivorId, who.client, who.account ?? null],
      );
    });
    const [merge] = (await this.merges(false)).filter((each) => each.loser === loserId);
    if (!merge) throw conflict('The merge is being changed by others; try again.');
    return merge;
  }

  async #moveIdentity(client: PoolClient, loser: VaultPerson, survivor: VaultPerson): Promise<void> {
    // What the survivor says of itself stays; what only the loser has said is added.
    const merged = toldMore(survivor, { ...loser.facts, demographics: { ...loser.demographics, ...survivor.demographics } });
    const identifier = [...(survivor.demographics?.identifier ?? []), ...(loser.demographics?.identifier ?? [])];
    const kept = survivor.facts.birthDate ?? loser.facts.birthDate;
    const facts = { ...merged.facts, ...(kept === undefined ? {} : { birthDate: kept }) };
    const demographics = { ...merged.demographics, ...(identifier.length > 0 ? { identifier } : {}) };
    const sealed = sealPerson(this.#tenant, { ...merged, facts, demographics });
    const both = [this.#tenant, loser.personId, survivor.personId];
    await client.query('update vault.person set sealed = $3, version = version + 1 where tenant = $1 and person_id = $2', [
      this.#tenant,
      survivor.personId,
      sealed,
    ]);
    await client.query('update vault.identifier set person_id = $3 where tenant = $1 and person_id = $2', both);
    await client.query(
      'insert into vault.block (tenant, block, person_id) select tenant, block, $3 from vault.block where tenant = $1 and person_id = $2 on conflict do nothing',
      both,
    );
    await client.query('delete from vault.block where tenant = $1 and person_id = $2', [this.#tenant, loser.personId]);
    await client.query('update vault.person set merged_into = $3 where tenant = $1 and (person_id = $2 or merged_into = $2)', both);
  }

  /** @param open only those that may have left something behind: unfinished, or of the last day */
  async merges(open: boolean): Promise<Merge[]> {
    const filter = open ? "and (m.done_at is null or m.done_at > now() - interval '1 day')" : '';
    const { rows } = await this.#pool.query<{ loser: string; survivor: string; moved: number | null }>(
      `select loser_patient as loser, survivor_patient as survivor, case when done_at is not null then moved end as moved from vault.merge m where tenant = $1 ${filter} order by at`,
      [this.#tenant],
    );
    const patients = [...new Set(rows.flatMap(({ loser, survivor }) => [loser, survivor]))];
    const found = await this.#pool.query<PersonRow>(`${rowSql} where p.tenant = $1 and p.patient_id = any($2)`, [this.#tenant, patients]);
    const persons = new Map((await this.#open(found.rows)).map((person) => [person.patientId, person]));
    return rows.flatMap(({ loser, survivor, moved }) => {
      const from = persons.get(loser);
      const to = persons.get(survivor);
      if (!from || !to) return [];
      return [{ loser, survivor, pseudonym: from.pseudonym, moveDays: to.offsetDays - from.offsetDays, moved: moved ?? undefined }];
    });
  }

  async finishMerge({ loser }: Merge, moved: number): Promise<void> {
    await this.#pool.query(
      'update vault.merge set moved = coalesce(moved, 0) + $3, done_at = now() where tenant = $1 and loser_patient = $2',
      [this.#tenant, loser, moved],
    );
  }

  /**
   * Destroys the patient's keys, facts and identifiers, and those of all who were merged into it. What is under way already is gone on with.
   * @throws OperationOutcomeError 409 under a legal hold, and for who was merged into another one
   */
  async startErasure(patientId: string, basis: string, who: Who): Promise<Erasure> {
    return this.#transaction(async (client) => {
      const { rows: open } = await client.query<Erasure>(
        'select id, patients, ids from vault.erasure where tenant = $1 and $2 = any(patients) and done_at is null for update',
        [this.#tenant, patientId],
      );
      if (open[0]) return { ...open[0], ids: open[0].ids ?? [] };
      const [own] = await this.#lock(client, [patientId]);
      if (own && own.merged_into !== null) throw conflict('This Patient was merged into another one: the erasure is that one’s.');
      const { rows: merged } = await client.query<{ person_id: string; patient_id: string }>(
        'select person_id, patient_id from vault.person where tenant = $1 and merged_into = $2 for update',
        [this.#tenant, own?.person_id ?? null],
      );
      const persons = [...(own ? [own.person_id] : []), ...merged.map((row) => row.person_id)];
      const patients = [patientId, ...merged.map((row) => row.patient_id)];
      await this.#refuseHeld(client, patients);
      const id = randomUUID();
      await client.query('insert into vault.erasure (id, tenant, patients, basis, client, account) values ($1, $2, $3, $4, $5, $6)', [
        id,
        this.#tenant,
        patients,
        basis,
        who.client,
        who.account ?? null,
      ]);
      for (const table of ['patient_key', 'identifier', 'block', 'person'])
        await client.query(`delete from vault.${table} where tenant = $1 and person_id = any($2)`, [this.#tenant, persons]);
      await client.query('delete from vault.merge where tenant = $1 and (loser = any($2) or survivor = any($2))', [this.#tenant, persons]);
      return { id, patients, ids: [] };
    });
  }

  async #refuseHeld(client: PoolClient, patients: readonly string[]): Promise<void> {
    const { rowCount } = await client.query('select from vault.legal_hold where tenant = $1 and patient_id = any($2)', [
      this.#tenant,
      patients,
    ]);
    if ((rowCount ?? 0) > 0)
      throw new OperationOutcomeError(409, {
        code: 'business-rule',
        diagnostics: 'The record is under a legal hold: it must not be erased.',
      });
  }

  async unfinishedErasures(): Promise<Erasure[]> {
    const { rows } = await this.#pool.query<Erasure>(
      'select id, patients, coalesce(ids, array[]::text[]) as ids from vault.erasure where tenant = $1 and done_at is null',
      [this.#tenant],
    );
    return rows;
  }

  /** Written down before the resources go: what still names them is found after a crash too. */
  async noteErased({ id }: Erasure, ids: readonly string[]): Promise<void> {
    await this.#pool.query("update vault.erasure set ids = coalesce(ids, '{}') || $2::text[] where id = $1", [id, ids]);
  }

  /** Ids that sources gave for what is erased. @returns how many */
  async forgetSourceIds(ids: readonly string[]): Promise<number> {
    const { rowCount } = await this.#pool.query('delete from vault.source_id where tenant = $1 and id::text = any($2)', [
      this.#tenant,
      ids,
    ]);
    return rowCount ?? 0;
  }

  /** From here on the tombstone names nobody. */
  async finishErasure({ id }: Erasure, unrecoverableAfter: string, counts: object): Promise<void> {
    await this.#pool.query(
      'update vault.erasure set patients = null, ids = null, done_at = now(), unrecoverable_after = $2, counts = $3 where id = $1',
      [id, unrecoverableAfter, JSON.stringify(counts)],
    );
  }

  /** For commands: who must not be erased. */
  async hold(patientId: string, reason: string): Promise<void> {
    await this.#pool.query('insert into vault.legal_hold (tenant, patient_id, reason) values ($1, $2, $3) on conflict do nothing', [
      this.#tenant,
      patientId,
      reason,
    ]);
  }

  async release(patientId: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query('delete from vault.legal_hold where tenant = $1 and patient_id = $2', [
      this.#tenant,
      patientId,
    ]);
    return (rowCount ?? 0) > 0;
  }
}
