// One Limen per data folder: DATA_DIR/limen.pid names the process that owns it, so that an orphaned database can be told from one in use.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StartError } from './start-error.ts';

interface Owner {
  readonly pid: number;
  /** When that process started, in kernel ticks: a process id alone may have been given to somebody else since. */
  readonly started: string | null;
}

/**
 * Takes the data folder for this process; the lock of a process that is gone is taken over.
 * @returns a function that gives it back
 * @throws StartError when a living process has it
 */
export function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, 'limen.pid');
  const owner = readOwner(file);
  if (owner && isAlive(owner)) {
    throw new StartError(`Another Limen (process ${owner.pid}) is using ${dataDir}: stop it, or choose another DATA_DIR.`);
  }
  rmSync(file, { force: true });
  const own: Owner = { pid: process.pid, started: startedAt(process.pid) };
  try {
    writeFileSync(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw new StartError(`Another Limen is just starting on ${dataDir}: stop it, or choose another DATA_DIR.`, { cause });
  }
  return () => {
    if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
  };
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Owner): boolean {
  if (!processExists(pid)) return false;
  return startedAt(pid) === started;
}

/** A process that belongs to another user exists too. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startedAt(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return null;
  try {
    // proc(5): the name in parentheses may hold spaces, so count the fields after it; starttime is field 22.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
