// A store for search tests: the real schema on the embedded PostgreSQL, filled straight from the indexer's rows.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Resource } from '@limen/fhir-model';
import { loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/postgres/index.ts';
import {
  type AccessPredicate,
  type Cursor,
  compileIndexer,
  cursorAfter,
  type IndexRows,
  type Plan,
  type PlanContext,
  parseSearch,
  planCount,
  planSearch,
  type SearchRow,
} from '../src/search/index.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';

export const definitions = loadDefinitions();
const types = resourceTypes(definitions);
export const indexer = await compileIndexer(definitions);
export const everything: AccessPredicate = [{ criteria: [] }];

export type Json = { [name: string]: unknown };
export interface Entry {
  readonly resource: Json & { resourceType: string; id: string };
  readonly rid: bigint;
  readonly shard: number;
  readonly pat: bigint | undefined;
  readonly lu: Date;
}

export interface Store {
  readonly pool: pg.Pool;
  put(tenant: number, entries: readonly Entry[]): Promise<void>;
  /** Ids of a whole search, following its pages; throws when a page is not in order or repeats a row. */
  ids(query: string, options?: Options): Promise<string[]>;
  count(query: string, options?: Options): Promise<number>;
  run(plan: Plan): Promise<SearchRow[]>;
  context(options?: Options): PlanContext;
  close(): Promise<void>;
}
export interface Options {
  readonly tenant?: number;
  readonly access?: AccessPredicate;
  readonly visibleBeforeMs?: number;
  readonly pageSize?: number;
}

const float = (x: number): string => (Number.isFinite(x) ? String(x) : x > 0 ? 'Infinity' : '-Infinity');
const time = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : ms > 0 ? 'infinity' : '-infinity');

type Column = readonly [name: string, type: string];
const key: readonly Column[] = [
  ['tenant', 'int4'],
  ['shard', 'int2'],
  ['rid', 'int8'],
];
const tables: { readonly [table: string]: readonly Column[] } = {
  res: [
    ...key,
    ['type', 'int2'],
    ['id', 'text'],
    ['version', 'int4'],
    ['lu', 'timestamptz'],
    ['deleted', 'bool'],
    ['pat', 'int8'],
    ['codec', 'int2'],
    ['body', 'bytea'],
  ],
  idx: [...key, ['type', 'int2'], ['lu', 'timestamptz'], ['ts', 'timestamptz'], ['pat', 'int8'], ['tok', 'int8[]']],
  hot: [...key, ['code', 'int8'], ['pat', 'int8'], ['ts', 'timestamptz']],
  dt: [...key, ['p', 'int8'], ['lo', 'timestamptz'], ['hi', 'timestamptz']],
  qty: [...key, ['p', 'int8'], ['unit', 'int8'], ['lo', 'float8'], ['hi', 'float8']],
  num: [...key, ['p', 'int8'], ['lo', 'float8'], ['hi', 'float8']],
  str: [...key, ['p', 'int8'], ['norm', 'text'], ['raw', 'text']],
  ref: [...key, ['p', 'int8'], ['tgt', 'int8']],
  comp: [...key, ['grp', 'int8'], ['k', 'int8'], ['lo', 'float8'], ['hi', 'float8'], ['lo2', 'float8'], ['hi2', 'float8'], ['s', 'text']],
};

