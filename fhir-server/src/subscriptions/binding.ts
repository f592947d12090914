// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-get-ws-binding-token.html — a binding token is sealed:
// it holds who asked for it and with which access token, which must still be good when it is used and for as long as the connection lasts.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Request } from '../interactions/answer.ts';
import { auditRow } from '../interactions/audit.ts';
import { openOrder, sealOrder } from '../jobs/index.ts';
import type { Server } from '../server.ts';
import type { Bound } from './connection.ts';
import { opensAsMuch } from './match.ts';
import { notificationBundle } from './notification.ts';
import type { Opened, Pump } from './pump.ts';
import type { SocketMessage } from './socket-messages.ts';

const lifetimeMs = 5 * 60 * 1000;
const purpose = 'binding-token';

interface Content {
  readonly ids: readonly string[];
  readonly client: string;
  readonly account: string | null;
  readonly authorization: string;
  readonly untilMs: number;
}

/** What binding needs of the service. */
export interface BindingGround {
  readonly server: Server;
  readonly key: Buffer;
  readonly pump: Pump;
  readonly authenticate: (authorization: string | undefined) => Promise<Principal>;
  /** The caller's own. @throws OperationOutcomeError 404 */
  readonly own: (principal: Principal, id: string) => Promise<Opened>;
}

function noAccess(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(403, { code: 'forbidden', diagnostics });
}

/** Subscriptions of this caller, by websocket, with a token that opens what they were made with. @throws OperationOutcomeError */
async function opened({ own }: Pick<BindingGround, 'own'>, principal: Principal, ids: readonly string[]): Promise<Opened[]> {
  const found = await Promise.all(ids.map((id) => own(principal, id)));
  for (const each of found) {
    if (each.row.channel !== 'websocket' || each.row.status === 'off')
      throw new OperationOutcomeError(422, {
        code: 'business-rule',
        diagnostics: 'Only subscriptions by websocket that are not off are bound.',
      });
    if (!opensAsMuch(principal, each.principal, each.definition.type))
      throw noAccess(
        'The access token opens less than the subscription was made with: update the subscription, or ask with another token.',
      );
  }
  return found;
}

/** `$get-ws-binding-token` */
export async function bindingToken(
  ground: Pick<BindingGround, 'server' | 'key' | 'own'>,
  principal: Principal,
  request: Request,
  ids: readonly string[],
): Promise<object> {
  const { authorization } = request.headers;
  if (!authorization || !request.isDirect)
    throw new OperationOutcomeError(422, {
      code: 'not-supported',
      diagnostics: 'A binding token is asked for directly, with an access token.',
    });
  await opened(ground, principal, ids);
  const { server, key } = ground;
  const untilMs = server.now().getTime() + lifetimeMs;
  const content: Content = { ids, client: principal.clientId, account: principal.userId ?? null, authorization, untilMs };
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'token', valueString: sealOrder(key, content, purpose).toString('base64url') },
      { name: 'expiration', valueDateTime: new Date(untilMs).toISOString() },
      ...ids.map((id) => ({ name: 'subscription', valueString: id })),
      { name: 'websocket-url', valueUrl: socketUrl(server) },
    ],
  };
}

/** Where clients connect to. */
export function socketUrl({ base }: Pick<Server, 'base'>): string {
  return `${base.replace(/^http/, 'ws')}/_websocket`;
}

function contentOf(key: Buffer, token: string): Content {
  try {
    return openOrder<Content>(key, Buffer.from(token, 'base64url'), purpose);
  } catch {
    throw noAccess('The binding token is not one of this server.');
  }
}

/** Answers a message of a client. @throws OperationOutcomeError; refusals are audited */
export async function bind(ground: BindingGround, message: SocketMessage, authorization: string | undefined): Promise<Bound[]> {
  const { server, key, authenticate } = ground;
  const requestId = purpose;
  try {
    const content =
      message.kind === 'bind-with-token' ? contentOf(key, message.token) : { ids: [message.id], authorization: authorization ?? '' };
    const principal = await authenticate(content.authorization || undefined);
    if ('untilMs' in content) {
      if (content.untilMs < server.now().getTime()) throw noAccess('The binding token has expired.');
      if (content.client !== principal.clientId || content.account !== (principal.userId ?? null))
        throw noAccess('The binding token belongs to another caller.');
    }
    const found = await opened(ground, principal, content.ids);
    for (const id of content.ids)
      await server.audit.record(
        auditRow(
          principal,
          { method: 'GET', segments: ['Subscription', id], query: new URLSearchParams(), headers: {}, body: undefined, requestId },
          'subscription-bind',
          200,
        ),
      );
    return found.map((each) => boundOf(ground, each, content.authorization));
  } catch (error) {
    if (error instanceof OperationOutcomeError)
      await server.audit.record({ interaction: 'refused', client: '-', type: 'Subscription', status: error.status, requestId });
    throw error;
  }
}

function boundOf({ server, pump, authenticate, own }: BindingGround, of: Opened, authorization: string): Bound {
  const { row, definition } = of;
  const isTopic = definition.topic !== undefined;
  return {
    id: row.id,
    client: row.client,
    version: row.version,
    events: BigInt(row.events),
    heartbeatMs: definition.heartbeat === undefined ? undefined : definition.heartbeat * 1000,
    greeting: isTopic ? notificationBundle(pump.headOf(of, 'handshake', Number(row.events)), [], server.now()) : `bound ${row.id}`,
    async check() {
      await opened({ own }, await authenticate(authorization), [row.id]);
    },
    async after(now, sent) {
      // A ping says that something has changed, however much.
      if (!isTopic) return { text: `ping ${row.id}`, sent: BigInt(now.events) };
      const events = await pump.eventsOf(of, sent, definition.maximumEvents);
      const last = events.at(-1);
      if (!last) return undefined;
      const head = pump.headOf({ ...of, row: now }, 'event-notification', last.n);
      return { text: notificationBundle(head, events, server.now()), sent: BigInt(last.n) };
    },
    heartbeat: (now) => notificationBundle(pump.headOf({ ...of, row: now }, 'heartbeat', Number(now.events)), [], server.now()),
  };
}
