// A page of the store as it was when the export began. Versions whose transaction was not visible then are passed over for the one before them, so
// pages of any age, and a run that goes on after a crash, show one moment. rid never changes: nothing is met twice or missed.
import type { Pool } from 'pg';
import { guardColumns, type ReadRule } from '../../store/guard.ts';

export interface ExportRow {
  /** Where the page goes on. */
  readonly rid: string;
  /** null: at that moment there was no version that this export wants. */
  readonly id: string | null;
  readonly deleted: boolean;
  readonly ms: number;
  readonly codec: number;
  readonly body: Buffer | null;
  readonly labels: readonly string[] | null;
  readonly rules: readonly ReadRule[] | null;
  readonly seen: boolean | null;
}

export interface PageQuery {
  readonly tenant: number;
  readonly type: number;
  readonly afterRid: string;
  readonly limit: number;
  readonly snapshot: string;
  /** Only resources of a patient; of these patients where they are named. */
  readonly ofPatients: boolean;
  readonly patients: readonly string[] | undefined;
  /** Only what was not visible in this one, or changed after that time; deletions too. */
  readonly sinceSnapshot: string | undefined;
  readonly since: string | undefined;
}

const version = (from: string): string =>
  `${from}.id, ${from}.deleted, ${from}.lu, ${from}.pat, ${from}.codec, ${from}.body, ${from}.xid, ${guardColumns(from)}`;

const text = `
select p.rid, v.id, v.deleted, date_part('epoch', v.lu) * 1000 as ms, v.codec, v.body, v.labels, v.rules, v.seen
from (select r.* from res r where r.tenant = $1 and r.type = $2 and r.rid > $3 order by r.rid limit $4) p
left join lateral (
  select ${version('p')} where pg_visible_in_snapshot(p.xid, $5::pg_snapshot)
  union all
  (select ${version('h')} from res_hist h
   where not pg_visible_in_snapshot(p.xid, $5::pg_snapshot)
     and h.tenant = $1 and h.shard = p.shard and h.rid = p.rid and pg_visible_in_snapshot(h.xid, $5::pg_snapshot)
   order by h.version desc limit 1)
) v on (not $6::bool or v.pat is not null)
  and ($7::int8[] is null or v.pat = any($7::int8[]))
  and ($8::pg_snapshot is null or not pg_visible_in_snapshot(v.xid, $8::pg_snapshot))
  and ($9::timestamptz is null or v.lu > $9::timestamptz)
  and (not v.deleted or $8::pg_snapshot is not null or $9::timestamptz is not null)
order by p.rid`;

export async function readPage(pool: Pool, q: PageQuery): Promise<ExportRow[]> {
  const { rows } = await pool.query<ExportRow>({
    name: 'export-page',
    text,
    values: [
      q.tenant,
      q.type,
      q.afterRid,
      q.limit,
      q.snapshot,
      q.ofPatients,
      q.patients ?? null,
      q.sinceSnapshot ?? null,
      q.sinceSnapshot === undefined ? (q.since ?? null) : null,
    ],
  });
  return rows;
}
