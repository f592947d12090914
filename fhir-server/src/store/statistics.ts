// https://www.postgresql.org/docs/18/sql-analyze.html — plans that are kept are made early, when tables are empty and any index looks as good as
// another; PostgreSQL's own analysis comes a minute later, or not at all on a database that is being loaded. Until then each look-up by id would
// walk all resources of its type. New statistics make every connection plan again.
import type { Pool } from 'pg';
import type { Logger } from 'pino';

/** Changes since the start after which the tables are analyzed: each time the kept plans have met a table of another size. */
const thresholds: readonly number[] = [100, 1000, 10_000, 100_000];
const tables = 'res, res_hist, idx, hot, dt, qty, num, str, comp';

export class Statistics {
  private readonly pool: Pool;
  private readonly log: Logger;
  private changes = 0;
  private next = 0;
  private running: Promise<void> = Promise.resolve();

  constructor(pool: Pool, log: Logger) {
    this.pool = pool;
    this.log = log;
  }

  /** Told of each commit's changes; analyzes in the background. */
  note(changes: number): void {
    this.changes += changes;
    const threshold = thresholds[this.next];
    if (threshold === undefined || this.changes < threshold) return;
    this.next = thresholds.findIndex((t) => t > this.changes);
    if (this.next < 0) this.next = thresholds.length;
    this.running = this.running.then(() => this.analyze());
  }

  /** Resolves when no analysis runs any more. */
  stop(): Promise<void> {
    this.next = thresholds.length;
    return this.running;
  }

  private async analyze(): Promise<void> {
    try {
      await this.pool.query(`analyze ${tables}`);
    } catch (error) {
      // Only slower: the database's own analysis comes.
      this.log.warn({ event: 'analyze-failed', name: error instanceof Error ? error.name : 'unknown' });
    }
  }
}
