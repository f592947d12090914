// The change feed (ARCHITECTURE section 4): every version once, in the order of (xid, seq). Below the snapshot's xmin no transaction is still open, so
// nothing can come in before what was read.
import type { ClientBase } from 'pg';

export interface FeedPosition {
  readonly xid: string;
  readonly seq: string;
}

export interface FeedRow {
  readonly xid: string;
  readonly seq: string;
  readonly type: number;
  readonly rid: string;
  readonly id: string;
  readonly version: number;
  readonly ms: number;
  readonly deleted: boolean;
  readonly pat: string | null;
  readonly codec: number;
  readonly body: Buffer | null;
}

const part = (
  table: string,
): string => `(select v.xid, v.seq, v.type, v.rid, v.id, v.version, v.lu, v.deleted, v.pat, v.codec, v.body from ${table} v
  where v.tenant = $1 and (v.xid, v.seq) > ($2::xid8, $3::int8) and v.xid < pg_snapshot_xmin(pg_current_snapshot()) order by v.xid, v.seq limit $4)`;

const text = `select f.xid::text as xid, f.seq, f.type, f.rid, f.id, f.version, date_part('epoch', f.lu) * 1000 as ms, f.deleted, f.pat, f.codec, f.body
  from (${part('res')} union all ${part('res_hist')}) f order by f.xid, f.seq limit $4`;

/** The versions after a position. */
export async function readFeed(client: ClientBase, tenant: number, after: FeedPosition, limit: number): Promise<FeedRow[]> {
  const { rows } = await client.query<FeedRow>({ name: 'change-feed', text, values: [tenant, after.xid, after.seq, limit] });
  return rows;
}
