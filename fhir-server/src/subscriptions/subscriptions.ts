// https://hl7.org/fhir/R4/subscription.html — Subscription as a client's own operational data: create, read, update, delete, list, $status, $events,
// and tokens that bind websockets.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError, type Principal, seesSystemTimes } from '@limen/fhir-model';
import { type Answer, jsonAnswer, type Request } from '../interactions/answer.ts';
import { isAllowedSource, openOrder, sealOrder } from '../jobs/index.ts';
import type { Server } from '../server.ts';
import { bind, bindingToken, socketUrl } from './binding.ts';
import { type Definition, definitionOf, type StoredPrincipal, type SubscriptionResource } from './definition.ts';
import { matcherOf, opensAsMuch, principalOf } from './match.ts';
import { notificationBundle, statusParameters } from './notification.ts';
import { type Opened, Pump } from './pump.ts';
import { Sockets } from './sockets.ts';
import { type SubscriptionRow, SubscriptionStore } from './store.ts';

interface Content {
  readonly resource: SubscriptionResource;
  readonly principal: StoredPrincipal;
}

const tickMs = 500;
const pruneMs = 60 * 60 * 1000;
const maximumEvents = 1000;
const maximumOfClient = 100;
const bindingOperation = '$get-ws-binding-token';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Subscriptions {
  readonly #server: () => Server;
  readonly #endpoints: readonly string[];
  readonly #sockets: Sockets;
  #authenticate: (authorization: string | undefined) => Promise<Principal> = () => Promise.reject(notFound());
  #timer: NodeJS.Timeout | undefined;
  #pruner: NodeJS.Timeout | undefined;
  #pump: Pump | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param endpoints addresses below which notifications may be sent */
  constructor(server: () => Server, endpoints: readonly string[]) {
    this.#server = server;
    this.#endpoints = endpoints;
    this.#sockets = new Sockets((message, authorization) => bind(this.#binding, message, authorization));
  }

  /** The websockets of this process, whose callers are who `authenticate` says; told of events once it has started. */
  sockets(authenticate: (authorization: string | undefined) => Promise<Principal>): Sockets {
    this.#authenticate = authenticate;
    return this.#sockets;
  }

  /** Where websockets are opened. */
  get socketUrl(): string {
    return socketUrl(this.#server());
  }

  get #binding(): Parameters<typeof bind>[0] {
    return {
      server: this.#server(),
      key: this.#key,
      pump: this.#pump ?? this.#newPump(),
      authenticate: this.#authenticate,
      own: async (principal, id) => this.#open(await this.#own(principal, id)),
    };
  }

  #newPump(): Pump {
    return new Pump(this.#server(), this.#store, (row) => this.#open(row), this.#sockets);
  }

  get #store(): SubscriptionStore {
    const { pool, tenant } = this.#server();
    return new SubscriptionStore(pool, tenant);
  }

  get #key(): Buffer {
    return this.#server().keyedHash('subscription');
  }

  start(): void {
    const { log } = this.#server();
    const pump = this.#newPump();
    this.#pump = pump;
    const next = (): void => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => {
        this.#ticking = pump
          .tick()
          .catch(() => log.warn({ event: 'subscription-feed-failed' }))
          .then(next);
      }, tickMs).unref();
    };
    next();
    this.#pruner = setInterval(() => void this.#store.prune().catch(() => undefined), pruneMs).unref();
  }

  /** Ends all websockets: the server can't close while they are open. */
  closeSockets(): void {
    this.#sockets.close();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pruner);
    await this.#ticking;
    await this.#pump?.settle();
  }

  async answer(principal: Principal, request: Request): Promise<Answer> {
    const { method, segments } = request;
    const [, id, operation, more] = segments;
    if (!principal.scopes.resources.some((s) => s.type === '*' || s.type === 'Subscription'))
      throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for Subscription.' });
    if (id === undefined) {
      if (method === 'POST') return this.#create(principal, request);
      if (method === 'GET') return this.#list(principal);
      throw notAllowed('GET, POST');
    }
    if (id === bindingOperation || operation === bindingOperation) return this.#bindingToken(principal, request);
    const row = await this.#own(principal, id);
    if (operation === undefined) {
      if (method === 'GET') return this.#shown(row, 200);
      if (method === 'PUT') return this.#update(principal, row, request);
      if (method !== 'DELETE') throw notAllowed('GET, PUT, DELETE');
      await this.#store.remove(id);
      return { status: 204, headers: {}, body: undefined };
    }
    if (more !== undefined || (operation !== '$status' && operation !== '$events')) throw notFound();
    if (method !== 'GET' && method !== 'POST') throw notAllowed('GET, POST');
    return operation === '$status' ? this.#status(row) : this.#events(principal, row, request);
  }

  #open(row: SubscriptionRow): Opened {
    const { resource, principal } = openOrder<Content>(this.#key, row.sealed, row.id);
    return { row, definition: this.#definition(resource), principal: principalOf(principal) };
  }

  #definition(resource: SubscriptionResource): Definition {
    return definitionOf(this.#server(), resource, (url) => url.protocol !== 'file:' && isAllowedSource(this.#endpoints, url));
  }

  /** `Subscription/[id]/$get-ws-binding-token`, or of several by `ids`. */
  async #bindingToken(principal: Principal, request: Request): Promise<Answer> {
    const { method, segments, query, body } = request;
    if (method !== 'GET' && method !== 'POST') throw notAllowed('GET, POST');
    const [, first = ''] = segments;
    const given = (body as { parameter?: readonly { name?: string; valueId?: string; valueString?: string }[] } | undefined)?.parameter;
    const named = Array.isArray(given) ? given.filter(({ name }) => name === 'ids').map((p) => p.valueId ?? p.valueString ?? '') : [];
    const asked = first === bindingOperation ? [...query.getAll('ids').flatMap((text) => text.split(',')), ...named] : [first];
    if (segments.length !== (first === bindingOperation ? 2 : 3)) throw notFound();
    const ids = [...new Set(asked)];
    if (ids.length === 0 || ids.length > maximumOfClient)
      throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'ids names from 1 to 100 subscriptions.' });
    return jsonAnswer(200, await bindingToken(this.#binding, principal, request, ids));
  }

  async #own(principal: Principal, id: string): Promise<SubscriptionRow> {
    const row = uuid.test(id) ? await this.#store.find(id) : undefined;
    if (!row || row.client !== principal.clientId || row.account !== (principal.userId ?? null)) throw notFound();
    return row;
  }

  async #checked(principal: Principal, request: Request): Promise<{ resource: SubscriptionResource; definition: Definition }> {
    const resource = request.body as SubscriptionResource | undefined;
    if (resource?.resourceType !== 'Subscription')
      throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'The body is no Subscription.' });
    const server = this.#server();
    const issues = server.validator.validate(resource, 'Subscription');
    if (issues.length > 0) throw new OperationOutcomeError(422, issues);
    if (!seesSystemTimes(principal))
      throw new OperationOutcomeError(403, {
        code: 'forbidden',
        diagnostics: 'Notifications show times of the system, which this client may not see.',
      });
    const definition = this.#definition(resource);
    if (await matcherOf(server, principal, definition)) return { resource, definition };
    throw new OperationOutcomeError(422, {
      code: 'not-supported',
      diagnostics: 'The criteria use what a resource alone cannot tell.',
      expression: 'Subscription.criteria',
    });
  }

  #sealed(id: string, resource: SubscriptionResource, { scopes, ...rest }: Principal): Buffer {
    const content: Content = { resource, principal: { ...rest, scope: scopes.text } };
    return sealOrder(this.#key, content, id);
  }

  async #create(principal: Principal, request: Request): Promise<Answer> {
    if (request.headers['if-none-exist'] !== undefined)
      throw new OperationOutcomeError(422, { code: 'not-supported', diagnostics: 'A Subscription is not created conditionally.' });
    const { resource, definition } = await this.#checked(principal, request);
    if ((await this.#store.ofClient(principal.clientId)).length >= maximumOfClient)
      throw new OperationOutcomeError(429, { code: 'throttled', diagnostics: 'The client has too many subscriptions.' });
    const id = randomUUID();
    const sealed = this.#sealed(id, resource, principal);
    await this.#store.insert(id, principal.clientId, principal.userId, firstStatus(resource, definition), sealed, definition);
    return this.#shown(await this.#own(principal, id), 201);
  }

  async #update(principal: Principal, row: SubscriptionRow, request: Request): Promise<Answer> {
    const { resource, definition } = await this.#checked(principal, request);
    if (resource.id !== row.id)
      throw new OperationOutcomeError(400, {
        code: 'value',
        diagnostics: 'The id in the body is not that of the address.',
        expression: 'Subscription.id',
      });
    const earlier = openOrder<Content>(this.#key, row.sealed, row.id).resource.channel.header;
    // Headers are never shown: what comes back without them keeps them.
    const kept =
      resource.channel.header || !earlier || definition.channel === 'websocket'
        ? resource
        : { ...resource, channel: { ...resource.channel, header: earlier } };
    await this.#store.update(row.id, firstStatus(resource, definition), this.#sealed(row.id, kept, principal), definition);
    return this.#shown(await this.#own(principal, row.id), 200);
  }

  #resource({ id, version, status, sealed }: SubscriptionRow): SubscriptionResource {
    const { resource } = openOrder<Content>(this.#key, sealed, id);
    const { header: _, ...channel } = resource.channel;
    return { ...resource, id, meta: { ...resource.meta, versionId: String(version) }, status, channel };
  }

  #shown(row: SubscriptionRow, status: 200 | 201): Answer {
    const location = status === 201 ? { location: `${this.#server().base}/Subscription/${row.id}/_history/${row.version}` } : {};
    return jsonAnswer(status, this.#resource(row), { etag: `W/"${row.version}"`, ...location });
  }

  async #list(principal: Principal): Promise<Answer> {
    const rows = (await this.#store.ofClient(principal.clientId)).filter((row) => row.account === (principal.userId ?? null));
    const { base } = this.#server();
    const entry = rows.map((row) => ({
      fullUrl: `${base}/Subscription/${row.id}`,
      resource: this.#resource(row),
      search: { mode: 'match' },
    }));
    return jsonAnswer(200, { resourceType: 'Bundle', type: 'searchset', total: entry.length, ...(entry.length > 0 ? { entry } : {}) });
  }

  #head(row: SubscriptionRow, type: 'query-status' | 'query-event'): ReturnType<Pump['headOf']> {
    const { topic, content } = this.#open(row).definition;
    return { base: this.#server().base, id: row.id, topic, status: row.status, type, events: Number(row.events), content };
  }

  async #status(row: SubscriptionRow): Promise<Answer> {
    const resource = statusParameters(this.#head(row, 'query-status'), []);
    return jsonAnswer(200, { resourceType: 'Bundle', type: 'searchset', entry: [{ resource, search: { mode: 'match' } }] });
  }

  async #events(principal: Principal, row: SubscriptionRow, request: Request): Promise<Answer> {
    const number = (name: string, fallback: bigint): bigint => {
      const text = request.query.get(name);
      if (text === null) return fallback;
      if (!/^\d{1,15}$/.test(text))
        throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'An event number is a whole number.' });
      return BigInt(text);
    };
    const pump = this.#pump ?? this.#newPump();
    const opened = this.#open(row);
    if (!opensAsMuch(principal, opened.principal, opened.definition.type))
      throw new OperationOutcomeError(403, {
        code: 'forbidden',
        diagnostics: 'The access token opens less than the subscription was made with: update the subscription, or ask with another token.',
      });
    const from = number('eventsSinceNumber', 1n);
    const events = await pump.eventsOf(opened, from - 1n, maximumEvents, number('eventsUntilNumber', BigInt(row.events)));
    return { status: 200, headers: {}, body: notificationBundle(this.#head(row, 'query-event'), events, this.#server().now()) };
  }
}

/** A websocket is ready at once: who binds is greeted then. */
function firstStatus({ status }: SubscriptionResource, { channel }: Definition): SubscriptionRow['status'] {
  if (status === 'off') return 'off';
  return channel === 'websocket' ? 'active' : 'requested';
}

const notFound = (): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });

function notAllowed(allow: string): OperationOutcomeError {
  return new OperationOutcomeError(
    405,
    { code: 'not-supported', diagnostics: 'This method is not supported here.' },
    { headers: { allow } },
  );
}
