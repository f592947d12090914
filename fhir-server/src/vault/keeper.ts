// The vault for its keeper's commands, beside a running server.
import pg from 'pg';
import { VaultCases } from './cases.ts';
import type { Keyring } from './keyring.ts';
import { type KeyPlace, keyManagement, openKeyring } from './open.ts';
import { rotateKeys } from './rotate.ts';

const tenant = 1;
const idFormat = /^[A-Za-z0-9.-]{1,64}$/;
const codeFormat = /^[a-z][a-z-]{1,40}$/;

/** A command was given what it can't work with: `message` is a sentence for the keeper. */
export class KeeperError extends Error {
  override readonly name = 'KeeperError';
}

export class VaultKeeper {
  readonly #pool: pg.Pool;
  readonly #place: KeyPlace;

  constructor(database: pg.PoolConfig, place: KeyPlace) {
    this.#pool = new pg.Pool({ ...database, max: 3 });
    this.#pool.on('error', () => undefined);
    this.#place = place;
  }

  /** @throws KeyUnavailable when the master key does not open this vault */
  #open(): Promise<Keyring> {
    return openKeyring(this.#pool, this.#place);
  }

  async check(): Promise<{ readonly persons: number; readonly withoutKey: number }> {
    await this.#open();
    const { rows } = await this.#pool.query<{ persons: number; keys: number }>(
      `select count(*)::int as persons, count(k.person_id)::int as keys from vault.person p
       left join vault.patient_key k on k.tenant = p.tenant and k.person_id = p.person_id and k.key_id in (select id from vault.wrapping_key)`,
    );
    const { persons = 0, keys = 0 } = rows[0] ?? {};
    return { persons, withoutKey: persons - keys };
  }

  async rotate(told: (done: number) => void): Promise<number> {
    await this.#open();
    return rotateKeys(this.#pool, keyManagement(this.#place), told);
  }

  async #cases(): Promise<VaultCases> {
    return new VaultCases(this.#pool, await this.#open(), tenant);
  }

  async hold(patientId: string, reason: string): Promise<void> {
    if (!idFormat.test(patientId) || !codeFormat.test(reason))
      throw new KeeperError('A hold takes the id of a Patient and a reason as a code in small letters: no text about a person.');
    await (await this.#cases()).hold(patientId, reason);
  }

  async release(patientId: string): Promise<boolean> {
    return (await this.#cases()).release(patientId);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
