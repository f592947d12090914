// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html — notifications in R4: a history Bundle that begins with the status.
import { randomUUID } from 'node:crypto';

export interface SubscriptionEvent {
  readonly n: number;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly at: Date;
  /** Stored JSON text; undefined where it is not to be sent. */
  readonly text: string | undefined;
}

export interface NotificationHead {
  readonly base: string;
  readonly id: string;
  readonly topic: string | undefined;
  readonly status: string;
  readonly type: 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event';
  /** Events since the subscription started. */
  readonly events: number;
  readonly content: 'empty' | 'id-only' | 'full-resource';
}

const statusProfile = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4';

/** The status as Parameters. */
export function statusParameters(head: NotificationHead, events: readonly SubscriptionEvent[]): object {
  const showsFocus = head.content !== 'empty';
  return {
    resourceType: 'Parameters',
    id: randomUUID(),
    meta: { profile: [statusProfile] },
    parameter: [
      { name: 'subscription', valueReference: { reference: `${head.base}/Subscription/${head.id}` } },
      ...(head.topic ? [{ name: 'topic', valueCanonical: head.topic }] : []),
      { name: 'status', valueCode: head.status },
      { name: 'type', valueCode: head.type },
      { name: 'events-since-subscription-start', valueString: String(head.events) },
      ...events.map((event) => ({
        name: 'notification-event',
        part: [
          { name: 'event-number', valueString: String(event.n) },
          { name: 'timestamp', valueInstant: event.at.toISOString() },
          ...(showsFocus ? [{ name: 'focus', valueReference: { reference: `${head.base}/${event.type}/${event.id}` } }] : []),
        ],
      })),
    ],
  };
}

/** JSON text; the resources are put in as they are stored. */
export function notificationBundle(head: NotificationHead, events: readonly SubscriptionEvent[], now: Date): string {
  const status = {
    fullUrl: `urn:uuid:${randomUUID()}`,
    resource: statusParameters(head, events),
    request: { method: 'GET', url: `${head.base}/Subscription/${head.id}/$status` },
    response: { status: '200' },
  };
  const entries = head.content === 'empty' ? [] : events.map((event) => entryOf(head, event));
  return `{"resourceType":"Bundle","id":"${randomUUID()}","type":"history","timestamp":"${now.toISOString()}","entry":[${[JSON.stringify(status), ...entries].join(',')}]}`;
}

function entryOf({ base, content }: NotificationHead, event: SubscriptionEvent): string {
  const url = `${event.type}/${event.id}`;
  const method = event.deleted ? 'DELETE' : event.version === 1 ? 'POST' : 'PUT';
  const request = { method, url: method === 'POST' ? event.type : url };
  const response = { status: event.deleted ? '204' : event.version === 1 ? '201' : '200' };
  const resource = content === 'full-resource' && event.text !== undefined ? `"resource":${event.text},` : '';
  return `{"fullUrl":"${base}/${url}",${resource}"request":${JSON.stringify(request)},"response":${JSON.stringify(response)}}`;
}
