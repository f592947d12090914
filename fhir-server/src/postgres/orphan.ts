// After kill -9 of the parent its PostgreSQL lives on. The next start stops it, after checking that it is really ours (DECISIONS 19).
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processExists } from './owner-lock.ts';
import { StartError } from './start-error.ts';

const fastShutdownTimeoutMs = 30_000;
const immediateShutdownTimeoutMs = 10_000;

/**
 * Stops a PostgreSQL that an earlier process left running on this cluster. Call it only while holding the data folder's lock.
 * @throws StartError when it will not stop
 */
export async function stopOrphan(clusterDir: string): Promise<void> {
  const [pidLine, , , , socketDir] = readLines(path.join(clusterDir, 'postmaster.pid'));
  const pid = Number(pidLine);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (!processExists(pid)) return removeSocketFolder(socketDir);
  if (!isPostmasterOf(pid, clusterDir)) {
    // The number was given to another program since: PostgreSQL would take that one for a running server and refuse to start.
    rmSync(path.join(clusterDir, 'postmaster.pid'), { force: true });
    return;
  }
  if (!(await stopProcess(pid))) {
    throw new StartError(
      `A PostgreSQL (process ${pid}) left by an earlier start still uses ${clusterDir} and does not stop: end it, then start again.`,
    );
  }
  removeSocketFolder(socketDir);
}

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one; both keep every committed transaction. */
export async function stopProcess(pid: number): Promise<boolean> {
  return (await signalAndWait(pid, 'SIGINT', fastShutdownTimeoutMs)) || signalAndWait(pid, 'SIGQUIT', immediateShutdownTimeoutMs);
}

async function signalAndWait(pid: number, signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
  try {
    process.kill(pid, signal);
  } catch {
    return !processExists(pid);
  }
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 20) {
    if (!processExists(pid) || isZombie(pid)) return true;
    await sleep(20);
  }
  return false;
}

/** In a container without an init nobody collects the orphan's exit status; it holds nothing any more. */
function isZombie(pid: number): boolean {
  return (readLines(`/proc/${pid}/stat`)[0] ?? '').split(') ').at(-1)?.startsWith('Z') ?? false;
}

function isPostmasterOf(pid: number, clusterDir: string): boolean {
  const words = commandLine(pid);
  return path.basename(words[0] ?? '') === 'postgres' && words.includes(clusterDir);
}

function commandLine(pid: number): string[] {
  const proc = readLines(`/proc/${pid}/cmdline`)[0];
  if (proc !== undefined) return proc.split('\0');
  const ps = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return (ps.stdout ?? '').trim().split(' ');
}

function removeSocketFolder(socketDir: string | undefined): void {
  if (socketDir && path.basename(socketDir).startsWith('limen-pg-')) rmSync(socketDir, { recursive: true, force: true });
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
