// The product on a PostgreSQL that is not its own, reached through a proxy: server and database can be hurt apart from each other.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@limen/fhir-server';
import pg from 'pg';
import { type Product, startProduct } from '../product.ts';
import { type DatabaseProxy, startProxy } from './database-proxy.ts';

export interface World {
  product(): Product;
  readonly proxy: DatabaseProxy;
  /** The process id of PostgreSQL; waits until there is one. */
  postmaster(): Promise<number>;
  /** Process ids of the connections that the product has. */
  backends(): Promise<number[]>;
  /** Asks the database itself, past the proxy. */
  query<Row>(sql: string): Promise<Row[]>;
  /** Waits until the product says that it is ready. @returns after how many milliseconds */
  untilReady(): Promise<number>;
  /** Starts the product anew, on the same data and the same ports of others. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const readyWithinMs = 120_000;

/** @param databaseDir where the database lies; a folder of its own, removed at the end, when absent */
export async function startWorld(databaseDir?: string): Promise<World> {
  const folder = databaseDir ?? (await mkdtemp(path.join(os.tmpdir(), 'limen-drill-')));
  const database = await startEmbeddedPostgres({ dataDir: folder });
  const proxy = await startProxy(path.join(database.socketDir, `.s.PGSQL.${database.port}`));
  const address = (name: string): string => `postgresql://limen@127.0.0.1:${proxy.port}/${name}`;
  const env = { DATABASE_URL: address('limen'), VAULT_DATABASE_URL: address('vault') };
  let product = await startProduct({ env });
  const { dataDir } = product;
  return {
    product: () => product,
    proxy,
    postmaster: () => processOf(database),
    async backends() {
      const rows = await query<{ pid: number }>(
        database,
        "select pid from pg_stat_activity where backend_type = 'client backend' and datname = 'limen' and pid <> pg_backend_pid()",
      );
      return rows.map(({ pid }) => pid);
    },
    query: (sql) => query(database, sql),
    untilReady: () => untilReady(() => product),
    async restart() {
      product = await startProduct({ env, dataDir });
    },
    async stop() {
      await product.stop();
      await proxy.close();
      await database.stop();
      if (!databaseDir) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function processOf(database: EmbeddedPostgres): Promise<number> {
  for (const deadlineMs = performance.now() + readyWithinMs; performance.now() < deadlineMs; await sleep(20)) {
    const pid = database.pid();
    if (pid !== undefined) return pid;
  }
  throw new Error('PostgreSQL did not come back.');
}

async function query<Row>(database: EmbeddedPostgres, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.connectionString('limen') });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function untilReady(product: () => Product): Promise<number> {
  const beganMs = performance.now();
  while (performance.now() - beganMs < readyWithinMs) {
    const status = await statusOf(`${product().origin}/ready`, 5000);
    if (status === 200) return performance.now() - beganMs;
    await sleep(50);
  }
  throw new Error('The product did not become ready again.');
}

/** @returns undefined when there is no answer in time */
export async function statusOf(url: string, timeoutMs = 30_000): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

/** A process and all that it has started. */
export function family(pid: number): number[] {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && motherOf(name) === pid);
  return [pid, ...children.map(Number).flatMap(family)];
}

function motherOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return undefined;
  }
}
