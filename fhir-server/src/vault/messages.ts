// The durable inbox of HL7 v2 messages (ADR 0045). What is accepted is on disk, sealed, before the caller is told; messages that come together share a commit.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { DeadLetters } from './dead-letters.ts';
import type { MessageSeal, SealedMessage } from './message-seal.ts';

/** A message as the bridge hands it over. */
export interface ReceivedMessage {
  readonly channel: string;
  /** MSH-9, as far as it is a code: "ADT^A01". */
  readonly type: string;
  /** Sender and control id. */
  readonly key: string;
  /** What is said, without what may differ in a repeat. */
  readonly body: string;
  readonly text: string;
}

/** Why a message failed: codes and positions, never a value. */
export interface FailureReason {
  readonly acknowledgement: string;
  readonly code: string;
  readonly segment?: string;
  readonly ordinal?: number;
  readonly field?: number;
  readonly detail?: string;
}

export type Acceptance =
  | { readonly outcome: 'stored'; readonly id: string }
  /** Accepted before with the same body; done: its resources are committed. */
  | { readonly outcome: 'repeat'; readonly done: boolean }
  | { readonly outcome: 'other-body' };

export interface WaitingMessage {
  readonly id: string;
  readonly channel: string;
  readonly text: string;
  readonly receivedAt: Date;
}

/** What waits in the inbox of a channel. */
export interface Backlog {
  readonly channel: string;
  readonly waiting: number;
  readonly oldestSeconds: number;
}

interface Pending {
  readonly message: ReceivedMessage;
  readonly key: Buffer;
  readonly body: Buffer;
  resolve(acceptance: Acceptance): void;
  reject(error: unknown): void;
}

const maximumBatch = 256;
const maximumBatchCharacters = 16 * 1024 * 1024;

const acceptSql = `
with input as (
  select * from unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[])
    with ordinality as t(id, channel, type, key, body, wrapped, sealed, n)
), fresh as (
  insert into vault.message (tenant, key, body) select $1, key, body from input order by key on conflict do nothing returning key
), kept as (
  insert into vault.message_key (tenant, id, wrapped) select $1, id, wrapped from input join fresh using (key)
), stored as (
  insert into vault.inbox (tenant, id, channel, type, key, body, sealed)
    select $1, id, channel, type, key, body, sealed from input join fresh using (key) order by n
)
select i.n::int4 as n, f.key is not null as fresh, m.body = i.body as same, m.done
from input i left join fresh f using (key) left join vault.message m on m.tenant = $1 and m.key = i.key order by i.n`;

const waitingSql = `select i.id, i.channel, i.received_at, i.sealed, k.wrapped from vault.inbox i
  join vault.message_key k on k.tenant = i.tenant and k.id = i.id where i.tenant = $1 and i.id <> all($2::uuid[]) order by i.seq limit $3`;

const doneSql = `
with gone as (delete from vault.inbox where tenant = $1 and id = any($2::uuid[]) returning id, key),
  keys as (delete from vault.message_key where tenant = $1 and id = any($2::uuid[]))
update vault.message m set done = true from gone where m.tenant = $1 and m.key = gone.key`;

const backlogSql = `select channel, count(*)::int4 as waiting, extract(epoch from now() - min(received_at))::float8 as oldest
  from vault.inbox where tenant = $1 group by channel order by channel`;

/** How long a resend is recognized: as long as the server knows an Idempotency-Key. */
const rememberedDays = 30;
const purgeSql = `
with expired as (delete from vault.dead_letter where tenant = $1 and expires_at < now() returning id),
  keys as (delete from vault.message_key k using expired where k.tenant = $1 and k.id = expired.id),
  forgotten as (delete from vault.message where tenant = $1 and done and at < now() - make_interval(days => $2))
select count(*)::int4 as expired from expired`;

export class VaultMessages {
  readonly deadLetters: DeadLetters;
  readonly #pool: Pool;
  readonly #tenant: number;
  readonly #seal: MessageSeal;
  readonly #pending: Pending[] = [];
  #flushing = false;
  #arrived: () => void = () => undefined;

