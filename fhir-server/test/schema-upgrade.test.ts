// A database of the layout before the search tables' second form (0010), with resources in it, becomes one of today's: also when the server is
// killed in the middle of the migration and in the middle of filling the search tables.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import pg from 'pg';
import { endWithTests, holdPort, type Product, startProduct } from '../../test/product.ts';
import { rest } from '../../test/rest-client.ts';
import { feedbackSql } from '../src/operational/feedback.ts';
import { clientAddressesSql, operationalSql } from '../src/operational/index.ts';
import { replaySql } from '../src/operational/replay.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { newId, shardOf, typeNumbers } from '../src/store/ids.ts';
import { migrate } from '../src/store/migrate.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';
import { commitSql } from '../src/store/migrations/0002-commit.ts';
import { tenantSql } from '../src/store/migrations/0003-tenant.ts';

const oldLayout = [
  { name: '0001-store', sql: storeSql },
  { name: '0002-commit', sql: commitSql },
  { name: '0003-tenant', sql: tenantSql },
  { name: '0004-operational', sql: operationalSql },
  { name: '0005-replay', sql: replaySql },
  { name: '0006-client-addresses', sql: clientAddressesSql },
  { name: '0007-feedback', sql: feedbackSql },
];
const patients = 60;
/** More than two batches of the reindexing. */
const perPatient = 20;
const codeSystem = 'https://limen.example/upgrade';
const codeOf = (n: number): string => `kind-${n % 7}`;

interface Row {
  readonly shard: number;
  readonly type: number;
  readonly rid: number;
  readonly id: string;
  readonly pat: number;
  readonly body: string;
}

function resources(): Row[] {
  const types = typeNumbers(loadDefinitions());
  const rows: Row[] = [];
  const add = (type: string, id: string, pat: number | undefined, content: object): number => {
    const rid = rows.length + 1;
    const meta = { versionId: '1', lastUpdated: '2026-01-02T03:04:05.000Z' };
    const body = JSON.stringify({ resourceType: type, id, meta, ...content });
    rows.push({ shard: shardOf(id, false), type: types.number(type), rid, id, pat: pat ?? rid, body });
    return rid;
  };
  for (let p = 0; p < patients; p += 1) {
    const patient = newId(undefined);
    const pat = add('Patient', patient, undefined, { gender: p % 3 === 0 ? 'male' : 'female', birthDate: '1970-01-01' });
    for (let n = 0; n < perPatient; n += 1) {
      add('Observation', newId(patient), pat, {
        status: 'final',
        code: { coding: [{ system: codeSystem, code: codeOf(p + n) }] },
        subject: { reference: `Patient/${patient}` },
        effectiveDateTime: `2025-0${1 + (n % 9)}-15`,
        valueQuantity: { value: n, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
      });
    }
  }
  return rows;
}

/** What the version before would have left. */
async function fillOld(pool: pg.Pool, rows: readonly Row[]): Promise<void> {
  await migrate(pool, oldLayout);
  await pool.query("insert into tenant (tenant, name, policy) values (1, 'main', 'date-shift')");
  for (let n = 0; n * 1000 < rows.length; n += 1) await pool.query("select nextval('rid_block')");
  const columns = 'shard int2, type int2, rid int8, id text, pat int8, body text';
  await pool.query(
    `insert into res (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body)
     select 1, shard, type, rid, id, 1, '2026-01-02T03:04:05Z', false, pat, 0, convert_to(body, 'UTF8')
     from json_to_recordset($1::json) as x(${columns})`,
    [JSON.stringify(rows)],
  );
  await pool.query("insert into idx (tenant, shard, type, rid, lu, pat, tok) select tenant, shard, type, rid, lu, pat, '{}' from res");
}

let folder: string;
let database: EmbeddedPostgres;
let pool: pg.Pool;
let product: Product | undefined;
const rows = resources();
const env = (): Record<string, string> => ({
  DATABASE_URL: database.connectionString('limen'),
  VAULT_DATABASE_URL: database.connectionString('vault'),
});

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'limen-upgrade-'));
  database = await startEmbeddedPostgres({ dataDir: path.join(folder, 'database') });
  pool = new pg.Pool({ connectionString: database.connectionString('limen') });
  pool.on('error', () => undefined);
  await fillOld(pool, rows);
});
after(async () => {
  await product?.stop();
  await pool?.end();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A start that is not waited for. */
async function beginStart(): Promise<ChildProcess> {
  const held = await Promise.all(
    ['PORT', 'MLLP_PORT', 'INFERENCE_PORT', 'METRICS_PORT'].map(async (name) => ({ name, ...(await holdPort()) })),
  );
  await Promise.all(held.map(({ release }) => release()));
  const ports = Object.fromEntries(held.map(({ name, port }) => [name, String(port)]));
  const child = spawn(process.execPath, ['start.ts'], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    env: { ...process.env, ...env(), ...ports, DATA_DIR: path.join(folder, 'data') },
    stdio: 'ignore',
  });
  endWithTests(child);
  return child;
}

async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  for (const deadlineMs = performance.now() + 90_000; performance.now() < deadlineMs; await sleep(20)) if (await probe()) return;
  throw new Error(`It did not happen: ${what}.`);
}