function rowsOf(tenant: number, entry: Entry): { [table: string]: Json[] } {
  const { resource, rid, shard, lu } = entry;
  const pat = entry.pat?.toString() ?? null;
  const own = { tenant, shard, rid: rid.toString() };
  const rows: IndexRows = indexer.index(resource as unknown as Resource, tenant);
  const ts = rows.tsMs === undefined ? null : time(rows.tsMs);
  const type = types.indexOf(resource.resourceType) + 1;
  const body = `\\x${Buffer.from(JSON.stringify(resource)).toString('hex')}`;
  return {
    res: [{ ...own, type, id: resource.id, version: 1, lu, deleted: false, pat, codec: 0, body }],
    idx: [{ ...own, type, lu, ts, pat, tok: `{${rows.tokens.join(',')}}` }],
    hot: rows.hot.map((code) => ({ ...own, code: code.toString(), pat, ts })),
    dt: rows.dates.map((d) => ({ ...own, p: d.p.toString(), lo: time(d.lo), hi: time(d.hi) })),
    qty: rows.quantities.map((q) => ({ ...own, p: q.p.toString(), unit: q.unit.toString(), lo: float(q.lo), hi: float(q.hi) })),
    num: rows.numbers.map((n) => ({ ...own, p: n.p.toString(), lo: float(n.lo), hi: float(n.hi) })),
    str: rows.strings.map((s) => ({ ...own, p: s.p.toString(), norm: s.norm, raw: s.raw })),
    ref: rows.references.map((r) => ({ ...own, p: r.p.toString(), tgt: r.target.toString() })),
    comp: rows.composites.map((c) => ({
      ...own,
      grp: c.grp.toString(),
      k: c.k.toString(),
      lo: float(c.lo),
      hi: float(c.hi),
      lo2: float(c.lo2),
      hi2: float(c.hi2),
      s: c.s,
    })),
  };
}

async function put(pool: pg.Pool, tenant: number, entries: readonly Entry[]): Promise<void> {
  const all = entries.map((entry) => rowsOf(tenant, entry));
  for (const [table, columns] of Object.entries(tables)) {
    const names = columns.map(([name]) => name).join(', ');
    const rows = all.flatMap((r) => r[table] ?? []);
    await pool.query(
      `insert into ${table} (${names}) select ${names} from json_to_recordset($1::json) as x(${columns.map((c) => c.join(' ')).join(', ')})`,
      [JSON.stringify(rows)],
    );
  }
}

/** Starts PostgreSQL with an empty store; `patients` maps ids to rids as the caller of a plan does. */
export async function openStore(patients: ReadonlyMap<string, bigint>): Promise<Store> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'limen-search-'));
  const database = await startEmbeddedPostgres({ dataDir: folder });
  const pool = new pg.Pool({ connectionString: database.connectionString('limen'), max: 2 });
  pool.on('error', () => undefined);
  await pool.query(storeSql);
  const context = (options: Options = {}, cursor?: Cursor): PlanContext => ({
    tenant: options.tenant ?? 1,
    typeNumber: (type) => types.indexOf(type) + 1,
    access: options.access ?? everything,
    patientRid: (id) => patients.get(id),
    ...(options.visibleBeforeMs === undefined ? {} : { visibleBeforeMs: options.visibleBeforeMs }),
    ...(cursor ? { cursor } : {}),
  });
  const run = async (plan: Plan): Promise<SearchRow[]> => (await pool.query<SearchRow>(plan.text, plan.values)).rows;
  const parsed = (query: string, pageSize = 20): ReturnType<typeof parseSearch> => {
    const [type = '', search = ''] = query.split(/\?(.*)/s);
    const found = parseSearch(definitions, type, search, { lenient: false });
    return { ...found, count: pageSize };
  };
  return {
    pool,
    put: (tenant, entries) => put(pool, tenant, entries),
    context,
    run,
    async ids(query, options) {
      const found: string[] = [];
      let cursor: Cursor | undefined;
      const search = parsed(query, options?.pageSize);
      do {
        const rows = await run(planSearch(search, context(options, cursor)));
        const page = rows.slice(0, search.count);
        found.push(...page.map((r) => r.id));
        const last = page.at(-1);
        cursor = rows.length > search.count && last ? cursorAfter(last) : undefined;
      } while (cursor);
      if (new Set(found).size !== found.length) throw new Error('a row came twice');
      return found;
    },
    async count(query, options) {
      const [row] = (await pool.query<{ total: string }>(...statement(planCount(parsed(query), context(options))))).rows;
      return Number(row?.total);
    },
    async close() {
      await pool.end();
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function statement(plan: Plan): [string, unknown[]] {
  return [plan.text, plan.values];
}
