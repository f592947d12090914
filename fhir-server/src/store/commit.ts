// store.commit(changes): a write is data. All changes, index rows, the audit row and the idempotency record of a request become durable together
// or not at all, in one statement; the only place that owns BEGIN...COMMIT (needed when conditionals are looked up again under lock).
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import pg from 'pg';
import type { HeadNotes } from '../audit/anchor.ts';
import { type AuditRow, Chain, type LinkedRow } from '../audit/chain.ts';
import { Columns, indexArrayCount, indexArrays, KnownTerms, quoted } from './index-columns.ts';
import type { IndexRows } from './index-rows.ts';
import { connectionLimits } from './pools.ts';

export interface Change {
  readonly type: number;
  readonly shard: number;
  readonly rid: bigint;
  readonly id: string;
  /** 1 = create; n > 1 replaces version n - 1, which must still be current. */
  readonly version: number;
  readonly deleted: boolean;
  readonly codec: number;
  readonly body: Buffer;
  readonly pat: bigint | undefined;
  readonly rows: IndexRows | undefined;
}

/** A conditional's lookup and what it answered when the request was planned; looked up again under the lock. */
export interface Condition {
  /** Advisory lock key: equal conditionals have equal keys. */
  readonly lock: number;
  readonly text: string;
  readonly values: readonly unknown[];
  /** rids found at planning, in the statement's order. */
  readonly found: readonly string[];
}

export interface IdempotencyRecord {
  readonly shard: number;
  readonly client: string;
  readonly key: Buffer;
  readonly request: Buffer;
  readonly status: number;
  readonly result: unknown;
}

export interface Commit {
  readonly at: Date;
  readonly changes: readonly Change[];
  readonly conditions: readonly Condition[];
  readonly audit: readonly AuditRow[];
  readonly idempotency?: IdempotencyRecord;
}

/** Something changed between planning and commit; nothing was stored: plan again. */
export class PlanOutdated extends Error {}
/** The same idempotency key was committed by a twin: answer from its record. */
export class DuplicateKey extends Error {}

export interface Committer {
  commit(commit: Commit): Promise<void>;
  close(): Promise<void>;
}

/** Parameters of limen_commit, the tenant among them. */
const commitParameterCount = 24;
const placeholders = (from: number, count: number): string => Array.from({ length: count }, (_, i) => `$${from + i}`).join(', ');
const call = `select limen_commit(${placeholders(1, commitParameterCount)}), limen_index($1, ${placeholders(commitParameterCount + 1, indexArrayCount)})`;

interface Parameters {
  readonly values: unknown[];
  /** Texts that are stored once the commit is. */
  readonly terms: readonly bigint[];
}

function parameters(tenant: number, commit: Commit, lane: string, linked: readonly LinkedRow[], known: KnownTerms): Parameters {
  const c = new Columns(10);
  const bodies: Buffer[] = [];
  let offset = 0;
  for (const change of commit.changes) {
    const { shard, type, rid, id, version, deleted, codec, body, pat } = change;
    c.add(shard, type, rid, quoted(id), version, deleted, codec, offset, body.length, pat ?? 'NULL');
    bodies.push(body);
    offset += body.length;
  }
  const index = indexArrays(commit.changes, known);
  const i = commit.idempotency;
  const values = [
    tenant,
    commit.at,
    Buffer.concat(bodies),
    ...c.arrays(),
    lane,
    linked.map((l) => l.n),
    linked.map((l) => l.at),
    linked.map((l) => l.row),
    linked.map((l) => l.hash),
    i?.shard ?? null,
    i?.client ?? null,
    i?.key ?? null,
    i?.request ?? null,
    i?.status ?? null,
    i ? JSON.stringify(i.result) : null,
    ...index.arrays,
  ];
  return { values, terms: index.terms };
}

/** Joins lookups into one statement, so that any number of conditionals is one round trip. */
export function unionOf(lookups: readonly { readonly text: string; readonly values: readonly unknown[] }[]): {
  text: string;
  values: unknown[];
} {
  const values: unknown[] = [];
  const parts = lookups.map((lookup, n) => {
    const base = values.length;
    values.push(...lookup.values);
    const text = lookup.text.replace(/\$(\d+)/g, (_, k: string) => `$${Number(k) + base}`);
    return `(select ${n}::int as n, m.* from (${text}) m)`;
  });
  return { text: parts.join(' union all '), values };
}

function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

function translate(error: unknown): unknown {
  const code = sqlState(error);
  if (code === 'LM001' || code === '40001' || code === '40P01') return new PlanOutdated();
  if (code === '23505') return (error as pg.DatabaseError).table === 'idempotency' ? new DuplicateKey() : new PlanOutdated();
  if (code === '55P03')
    return new OperationOutcomeError(
      409,
      { code: 'lock-error', diagnostics: 'Another request is changing the same data; try again.' },
      { cause: error },
    );
  return error;
}

