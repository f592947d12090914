// Rows of operational.job. Every change by a runner names its attempt: a run that was cancelled or taken over changes nothing.
import type { Pool } from 'pg';
import type { JobKind, JobResult, JobRow } from './job.ts';

const columns = `id, kind, client, account, state, direct, sealed, snapshot::text as snapshot, transaction_time as "transactionTime",
  progress, result, attempt, expires_at as "expiresAt"`;

export interface NewJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly client: string;
  readonly account: string | undefined;
  readonly direct: boolean;
  readonly key: Buffer | undefined;
  readonly sealed: Buffer;
}

export class JobStore {
  readonly #pool: Pool;
  readonly #tenant: number;

  constructor(pool: Pool, tenant: number) {
    this.#pool = pool;
    this.#tenant = tenant;
  }

  /** @returns false when a job with this key exists */
  async insert(job: NewJob): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `insert into operational.job (id, kind, tenant, client, account, direct, key, sealed) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [job.id, job.kind, this.#tenant, job.client, job.account ?? null, job.direct, job.key ?? null, job.sealed],
    );
    return rowCount === 1;
  }

  async find(id: string): Promise<JobRow | undefined> {
    const { rows } = await this.#pool.query<JobRow>(`select ${columns} from operational.job where tenant = $1 and id = $2`, [
      this.#tenant,
      id,
    ]);
    return rows[0];
  }

  async findByKey(client: string, key: Buffer): Promise<JobRow | undefined> {
    const { rows } = await this.#pool.query<JobRow>(
      `select ${columns} from operational.job where tenant = $1 and client = $2 and key = $3`,
      [this.#tenant, client, key],
    );
    return rows[0];
  }

  async unfinished(client: string): Promise<number> {
    const { rows } = await this.#pool.query<{ n: string }>(
      `select count(*) as n from operational.job where tenant = $1 and client = $2 and state in ('accepted', 'in-progress')`,
      [this.#tenant, client],
    );
    return Number(rows[0]?.n);
  }

  /** Takes the job for a run on this node; undefined when there is nothing to run. */
  async start(id: string, node: number, states: readonly string[]): Promise<JobRow | undefined> {
    const { rows } = await this.#pool.query<JobRow>(
      `update operational.job set state = 'in-progress', node = $3, attempt = attempt + 1, result = null, touched_at = now()
       where tenant = $1 and id = $2 and state = any($4) returning ${columns}`,
      [this.#tenant, id, node, states],
    );
    return rows[0];
  }

  /** @returns false when the job is no longer this attempt's */
  async checkpoint(job: JobRow, progress: object): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `update operational.job set progress = $4, touched_at = now() where tenant = $1 and id = $2 and attempt = $3 and state = 'in-progress'`,
      [this.#tenant, job.id, job.attempt, JSON.stringify(progress)],
    );
    return rowCount === 1;
  }

  async finish(job: JobRow, state: 'completed' | 'failed', result: JobResult, keptSeconds: number): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `with known as (
         insert into operational.export_snapshot (at, snapshot)
         select transaction_time, snapshot from operational.job where id = $2 and kind = 'export' and $4 = 'completed' on conflict do nothing)
       update operational.job set state = $4, result = $5, node = null, expires_at = now() + make_interval(secs => $6), touched_at = now()
       where tenant = $1 and id = $2 and attempt = $3 and state = 'in-progress'`,
      [this.#tenant, job.id, job.attempt, state, JSON.stringify(result), keptSeconds],
    );
    return rowCount === 1;
  }

  /** Removes the job, its ledger and its place in the queue. */
  async remove(id: string): Promise<void> {
    await this.#pool.query(
      `with gone as (delete from operational.job where tenant = $1 and id = $2),
            ledger as (delete from idempotency where tenant = $1 and shard = 0 and client = $3)
       select graphile_worker.remove_job($2::text)`,
      [this.#tenant, id, ledgerClient(id)],
    );
  }

  async expired(): Promise<string[]> {
    const { rows } = await this.#pool.query<{ id: string }>('select id from operational.job where tenant = $1 and expires_at < now()', [
      this.#tenant,
    ]);
    return rows.map(({ id }) => id);
  }

  /**
   * Unfinished jobs that no living process works on. Between the queue and the first sign of a runner lies a moment: jobs of no node count
   * when they have been quiet for a while.
   */
  async orphans(lockClass: number): Promise<JobRow[]> {
    const { rows } = await this.#pool.query<JobRow>(
      `select ${columns} from operational.job j
       where tenant = $1 and state in ('accepted', 'in-progress')
         and case when node is null then touched_at < now() - interval '10 seconds'
           else not exists (select from pg_locks l where l.locktype = 'advisory' and l.classid = $2 and l.objid = j.node and l.objsubid = 2
             and l.database = (select oid from pg_database where datname = current_database())) end`,
      [this.#tenant, lockClass],
    );
    return rows;
  }

  /** Puts the job into the queue; whatever a dead worker still holds of it is let go first. */
  async enqueue(id: string, task: string): Promise<void> {
    await this.#pool.query(
      'select graphile_worker.force_unlock_workers(array(select locked_by from graphile_worker.jobs where key = $1 and locked_by is not null))',
      [id],
    );
    await this.#pool.query(
      'select graphile_worker.add_job($2, json_build_object($3::text, $1::text), job_key => $1, run_at => now(), max_attempts => 8)',
      [id, task, 'id'],
    );
  }

  /** Transactions that an earlier transactionTime of ours could see; undefined when it is none of ours. */
  async snapshotAt(time: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ snapshot: string }>(
      'select snapshot::text as snapshot from operational.export_snapshot where at = $1',
      [time],
    );
    return rows[0]?.snapshot;
  }
}

/** Under this name the batches of an import stand among the idempotency records. */
export function ledgerClient(jobId: string): string {
  return `job:${jobId}`;
}
