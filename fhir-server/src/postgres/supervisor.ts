// Runs the embedded PostgreSQL as a child of this process: starts it, brings it back when it dies, stops it with the program.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Binaries, findBinaries } from './binaries.ts';
import { prepareCluster, superuser } from './cluster.ts';
import { letThrough, makeSocketDir, openDataDir, openLog } from './data-folder.ts';
import { chooseIdentity, type Identity } from './identity.ts';
import { stopOrphan, stopProcess } from './orphan.ts';
import { lockDataDir } from './owner-lock.ts';
import { StartError } from './start-error.ts';

// Only the name of the socket file: PostgreSQL listens on no network address.
const port = 5432;
const readyTimeoutMs = 120_000;
const firstBackoffMs = 200;
const maxBackoffMs = 10_000;
const maxFirstTries = 10;
const databases = ['limen', 'vault'] as const;

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** PostgreSQL has ended without being asked to; it is about to be started again. */
  readonly onExit?: (exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null }) => void;
  /** PostgreSQL answers again. */
  readonly onRestart?: () => void;
}

export interface EmbeddedPostgres {
  readonly socketDir: string;
  readonly port: number;
  /** @returns the address of a database, for `pg` */
  connectionString(database: string): string;
  /** The process id of PostgreSQL; undefined while it is down. */
  pid(): number | undefined;
  /** Fast shutdown: open transactions are rolled back, committed ones kept. Close pools first. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on `dataDir`/postgres, making the cluster and the databases `limen` and `vault` when they are not there.
 * @throws StartError with one sentence when that is impossible
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = path.resolve(options.dataDir);
  await openDataDir(dataDir);
  const unlock = lockDataDir(dataDir);
  try {
    return await startLocked(dataDir, options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startLocked(dataDir: string, options: EmbeddedPostgresOptions, unlock: () => void): Promise<EmbeddedPostgres> {
  const clusterDir = path.join(dataDir, 'postgres');
  const binaries = await findBinaries();
  await stopOrphan(clusterDir);
  const identity = await chooseIdentity(clusterDir);
  await letThrough(identity, dataDir);
  await prepareCluster(clusterDir, binaries, identity);
  const socketDir = await makeSocketDir(dataDir, port, identity);
  const place: Place = { clusterDir, socketDir, logFile: path.join(dataDir, 'postgres.log'), binaries, identity };
  const supervisor = supervise(place, options);
  try {
    await supervisor.start();
    await ensureDatabases(socketDir);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return {
    socketDir,
    port,
    connectionString: (database) => connectionString(socketDir, database),
    pid: supervisor.pid,
    async stop() {
      await supervisor.stop();
      await rm(socketDir, { recursive: true, force: true });
      unlock();
    },
  };
}

interface Place {
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly logFile: string;
  readonly binaries: Binaries;
  readonly identity: Identity;
}

function supervise(place: Place, { onExit, onRestart }: EmbeddedPostgresOptions) {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let restarting: Promise<void> | undefined;

  // process.exit() leaves no time to wait; the signal alone makes PostgreSQL end by itself.
  const endWithProcess = (): void => void child?.kill('SIGINT');
  process.once('exit', endWithProcess);

  async function start(): Promise<void> {
    const started = await launch(place);
    let ready = false;
    child = started;
    started.once('exit', (code, signal) => {
      child = undefined;
      if (stopping.signal.aborted || !ready) return;
      onExit?.({ code, signal });
      restarting = bringBack().finally(() => {
        restarting = undefined;
      });
    });
    await untilReady(started, place);
    ready = true;
  }

  /** Processes of a server that was killed may hold its shared memory for a moment longer; PostgreSQL refuses to start beside them. */
  async function startFirst(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await start();
      } catch (error) {
        if (tries === maxFirstTries || !(error instanceof StartError && error.message.includes('shared memory block'))) throw error;
        await sleep(firstBackoffMs * tries);
      }
    }
  }

  async function bringBack(): Promise<void> {
    for (let backoffMs = firstBackoffMs; !stopping.signal.aborted; backoffMs = Math.min(backoffMs * 2, maxBackoffMs)) {
      await sleep(backoffMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await start();
        onRestart?.();
        return;
      } catch {
        // Its log says why; the next try may find the fault gone.
        if (child?.pid) await stopProcess(child.pid);
      }
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    process.removeListener('exit', endWithProcess);
    if (child?.pid) await stopProcess(child.pid);
    await restarting;
    if (child?.pid) await stopProcess(child.pid);
  }

  return { start: startFirst, stop, pid: () => child?.pid };
}

/**
 * A backend gives its memory back to the system after every statement and asks for it again with the next: measured on small commits, page
 * faults took two thirds of its time. glibc keeps so much instead. https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
const allocator = ['env', `MALLOC_TOP_PAD_=${4 << 20}`, `MALLOC_TRIM_THRESHOLD_=${64 << 20}`, `MALLOC_MMAP_THRESHOLD_=${32 << 20}`];

async function launch({ clusterDir, socketDir, logFile, binaries, identity }: Place): Promise<ChildProcess> {
  const log = await openLog(logFile);
  const words = [...identity.prefix, ...allocator, binaries.postgres, '-D', clusterDir, '-k', socketDir, '-p', String(port)];
  const [command = binaries.postgres, ...args] = words;
  try {
    // A process group of its own: Ctrl-C in the terminal must reach the server first, which closes its work and then stops PostgreSQL.
    const child = spawn(command, args, { stdio: ['ignore', log.fd, log.fd], detached: true, cwd: clusterDir, ...identity.user });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child;
  } finally {
    await log.close();
  }
}

async function untilReady(child: ChildProcess, { socketDir, logFile }: Place): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (child.exitCode === null && child.signalCode === null) {
    if (await answers(socketDir)) return;
    if (performance.now() > deadline) throw new StartError(`PostgreSQL did not answer within ${readyTimeoutMs / 1000} s: see ${logFile}.`);
    await sleep(25);
  }
  throw new StartError(`PostgreSQL did not start: ${await lastFault(logFile)} (see ${logFile}).`);
}

async function answers(socketDir: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: connectionString(socketDir, 'postgres'), connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureDatabases(socketDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: connectionString(socketDir, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database');
    const present = new Set(rows.map((row) => row.datname));
    for (const database of databases) if (!present.has(database)) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}

function connectionString(socketDir: string, database: string): string {
  return `postgresql://${superuser}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(socketDir)}&port=${port}`;
}

async function lastFault(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const line = text
    .trim()
    .split('\n')
    .findLast((each) => /FATAL|PANIC|error/i.test(each));
  return line?.replace(/^.*?(FATAL|PANIC|error):\s*/i, '') ?? 'it gave no reason';
}
