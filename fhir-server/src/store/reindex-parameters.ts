// Fills the search tables for parameters that came later: in the background, type by type in batches; any node goes on where another stopped.
import { parseExact, type Resource } from '@limen/fhir-model';
import type { PoolClient } from 'pg';
import { indexArrayCount, indexArrays, KnownTerms } from './index-columns.ts';
import type { Reindexing } from './reindex.ts';

const batchSize = 500;
const pollMs = 2000;
const waitMs = 100;
/** One worker of all nodes; conditionals lock by numbers from 0. */
const lock = -1;

export interface ParameterReindexing extends Reindexing {
  /** Learns what other nodes have changed. */
  poll(): Promise<void>;
  refresh(): Promise<void>;
}

interface Next {
  readonly type: number;
  readonly rid: string;
  readonly ready: boolean | null;
}

/** `more`: go on at once; `waiting`: for writes that began before the parameter was known, or for another worker. */
type Outcome = 'more' | 'waiting' | 'nothing';

const call = `select limen_index(${Array.from({ length: indexArrayCount + 1 }, (_, i) => `$${i + 1}`).join(', ')})`;

export class ParameterReindexer {
  private readonly run: ParameterReindexing;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private started = false;
  private stopped = false;

  constructor(run: ParameterReindexing) {
    this.run = run;
  }

  /** Looks every few seconds for what other nodes have changed and for work that they left. */
  start(): void {
    this.started = true;
    this.again(0);
  }

  /** Something new is to be indexed. */
  wake(): void {
    if (this.started && !this.working) this.again(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  private again(ms: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.working = this.work()
        .catch(() => this.run.log.warn({ event: 'search-parameter-indexing-interrupted' }))
        .finally(() => {
          this.working = undefined;
          this.again(pollMs);
        });
    }, ms);
    this.timer.unref();
  }

  private async work(): Promise<void> {
    await this.run.poll();
    for (let outcome = await this.step(); outcome !== 'nothing' && !this.stopped; outcome = await this.step()) {
      if (outcome === 'waiting') await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  private async step(): Promise<Outcome> {
    const client = await this.run.pool.connect();
    try {
      await client.query('begin');
      const outcome = await this.batch(client);
      await client.query('commit');
      return outcome;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      // Another node has changed the set of parameters: this one must know it before it indexes.
      if ((error as { code?: unknown }).code !== 'LM001') throw error;
      await this.run.refresh();
      return 'more';
    } finally {
      client.release();
    }
  }

  private async batch(client: PoolClient): Promise<Outcome> {
    const { tenant } = this.run;
    const locked = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1, $2) as got', [tenant, lock]);
    if (!locked.rows[0]?.got) return 'waiting';
    const { rows } = await client.query<Next>(
      `select type, rid, pg_snapshot_xmin(pg_current_snapshot()) >= barrier as ready from search_parameter
       where tenant = $1 and not complete order by barrier nulls first, type, rid limit 1`,
      [tenant],
    );
    const [next] = rows;
    if (!next) return 'nothing';
    if (next.ready === false) return 'waiting';
    if (next.ready === null) await this.begin(client);
    else await this.index(client, next);
    return 'more';
  }

  /** Whoever writes from now on has a higher transaction number and meets the new stamp. */
  private async begin(client: PoolClient): Promise<void> {
    await client.query(
      `update search_parameter p set barrier = pg_snapshot_xmax(pg_current_snapshot()),
        total = (select count(*) from idx i where i.tenant = p.tenant and i.type = p.type)
       where tenant = $1 and barrier is null`,
      [this.run.tenant],
    );
  }

  /** All parameters of the type that have come as far go on together. */
  private async index(client: PoolClient, { type, rid }: Next): Promise<void> {
    const { tenant, codec, types, indexer } = this.run;
    const keys = await client.query<{ shard: number; rid: string }>(
      'select shard, rid from idx where tenant = $1 and type = $2 and rid > $3 order by rid limit $4',
      [tenant, type, rid, batchSize],
    );
    // Locked: a write must not come between the reading of a body and the writing of its index.
    const { rows } = await client.query<{ shard: number; rid: string; pat: string | null; codec: number; body: Buffer }>(
      `select r.shard, r.rid, r.pat, r.codec, r.body from unnest($2::int2[], $3::int8[]) as x(shard, rid)
       join res r on r.tenant = $1 and r.shard = x.shard and r.rid = x.rid where not r.deleted order by r.rid for update of r`,
      [tenant, keys.rows.map((k) => k.shard), keys.rows.map((k) => k.rid)],
    );
    const resources = rows.map(({ shard, rid: own, pat, codec: number, body }) => {
      const resource = parseExact(codec.decode(types.name(type), number, body)) as Resource;
      const owner = pat === null ? undefined : BigInt(pat);
      return { shard, rid: BigInt(own), type, version: 2, pat: owner, rows: indexer.index(resource, tenant) };
    });
    if (resources.length > 0) await client.query(call, [tenant, ...indexArrays(resources, new KnownTerms()).arrays]);
    const last = keys.rows.at(-1)?.rid ?? rid;
    await client.query(
      `update search_parameter set rid = $4, done = done + $5, complete = $6
       where tenant = $1 and type = $2 and rid = $3 and not complete and pg_snapshot_xmin(pg_current_snapshot()) >= barrier`,
      [tenant, type, rid, last, keys.rows.length, keys.rows.length < batchSize],
    );
  }
}
