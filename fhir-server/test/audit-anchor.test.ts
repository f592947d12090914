// The signed heads outside the database: what the chains alone can't show (a tail cut off, a chain written anew) shows here.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { pino } from 'pino';
import { openAnchors, verifyAnchors } from '../src/audit/anchor.ts';
import { auditLog } from '../src/audit/log.ts';
import { verifyAudit } from '../src/audit/verify.ts';
import { startEmbeddedPostgres } from '../src/postgres/index.ts';
import { storeSql } from '../src/store/migrations/0001-store.ts';

const log = pino({ enabled: false });
const now = (): Date => new Date();
let folder: string;
let keys: string;
let database: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
let pool: pg.Pool;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-anchor-'));
  keys = path.join(folder, 'keys');
  database = await startEmbeddedPostgres({ dataDir: folder });
  pool = new pg.Pool({ connectionString: database.connectionString('limen'), max: 2 });
  pool.on('error', () => undefined);
  await pool.query(storeSql);
});
after(async () => {
  await pool?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

const file = (): string => path.join(folder, 'audit-anchors.ndjson');

async function record(count: number): Promise<void> {
  const anchors = await openAnchors(folder, keys, now, log);
  const audit = auditLog(pool, 1, now, anchors);
  for (let n = 0; n < count; n++) await audit.record({ interaction: 'read', client: 'c', status: 200, requestId: `r${n}` });
  await anchors.write();
  await audit.record({ interaction: 'read', client: 'c', status: 200, requestId: 'last' });
  await anchors.close();
}

test('heads are written when they moved, and go on after a restart', async () => {
  await record(5);
  await record(3);
  const { lines, faults } = await verifyAnchors(pool, 1, folder, keys);
  assert.deepEqual({ lines, faults }, { lines: 4, faults: [] });
});

test('a tail cut off leaves the chains whole, but not the anchors', async () => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query("delete from audit where row->>'requestId' = 'last'");
    assert.deepEqual((await verifyAudit(client as unknown as pg.Pool, 1)).breaks, []);
    const { faults } = await verifyAnchors(client as unknown as pg.Pool, 1, folder, keys);
    assert.deepEqual(faults, [
      { line: 2, fault: 'row' },
      { line: 4, fault: 'row' },
    ]);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('a line cut off by a crash is a fault of its own, and the next lines stand', async () => {
  const whole = await readFile(file(), 'utf8');
  await writeFile(file(), `${whole}{"at":"2026`);
  await record(1);
  const { faults } = await verifyAnchors(pool, 1, folder, keys);
  assert.deepEqual(
    faults.map((f) => `${f.line} ${f.fault}`),
    ['5 signature', '5 order'],
  );
  await writeFile(file(), whole);
});

test('a line changed or taken out of the file', async () => {
  const text = await readFile(file(), 'utf8');
  const lines = text.trimEnd().split('\n');
  await writeFile(file(), `${lines.filter((_, n) => n !== 1).join('\n')}\n`);
  assert.deepEqual((await verifyAnchors(pool, 1, folder, keys)).faults, [{ line: 2, fault: 'order' }]);
  await writeFile(file(), text.replace('"n":5', '"n":4'));
  const { faults } = await verifyAnchors(pool, 1, folder, keys);
  assert.deepEqual(
    faults.map((f) => `${f.line} ${f.fault}`),
    ['1 signature', '1 row', '2 order'],
  );
});
