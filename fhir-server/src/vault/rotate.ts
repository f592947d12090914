// Rotation of the master key while servers run (ADR 0027): a new master key and a new wrapping key, then every patient's key under it, then the old ones go.
import type { Pool, PoolClient } from 'pg';
import type { KeyManagement } from './key-management.ts';
import { addWrappingKey, Keyring, type PatientKey, rewrapRoot } from './keyring.ts';
import { placeOf } from './person.ts';
import { keyLock } from './schema.ts';

const batchSize = 500;
interface KeyRow {
  readonly tenant: number;
  readonly person_id: string;
  readonly key_id: string;
  readonly wrapped: Buffer;
}
const oldSql = 'select tenant, person_id, key_id, wrapped from vault.patient_key where key_id <> $1 limit $2 for update skip locked';
const writeSql = `update vault.patient_key k set key_id = $1, wrapped = x.w from unnest($2::int4[], $3::uuid[], $4::bytea[]) as x(t, p, w)
  where k.tenant = x.t and k.person_id = x.p`;

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
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

async function rewrapBatch(client: PoolClient, keyring: Keyring): Promise<number> {
  const { rows } = await client.query<KeyRow>(oldSql, [keyring.currentId, batchSize]);
  const keys: PatientKey[] = rows.map((row) => {
    const place = placeOf(row.tenant, row.person_id);
    return keyring.wrap(keyring.unwrap({ keyId: row.key_id, wrapped: row.wrapped }, place), place);
  });
  const values = [keyring.currentId, rows.map((r) => r.tenant), rows.map((r) => r.person_id), keys.map((k) => k.wrapped)];
  await client.query(writeSql, values);
  return rows.length;
}

async function unfinished(pool: Pool): Promise<boolean> {
  const { rowCount } = await pool.query('select from vault.wrapping_key where not current limit 1');
  return (rowCount ?? 0) > 0;
}

/**
 * Can be broken off at any point: begun again it goes on, and a second call after its end rotates anew.
 * @param afterBatch told how many keys are done; what it throws breaks the rotation off
 * @returns how many patients' keys were wrapped again
 */
export async function rotateKeys(
  pool: Pool,
  management: KeyManagement,
  afterBatch: (done: number) => void = () => undefined,
): Promise<number> {
  const before = await Keyring.open(pool, management);
  if (!(await unfinished(pool))) {
    await management.rotate();
    // Writers of new persons wait for the moment in which the key in use changes, then see it.
    await inTransaction(pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [keyLock]);
      await addWrappingKey(client, management);
      await rewrapRoot(client, management, before.root);
    });
  }
  const keyring = await Keyring.open(pool, management);
  let done = 0;
  for (;;) {
    const count = await inTransaction(pool, (client) => rewrapBatch(client, keyring));
    if (count === 0) break;
    done += count;
    afterBatch(done);
  }
  await pool.query(
    'delete from vault.wrapping_key w where not current and not exists (select from vault.patient_key k where k.key_id = w.id)',
  );
  const { rows } = await pool.query<{ master: string }>('select master from vault.wrapping_key union select master from vault.root_key');
  await management.retire(rows.map((row) => row.master));
  return done;
}
