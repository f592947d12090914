// Messages that failed (ADR 0045): sealed as in the inbox, kept for the retention of their channel, to be mended and replayed or dropped.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { MessageSeal, SealedMessage } from './message-seal.ts';
import type { FailureReason, ReceivedMessage } from './messages.ts';

/** A dead letter without its text. */
export interface DeadLetter {
  readonly id: string;
  readonly channel: string;
  readonly type: string;
  readonly receivedAt: Date;
  readonly failedAt: Date;
  readonly expiresAt: Date;
  readonly reason: FailureReason;
}

/** Which dead letters; what is absent selects all. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[];
  readonly channel?: string;
  readonly type?: string;
  /** ERR-3. */
  readonly code?: string;
  readonly since?: Date;
  readonly before?: Date;
}

interface Row {
  readonly id: string;
  readonly channel: string;
  readonly type: string;
  readonly received_at: Date;
  readonly failed_at: Date;
  readonly expires_at: Date;
  readonly reason: FailureReason;
}

const columns = 'd.id, d.channel, d.type, d.received_at, d.failed_at, d.expires_at, d.reason';
const selected = `d.tenant = $1 and d.expires_at > now() and ($2::uuid[] is null or d.id = any($2)) and ($3::text is null or d.channel = $3)
  and ($4::text is null or d.type = $4) and ($5::text is null or d.reason ->> 'code' = $5)
  and ($6::timestamptz is null or d.received_at >= $6) and ($7::timestamptz is null or d.received_at < $7)`;

const listSql = `select ${columns} from vault.dead_letter d where ${selected} order by d.received_at, d.id limit $8`;
const showSql = `select ${columns}, d.sealed, k.wrapped from vault.dead_letter d join vault.message_key k on k.tenant = d.tenant and k.id = d.id
  where ${selected}`;

/** A message that fails again replaces what it left before: one letter for each message. */
const replacing = `on conflict (tenant, key, body) do update set id = excluded.id, channel = excluded.channel, received_at = excluded.received_at,
  failed_at = now(), expires_at = excluded.expires_at, reason = excluded.reason, sealed = excluded.sealed`;

/** The hash of what was accepted is forgotten, so that a mended message may have the same control id. */
const failedSql = `
with gone as (delete from vault.inbox where tenant = $1 and id = $2 returning *),
  forgotten as (delete from vault.message m using gone where m.tenant = $1 and m.key = gone.key and m.body = gone.body and not m.done),
  earlier as (delete from vault.message_key k using vault.dead_letter d, gone
    where d.tenant = $1 and d.key = gone.key and d.body = gone.body and d.id <> gone.id and k.tenant = $1 and k.id = d.id),
  unkept as (delete from vault.message_key where tenant = $1 and id = $2 and $3::float8 <= 0)
insert into vault.dead_letter (tenant, id, channel, type, key, body, received_at, expires_at, reason, sealed)
  select tenant, id, channel, type, key, body, received_at, now() + make_interval(secs => $3), $4::jsonb, sealed from gone where $3::float8 > 0
  ${replacing}`;

const keepSql = `
with earlier as (delete from vault.message_key k using vault.dead_letter d
    where d.tenant = $1 and d.key = $5 and d.body = $6 and k.tenant = $1 and k.id = d.id),
  kept as (insert into vault.message_key (tenant, id, wrapped) values ($1, $2, $9))
insert into vault.dead_letter (tenant, id, channel, type, key, body, received_at, expires_at, reason, sealed)
  values ($1, $2, $3, $4, $5, $6, now(), now() + make_interval(secs => $7), $8::jsonb, $10)
  ${replacing}`;

const replaySql = `
with gone as (delete from vault.dead_letter d where ${selected} returning *),
  known as (insert into vault.message (tenant, key, body)
    select distinct on (key) tenant, key, body from gone order by key, received_at on conflict do nothing)
insert into vault.inbox (tenant, id, channel, type, key, body, received_at, sealed)
  select tenant, id, channel, type, key, body, received_at, sealed from gone order by received_at, id`;

