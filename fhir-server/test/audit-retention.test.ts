// The trail over years: nothing is changed, months are made ahead and go as a whole with a signed note, and each kind of tampering is named.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { pino } from 'pino';
import { openAnchors } from '../src/audit/anchor.ts';
import { AuditKeeper } from '../src/audit/keeper.ts';
import { auditLog } from '../src/audit/log.ts';
import { makeMonths } from '../src/audit/retention.ts';
import { type TrailFault, verifyTrail } from '../src/audit/trail.ts';
import { startEmbeddedPostgres } from '../src/postgres/index.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';
import { auditPartitionsSql } from '../src/store/migrations/0044-audit-partitions.ts';

const today = new Date('2026-11-25T12:00:00Z');
let folder: string;
let keysDir: string;
let database: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
let pool: pg.Pool;
let keeper: AuditKeeper;

/** One writer's chain: a row at each of these instants, its head signed at the end. */
async function record(instants: readonly string[]): Promise<void> {
  let at = new Date(instants[0] ?? today);
  const anchors = await openAnchors(folder, keysDir, () => at, pino({ enabled: false }));
  const log = auditLog(pool, 1, () => at, anchors);
  for (const [n, instant] of instants.entries()) {
    at = new Date(instant);
    await log.record({ interaction: 'read', client: 'c', status: 200, requestId: `r${n}` });
  }
  await anchors.close();
}

const parts = async (): Promise<string[]> =>
  (
    await pool.query<{ part: string }>(
      "select inhrelid::regclass::text as part from pg_inherits where inhparent = 'audit'::regclass order by 1",
    )
  ).rows.map(({ part }) => part);

