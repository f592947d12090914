// Six years of audit trail (45 CFR 164.316(b)(2)(i)): months are made ahead, and dropped as a whole when they are old enough and nobody holds them.
import type { KeyObject } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { isSigned, signed } from './signing.ts';

const retentionYears = 6;
const monthsAhead = 3;

/** Rows of one chain that went with their month: n from `first` to `last`; hashes as hex. */
export interface DroppedRows {
  readonly tenant: number;
  readonly lane: string;
  readonly first: number;
  readonly last: number;
  /** Hash of the row before the first; null when that one was dropped earlier, or there was none. */
  readonly before: string | null;
  readonly hash: string;
}

interface DropNote {
  readonly part: string;
  readonly at: string;
  readonly chains: readonly DroppedRows[];
}

export interface Hold {
  readonly id: number;
  readonly reason: string;
  readonly since: Date | null;
  readonly until: Date | null;
}

const monthStart = (at: Date, months: number): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1));

/** Makes the parts of this month and the next ones. */
export async function makeMonths(pool: Pick<Pool, 'query'>, now: Date): Promise<void> {
  for (let month = 0; month <= monthsAhead; month++) await pool.query('select limen_audit_month($1)', [monthStart(now, month)]);
}

/** Months whose last row is older than the law asks for, oldest first. */
async function expiredParts(pool: Pick<Pool, 'query'>, now: Date): Promise<{ part: string; since: Date; until: Date }[]> {
  const { rows } = await pool.query<{ part: string }>(
    "select inhrelid::regclass::text as part from pg_inherits where inhparent = 'audit'::regclass order by 1",
  );
  const limit = new Date(now);
  limit.setUTCFullYear(limit.getUTCFullYear() - retentionYears);
  return rows.flatMap(({ part }) => {
    const [, year, month] = /^audit_(\d{4})_(\d\d)$/.exec(part) ?? [];
    if (!year || !month) return [];
    const since = new Date(Date.UTC(Number(year), Number(month) - 1, 1));
    const until = monthStart(since, 1);
    return until <= limit ? [{ part, since, until }] : [];
  });
}

/** The runs of consecutive rows of each chain in a part. `part` is a name of ours, never a client's. */
async function chainsIn(client: PoolClient, part: string): Promise<DroppedRows[]> {
  const { rows } = await client.query<{ tenant: number; lane: string; first: string; last: string; before: string | null; hash: string }>(
    `with run as (
       select tenant, lane, min(n) as first, max(n) as last
       from (select tenant, lane, n, n - row_number() over (partition by tenant, lane order by n) as run from ${part}) r group by tenant, lane, run)
     select run.tenant, run.lane, first, last,
       (select encode(hash, 'hex') from audit a where a.tenant = run.tenant and a.shard = 0 and a.lane = run.lane and a.n = first - 1) as before,
       (select encode(hash, 'hex') from audit a where a.tenant = run.tenant and a.shard = 0 and a.lane = run.lane and a.n = last) as hash
     from run order by 1, 2, 3`,
  );
  return rows.map((row) => ({ ...row, first: Number(row.first), last: Number(row.last) }));
}

async function isHeld(client: PoolClient, since: Date, until: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    'select 1 from audit_hold where released is null and (since is null or since < $2) and (until is null or until > $1) limit 1',
    [since, until],
  );
  return (rowCount ?? 0) > 0;
}

/** Drops what may go; each month with a signed note of what it held. @returns names of the parts */
export async function dropExpired(pool: Pool, key: KeyObject, now: Date): Promise<{ dropped: string[]; held: string[] }> {
  const dropped: string[] = [];
  const held: string[] = [];
  for (const { part, since, until } of await expiredParts(pool, now)) {
    const client = await pool.connect();
    try {
      await client.query("begin; set local lock_timeout = '5s'; lock table audit_hold in share mode");
      if (await isHeld(client, since, until)) held.push(part);
      else {
        const note: DropNote = { part, at: now.toISOString(), chains: await chainsIn(client, part) };
        const text = JSON.stringify(note);
        await client.query('insert into audit_drop (part, at, note, signature) values ($1, $2, $3, $4)', [
          part,
          now,
          text,
          signed(text, key),
        ]);
        await client.query(`drop table ${part}`);
        dropped.push(part);
      }
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
  return { dropped, held };
}

/** What was dropped, as far as the notes are signed by us; the names of those that are not. */
export async function droppedRows(
  pool: Pick<Pool, 'query'>,
  tenant: number,
  key: KeyObject,
): Promise<{ chains: DroppedRows[]; forged: string[] }> {
  const { rows } = await pool.query<{ part: string; note: string; signature: string }>(
    'select part, note, signature from audit_drop order by part',
  );
  const isTrue = (row: (typeof rows)[number]): boolean => isSigned(row.note, row.signature, key) && noteOf(row.note).part === row.part;
  return {
    chains: rows.filter(isTrue).flatMap(({ note }) => noteOf(note).chains.filter((each) => each.tenant === tenant)),
    forged: rows.filter((row) => !isTrue(row)).map(({ part }) => part),
  };
}

/** Signed before it is read: it is one of ours. */
function noteOf(text: string): DropNote {
  return JSON.parse(text) as DropNote;
}

/** Keeps rows of a period, or all, from being dropped. @returns its number */
export async function hold(pool: Pool, reason: string, now: Date, since?: Date, until?: Date): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    'insert into audit_hold (reason, since, until, at) values ($1, $2, $3, $4) returning id',
    [reason, since ?? null, until ?? null, now],
  );
  return rows[0]?.id ?? 0;
}

/** @returns false when there is no such hold */
export async function release(pool: Pool, id: number, now: Date): Promise<boolean> {
  const { rowCount } = await pool.query('update audit_hold set released = $2 where id = $1 and released is null', [id, now]);
  return (rowCount ?? 0) > 0;
}

export async function holds(pool: Pool): Promise<Hold[]> {
  return (await pool.query<Hold>('select id, reason, since, until from audit_hold where released is null order by id')).rows;
}
