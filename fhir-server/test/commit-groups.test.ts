// Commits that wait for one connection share a statement; one that can't be stored is refused alone and takes no other with it.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { pino } from 'pino';
import { verifyAudit } from '../src/audit/verify.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { type Change, type Commit, type Committer, committer, DuplicateKey, PlanOutdated } from '../src/store/commit.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';
import { commitSql } from '../src/store/migrations/0002-commit.ts';
import { functionsSql, indexSql } from '../src/store/migrations/0010-index.ts';
import { searchParametersSql } from '../src/store/migrations/0030-search-parameters.ts';
import { commitGroupsSql } from '../src/store/migrations/0040-commit-groups.ts';
import { accessSql } from '../src/store/migrations/0047-access.ts';
import { Statistics } from '../src/store/statistics.ts';

const tenant = 1;
let folder: string;
let server: EmbeddedPostgres;
let pool: pg.Pool;
let lanes: Committer;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-groups-'));
  server = await startEmbeddedPostgres({ dataDir: folder });
  const connection = { connectionString: server.connectionString('limen') };
  pool = new pg.Pool({ ...connection, max: 2 });
  await pool.query(storeSql + commitSql + indexSql + functionsSql + searchParametersSql + commitGroupsSql + accessSql);
  lanes = committer(connection, tenant, 1, new Statistics(pool, pino({ level: 'silent' })));
});

after(async () => {
  await lanes.close();
  await pool.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function change(rid: number, version = 1, body = `{"n":${rid}}`): Change {
  return {
    type: 1,
    shard: 1,
    rid: BigInt(rid),
    id: `r${rid}`,
    version,
    deleted: false,
    codec: 0,
    body: Buffer.from(body),
    pat: undefined,
    rows: undefined,
  };
}

function commitOf(changes: Change[], key?: string, at = new Date('2026-01-01T00:00:00Z')): Commit {
  return {
    at,
    changes,
    conditions: [],
    audit: [{ interaction: 'create', client: 'c', status: 201, requestId: 'q' }],
    ...(key
      ? { idempotency: { shard: 0, client: 'c', key: Buffer.from(key), request: Buffer.from('r'), status: 201, result: { key } } }
      : {}),
  };
}

/** One after the other into the same queue: what comes first leaves at once, the others wait together. */
function settle(commits: Commit[]): Promise<PromiseSettledResult<void>[]> {
  return Promise.allSettled(commits.map((c) => lanes.commit(c)));
}

const transactions = async (rids: number[]): Promise<number> => {
  const { rows } = await pool.query<{ n: number }>('select count(distinct xid)::int as n from res where rid = any($1)', [rids]);
  return rows[0]?.n ?? 0;
};

test('many small commits of one turn are one transaction, each with its own instant, row and record', async () => {
  const rids = Array.from({ length: 20 }, (_, i) => 100 + i);
  const results = await settle(rids.map((rid) => commitOf([change(rid)], `k${rid}`, new Date(Date.UTC(2026, 0, 1, 0, 0, rid - 100)))));
  assert.ok(results.every((r) => r.status === 'fulfilled'));
  assert.equal(await transactions(rids), 1);
  const { rows } = await pool.query("select rid::int, lu, convert_from(body, 'utf8') as body from res where rid = any($1) order by rid", [
    rids,
  ]);
  assert.deepEqual(
    rows,
    rids.map((rid) => ({ rid, lu: new Date(Date.UTC(2026, 0, 1, 0, 0, rid - 100)), body: `{"n":${rid}}` })),
  );
  const kept = await pool.query<{ key: Buffer; result: { key: string } }>('select key, result from idempotency');
  assert.deepEqual(new Set(kept.rows.map((r) => r.key.toString())), new Set(rids.map((rid) => `k${rid}`)));
  assert.ok(kept.rows.every((r) => r.result.key === r.key.toString()));
});

test('an outdated version among others is refused alone; what was with it is stored once', async () => {
  const rids = [201, 202, 203, 204];
  const results = await settle([
    commitOf([change(201)]),
    commitOf([change(202), change(999, 2)]),
    commitOf([change(203)]),
    commitOf([change(204)]),
  ]);
  assert.deepEqual(
    results.map((r) => r.status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.ok(results[1]?.status === 'rejected' && results[1].reason instanceof PlanOutdated);
  const { rows } = await pool.query<{ rid: number }>('select rid::int from res where rid = any($1) order by rid', [rids]);
  assert.deepEqual(
    rows.map((r) => r.rid),
    [201, 203, 204],
  );
});

test('the twin of a stored idempotency key is told so, its neighbours are stored', async () => {
  const results = await settle([commitOf([change(301)], 'twin'), commitOf([change(302)], 'twin'), commitOf([change(303)], 'other')]);
  assert.deepEqual(
    results.map((r) => r.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok(results[1]?.status === 'rejected' && results[1].reason instanceof DuplicateKey);
  assert.equal((await pool.query('select 1 from res where rid = 302')).rowCount, 0);
});

test('two versions of one resource never share a statement', async () => {
  const results = await settle([commitOf([change(401)]), commitOf([change(401, 2)]), commitOf([change(401, 3)])]);
  assert.ok(results.every((r) => r.status === 'fulfilled'));
  assert.equal((await pool.query('select 1 from res_hist where rid = 401')).rowCount, 2);
});

test('the chain of audit rows holds through all of it', async () => {
  const { rows, breaks } = await verifyAudit(pool, tenant);
  assert.deepEqual(breaks, []);
  assert.equal(rows, 20 + 3 + 2 + 3);
});