const mendSql = `
with gone as (delete from vault.dead_letter where tenant = $1 and id = $2 returning *),
  old_key as (delete from vault.message_key where tenant = $1 and id = $2),
  new_key as (insert into vault.message_key (tenant, id, wrapped) select $1, $3, $4 from gone),
  known as (insert into vault.message (tenant, key, body) select tenant, key, $6 from gone on conflict do nothing)
insert into vault.inbox (tenant, id, channel, type, key, body, received_at, sealed)
  select tenant, $3, channel, type, key, $6, received_at, $5 from gone`;

const dropSql = `
with gone as (delete from vault.dead_letter d where ${selected} returning id)
delete from vault.message_key k using gone where k.tenant = $1 and k.id = gone.id`;

export class DeadLetters {
  readonly #pool: Pool;
  readonly #tenant: number;
  readonly #seal: MessageSeal;
  #replayed: () => void = () => undefined;

  constructor(pool: Pool, tenant: number, seal: MessageSeal) {
    this.#pool = pool;
    this.#tenant = tenant;
    this.#seal = seal;
  }

  onReplay(told: () => void): void {
    this.#replayed = told;
  }

  /** A message of the inbox has failed for good. @param retentionSeconds 0: it is not kept */
  async failed(id: string, reason: FailureReason, retentionSeconds: number): Promise<void> {
    await this.#pool.query({ name: 'inbox-failed', text: failedSql, values: [this.#tenant, id, retentionSeconds, JSON.stringify(reason)] });
  }

  /** A message that was refused at once: it never was in the inbox. */
  async keep(message: ReceivedMessage, reason: FailureReason, retentionSeconds: number): Promise<void> {
    if (retentionSeconds <= 0) return;
    const id = randomUUID();
    const { wrapped, sealed } = this.#seal.close(id, message.text);
    const hashes = [this.#seal.hash('key', message.key), this.#seal.hash('body', message.body)];
    const values = [this.#tenant, id, message.channel, message.type, ...hashes, retentionSeconds, JSON.stringify(reason), wrapped, sealed];
    await this.#pool.query({ name: 'dead-letter-keep', text: keepSql, values });
  }

  /** Oldest first. */
  async list(filter: DeadLetterFilter, maximum: number): Promise<DeadLetter[]> {
    const { rows } = await this.#pool.query<Row>(listSql, [...this.#values(filter), maximum]);
    return rows.map(letterOf);
  }

  /** With its text; undefined when there is none of this id. */
  async show(id: string): Promise<(DeadLetter & { readonly text: string }) | undefined> {
    const { rows } = await this.#pool.query<Row & SealedMessage>(showSql, this.#values({ ids: [id] }));
    const [row] = rows;
    return row && { ...letterOf(row), text: this.#seal.open(id, row) };
  }

  /** Back into the inbox, in the order in which they came. @returns how many */
  async replay(filter: DeadLetterFilter): Promise<number> {
    const { rowCount } = await this.#pool.query(replaySql, [...this.#values(filter)]);
    if (rowCount) this.#replayed();
    return rowCount ?? 0;
  }

  /** Back into the inbox with another text. @returns false when there is none of this id */
  async mend(id: string, text: string): Promise<boolean> {
    const newId = randomUUID();
    const { wrapped, sealed } = this.#seal.close(newId, text);
    const values = [this.#tenant, id, newId, wrapped, sealed, this.#seal.hash('body', `mended|${text}`)];
    const { rowCount } = await this.#pool.query(mendSql, values);
    if (rowCount) this.#replayed();
    return rowCount === 1;
  }

  /** @returns how many */
  async drop(filter: DeadLetterFilter): Promise<number> {
    const { rowCount } = await this.#pool.query(dropSql, [...this.#values(filter)]);
    return rowCount ?? 0;
  }

  #values({ ids, channel, type, code, since, before }: DeadLetterFilter): unknown[] {
    return [this.#tenant, ids ?? null, channel ?? null, type ?? null, code ?? null, since ?? null, before ?? null];
  }
}

function letterOf({ id, channel, type, reason, ...at }: Row): DeadLetter {
  return { id, channel, type, reason, receivedAt: at.received_at, failedAt: at.failed_at, expiresAt: at.expires_at };
}
