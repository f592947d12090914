// The queue of jobs: graphile-worker, in the same database. It wakes a worker at once and tries again after faults; whose job it is and how far it has
// come stands in operational.job.
import { Logger, type Runner, run, runMigrations } from 'graphile-worker';
import type { Pool } from 'pg';

export const jobTask = 'limen-job';

const concurrency = 2;
const pollMs = 1000;
/** It would log errors with their text; what matters is logged by the runner. */
const silent = new Logger(() => () => undefined);

export interface Task {
  readonly id: string;
  /** No further attempt comes after this one. */
  readonly isLast: boolean;
}

export interface Queue {
  stop(): Promise<void>;
}

/** Makes the queue's tables. The pool's connections get the listener without which a lost one would end the process. */
export async function migrateQueue(pool: Pool): Promise<void> {
  pool.on('connect', (client) => client.on('error', () => undefined));
  await runMigrations({ pgPool: pool, logger: silent });
}

/** Works on jobs until it is stopped. A task that throws comes again, later each time. */
export async function startQueue(pool: Pool, work: (task: Task) => Promise<void>, onFault: () => void): Promise<Queue> {
  const runner: Runner = await run({
    pgPool: pool,
    logger: silent,
    concurrency,
    pollInterval: pollMs,
    noHandleSignals: true,
    taskList: {
      [jobTask]: async (payload, { job }) => {
        const { id } = payload as { id?: unknown };
        if (typeof id === 'string') await work({ id, isLast: job.attempts >= job.max_attempts });
      },
    },
  });
  let stopped = false;
  runner.promise.catch(() => {
    if (!stopped) onFault();
  });
  return {
    async stop() {
      stopped = true;
      await runner.stop().catch(() => undefined);
    },
  };
}
