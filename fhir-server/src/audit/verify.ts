// Proves a chain: recomputes every hash of a lane and names the first row that does not follow from the one before it.
import type { Pool } from 'pg';
import { linkHash } from './chain.ts';
import type { DroppedRows } from './retention.ts';

export interface ChainBreak {
  readonly lane: string;
  /** The first row that does not follow. */
  readonly n: number;
}

/** The newest row of a chain. */
export interface ChainEnd {
  readonly n: number;
  readonly at: Date;
}

interface Row {
  readonly lane: string;
  readonly n: string;
  readonly at: Date;
  readonly row: object;
  readonly hash: Buffer;
}

const pageRows = 5000;

function canonical(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** All rows in the order of their chains, page by page. */
async function* rowsOf(pool: Pick<Pool, 'query'>, tenant: number): AsyncGenerator<Row> {
  let after: [string, string, Date] = ['00000000-0000-0000-0000-000000000000', '0', new Date(0)];
  for (;;) {
    const { rows } = await pool.query<Row>(
      `select lane, n, at, row, hash from audit where tenant = $1 and shard = 0 and (lane, n, at) > ($2, $3, $4) order by lane, n, at limit ${pageRows}`,
      [tenant, ...after],
    );
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < pageRows) return;
    after = [last.lane, last.n, last.at];
  }
}

/** Walks one chain; tells of its first break only. */
class Walk {
  isBroken = false;
  private expected = 1;
  private previous = Buffer.alloc(32);
  private readonly dropped: readonly DroppedRows[];

  constructor(dropped: readonly DroppedRows[]) {
    this.dropped = dropped;
  }

  /** @returns true when this row is where the chain breaks */
  breaksAt(row: Row): boolean {
    const n = Number(row.n);
    this.skipDropped(n);
    const hash = linkHash(this.previous, n, row.at.toISOString(), canonical(row.row));
    const isBreak = !this.isBroken && (n !== this.expected || !hash.equals(row.hash));
    this.isBroken ||= isBreak;
    this.expected = n + 1;
    this.previous = row.hash as Buffer<ArrayBuffer>;
    return isBreak;
  }

  /** Over rows that went with their month: the signed note says what stood at both ends. */
  private skipDropped(n: number): void {
    while (this.expected < n) {
      const rows = this.dropped.find(({ first }) => first === this.expected);
      if (!rows || (rows.before !== null && rows.before !== this.previous.toString('hex'))) return;
      this.expected = rows.last + 1;
      this.previous = Buffer.from(rows.hash, 'hex');
    }
  }
}

/**
 * @param dropped rows whose months were dropped, from signed notes
 * @returns the first broken row of each lane, none = all chains hold; and where each lane ends
 */
export async function verifyAudit(
  pool: Pick<Pool, 'query'>,
  tenant: number,
  dropped: readonly DroppedRows[] = [],
): Promise<{ rows: number; breaks: ChainBreak[]; ends: Map<string, ChainEnd> }> {
  const breaks: ChainBreak[] = [];
  const ends = new Map<string, ChainEnd>();
  let rows = 0;
  let lane = '';
  let walk = new Walk([]);
  for await (const row of rowsOf(pool, tenant)) {
    rows++;
    if (row.lane !== lane) {
      lane = row.lane;
      walk = new Walk(dropped.filter((each) => each.lane === row.lane));
    }
    if (walk.breaksAt(row)) breaks.push({ lane, n: Number(row.n) });
    ends.set(lane, { n: Number(row.n), at: row.at });
  }
  return { rows, breaks, ends };
}
