// Rows of subscriptions and their events. Event numbers and the place in the feed move in one transaction: after a crash no number is missing or used twice.
import type { ClientBase, Pool } from 'pg';
import type { FeedPosition } from './feed.ts';

export type Status = 'requested' | 'active' | 'error' | 'off';

export interface SubscriptionRow {
  readonly id: string;
  readonly client: string;
  readonly account: string | null;
  readonly version: number;
  readonly status: Status;
  readonly sealed: Buffer;
  readonly start: string;
  /** int8: as text. */
  readonly events: string;
  readonly delivered: string;
  readonly failures: number;
  readonly isDue: boolean;
  readonly channel: 'rest-hook' | 'websocket';
  /** Whether a heartbeat is to be sent. */
  readonly isSilent: boolean;
}

/** What a row shows of its definition. */
export interface SubscriptionSettings {
  readonly endsAt: Date | undefined;
  readonly channel: 'rest-hook' | 'websocket';
  readonly heartbeat: number | undefined;
}

export interface EventRow {
  readonly n: string;
  readonly type: number;
  readonly id: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly at: Date;
}

const columns = `id, client, account, version, status, sealed, start::text as start, events, delivered, failures, next_at <= now() as "isDue", channel,
  coalesce(sent_at + make_interval(secs => heartbeat) <= now(), false) as "isSilent"`;
const keptDays = 7;

export class SubscriptionStore {
  readonly #pool: Pool;
  readonly #tenant: number;

  constructor(pool: Pool, tenant: number) {
    this.#pool = pool;
    this.#tenant = tenant;
  }

