// Proves a chain: recomputes every hash of a lane and names the first row that does not follow from the one before it.
import type { Pool } from 'pg';
import { linkHash } from './chain.ts';

export interface ChainBreak {
  readonly lane: string;
  readonly n: number;
}

function canonical(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** @returns the first broken row of each lane; empty = all chains hold */
export async function verifyAudit(pool: Pool, tenant: number): Promise<{ rows: number; breaks: ChainBreak[] }> {
  const { rows } = await pool.query<{ lane: string; n: string; at: Date; row: object; hash: Buffer }>(
    'select lane, n, at, row, hash from audit where tenant = $1 order by lane, n',
    [tenant],
  );
  const breaks: ChainBreak[] = [];
  let lane = '';
  let expected = 1;
  let previous = Buffer.alloc(32);
  for (const row of rows) {
    if (row.lane !== lane) {
      lane = row.lane;
      expected = 1;
      previous = Buffer.alloc(32);
    }
    const n = Number(row.n);
    const hash = linkHash(previous, n, row.at.toISOString(), canonical(row.row));
    if ((n !== expected || !hash.equals(row.hash)) && !breaks.some((b) => b.lane === lane)) breaks.push({ lane, n });
    expected = n + 1;
    previous = row.hash as Buffer<ArrayBuffer>;
  }
  return { rows: rows.length, breaks };
}
