// What the machine spent and was busy with: CPU seconds of process trees from /proc, load average. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** USER_HZ: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Own time. */
  readonly own: number;
  /** Time of children that have ended. */
  readonly ended: number;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // The name in parentheses may hold blanks; the third field follows the last parenthesis.
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? [];
        const [, parent = 0] = fields;
        const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
        return [{ pid: Number(name), parent, own: (user + system) / ticksPerSecond, ended: (endedUser + endedSystem) / ticksPerSecond }];
      } catch {
        return [];
      }
    });
}

/** CPU seconds of one process without its children. */
export function ownCpuSeconds(pid: number): number {
  return processes().find((each) => each.pid === pid)?.own ?? 0;
}

/** CPU seconds of a process and all below it, those that have ended included. */
export function treeCpuSeconds(pid: number): number {
  const all = processes();
  const below = (of: number): number =>
    all.filter((each) => each.parent === of).reduce((sum, each) => sum + each.own + each.ended + below(each.pid), 0);
  const root = all.find((each) => each.pid === pid);
  return root ? root.own + root.ended + below(pid) : 0;
}

/** The process id of a data folder's PostgreSQL. */
export function postmasterPid(dataDir: string): number {
  return Number.parseInt(readFileSync(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8'), 10);
}

/** Goes into every line of figures: a figure of a busy machine is not one of a quiet one. */
export function machine(): { cores: number; cpu: string; memoryGiB: number; node: string; load: number[] } {
  return {
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
    load: os.loadavg().map((each) => Math.round(each * 10) / 10),
  };
}
