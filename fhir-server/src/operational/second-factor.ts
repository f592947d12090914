// Second factors of an account: passkeys, an authenticator app, one-use codes.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { SecretBox } from './secret-box.ts';

export interface SecondFactor {
  readonly id: string;
  readonly kind: 'totp' | 'passkey';
  readonly name: string;
  readonly createdAt: Date;
  readonly usedAt: Date | null;
}

export interface Passkey {
  readonly id: string;
  readonly accountId: string;
  readonly credentialId: string;
  readonly publicKey: Buffer;
  readonly counter: number;
}

const codeCount = 10;
/** 80 bits, in groups that can be read out. */
const codeLetters = 16;
const codeAlphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

export async function listFactors(pool: Pool, accountId: string): Promise<SecondFactor[]> {
  const { rows } = await pool.query<SecondFactor>(
    `select id, kind, name, created_at as "createdAt", used_at as "usedAt" from operational.second_factor
     where account_id = $1 and confirmed order by created_at`,
    [accountId],
  );
  return rows;
}

/** True when signing in asks for more than the password. */
export async function hasSecondFactor(pool: Pool, accountId: string): Promise<boolean> {
  const { rows } = await pool.query('select 1 from operational.second_factor where account_id = $1 and confirmed limit 1', [accountId]);
  return rows.length > 0;
}

/** Removes a factor; with the last one the one-use codes go too. @returns false when there is none of this account */
export async function removeFactor(pool: Pool, accountId: string, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('delete from operational.second_factor where account_id = $1 and id::text = $2', [accountId, id]);
  if (!(await hasSecondFactor(pool, accountId))) await pool.query('delete from operational.backup_code where account_id = $1', [accountId]);
  return rowCount === 1;
}

export async function removeAllFactors(pool: Pool, accountId: string): Promise<void> {
  await pool.query('delete from operational.second_factor where account_id = $1', [accountId]);
  await pool.query('delete from operational.backup_code where account_id = $1', [accountId]);
}

/** A new app's secret, which counts once a code of it was given; an unconfirmed one is replaced. False when there is a confirmed one. */
export async function startApp(pool: Pool, box: SecretBox, accountId: string, secret: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into operational.second_factor as f (id, account_id, kind, name, sealed, confirmed) values ($1, $2, 'totp', 'Authenticator app', $3, false)
     on conflict (account_id) where kind = 'totp' do update set sealed = excluded.sealed, last_step = null where not f.confirmed`,
    [randomUUID(), accountId, box.seal(secret, accountId)],
  );
  return rowCount === 1;
}

export interface App {
  readonly secret: string;
  readonly lastStep: number | undefined;
  readonly confirmed: boolean;
}

export async function findApp(pool: Pool, box: SecretBox, accountId: string): Promise<App | undefined> {
  const { rows } = await pool.query<{ sealed: Buffer; last_step: string | null; confirmed: boolean }>(
    `select sealed, last_step, confirmed from operational.second_factor where account_id = $1 and kind = 'totp'`,
    [accountId],
  );
  const [row] = rows;
  return (
    row && {
      secret: box.open(row.sealed, accountId),
      lastStep: row.last_step === null ? undefined : Number(row.last_step),
      confirmed: row.confirmed,
    }
  );
}

/** A code's time step is used up: of two that come with the same code, one gets true. */
export async function useStep(pool: Pool, accountId: string, step: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update operational.second_factor set last_step = $2, confirmed = true, used_at = now()
     where account_id = $1 and kind = 'totp' and (last_step is null or last_step < $2)`,
    [accountId, step],
  );
  return rowCount === 1;
}

/** False when another account has it already. */
export async function addPasskey(pool: Pool, passkey: Omit<Passkey, 'id'> & { readonly name: string }): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into operational.second_factor (id, account_id, kind, name, credential_id, public_key, counter, confirmed)
     values ($1, $2, 'passkey', $3, $4, $5, $6, true) on conflict (credential_id) do nothing`,
    [randomUUID(), passkey.accountId, passkey.name, passkey.credentialId, passkey.publicKey, passkey.counter],
  );
  return rowCount === 1;
}

export async function findPasskey(pool: Pool, credentialId: string): Promise<Passkey | undefined> {
  const { rows } = await pool.query<Passkey & { counter: string }>(
    `select id, account_id as "accountId", credential_id as "credentialId", public_key as "publicKey", counter from operational.second_factor
     where kind = 'passkey' and credential_id = $1`,
    [credentialId],
  );
  return rows[0] && { ...rows[0], counter: Number(rows[0].counter) };
}

export async function passkeyIds(pool: Pool, accountId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select credential_id as id from operational.second_factor where account_id = $1 and kind = 'passkey'`,
    [accountId],
  );
  return rows.map((row) => row.id);
}

export async function usePasskey(pool: Pool, id: string, counter: number): Promise<void> {
  await pool.query('update operational.second_factor set counter = $2, used_at = now() where id = $1', [id, counter]);
}

function newCode(): string {
  const letters = [...randomBytes(codeLetters)].map((byte) => codeAlphabet[byte % 32] ?? '');
  return (letters.join('').match(/.{4}/g) ?? []).join('-');
}

const bare = (code: string): string => code.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Ten new codes, shown once; earlier ones are void. */
export async function newBackupCodes(pool: Pool, box: SecretBox, accountId: string): Promise<string[]> {
  const codes = Array.from({ length: codeCount }, newCode);
  const hashes = codes.map((code) => box.hash(`backup ${accountId} ${bare(code)}`));
  await pool.query(
    `with gone as (delete from operational.backup_code where account_id = $1)
     insert into operational.backup_code (account_id, hash) select $1, unnest($2::bytea[])`,
    [accountId, hashes],
  );
  return codes;
}

export async function useBackupCode(pool: Pool, box: SecretBox, accountId: string, code: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update operational.backup_code set used_at = now() where account_id = $1 and hash = $2 and used_at is null',
    [accountId, box.hash(`backup ${accountId} ${bare(code)}`)],
  );
  return rowCount === 1;
}

export async function backupCodesLeft(pool: Pool, accountId: string): Promise<number> {
  const { rows } = await pool.query<{ left: number }>(
    'select count(*)::int4 as left from operational.backup_code where account_id = $1 and used_at is null',
    [accountId],
  );
  return rows[0]?.left ?? 0;
}
