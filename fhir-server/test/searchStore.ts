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
  type Codes,
  type Cursor,
  compileIndexer,
  cursorAfter,
  type Plan,
  type PlanContext,
  parseSearch,
  planCount,
  planSearch,
  resolve,
  type SearchRow,
} from '../src/search/index.ts';
import { indexArrayCount, indexArrays, KnownTerms } from '../src/store/index-columns.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';
import { commitSql } from '../src/store/migrations/0002-commit.ts';
import { functionsSql, indexSql } from '../src/store/migrations/0010-index.ts';
import { searchParametersSql } from '../src/store/migrations/0030-search-parameters.ts';
import { accessSql } from '../src/store/migrations/0047-access.ts';
import { hiddenSql } from '../src/store/migrations/0048-hidden.ts';

export const definitions = loadDefinitions();
const types = resourceTypes(definitions);
export const indexer = await compileIndexer(definitions, { words: true });
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
  readonly accessTo?: (type: string) => AccessPredicate;
  /** false: chains stay sub-queries. */
  readonly chains?: boolean;
  readonly visibleBeforeMs?: number;
  readonly pageSize?: number;
}

const resColumns =
  'tenant int4, shard int2, type int2, rid int8, id text, version int4, lu timestamptz, deleted bool, pat int8, codec int2, body bytea';
const resNames = resColumns.replace(/ (int2|int4|int8|text|timestamptz|bool|bytea)/g, '');
const indexCall = `select limen_index(${Array.from({ length: indexArrayCount + 1 }, (_, n) => `$${n + 1}`).join(', ')})`;

async function put(pool: pg.Pool, tenant: number, entries: readonly Entry[]): Promise<void> {
  const number = (type: string): number => types.indexOf(type) + 1;
  const rows = entries.map(({ resource, rid, shard, pat, lu }) => ({
    tenant,
    shard,
    type: number(resource.resourceType),
    rid: rid.toString(),
    id: resource.id,
    version: 1,
    lu,
    deleted: false,
    pat: pat?.toString() ?? null,
    codec: 0,
    body: `\\x${Buffer.from(JSON.stringify(resource)).toString('hex')}`,
  }));
  await pool.query(`insert into res (${resNames}) select ${resNames} from json_to_recordset($1::json) as x(${resColumns})`, [
    JSON.stringify(rows),
  ]);
  const indexed = entries.map(({ resource, rid, shard, pat }) => ({
    shard,
    type: number(resource.resourceType),
    rid,
    version: 1,
    pat,
    rows: indexer.index(resource as unknown as Resource, tenant),
  }));
  await pool.query(indexCall, [tenant, ...indexArrays(indexed, new KnownTerms()).arrays]);
}

const unknown = async (): Promise<undefined> => undefined;
const noCodes: Codes = { in: unknown, below: unknown, above: unknown };

/** Starts PostgreSQL with an empty store; `patients` maps ids to rids as the caller of a plan does. */
export async function openStore(patients: ReadonlyMap<string, bigint>, codes: Codes = noCodes): Promise<Store> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'limen-search-'));
  const database = await startEmbeddedPostgres({ dataDir: folder });
  const pool = new pg.Pool({ connectionString: database.connectionString('limen'), max: 2 });
  pool.on('error', () => undefined);
  await pool.query(storeSql + commitSql + indexSql + functionsSql + searchParametersSql + accessSql + hiddenSql);
  const context = (options: Options = {}, cursor?: Cursor): PlanContext => ({
    tenant: options.tenant ?? 1,
    typeNumber: (type) => types.indexOf(type) + 1,
    access: options.accessTo ?? (() => options.access ?? everything),
    patientRid: (id) => patients.get(id),
    ...(options.visibleBeforeMs === undefined ? {} : { visibleBeforeMs: options.visibleBeforeMs }),
    ...(cursor ? { cursor } : {}),
  });
  const run = async (plan: Plan): Promise<SearchRow[]> => (await pool.query<SearchRow>(plan.text, plan.values)).rows;
  const parsed = async (query: string, options: Options = {}): Promise<ReturnType<typeof parseSearch>> => {
    const [type = '', search = ''] = query.split(/\?(.*)/s);
    const found = parseSearch(definitions, type, search, { lenient: false, texts: 'kept' });
    const criteria = await resolve(found.criteria, context(options), {
      run: async (plan) => ({ rows: await run(plan) }),
      codes,
      chains: options.chains ?? true,
    });
    return { ...found, criteria, count: options.pageSize ?? 20 };
  };
  return {
    pool,
    put: (tenant, entries) => put(pool, tenant, entries),
    context,
    run,
    async ids(query, options) {
      const found: string[] = [];
      let cursor: Cursor | undefined;
      const search = await parsed(query, options);
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
      const [row] = (await pool.query<{ total: string }>(...statement(planCount(await parsed(query, options), context(options))))).rows;
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
