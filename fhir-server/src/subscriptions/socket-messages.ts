// What clients say on a websocket: https://hl7.org/fhir/R4/subscription.html#2.46.7.2 and
// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets
export type SocketMessage = { readonly kind: 'bind'; readonly id: string } | { readonly kind: 'bind-with-token'; readonly token: string };

const uuid = /^bind ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const token = /^bind-with-token ([A-Za-z0-9_-]{40,12000})$/;

/** undefined: nothing that a client may say. */
export function parseMessage(text: string): SocketMessage | undefined {
  const id = uuid.exec(text)?.[1];
  if (id !== undefined) return { kind: 'bind', id };
  const given = token.exec(text)?.[1];
  return given === undefined ? undefined : { kind: 'bind-with-token', token: given };
}
