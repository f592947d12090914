// Workforce accounts: what they are, and what administrators change.
import { randomUUID } from 'node:crypto';
import type { Role } from '@limen/fhir-model';
import type { Pool } from 'pg';
import { hashPassword } from './password.ts';

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly practitionerId: string;
  /** Signs in to a new password only. */
  readonly mustChangePassword?: boolean;
}

export interface AccountSummary extends Omit<Account, 'passwordHash'> {
  readonly disabled: boolean;
  readonly factors: number;
}

const columns =
  'id, username, password_hash as "passwordHash", role, practitioner_id as "practitionerId", must_change_password as "mustChangePassword"';

/** PostgreSQL keeps no NUL character. */
export const cleanUsername = (username: string): string => username.normalize('NFKC').replaceAll('\0', '').slice(0, 128);

/** The account, unless it is disabled. */
export async function findAccount(pool: Pool, id: string): Promise<Account | undefined> {
  const { rows } = await pool.query<Account>(`select ${columns} from operational.account where id::text = $1 and disabled_at is null`, [
    id,
  ]);
  return rows[0];
}

/** The account of this name, unless it is disabled. */
export async function findAccountNamed(pool: Pool, username: string): Promise<Account | undefined> {
  const { rows } = await pool.query<Account>(`select ${columns} from operational.account where username = $1 and disabled_at is null`, [
    cleanUsername(username),
  ]);
  return rows[0];
}

/** A new account with a fresh id; the password is kept as argon2id only. */
export async function newAccount(account: {
  readonly username: string;
  readonly password: string;
  readonly role: Account['role'];
  readonly mustChangePassword?: boolean;
}): Promise<Account> {
  const { username, password, role, mustChangePassword = false } = account;
  const passwordHash = await hashPassword(password);
  return { id: randomUUID(), username: cleanUsername(username), passwordHash, role, practitionerId: randomUUID(), mustChangePassword };
}

/** False when the name is taken. */
export async function addAccount(pool: Pool, account: Account): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into operational.account (id, username, password_hash, role, practitioner_id, must_change_password)
     values ($1, $2, $3, $4, $5, $6) on conflict (username) do nothing`,
    [account.id, account.username, account.passwordHash, account.role, account.practitionerId, account.mustChangePassword ?? false],
  );
  return rowCount === 1;
}

export async function listAccounts(pool: Pool): Promise<AccountSummary[]> {
  const { rows } = await pool.query<AccountSummary>(
    `select id, username, role, practitioner_id as "practitionerId", disabled_at is not null as disabled,
       (select count(*)::int4 from operational.second_factor f where f.account_id = a.id and f.confirmed) as factors
     from operational.account a order by username`,
  );
  return rows;
}

export async function savePassword(pool: Pool, id: string, password: string, mustChange: boolean): Promise<void> {
  await pool.query(
    'update operational.account set password_hash = $2, password_changed_at = now(), must_change_password = $3 where id = $1',
    [id, await hashPassword(password), mustChange],
  );
}

/**
 * False when this would leave no administrator who can sign in. The rows of all administrators are held while it is decided: of two who
 * take the role from each other at once, one stays.
 */
export async function changeAccount(
  pool: Pool,
  id: string,
  change: { readonly role: Role } | { readonly disabled: boolean },
): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<{ id: string }>(
      `select id::text from operational.account where role = 'administrator' and disabled_at is null order by id for update`,
    );
    const stays = 'role' in change ? change.role === 'administrator' : !change.disabled;
    const isLast = !stays && rows.length === 1 && rows[0]?.id === id;
    if (!isLast && 'role' in change) await client.query('update operational.account set role = $2 where id::text = $1', [id, change.role]);
    if (!isLast && 'disabled' in change)
      await client.query('update operational.account set disabled_at = case when $2 then now() end where id::text = $1', [
        id,
        change.disabled,
      ]);
    await client.query('commit');
    return !isLast;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
