// Login sessions as people see them: from where, with which device, how signed in. The authorization server's own row decides whether one lives.
import type { Pool } from 'pg';

/** 45 CFR 164.312(a)(2)(iii): a session that nobody uses ends. */
export const idleSeconds = 15 * 60;
/** However much it is used. */
export const absoluteSeconds = 8 * 3600;

export interface LoginSession {
  readonly uid: string;
  readonly address: string;
  readonly device: string;
  readonly amr: readonly string[];
  readonly createdAt: Date;
  readonly seenAt: Date;
}

export interface NewSession {
  readonly uid: string;
  readonly accountId: string;
  readonly address: string;
  readonly device: string;
  readonly amr: readonly string[];
}

const deviceMaximum = 120;
const isSecond = `array['otp', 'pop', 'mfa']::text[] && $5`;

/** What is shown of a browser: printable characters of its User-Agent, not too many. */
export function deviceOf(userAgent: string | undefined): string {
  return (userAgent ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, deviceMaximum) || 'unknown';
}

export async function recordSession(pool: Pool, session: NewSession): Promise<void> {
  await pool.query(
    `insert into operational.login_session (uid, account_id, address, device, amr, second_factor_at)
     values ($1, $2, $3, $4, $5, case when ${isSecond} then now() end)`,
    [session.uid, session.accountId, session.address, session.device, session.amr],
  );
}

/** A second factor was shown in this session: what asks for a fresh one is open for a few minutes. */
export async function recordSecondFactor(pool: Pool, uid: string): Promise<void> {
  await pool.query('update operational.login_session set second_factor_at = now() where uid = $1', [uid]);
}

const secondsUntilEnd = `least(${idleSeconds}, extract(epoch from l.created_at + make_interval(secs => ${absoluteSeconds}) - now()))`;

/** The session was used: it lives on for the idle time, but never beyond its absolute end. Written at most every half minute. */
const touchSql = `with l as (
    update operational.login_session set seen_at = now() where uid = $1 and seen_at < now() - interval '30 seconds' returning uid, created_at
  )
  update operational.oidc o set expires_at = now() + make_interval(secs => ${secondsUntilEnd})
  from l where o.kind = 'Session' and o.uid = l.uid and o.expires_at > now()`;

export async function touchSession(pool: Pool, uid: string): Promise<void> {
  await pool.query(touchSql, [uid]);
}

/** Seconds since 1970 of the last second factor in this session. */
export async function secondFactorAt(pool: Pool, uid: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ at: number | null }>(
    'select extract(epoch from second_factor_at)::int4 as at from operational.login_session where uid = $1',
    [uid],
  );
  return rows[0]?.at ?? undefined;
}

const livingSession = `exists (select 1 from operational.oidc o where o.kind = 'Session' and o.uid = l.uid and o.expires_at > now())`;

export async function listSessions(pool: Pool, accountId: string): Promise<LoginSession[]> {
  const { rows } = await pool.query<LoginSession>(
    `select uid, address, device, amr, created_at as "createdAt", seen_at as "seenAt" from operational.login_session l
     where account_id = $1 and ${livingSession} order by seen_at desc`,
    [accountId],
  );
  return rows;
}

/**
 * Ends sessions of this account with every token that was given in them, offline ones too.
 * @param which one session, all, or all but one
 */
export async function endSessions(
  pool: Pool,
  accountId: string,
  which: { readonly only: string } | { readonly except: string } | 'all',
): Promise<number> {
  const [condition, uid] =
    which === 'all' ? ['$2::text is null', null] : 'only' in which ? ['uid = $2', which.only] : ['uid <> $2', which.except];
  const { rowCount } = await pool.query(
    `with ended as (delete from operational.login_session where account_id = $1 and ${condition} returning uid),
     sessions as (delete from operational.oidc where kind = 'Session' and uid in (select uid from ended)),
     grants as (select distinct grant_id from operational.oidc where payload->>'sessionUid' in (select uid from ended) and grant_id is not null)
     delete from operational.oidc where grant_id in (select grant_id from grants) returning 1`,
    [accountId, uid],
  );
  return rowCount ?? 0;
}
