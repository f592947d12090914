// Workforce accounts and their login.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { hashPassword, verifyPassword } from './password.ts';

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly role: 'physician' | 'administrator';
  readonly practitionerId: string;
}

const columns = 'id, username, password_hash as "passwordHash", role, practitioner_id as "practitionerId"';
const failureLimit = 5;
const lockMinutes = 30;

export async function findAccount(pool: Pool, id: string): Promise<Account | undefined> {
  const { rows } = await pool.query<Account>(`select ${columns} from operational.account where id::text = $1`, [id]);
  return rows[0];
}

/** A new account with a fresh id; the password is kept as argon2id only. */
export async function newAccount(account: {
  readonly username: string;
  readonly password: string;
  readonly role: Account['role'];
}): Promise<Account> {
  const { username, password, role } = account;
  return { id: randomUUID(), username, passwordHash: await hashPassword(password), role, practitionerId: randomUUID() };
}

/**
 * The account when name and password fit and it is not locked. Each attempt is counted before the password is looked at, so that
 * parallel guesses cannot pass the limit; a success clears the counter.
 */
export async function login(pool: Pool, username: string, password: string): Promise<Account | undefined> {
  const { rows } = await pool.query<Account & { failures: number }>(
    `update operational.account set
       failures = case when failures_since > now() - make_interval(mins => ${lockMinutes}) then failures + 1 else 1 end,
       failures_since = case when failures_since > now() - make_interval(mins => ${lockMinutes}) then failures_since else now() end
     where username = $1 returning ${columns}, failures`,
    [username.replaceAll('\0', '')],
  );
  const [found] = rows;
  const fits = await verifyPassword(password, found?.passwordHash);
  if (!found || !fits || found.failures > failureLimit) return undefined;
  await pool.query('update operational.account set failures = 0, failures_since = null where id = $1', [found.id]);
  const { failures: _, ...account } = found;
  return account;
}