/** Whether the connection still works: the database has refused, or what it found was not as planned. */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError || error instanceof PlanOutdated;
}

/** One connection, one commit at a time, one hash chain. */
class Lane {
  private readonly config: pg.ClientConfig;
  private readonly tenant: number;
  private readonly known: KnownTerms;
  private client: pg.Client | undefined;
  private readonly notes: HeadNotes | undefined;
  private chain: Chain;
  private tail: Promise<unknown> = Promise.resolve();
  waiting = 0;

  constructor(config: pg.ClientConfig, tenant: number, known: KnownTerms, notes: HeadNotes | undefined) {
    this.config = config;
    this.tenant = tenant;
    this.known = known;
    this.notes = notes;
    this.chain = new Chain(randomUUID(), notes);
  }

  commit(commit: Commit): Promise<void> {
    this.waiting += 1;
    const run = this.tail
      .then(() => this.run(commit))
      .finally(() => {
        this.waiting -= 1;
      });
    this.tail = run.catch(() => undefined);
    return run;
  }

  async close(): Promise<void> {
    await this.tail;
    await this.client?.end();
  }

  private async connected(): Promise<pg.Client> {
    if (this.client) return this.client;
    const client = new pg.Client({ ...this.config, ...connectionLimits });
    // An idle client without a listener would take the process down with the database.
    client.on('error', () => this.lose(client));
    client.on('end', () => this.lose(client));
    await client.connect();
    // The functions' plans are made once, on tables that may be empty then: each row must be found by its key for ever after.
    await client.query(
      "set lock_timeout = '5s'; set jit = off; set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off",
    );
    this.client = client;
    return client;
  }

  private lose(client: pg.Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    // Whether the last row was stored is unknown: a new chain keeps both true.
    this.chain = new Chain(randomUUID(), this.notes);
  }

  private async run(commit: Commit): Promise<void> {
    const client = await this.connected();
    // The chain of this connection: a loss that is noticed right after the commit has put another in its place.
    const { chain } = this;
    const linked = chain.link(commit.audit, commit.at);
    const { values, terms } = parameters(this.tenant, commit, chain.lane, linked, this.known);
    const write = { name: 'limen-commit', text: call, values };
    try {
      if (commit.conditions.length === 0) await client.query(write);
      else await this.underLock(client, commit.conditions, write);
      chain.advance(linked);
      this.known.add(terms);
    } catch (error) {
      // No answer of the database at all: whether this was stored is unknown, and the connection is of no use any more.
      if (!isAnswer(error)) this.abandon(client);
      throw translate(error);
    }
  }

  private abandon(client: pg.Client): void {
    this.lose(client);
    void client.end().catch(() => undefined);
  }

  private async underLock(client: pg.Client, conditions: readonly Condition[], write: pg.QueryConfig): Promise<void> {
    // Sorted and distinct: two requests can't wait for each other.
    const locks = [...new Set(conditions.map((c) => c.lock))].sort((a, b) => a - b);
    try {
      await client.query(`begin; select pg_advisory_xact_lock(${this.tenant}, k) from unnest(array[${locks.join(',')}]) k`);
      const again = unionOf(conditions);
      const { rows } = await client.query<{ n: number; rid: string }>(again.text, again.values as unknown[]);
      for (const [n, condition] of conditions.entries()) {
        const now = rows.filter((row) => row.n === n).map((row) => row.rid);
        if (now.join() !== condition.found.join()) throw new PlanOutdated();
      }
      await client.query(write);
      await client.query('commit');
    } catch (error) {
      if (isAnswer(error)) await client.query('rollback').catch(() => this.lose(client));
      throw error;
    }
  }
}

/** Commits that wait on one lane before more are refused. */
const maximumWaiting = 1000;

/** Writers are lanes; a commit takes the one with the shortest queue. */
export function committer(config: pg.ClientConfig, tenant: number, laneCount: number, notes?: HeadNotes): Committer {
  const known = new KnownTerms();
  const lanes = Array.from({ length: laneCount }, () => new Lane(config, tenant, known, notes));
  return {
    commit(commit) {
      const lane = lanes.reduce((best, candidate) => (candidate.waiting < best.waiting ? candidate : best));
      if (lane.waiting >= maximumWaiting) {
        throw new OperationOutcomeError(
          503,
          { code: 'throttled', diagnostics: 'Too many writes are waiting.' },
          { headers: { 'retry-after': '1' } },
        );
      }
      return lane.commit(commit);
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
