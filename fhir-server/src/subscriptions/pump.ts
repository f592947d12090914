// From the change feed to the endpoints. One process at a time reads the feed and numbers events; every subscription is delivered on its own, so that
// a slow endpoint delays no other. What was not taken is sent again, later each time: at least once, in order, no number missing.
import type { Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import type { Definition } from './definition.ts';
import { send } from './deliver.ts';
import { type FeedRow, readFeed } from './feed.ts';
import { type Matcher, matcherOf } from './match.ts';
import { type NotificationHead, notificationBundle, type SubscriptionEvent } from './notification.ts';
import type { Sockets } from './sockets.ts';
import type { EventRow, SubscriptionRow, SubscriptionStore } from './store.ts';

const feedPage = 200;
const failuresBeforeError = 5;
const longestWaitSeconds = 3600;
const feedLock = 0x4c_46_45_44;

/** A subscription ready to be worked on. */
export interface Opened {
  readonly row: SubscriptionRow;
  readonly definition: Definition;
  readonly principal: Principal;
}

const earlier = (a: bigint, b: bigint): bigint => {
  if (b < a) return b;
  return a;
};

interface Watch {
  readonly of: Opened;
  readonly matcher: Matcher;
}

export class Pump {
  readonly #server: Server;
  readonly #store: SubscriptionStore;
  readonly #open: (row: SubscriptionRow) => Opened;
  readonly #sockets: Pick<Sockets, 'round'>;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(server: Server, store: SubscriptionStore, open: (row: SubscriptionRow) => Opened, sockets: Pick<Sockets, 'round'>) {
    this.#sockets = sockets;
    this.#server = server;
    this.#store = store;
    this.#open = open;
  }

  /** One round: reads what is new, and starts the deliveries that are due. */
  async tick(): Promise<void> {
    const rows = await this.#store.live();
    if (rows.length === 0) return this.#sockets.round(new Map());
    const opened = rows.map((row) => this.#open(row));
    await this.#read(opened);
    const live = await this.#store.live();
    this.#sockets.round(new Map(live.filter(({ channel }) => channel === 'websocket').map((row) => [row.id, row])));
    for (const each of live) {
      const isWaiting = each.status === 'requested' || each.isSilent || BigInt(each.events) > BigInt(each.delivered);
      if (each.channel === 'websocket' || !each.isDue || !isWaiting || this.#busy.has(each.id)) continue;
      const work = this.#deliver(this.#open(each))
        .catch(() => this.#server.log.warn({ event: 'subscription-delivery-failed' }))
        .finally(() => this.#busy.delete(each.id));
      this.#busy.set(each.id, work);
    }
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#busy.values());
  }

  async #matchers(opened: readonly Opened[]): Promise<Watch[]> {
    const found = await Promise.all(
      opened.map(async (of) => {
        // Scopes that no longer fit match nothing.
        const matcher = await matcherOf(this.#server, of.principal, of.definition).catch(() => undefined);
        return matcher ? [{ of, matcher }] : [];
      }),
    );
    return found.flat();
  }

  async #read(opened: readonly Opened[]): Promise<void> {
    const matchers = await this.#matchers(opened);
    const first = opened.map(({ row }) => BigInt(row.start)).reduce(earlier);
    for (let more = true; more; ) more = await this.#readPage(matchers, String(first));
  }

  /** @returns whether there is more */
  async #readPage(matchers: readonly Watch[], first: string): Promise<boolean> {
    const { pool, tenant } = this.#server;
    const client = await pool.connect();
    try {
      await client.query('begin');
      const lock = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1, $2) as mine', [feedLock, tenant]);
      const rows = lock.rows[0]?.mine ? await readFeed(client, tenant, await this.#store.position(client, first), feedPage) : [];
      const last = rows.at(-1);
      if (last) await this.#store.append(client, last, await this.#matched(rows, matchers));
      await client.query('commit');
      return rows.length === feedPage;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async #matched(rows: readonly FeedRow[], matchers: readonly Watch[]): Promise<{ subscription: string; event: Omit<EventRow, 'n'> }[]> {
    const { types, reader } = this.#server;
    const wanted = new Set(matchers.map(({ matcher }) => types.number(matcher.type)));
    const found: { subscription: string; event: Omit<EventRow, 'n'> }[] = [];
    for (const row of rows.filter(({ type }) => wanted.has(type))) {
      const judged: Stored | undefined = await reader.version(types.name(row.type), row.id, row.deleted ? row.version - 1 : row.version);
      if (!judged) continue;
      for (const { of, matcher } of matchers) {
        if (types.number(matcher.type) !== row.type || BigInt(row.xid) < BigInt(of.row.start) || !matcher.matches(judged)) continue;
        const { type, id, version, deleted, ms } = row;
        found.push({ subscription: of.row.id, event: { type, id, version, deleted, at: new Date(Math.round(ms)) } });
      }
    }
    return found;
  }

  async #deliver(opened: Opened): Promise<void> {
    const { row, definition } = opened;
    if (row.status === 'requested' && definition.topic !== undefined && !(await this.#handshake(opened))) return this.#failed(row);
    let delivered = BigInt(row.delivered);
    if (row.isSilent && BigInt(row.events) === delivered) return this.#heartbeat(opened);
    for (;;) {
      const events = await this.eventsOf(opened, delivered, definition.maximumEvents);
      const last = events.at(-1);
      if (!last) break;
      if (!(await this.#sendEvents(opened, events))) return this.#failed(row);
      delivered = BigInt(last.n);
      await this.#store.taken(row.id, row.version, delivered);
    }
    await this.#store.taken(row.id, row.version, delivered);
    return undefined;
  }

  headOf({ row, definition }: Opened, type: NotificationHead['type'], events: number): NotificationHead {
    const { topic, content } = definition;
    return { base: this.#server.base, id: row.id, topic, status: row.status, type, events, content };
  }

  async #handshake(opened: Opened): Promise<boolean> {
    const body = notificationBundle(this.headOf(opened, 'handshake', 0), [], this.#server.now());
    return send(opened.definition, { method: 'POST', url: opened.definition.endpoint, body });
  }

  async #heartbeat(opened: Opened): Promise<void> {
    const { row, definition } = opened;
    if (!(await this.#store.beats(row.id, row.version))) return;
    const body = notificationBundle(this.headOf(opened, 'heartbeat', Number(row.events)), [], this.#server.now());
    if (!(await send(definition, { method: 'POST', url: definition.endpoint, body }))) return this.#failed(row);
    await this.#store.taken(row.id, row.version, BigInt(row.delivered));
  }

  /** Events with the resources as they were then, for who may still read them. */
  async eventsOf({ row, definition, principal }: Opened, after: bigint, limit: number, until?: bigint): Promise<SubscriptionEvent[]> {
    const rows = await this.#store.events(row.id, after, limit, until);
    const { reader, types } = this.#server;
    const isFull = definition.content === 'full-resource';
    const matcher = isFull ? await matcherOf(this.#server, principal, definition).catch(() => undefined) : undefined;
    return Promise.all(
      rows.map(async ({ n, type, id, version, deleted, at }) => {
        const stored = matcher && !deleted ? await reader.version(types.name(type), id, version) : undefined;
        return {
          n: Number(n),
          type: types.name(type),
          id,
          version,
          deleted,
          at,
          text: stored && matcher?.matches(stored) ? stored.text : undefined,
        };
      }),
    );
  }

  async #sendEvents(opened: Opened, events: readonly SubscriptionEvent[]): Promise<boolean> {
    const { definition } = opened;
    const { endpoint } = definition;
    if (definition.topic !== undefined) {
      const body = notificationBundle(this.headOf(opened, 'event-notification', events.at(-1)?.n ?? 0), events, this.#server.now());
      return send(definition, { method: 'POST', url: endpoint, body });
    }
    // R4: without a payload a bare call; with one the resource is put below the endpoint.
    if (definition.content === 'empty') return send(definition, { method: 'POST', url: endpoint, body: undefined });
    for (const { type, id, text } of events) {
      if (text === undefined) continue;
      if (!(await send(definition, { method: 'PUT', url: `${endpoint.replace(/\/$/, '')}/${type}/${id}`, body: text }))) return false;
    }
    return true;
  }

  async #failed({ id, version, failures, status }: SubscriptionRow): Promise<void> {
    const wait = Math.min(2 ** failures, longestWaitSeconds);
    await this.#store.failed(id, version, wait, failures + 1 >= failuresBeforeError ? 'error' : status);
  }
}
