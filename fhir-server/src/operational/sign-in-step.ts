// Steps of a sign-in that span requests: the wait for a second factor, answered challenges, and browsers that are known.
import { createHash, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { SecretBox } from './secret-box.ts';

const waitMinutes = 5;
const deviceDays = 180;

const idOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The password was right: a token for the page that asks for the second factor. */
export async function awaitSecondFactor(pool: Pool, accountId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await pool.query(
    `insert into operational.sign_in_step (id, account_id, expires_at) values ($1, $2, now() + make_interval(mins => ${waitMinutes}))`,
    [idOf(token), accountId],
  );
  return token;
}

/** Whose sign-in waits; undefined when it is over. */
export async function waitingAccount(pool: Pool, token: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string | null }>(
    'select account_id::text as id from operational.sign_in_step where id = $1 and used_at is null and expires_at > now()',
    [idOf(token)],
  );
  return rows[0]?.id ?? undefined;
}

/** Uses up a waiting sign-in; once. */
export async function finishWaiting(pool: Pool, token: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update operational.sign_in_step set used_at = now() where id = $1 and account_id is not null and used_at is null and expires_at > now()',
    [idOf(token)],
  );
  return rowCount === 1;
}

/** A challenge counts once, over all nodes: the first insert wins. */
export async function useChallenge(pool: Pool, challenge: string, expiresMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    'insert into operational.sign_in_step (id, used_at, expires_at) values ($1, now(), $2) on conflict do nothing',
    [idOf(challenge), new Date(expiresMs)],
  );
  return rowCount === 1;
}

/** The account signed in with this browser: the value of its cookie. A cookie of its own for each account. */
export async function rememberDevice(pool: Pool, box: SecretBox, accountId: string, known: string | undefined): Promise<string> {
  const value = known ?? randomBytes(32).toString('base64url');
  await pool.query(
    `insert into operational.known_device (account_id, hash, expires_at) values ($1, $2, now() + make_interval(days => ${deviceDays}))
     on conflict (account_id, hash) do update set expires_at = excluded.expires_at`,
    [accountId, box.hash(`device ${value}`)],
  );
  return value;
}

export async function isKnownDevice(pool: Pool, box: SecretBox, accountId: string, value: string): Promise<boolean> {
  const { rows } = await pool.query(
    'select 1 from operational.known_device where account_id::text = $1 and hash = $2 and expires_at > now()',
    [accountId, box.hash(`device ${value}`)],
  );
  return rows.length > 0;
}

/** Removes what has expired. */
export async function deleteExpiredSteps(pool: Pool): Promise<void> {
  for (const table of ['sign_in_step', 'known_device', 'attempt'])
    await pool.query(`delete from operational.${table} where expires_at < now()`);
  await pool.query(
    `delete from operational.login_session l where seen_at < now() - make_interval(secs => ${8 * 3600 * 3})
       and not exists (select 1 from operational.oidc o where o.kind = 'Session' and o.uid = l.uid)`,
  );
}