  async insert(
    id: string,
    client: string,
    account: string | undefined,
    status: Status,
    sealed: Buffer,
    { endsAt, channel, heartbeat }: SubscriptionSettings,
  ): Promise<void> {
    await this.#pool.query(
      `insert into operational.subscription (id, tenant, client, account, status, sealed, ends_at, channel, heartbeat)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, this.#tenant, client, account ?? null, status, sealed, endsAt ?? null, channel, heartbeat ?? null],
    );
  }

  async update(id: string, status: Status, sealed: Buffer, { endsAt, channel, heartbeat }: SubscriptionSettings): Promise<void> {
    await this.#pool.query(
      `update operational.subscription set version = version + 1, status = $3, sealed = $4, ends_at = $5, channel = $6, heartbeat = $7,
         failures = 0, next_at = now()
       where tenant = $1 and id = $2`,
      [this.#tenant, id, status, sealed, endsAt ?? null, channel, heartbeat ?? null],
    );
  }

  async remove(id: string): Promise<void> {
    await this.#pool.query(
      `with gone as (delete from operational.subscription where tenant = $1 and id = $2 returning id)
       delete from operational.subscription_event e using gone where e.subscription = gone.id`,
      [this.#tenant, id],
    );
  }

  async find(id: string): Promise<SubscriptionRow | undefined> {
    const { rows } = await this.#pool.query<SubscriptionRow>(
      `select ${columns} from operational.subscription where tenant = $1 and id = $2`,
      [this.#tenant, id],
    );
    return rows[0];
  }

  async ofClient(client: string): Promise<SubscriptionRow[]> {
    const { rows } = await this.#pool.query<SubscriptionRow>(
      `select ${columns} from operational.subscription where tenant = $1 and client = $2 order by id`,
      [this.#tenant, client],
    );
    return rows;
  }

  /** All that are not off; those whose end has come are put off first. */
  async live(): Promise<SubscriptionRow[]> {
    const { rows } = await this.#pool.query<SubscriptionRow>(
      `with ended as (update operational.subscription set status = 'off', version = version + 1 where tenant = $1 and ends_at < now() and status <> 'off' returning id)
       select ${columns} from operational.subscription where tenant = $1 and status <> 'off' and id not in (select id from ended)`,
      [this.#tenant],
    );
    return rows;
  }

  async events(id: string, after: bigint, limit: number, until?: bigint): Promise<EventRow[]> {
    const { rows } = await this.#pool.query<EventRow>(
      `select n, type, id, version, deleted, at from operational.subscription_event
       where subscription = $1 and n > $2 and n <= $3 order by n limit $4`,
      [id, after, until ?? 9_223_372_036_854_775_807n, limit],
    );
    return rows;
  }

  async taken(id: string, version: number, delivered: bigint): Promise<void> {
    await this.#pool.query(
      `update operational.subscription set delivered = greatest(delivered, $4), failures = 0, status = 'active', next_at = now(), sent_at = now()
       where tenant = $1 and id = $2 and version = $3 and status <> 'off'`,
      [this.#tenant, id, version, delivered],
    );
  }

  /** Whether the heartbeat that is due is this process's to send. */
  async beats(id: string, version: number): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `update operational.subscription set sent_at = now()
       where tenant = $1 and id = $2 and version = $3 and sent_at + make_interval(secs => heartbeat) <= now()`,
      [this.#tenant, id, version],
    );
    return rowCount === 1;
  }

  async failed(id: string, version: number, waitSeconds: number, status: Status): Promise<void> {
    await this.#pool.query(
      `update operational.subscription set failures = failures + 1, next_at = now() + make_interval(secs => $4), status = $5
       where tenant = $1 and id = $2 and version = $3`,
      [this.#tenant, id, version, waitSeconds, status],
    );
  }

  /** The place in the feed, held until the end of the transaction; made at `first` when there is none. */
  async position(client: ClientBase, first: string): Promise<FeedPosition> {
    const { rows } = await client.query<FeedPosition & { isBefore: boolean }>(
      'select xid::text as xid, seq, xid < $2::xid8 as "isBefore" from operational.feed where tenant = $1 for update',
      [this.#tenant, first],
    );
    const [known] = rows;
    if (known && !known.isBefore) return known;
    // While nobody subscribed the feed was not read: what lies before the first subscription is nobody's.
    await client.query(
      'insert into operational.feed (tenant, xid, seq) values ($1, $2, -1) on conflict (tenant) do update set xid = $2, seq = -1',
      [this.#tenant, first],
    );
    return { xid: first, seq: '-1' };
  }

  /** Numbers events and moves the place in the feed. */
  async append(
    client: ClientBase,
    to: FeedPosition,
    matched: readonly { readonly subscription: string; readonly event: Omit<EventRow, 'n'> }[],
  ): Promise<void> {
    const each = <T>(value: (m: (typeof matched)[number]) => T): T[] => matched.map(value);
    await client.query(
      `with given as (
         select s, t, i, v, d, at, row_number() over (partition by s order by o) as k
         from unnest($1::uuid[], $2::int2[], $3::text[], $4::int4[], $5::bool[], $6::timestamptz[]) with ordinality as x(s, t, i, v, d, at, o)),
       counted as (
         update operational.subscription u set events = u.events + g.total from (select s, count(*) as total from given group by s) g
         where u.id = g.s returning u.id, u.events - g.total as before)
       insert into operational.subscription_event (subscription, n, type, id, version, deleted, at)
       select g.s, c.before + g.k, g.t, g.i, g.v, g.d, g.at from given g join counted c on c.id = g.s`,
      [
        each((m) => m.subscription),
        each((m) => m.event.type),
        each((m) => m.event.id),
        each((m) => m.event.version),
        each((m) => m.event.deleted),
        each((m) => m.event.at),
      ],
    );
    await client.query('update operational.feed set xid = $2, seq = $3 where tenant = $1', [this.#tenant, to.xid, to.seq]);
  }

  /** What was taken; of a websocket nobody says so, and events are kept for that time. */
  async prune(): Promise<void> {
    await this.#pool.query(
      `delete from operational.subscription_event e using operational.subscription s
       where s.tenant = $1 and e.subscription = s.id and (e.n <= s.delivered or s.channel = 'websocket') and e.at < now() - make_interval(days => ${keptDays})`,
      [this.#tenant],
    );
  }
}
