// Two ways of planning. Statements by key and searches inside one patient have one good plan: it is made once a connection and kept.
// All other searches depend on their values (a common code, a rare one) and are planned each time.
import pg from 'pg';
import type { Logger } from 'pino';
import type { SearchRow } from './read.ts';

/** Key look-ups must not turn into scans when a kept plan was made on an empty table. */
const keptPlans = `set plan_cache_mode = force_generic_plan; set jit = off; set enable_seqscan = off; set enable_bitmapscan = off;
  set enable_hashjoin = off; set enable_mergejoin = off`;
const freshPlans = 'set plan_cache_mode = force_custom_plan; set jit = off';

/** A statement of a search. */
export interface Statement {
  readonly text: string;
  readonly values: unknown[];
  /** The access path is one patient's part of an index whatever the values are: the database need not plan it anew each time. */
  readonly pinned?: boolean;
}

/** The database ends a statement first, and says so. Behind a connection gone silent nobody says anything: then we end it ourselves. */
export const connectionLimits = { connectionTimeoutMillis: 5000, statement_timeout: 30_000, query_timeout: 35_000 };

export interface Pools {
  /** Plans each search with its values. */
  readonly fresh: pg.Pool;
  /** Keeps plans; only for statements whose every table is reached by an index. */
  readonly kept: pg.Pool;
  close(): Promise<void>;
}

export function openPools(config: pg.ClientConfig, log: Logger, max: { fresh: number; kept: number }): Pools {
  const fresh = poolOf(config, log, max.fresh, freshPlans);
  const kept = poolOf(config, log, max.kept, keptPlans);
  return {
    fresh,
    kept,
    async close() {
      await Promise.all([fresh.end(), kept.end()]);
    },
  };
}

/** @param settings sent once on each connection */
export function poolOf(config: pg.ClientConfig, log: Logger, max: number, settings?: string): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    max,
    ...connectionLimits,
    ...(settings ? { onConnect: async (client: pg.ClientBase) => void (await client.query(settings)) } : {}),
  });
  // Without a listener an idle client takes the process down with the database.
  pool.on('error', () => log.warn({ event: 'database-connection-lost' }));
  return pool;
}

/** Prepared statements live, and take memory, as long as their connection: only so many, and only what comes again. */
const maximumNamed = 200;
const maximumSeen = 2000;

/** Runs the statement of a search where it is planned best. */
export function planRunner({ fresh, kept }: Pools): (statement: Statement) => Promise<{ rows: SearchRow[] }> {
  const names = new Map<string, string>();
  const seen = new Set<string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known || names.size >= maximumNamed) return known;
    if (!seen.has(text)) {
      if (seen.size >= maximumSeen) seen.clear();
      seen.add(text);
      return undefined;
    }
    seen.delete(text);
    const name = `search-${names.size}`;
    names.set(text, name);
    return name;
  };
  return ({ text, values, pinned }) => {
    const name = nameOf(text);
    if (!name) return fresh.query<SearchRow>(text, values);
    return (pinned ? kept : fresh).query<SearchRow>({ name, text, values });
  };
}
