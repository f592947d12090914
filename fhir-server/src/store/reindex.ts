// Fills the search tables from the bodies: after a start with an indexer of another generation, resource by resource in the order of the key.
import { parseExact, type Resource } from '@limen/fhir-model';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { accessJson } from './access-columns.ts';
import type { Codec } from './codec.ts';
import type { TypeNumbers } from './ids.ts';
import { indexArrayCount, indexArrays, KnownTerms } from './index-columns.ts';
import type { IndexRows } from './index-rows.ts';

/** Raised whenever the indexer or the tables change what they hold for the same resource. */
const generation = 4;
const batchSize = 500;
const progressEvery = 10_000;

export interface Reindexing {
  readonly pool: Pool;
  readonly tenant: number;
  readonly codec: Codec;
  readonly types: TypeNumbers;
  readonly indexer: { index(resource: Resource, tenant: number): IndexRows };
  readonly log: Logger;
}

interface Place {
  readonly shard: number;
  readonly rid: string;
}

interface Row extends Place {
  readonly type: number;
  readonly version: number;
  readonly pat: string | null;
  readonly codec: number;
  readonly body: Buffer;
}

const call = `select limen_index(${Array.from({ length: indexArrayCount + 1 }, (_, i) => `$${i + 1}`).join(', ')})`;
const start: Place = { shard: -1, rid: '0' };

/** Where an unfinished run goes on; undefined: nothing is to do. */
async function openRun({ pool, tenant }: Reindexing): Promise<Place | undefined> {
  const { rows } = await pool.query<{ generation: number; complete: boolean; shard: number; rid: string }>(
    'select generation, complete, shard, rid from index_state where tenant = $1',
    [tenant],
  );
  const [state] = rows;
  if (state?.generation === generation) return state.complete ? undefined : { shard: state.shard, rid: state.rid };
  await pool.query(
    `insert into index_state (tenant, generation, complete, shard, rid) values ($1, $2, false, $3, $4)
     on conflict (tenant) do update set generation = $2, complete = false, shard = $3, rid = $4`,
    [tenant, generation, start.shard, start.rid],
  );
  return start;
}

/** @returns where the next batch begins; undefined after the last one */
async function batch(run: Reindexing, from: Place): Promise<{ next: Place | undefined; count: number }> {
  const { pool, tenant, codec, types, indexer } = run;
  const client = await pool.connect();
  try {
    await client.query('begin');
    // Locked: a write must not add rows between the reading of a body and the writing of its index.
    const { rows } = await client.query<Row>(
      `select shard, rid, type, version, pat, codec, body from res
       where tenant = $1 and (shard, rid) > ($2, $3) and not deleted order by shard, rid limit $4 for update`,
      [tenant, from.shard, from.rid, batchSize],
    );
    const resources = rows.map(({ shard, rid, type, version, pat, codec: number, body }) => {
      const resource = parseExact(codec.decode(types.name(type), number, body)) as Resource;
      // Version 2: old rows, if there are any, go first.
      return {
        shard,
        rid: BigInt(rid),
        type,
        version: 2,
        current: version,
        deleted: false,
        pat: pat === null ? undefined : BigInt(pat),
        rows: indexer.index(resource, tenant),
      };
    });
    if (resources.length > 0) await client.query(call, [tenant, ...indexArrays(resources, new KnownTerms()).arrays]);
    const access = accessJson(resources.map((each) => ({ ...each, version: each.current })));
    if (access !== null) await client.query('select limen_access($1, $2)', [tenant, access]);
    const last = rows.at(-1);
    const next = rows.length < batchSize ? undefined : last && { shard: last.shard, rid: last.rid };
    await client.query('update index_state set complete = $2, shard = $3, rid = $4 where tenant = $1', [
      tenant,
      next === undefined,
      next?.shard ?? start.shard,
      next?.rid ?? start.rid,
    ]);
    await client.query('commit');
    return { next, count: rows.length };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** Brings the search tables to this program's indexer. Killed in the middle it goes on at the next start. */
export async function reindex(run: Reindexing): Promise<void> {
  let place = await openRun(run);
  let done = 0;
  while (place) {
    const { next, count } = await batch(run, place);
    if (Math.floor((done + count) / progressEvery) > Math.floor(done / progressEvery))
      run.log.info({ event: 'reindexing', resources: done + count });
    done += count;
    place = next;
  }
}
