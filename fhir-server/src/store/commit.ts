// store.commit(changes): a write is data. All changes, index rows, the audit row and the idempotency record of a request become durable together
// or not at all, in one statement; the only place that owns BEGIN...COMMIT (needed when conditionals are looked up again under lock).
// Requests that wait for the same connection become durable together; one that can't be stored then is tried again alone.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import pg from 'pg';
import type { HeadNotes } from '../audit/anchor.ts';
import { type AuditRow, Chain, type LinkedRow } from '../audit/chain.ts';
import { accessJson } from './access-columns.ts';
import { Columns, indexArrayCount, indexArrays, KnownTerms, quoted } from './index-columns.ts';
import type { IndexRows } from './index-rows.ts';
import { connectionLimits } from './pools.ts';
import type { Statistics } from './statistics.ts';

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
const call = `select limen_commit(${placeholders(1, commitParameterCount)}), limen_index($1, ${placeholders(commitParameterCount + 1, indexArrayCount)}), limen_access($1, $${commitParameterCount + indexArrayCount + 1})`;

interface Parameters {
  readonly values: unknown[];
  /** Texts that are stored once the commit is. */
  readonly terms: readonly bigint[];
}

/** Of one commit or of several that become durable together. */
function parameters(tenant: number, commits: readonly Commit[], lane: string, linked: readonly LinkedRow[], known: KnownTerms): Parameters {
  const c = new Columns(11);
  // In one order for all writers: two statements that touch the same rows wait for each other the same way round.
  const changes = commits.flatMap((commit) => commit.changes.map((change) => ({ at: commit.at, ...change })));
  changes.sort((a, b) => (a.rid < b.rid ? -1 : Number(a.rid > b.rid)));
  const records = commits.flatMap(({ idempotency }) => idempotency ?? []).sort((a, b) => Buffer.compare(a.key, b.key));
  let offset = 0;
  for (const { at, shard, type, rid, id, version, deleted, codec, body, pat } of changes) {
    c.add(at.toISOString(), shard, type, rid, quoted(id), version, deleted, codec, offset, body.length, pat ?? 'NULL');
    offset += body.length;
  }
  const index = indexArrays(changes, known);
  const values = [
    tenant,
    Buffer.concat(changes.map(({ body }) => body)),
    ...c.arrays(),
    lane,
    linked.map((l) => l.n),
    linked.map((l) => l.at),
    linked.map((l) => l.row),
    linked.map((l) => l.hash),
    records.map((r) => r.shard),
    records.map((r) => r.client),
    records.map((r) => r.key),
    records.map((r) => r.request),
    records.map((r) => r.status),
    records.map((r) => JSON.stringify(r.result)),
    ...index.arrays,
    accessJson(changes),
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

/** A commit in a lane's queue. */
interface Waiting {
  readonly commit: Commit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What one statement may hold: beyond this a wait for the others costs more than it saves. */
const maximumTogether = { commits: 64, changes: 500 };

/**
 * The commits at the head of the queue that can share a statement: none with conditionals, which are looked up again under lock, and no resource twice.
 * One that is too large, or has conditionals, goes alone.
 */
function together(queue: readonly Waiting[]): number {
  const resources = new Set<bigint>();
  let count = 0;
  for (const { commit } of queue) {
    const { conditions, changes } = commit;
    const joins =
      conditions.length === 0 &&
      resources.size + changes.length <= maximumTogether.changes &&
      changes.every(({ rid }) => !resources.has(rid));
    if (!joins || count === maximumTogether.commits) break;
    for (const { rid } of changes) resources.add(rid);
    count += 1;
  }
  return Math.max(count, 1);
}

const largeLoad = 100;

function loadOf({ changes, conditions }: Commit): number {
  return conditions.length > 0 ? Math.max(changes.length, largeLoad) : changes.length;
}

/** One connection, one statement at a time, one hash chain. */
class Lane {
  private readonly config: pg.ClientConfig;
  private readonly tenant: number;
  private readonly known: KnownTerms;
  private client: pg.Client | undefined;
  private readonly notes: HeadNotes | undefined;
  private chain: Chain;
  private readonly queue: Waiting[] = [];
  private draining: Promise<void> | undefined;
  waiting = 0;
  /** Changes that wait or are being written; a commit with conditionals, of several round trips, counts as a large one. */
  load = 0;

  constructor(config: pg.ClientConfig, tenant: number, known: KnownTerms, notes: HeadNotes | undefined) {
    this.config = config;
    this.tenant = tenant;
    this.known = known;
    this.notes = notes;
    this.chain = new Chain(randomUUID(), notes);
  }

  commit(commit: Commit): Promise<void> {
    const load = loadOf(commit);
    this.waiting += 1;
    this.load += load;
    const done = new Promise<void>((resolve, reject) => {
      this.queue.push({ commit, resolve, reject });
    }).finally(() => {
      this.waiting -= 1;
      this.load -= load;
    });
    this.draining ??= this.drain();
    return done;
  }

  private async drain(): Promise<void> {
    // What the same turn of the event loop brings can go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      const group = this.queue.splice(0, together(this.queue));
      if (!(await this.settled(group))) for (const alone of group) await this.settled([alone]);
    }
    // In the same turn as the look at the empty queue: a commit that comes a moment later must start a drain of its own.
    this.draining = undefined;
  }

  /** @returns whether all of them know their end; otherwise one of them has undone all */
  private async settled(group: readonly Waiting[]): Promise<boolean> {
    try {
      await this.run(group.map((w) => w.commit));
      for (const { resolve } of group) resolve();
      return true;
    } catch (error) {
      if (group.length > 1 && isAnswer(error)) return false;
      for (const { reject } of group) reject(translate(error));
      return true;
    }
  }

  async close(): Promise<void> {
    await this.draining;
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

  private async run(commits: readonly Commit[]): Promise<void> {
    const client = await this.connected();
    // The chain of this connection: a loss that is noticed right after the commit has put another in its place.
    const { chain } = this;
    const linked = chain.link(commits.flatMap(({ audit, at }) => audit.map((row) => ({ row, at }))));
    const { values, terms } = parameters(this.tenant, commits, chain.lane, linked, this.known);
    const write = { name: 'limen-commit', text: call, values };
    const conditions = commits.flatMap((c) => c.conditions);
    try {
      if (conditions.length === 0) await client.query(write);
      else await this.underLock(client, conditions, write);
      chain.advance(linked);
      this.known.add(terms);
    } catch (error) {
      // No answer of the database at all: whether this was stored is unknown, and the connection is of no use any more.
      if (!isAnswer(error)) this.abandon(client);
      throw error;
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

/** Small commits meet in the first lane that has room, so that they share statements; large ones go where least waits. */
function laneFor(lanes: readonly Lane[], commit: Commit): Lane {
  const least = lanes.reduce((best, candidate) => (candidate.load <= best.load ? candidate : best));
  return loadOf(commit) < largeLoad ? (lanes.find((lane) => lane.load < largeLoad) ?? least) : least;
}

/** @param statistics told of what was stored */
export function committer(
  config: pg.ClientConfig,
  tenant: number,
  laneCount: number,
  statistics: Statistics,
  notes?: HeadNotes,
): Committer {
  const known = new KnownTerms();
  const lanes = Array.from({ length: laneCount }, () => new Lane(config, tenant, known, notes));
  return {
    async commit(commit) {
      const lane = laneFor(lanes, commit);
      if (lane.waiting >= maximumWaiting) {
        throw new OperationOutcomeError(
          503,
          { code: 'throttled', diagnostics: 'Too many writes are waiting.' },
          { headers: { 'retry-after': '1' } },
        );
      }
      await lane.commit(commit);
      statistics.note(commit.changes.length);
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
      await statistics.stop();
    },
  };
}
