// Messages for the tests; the people in them are invented.
import { type Channel, convertMessage, defaultChannel } from '../src/index.ts';

export const msh = (type: string, controlId: string, rest = '|P|2.5.1'): string =>
  `MSH|^~\\&|SENDER|CLINIC|LIMEN|LIMEN|20240501120000||${type}|${controlId}${rest}`;

export const pid = 'PID|1||77001^^^LIMEN^MR~900-1^^^CLINIC^PI||TESTER^TINA^T||19800102|F|||1 MAIN ST^^ANYTOWN^OH^44101';
export const pv1 = segment('PV1', { 1: '1', 2: 'I', 3: 'WARD^101^1', 7: '0042^HOUSE^GREGORY', 19: 'V77^^^CLINIC', 44: '202405011100' });

/** A segment from its valued fields. */
export function segment(name: string, fields: { readonly [field: number]: string }): string {
  const all = [name];
  for (const [field, value] of Object.entries(fields)) all[Number(field)] = value;
  return Array.from(all, (value) => value ?? '').join('|');
}

export function lines(...segments: string[]): string {
  return `${segments.join('\r')}\r`;
}

type Json = { readonly [name: string]: unknown };

export interface Entry {
  readonly fullUrl: string;
  readonly resource: Json;
  readonly request: { readonly method: string; readonly url: string; readonly ifNoneExist?: string };
}

/** The entries of an accepted message, as plain JSON. @throws when it is refused */
export function entriesOf(text: string, channel: Channel = defaultChannel): Entry[] {
  const { bundle, refusal } = convertMessage(text, channel);
  if (!bundle) throw new Error(`refused: ${refusal.ack} ${refusal.code} ${JSON.stringify(refusal.location)}`);
  return JSON.parse(JSON.stringify(bundle.entry));
}

/** The condition by which a resource of the message's patient is found: the patient is the first entry. */
export function withinPatient(query: string, [patient]: readonly Entry[]): string {
  return `${query}&subject=${patient?.fullUrl}`;
}

export function resourcesOf(text: string, resourceType: string, channel: Channel = defaultChannel): Json[] {
  return entriesOf(text, channel)
    .map((entry) => entry.resource)
    .filter((resource) => resource.resourceType === resourceType);
}

/** "AE 102 PID-7": how a message is refused; "accepted" when it is not. */
export function refusalOf(text: string, channel: Channel = defaultChannel): string {
  const { refusal } = convertMessage(text, channel);
  if (!refusal) return 'accepted';
  const { segment, ordinal, field } = refusal.location ?? {};
  return [refusal.ack, refusal.code, segment ? `${segment}${ordinal === 1 ? '' : `[${ordinal}]`}${field ? `-${field}` : ''}` : '']
    .join(' ')
    .trim();
}
