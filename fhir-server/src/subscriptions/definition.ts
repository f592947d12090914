// https://hl7.org/fhir/R4/subscription.html and https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/ — what a client subscribes to: by R4 criteria,
// or by our topic with a filter. Channels: rest-hook and websocket.
import { OperationOutcomeError, type Principal, parseDate, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';

export type SubscriptionResource = Extract<Resource, { resourceType: 'Subscription' }>;

export interface Definition {
  /** Backport: the topic; undefined for R4 criteria. */
  readonly topic: string | undefined;
  readonly type: string;
  /** The search part; may be empty. */
  readonly query: string;
  readonly channel: 'rest-hook' | 'websocket';
  /** Of a rest-hook. */
  readonly endpoint: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly content: 'empty' | 'id-only' | 'full-resource';
  readonly endsAt: Date | undefined;
  /** Seconds without a notification after which one says that all is well; undefined: none. */
  readonly heartbeat: number | undefined;
  /** Events in one notification. */
  readonly maximumEvents: number;
}

/** Any creation, change or deletion of a resource of the type that the filter names. */
const changeTopic = 'https://limen.example/SubscriptionTopic/resource-change';

const backport = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const fhirJson = 'application/fhir+json';
const maximumHeaders = 10;
const eventsTogether = 50;
const longestHeartbeat = 24 * 60 * 60;
const headerForm = /^([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]?([\x20-\x7e]{0,2000})$/;
/** Set by the request itself. */
const ownHeaders = /^(host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect)$/i;

function refused(expression: string, diagnostics: string, code: 'value' | 'not-supported' | 'required' = 'value'): OperationOutcomeError {
  return new OperationOutcomeError(422, { code, diagnostics, expression: `Subscription.${expression}` });
}

interface Extended {
  readonly extension?: readonly {
    readonly url: string;
    readonly valueString?: string;
    readonly valueCode?: string;
    readonly valueUnsignedInt?: number;
    readonly valuePositiveInt?: number;
  }[];
}

const extensionOf = (element: unknown, name: string): string | undefined => {
  const found = (element as Extended | undefined)?.extension?.find(({ url }) => url === `${backport}/${name}`);
  return found?.valueString ?? found?.valueCode;
};

const numberOf = (element: unknown, name: string): number | undefined => {
  const found = (element as Extended | undefined)?.extension?.find(({ url }) => url === `${backport}/${name}`);
  // Exact numbers are read as objects.
  const number = found?.valueUnsignedInt ?? found?.valuePositiveInt;
  return number === undefined ? undefined : Number(number);
};

/** @throws OperationOutcomeError 422 where the channel has what it can't use */
function endpointOf({ type, endpoint, header }: SubscriptionResource['channel'], isAllowed: (url: URL) => boolean): string {
  if (type === 'websocket') {
    if (endpoint !== undefined || header !== undefined)
      throw refused('channel', 'A websocket has no endpoint and no headers: the client connects to the server.');
    return '';
  }
  if (!endpoint || !URL.canParse(endpoint) || !isAllowed(new URL(endpoint)))
    throw refused('channel.endpoint', 'The endpoint is not one that this server may call.');
  return endpoint;
}

function heartbeatOf(channel: unknown, isTopic: boolean): number | undefined {
  const seconds = numberOf(channel, 'backport-heartbeat-period');
  if (!seconds) return undefined;
  if (!isTopic) throw refused('channel', 'Only a subscription to a topic has heartbeats.', 'not-supported');
  if (!(seconds > 0 && seconds <= longestHeartbeat)) throw refused('channel', 'A heartbeat comes after 1 second to 1 day.');
  return seconds;
}

/** @throws OperationOutcomeError 422 for what is not supported */
export function definitionOf(server: Server, resource: SubscriptionResource, isAllowed: (url: URL) => boolean): Definition {
  const { channel, criteria } = resource;
  const type = channel?.type;
  if (type !== 'rest-hook' && type !== 'websocket')
    throw refused('channel.type', 'Only the channels rest-hook and websocket are supported.', 'not-supported');
  const endpoint = endpointOf(channel, isAllowed);
  if (channel.payload !== undefined && channel.payload.split(';')[0] !== fhirJson)
    throw refused('channel.payload', 'Notifications are application/fhir+json.', 'not-supported');
  const end = resource.end ? parseDate(resource.end) : undefined;
  const isTopic = /^[a-z]+:/.test(criteria);
  const maximum = numberOf(channel, 'backport-max-count');
  const shared = {
    channel: type,
    endpoint,
    headers: headersOf(channel.header ?? []),
    endsAt: end && new Date(end.startMs),
    heartbeat: heartbeatOf(channel, isTopic),
    maximumEvents: maximum !== undefined && maximum > 0 ? Math.min(maximum, eventsTogether) : eventsTogether,
  };
  const elements = resource as unknown as { _criteria?: unknown };
  const payload = (channel as unknown as { _payload?: unknown })._payload;
  if (!isTopic)
    return { ...shared, ...criteriaOf(server, criteria), topic: undefined, content: channel.payload ? 'full-resource' : 'empty' };
  if (criteria !== changeTopic) throw refused('criteria', 'There is no such topic.', 'not-supported');
  const filter = extensionOf(elements._criteria, 'backport-filter-criteria');
  if (!filter) throw refused('criteria', 'The topic needs a filter that names a resource type.', 'required');
  const content = extensionOf(payload, 'backport-payload-content');
  if (content !== 'empty' && content !== 'id-only' && content !== 'full-resource')
    throw refused('channel.payload', 'The payload content is empty, id-only or full-resource.', 'required');
  return { ...shared, ...criteriaOf(server, filter), topic: criteria, content };
}

function criteriaOf(server: Server, text: string): Pick<Definition, 'type' | 'query'> {
  const [type = '', query = ''] = text.split(/\?(.*)/s);
  if (!server.types.has(type)) throw refused('criteria', 'The criteria name no resource type.');
  return { type, query };
}

function headersOf(given: readonly string[]): (readonly [string, string])[] {
  if (given.length > maximumHeaders) throw refused('channel.header', 'There are too many headers.');
  return given.map((text) => {
    const [, name, value] = headerForm.exec(text) ?? [];
    if (name === undefined || value === undefined || ownHeaders.test(name)) throw refused('channel.header', 'A header cannot be sent.');
    return [name, value] as const;
  });
}

export type StoredPrincipal = Omit<Principal, 'scopes'> & { readonly scope: string };