/** Starts the server while something is locked that it will need, kills it when it stands there, and lets the lock go. */
async function killedWaitingFor(lock: string, stands: () => Promise<boolean>): Promise<void> {
  const holder = await pool.connect();
  try {
    await holder.query('begin');
    await holder.query(lock);
    const child = await beginStart();
    await until('the server stands at the lock', async () => {
      assert.equal(child.exitCode, null, 'the server has ended');
      return stands();
    });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  await until('nothing of the killed server is at work', async () => (await busy()) === 0);
}

async function number(sql: string): Promise<number> {
  const result = await pool.query<{ n: string }>(sql);
  return Number(result.rows[0]?.n);
}

const busy = (): Promise<number> =>
  number(
    "select count(*) as n from pg_stat_activity where backend_type = 'client backend' and datname = 'limen' and state <> 'idle' and pid <> pg_backend_pid()",
  );
const waiting = async (): Promise<boolean> => (await number('select count(*) as n from pg_locks where not granted')) > 0;

test('killed in the middle of the migration: nothing of it has happened', async () => {
  await killedWaitingFor('lock table idx in access share mode', waiting);
  const { rows: names } = await pool.query<{ name: string }>('select name from limen_migration order by name');
  assert.deepEqual(
    names.map(({ name }) => name),
    oldLayout.map(({ name }) => name),
  );
  assert.equal(await number('select count(*) as n from idx'), rows.length, 'the old search table is as it was');
});

test('killed in the middle of filling the search tables: it goes on there, and searches find all', async () => {
  const last = 'select from res where (shard, rid) = (select shard, rid from res order by shard desc, rid desc limit 1) for update';
  await killedWaitingFor(last, async () => {
    const known = await number("select count(*) as n from pg_tables where tablename = 'index_state'");
    return known > 0 && (await number('select count(*) as n from index_state where not complete and shard >= 0')) > 0 && (await waiting());
  });
  assert.equal(await number('select count(*) as n from index_state where complete'), 0);
  const done = await number('select count(*) as n from idx');
  assert.ok(done > 0 && done < rows.length, `${done} of ${rows.length} resources were done`);

  product = await startProduct({ env: env(), dataDir: path.join(folder, 'data') });
  assert.equal(await number('select count(*) as n from index_state where complete'), 1);
  assert.equal(await number('select count(*) as n from idx'), await number('select count(*) as n from res where not deleted'));
  const fhir = rest(product);
  const total = async (query: string): Promise<number> => Number((await fhir(`${query}&_summary=count`)).json['total']);
  const observations = rows.map(({ body }) => body).filter((body) => body.includes('"Observation"'));
  for (let kind = 0; kind < 7; kind += 1) {
    const expected = observations.filter((body) => body.includes(`"${codeOf(kind)}"`)).length;
    assert.equal(await total(`Observation?code=${codeSystem}|${codeOf(kind)}`), expected, codeOf(kind));
  }
  assert.equal(await total('Patient?gender=male'), patients / 3);
  assert.equal(await total('Observation?value-quantity=gt9'), patients * 10);
  const patient = rows[0];
  assert.equal(await total(`Observation?patient=${patient?.id}&date=ge2025-01-01`), perPatient);
  const read = await fhir(`Patient/${patient?.id}`);
  assert.equal(read.text, patient?.body, 'a body is what it was');
});
