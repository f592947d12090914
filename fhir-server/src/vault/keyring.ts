// The keys between the master key and the patients' (ADR 0027): the root of everything derived, and the keys that wrap the patients' keys. Both lie in the
// vault, wrapped by the master key; they are opened once and stay in memory.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { type KeyManagement, KeyUnavailable, type WrappedKey } from './key-management.ts';
import { keyBytes, seal, unsealBytes } from './keys.ts';

interface KeyRow {
  readonly id: string;
  readonly master: string;
  readonly wrapped: Buffer;
  readonly current: boolean;
}

/** A patient's key as its row holds it. */
export interface PatientKey {
  readonly keyId: string;
  readonly wrapped: Buffer;
}

const rootName = 'root';
const rowsSql = 'select id, master, wrapped, current from vault.wrapping_key';
const openLock = 0x4c_56_4b;

export class Keyring {
  readonly root: Buffer;
  readonly #pool: Pool;
  readonly #management: KeyManagement;
  readonly #keys = new Map<string, Buffer>();
  #current = '';

  private constructor(pool: Pool, management: KeyManagement, root: Buffer) {
    this.#pool = pool;
    this.#management = management;
    this.root = root;
  }

  /**
   * Opens the vault's keys, or makes those of a new vault.
   * @param legacyRoot the root of a vault that was made before its keys were kept in it
   * @throws KeyUnavailable when the master key is not the one that has sealed this vault: nothing is made then
   */
  static async open(pool: Pool, management: KeyManagement, legacyRoot?: Buffer): Promise<Keyring> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      // Two processes that start together make one set of keys.
      await client.query('select pg_advisory_xact_lock($1)', [openLock]);
      const root = await openRoot(client, management, legacyRoot);
      const keyring = new Keyring(pool, management, root);
      const { rows } = await client.query<KeyRow>(rowsSql);
      if (rows.length === 0) await addWrappingKey(client, management);
      await client.query('commit');
      await keyring.refresh();
      return keyring;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** Reads the wrapping keys again: another process may have rotated them. */
  async refresh(): Promise<void> {
    const { rows } = await this.#pool.query<KeyRow>(rowsSql);
    for (const row of rows) {
      if (!this.#keys.has(row.id)) this.#keys.set(row.id, await this.#management.unwrap(wrappedOf(row), placeOf(row.id)));
      if (row.current) this.#current = row.id;
    }
    // Keys of before a rotation stay in memory: rows read a moment ago may still name them.
  }

  get currentId(): string {
    return this.#current;
  }

  /** A patient's key under the wrapping key in use. */
  wrap(key: Buffer, place: string): PatientKey {
    const wrapping = this.#keys.get(this.#current);
    if (!wrapping) throw new Error('The keyring is empty.');
    return { keyId: this.#current, wrapped: seal(wrapping, key, `key|${place}`) };
  }

  /** Every key that is asked for must be known before: rows are opened without waiting. */
  async know(keyIds: Iterable<string>): Promise<void> {
    for (const id of keyIds) {
      if (this.#keys.has(id)) continue;
      await this.refresh();
      break;
    }
  }

  /** @throws KeyUnavailable when the wrapping key is gone */
  unwrap({ keyId, wrapped }: PatientKey, place: string): Buffer {
    const wrapping = this.#keys.get(keyId);
    if (!wrapping) throw new KeyUnavailable('A key of the vault is missing.');
    return unsealBytes(wrapping, wrapped, `key|${place}`);
  }
}

export const newPatientKey = (): Buffer => randomBytes(keyBytes);
const placeOf = (id: string): string => `limen-vault|${id}`;
const wrappedOf = ({ master, wrapped }: { master: string; wrapped: Buffer }): WrappedKey => ({ masterId: master, wrapped });

async function openRoot(client: PoolClient, management: KeyManagement, legacyRoot: Buffer | undefined): Promise<Buffer> {
  const { rows } = await client.query<{ master: string; wrapped: Buffer }>('select master, wrapped from vault.root_key');
  const [row] = rows;
  if (row) return management.unwrap(wrappedOf(row), placeOf(rootName));
  const root = legacyRoot ?? randomBytes(keyBytes);
  const { masterId, wrapped } = await management.wrap(root, placeOf(rootName));
  await client.query('insert into vault.root_key (master, wrapped) values ($1, $2)', [masterId, wrapped]);
  return root;
}

/** Puts a new wrapping key in use, under the master key in use. */
export async function addWrappingKey(client: PoolClient, management: KeyManagement): Promise<string> {
  const id = randomUUID();
  const { masterId, wrapped } = await management.wrap(randomBytes(keyBytes), placeOf(id));
  await client.query('update vault.wrapping_key set current = false where current');
  await client.query('insert into vault.wrapping_key (id, master, wrapped, current) values ($1, $2, $3, true)', [id, masterId, wrapped]);
  return id;
}

/** The root under the master key in use. */
export async function rewrapRoot(client: PoolClient, management: KeyManagement, root: Buffer): Promise<void> {
  const { masterId, wrapped } = await management.wrap(root, placeOf(rootName));
  await client.query('update vault.root_key set master = $1, wrapped = $2', [masterId, wrapped]);
}
