// Counters of failed attempts, in the database so that every node counts the same: https://pages.nist.gov/800-63-4/sp800-63b.html (rate limiting).
import type { Pool } from 'pg';

const windowMinutes = 30;
/** Locks double, up to a day. */
const longestLockMinutes = 24 * 60;
/** NIST SP 800-63B-4 3.2.2: after this many failures without a success between them the way stays closed until somebody opens it. */
const consecutiveMaximum = 100;
const rememberDays = 30;

/** While locked nothing is counted towards the total: guesses that are not looked at tell nothing. */
const sql = `
insert into operational.attempt as a (key, failures, total, expires_at) values ($1, 1, 1, now() + make_interval(days => ${rememberDays}))
on conflict (key) do update set
  failures = case
    when a.locked_until > now() then a.failures + 1
    when a.locked_until is not null or a.since < now() - make_interval(mins => ${windowMinutes}) then 1
    else a.failures + 1 end,
  since = case
    when a.locked_until > now() then a.since
    when a.locked_until is not null or a.since < now() - make_interval(mins => ${windowMinutes}) then now()
    else a.since end,
  total = case when a.locked_until > now() then a.total else a.total + 1 end,
  locks = case when a.locked_until is null and a.since >= now() - make_interval(mins => ${windowMinutes}) and a.failures + 1 = $2 then a.locks + 1
    else a.locks end,
  locked_until = case
    when a.locked_until > now() then a.locked_until
    when a.locked_until is null and a.since >= now() - make_interval(mins => ${windowMinutes}) and a.failures + 1 = $2
      then now() + make_interval(mins => least(${longestLockMinutes}, ${windowMinutes} * power(2, least(a.locks, 10))::int))
    else null end,
  expires_at = now() + make_interval(days => ${rememberDays})
returning failures, total, failures = $2 and locked_until > now() as locks_now`;

export interface Attempt {
  readonly isAllowed: boolean;
  /** This attempt is the last one before the lock. */
  readonly locksNow: boolean;
}

/**
 * Counts an attempt before its secret is looked at: parallel guesses can't pass the limit. The caller forgets the counter after a success.
 * @param key keyed hash of what is counted
 */
export async function countAttempt(pool: Pool, key: Buffer, limit: number): Promise<Attempt> {
  const { rows } = await pool.query<{ failures: number; total: number; locks_now: boolean | null }>(sql, [key, limit]);
  const { failures = Number.POSITIVE_INFINITY, total = 0, locks_now: locksNow } = rows[0] ?? {};
  return { isAllowed: failures <= limit && total <= consecutiveMaximum, locksNow: locksNow === true };
}

export async function forgetAttempts(pool: Pool, keys: readonly Buffer[]): Promise<void> {
  await pool.query('delete from operational.attempt where key = any($1)', [keys]);
}