const years = ['2020-09-30T23:59:59Z', '2020-10-15T00:00:00Z', '2020-10-16T00:00:00Z', '2020-11-20T00:00:00Z', '2026-11-25T11:00:00Z'];

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-retention-'));
  keysDir = path.join(folder, 'keys');
  database = await startEmbeddedPostgres({ dataDir: folder });
  const connectionString = database.connectionString('limen');
  pool = new pg.Pool({ connectionString, max: 2 });
  pool.on('error', () => undefined);
  await pool.query(storeSql);
  await record(years);
  await pool.query(auditPartitionsSql);
  await makeMonths(pool, today);
  keeper = new AuditKeeper({ connectionString }, { dataDir: folder, keysDir, now: () => today });
});
after(async () => {
  await keeper?.close();
  await pool?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('nobody changes what was written', () => {
  const statements = [
    "update audit set row = '{}'",
    "update audit_2020_10 set at = at + interval '1 second'",
    'delete from audit where n = 1',
    'delete from audit_2020_10',
    'truncate audit',
    'truncate audit_2020_10',
    'truncate audit_default',
  ];
  for (const sql of statements)
    test(sql, async () => {
      await assert.rejects(pool.query(sql), { code: 'LM003' });
    });
});

test('rows from before there were months lie in theirs, the next months are there, and making them again changes nothing', async () => {
  const made = await parts();
  assert.deepEqual(made, [
    'audit_2020_09',
    'audit_2020_10',
    'audit_2020_11',
    'audit_2026_11',
    'audit_2026_12',
    'audit_2027_01',
    'audit_2027_02',
    'audit_default',
  ]);
  assert.equal((await pool.query('select 1 from audit_default')).rowCount, 0);
  await makeMonths(pool, today);
  assert.deepEqual(await parts(), made);
});

/** What the command would find if this had been done to the database by its administrator. */
async function faultsAfter(...tampering: string[]): Promise<TrailFault[]> {
  const client = await pool.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    for (const sql of tampering) assert.ok((await client.query(sql)).rowCount !== 0, sql);
    return (await verifyTrail(client as unknown as pg.Pool, 1, { dataDir: folder, keysDir, now: today })).faults;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

const kinds = (faults: readonly TrailFault[]): string[] => faults.map(({ fault }) => fault);
const copy = (columns: string, where: string): string =>
  `insert into audit (tenant, shard, lane, n, at, row, hash) select ${columns} from audit where ${where}`;

describe('the proof names what was done', () => {
  test('nothing', async () => assert.deepEqual(await keeper.verify(), { rows: 5, chains: 1, anchors: 1, faults: [] }));
  test('a row changed', async () => {
    const [fault] = await faultsAfter('update audit set row = row || \'{"status":500}\' where n = 2');
    assert.ok(fault?.fault === 'chain' && fault.n === 2);
  });
  test('a row taken out', async () => {
    const [fault] = await faultsAfter('delete from audit where n = 2');
    assert.ok(fault?.fault === 'chain' && fault.n === 3);
  });
  test('a row put in', async () => {
    const [fault] = await faultsAfter(copy("tenant, shard, lane, n, at + interval '1 minute', row, hash", 'n = 2'));
    assert.ok(fault?.fault === 'chain' && fault.n === 2);
  });
  test('a tail cut off', async () => assert.deepEqual(kinds(await faultsAfter('delete from audit where n > 4')), ['anchor-row']));
  test('a whole chain of true hashes put in', async () => {
    const faults = await faultsAfter(copy("tenant, shard, '00000000-0000-4000-8000-000000000000', n, at, row, hash", 'n <= 2'));
    assert.deepEqual(kinds(faults), ['unsigned']);
  });
  test('a month dropped without a note', async () => {
    assert.deepEqual(kinds(await faultsAfter('drop table audit_2020_10')), ['chain']);
  });
  test('a month dropped with a note of somebody else', async () => {
    const faults = await faultsAfter(
      'insert into audit_drop (part, at, note, signature) values (\'audit_2020_10\', now(), \'{"part":"audit_2020_10","chains":[]}\', \'AAAA\')',
      'drop table audit_2020_10',
    );
    assert.deepEqual(kinds(faults).sort(), ['chain', 'note']);
  });
});

describe('after six years', () => {
  test('what is held stays', async () => {
    const all = await keeper.hold('litigation');
    const month = await keeper.hold('inquiry', new Date('2020-10-01T00:00:00Z'), new Date('2020-11-01T00:00:00Z'));
    assert.deepEqual(
      (await keeper.holds()).map(({ reason }) => reason),
      ['litigation', 'inquiry'],
    );
    assert.deepEqual(await keeper.dropExpired(), { dropped: [], held: ['audit_2020_09', 'audit_2020_10'] });
    assert.equal(await keeper.release(all), true);
    assert.equal(await keeper.release(all), false, 'a hold ends once');
    assert.deepEqual(await keeper.dropExpired(), { dropped: ['audit_2020_09'], held: ['audit_2020_10'] });
    assert.deepEqual((await keeper.verify()).faults, []);
    await keeper.release(month);
  });

  test('the rest goes month by month, and the chain that is left still verifies', async () => {
    assert.deepEqual(await keeper.dropExpired(), { dropped: ['audit_2020_10'], held: [] });
    const { rows, faults } = await keeper.verify();
    assert.deepEqual({ rows, faults }, { rows: 2, faults: [] });
    assert.ok((await parts()).includes('audit_2020_11'), 'a month that ends less than six years ago stays');
  });

  test('what is left is still guarded, at the seam too', async () => {
    assert.deepEqual(kinds(await faultsAfter('update audit set row = row || \'{"status":500}\' where n = 4')), ['chain']);
    assert.deepEqual(kinds(await faultsAfter("delete from audit_drop where part = 'audit_2020_10'")), ['chain']);
    assert.deepEqual(kinds(await faultsAfter('delete from audit where n = 4')), ['chain']);
    await assert.rejects(pool.query('delete from audit_drop'), { code: 'LM003' });
  });
});

test('the end of a chain whose process was killed is signed at the next start', async () => {
  const killed = auditLog(pool, 1, () => new Date('2026-11-25T11:30:00Z'));
  await killed.record({ interaction: 'read', client: 'c', status: 200, requestId: 'k' });
  assert.deepEqual(kinds((await keeper.verify()).faults), ['unsigned']);
  const anchors = await openAnchors(folder, keysDir, () => today, pino({ enabled: false }));
  await anchors.adopt(pool, 1);
  await anchors.close();
  assert.deepEqual((await keeper.verify()).faults, []);
});