  constructor(pool: Pool, tenant: number, seal: MessageSeal, deadLetters: DeadLetters) {
    this.#pool = pool;
    this.#tenant = tenant;
    this.#seal = seal;
    this.deadLetters = deadLetters;
    deadLetters.onReplay(() => this.#arrived());
  }

  /** Told when messages lie in the inbox that nobody here has accepted: replayed ones. */
  onArrival(wake: () => void): void {
    this.#arrived = wake;
  }

  /** Resolves when the message is on disk. @throws when it may not be there */
  accept(message: ReceivedMessage): Promise<Acceptance> {
    return new Promise((resolve, reject) => {
      const key = this.#seal.hash('key', message.key);
      this.#pending.push({ message, key, body: this.#seal.hash('body', message.body), resolve, reject });
      if (this.#flushing) return;
      this.#flushing = true;
      setImmediate(() => void this.#flush());
    });
  }

  /** The oldest messages of the inbox, without those that the caller has already. */
  async waiting(except: readonly string[], maximum: number): Promise<WaitingMessage[]> {
    type Row = SealedMessage & { readonly id: string; readonly channel: string; readonly received_at: Date };
    const { rows } = await this.#pool.query<Row>({ name: 'inbox-waiting', text: waitingSql, values: [this.#tenant, except, maximum] });
    return rows.map((row) => ({ id: row.id, channel: row.channel, receivedAt: row.received_at, text: this.#seal.open(row.id, row) }));
  }

  /** Their resources are committed: text and key go, the hashes stay. */
  async done(ids: readonly string[]): Promise<void> {
    await this.#pool.query({ name: 'inbox-done', text: doneSql, values: [this.#tenant, ids] });
  }

  async backlog(): Promise<Backlog[]> {
    const { rows } = await this.#pool.query<{ channel: string; waiting: number; oldest: number }>(backlogSql, [this.#tenant]);
    return rows.map(({ channel, waiting, oldest }) => ({ channel, waiting, oldestSeconds: oldest }));
  }

  /** Removes dead letters past their retention and hashes that no resend needs. @returns how many dead letters */
  async purge(): Promise<number> {
    const { rows } = await this.#pool.query<{ expired: number }>(purgeSql, [this.#tenant, rememberedDays]);
    return rows[0]?.expired ?? 0;
  }

  /** Those of one key go into different batches: the second must see the first. */
  #take(): Pending[] {
    const batch = new Map<string, Pending>();
    const later: Pending[] = [];
    let characters = 0;
    while (batch.size < maximumBatch && characters < maximumBatchCharacters) {
      const next = this.#pending.shift();
      if (!next) break;
      const key = next.key.toString('hex');
      if (batch.has(key)) later.push(next);
      else {
        batch.set(key, next);
        characters += next.message.text.length;
      }
    }
    this.#pending.unshift(...later);
    return [...batch.values()];
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#take();
      try {
        await this.#store(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flushing = false;
  }

  async #store(batch: readonly Pending[]): Promise<void> {
    const ids = batch.map(() => randomUUID());
    const sealed = batch.map(({ message }, i) => this.#seal.close(ids[i] ?? '', message.text));
    const values = [
      this.#tenant,
      ids,
      batch.map(({ message }) => message.channel),
      batch.map(({ message }) => message.type),
      batch.map(({ key }) => key),
      batch.map(({ body }) => body),
      sealed.map(({ wrapped }) => wrapped),
      sealed.map((each) => each.sealed),
    ];
    type Row = { readonly fresh: boolean; readonly same: boolean | null; readonly done: boolean | null };
    const { rows } = await this.#pool.query<Row>({ name: 'inbox-accept', text: acceptSql, values });
    for (const [i, pending] of batch.entries()) {
      const row = rows[i];
      if (row?.fresh) pending.resolve({ outcome: 'stored', id: ids[i] ?? '' });
      // Another process was first and had not committed when this statement began.
      else if (!row || row.same === null) this.#pending.push(pending);
      else pending.resolve(row.same ? { outcome: 'repeat', done: row.done === true } : { outcome: 'other-body' });
    }
  }
}
