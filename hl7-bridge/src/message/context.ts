// What the maps know besides the segment: the channel, and names that depend only on the message (so that a resend is equal).
import { createHash } from 'node:crypto';
import type { Channel } from '../channels.ts';
import type { Message } from './parse.ts';
import { first, rawField } from './segment.ts';

export interface ConversionContext {
  readonly channel: Channel;
  readonly message: Message;
  /** MSH-4.1, else MSH-3.1: whose numbers these are when a field names no authority. */
  readonly facility: string;
  /** 'new': the server does not know the visit, so its Encounter says what every Encounter must. */
  readonly visit: 'stored' | 'new';
  /** A urn:uuid for what stands at this position of the message. */
  fullUrl(position: string): string;
}

/** RFC 9562 version 5 layout over a SHA-1: the same text always gives the same uuid. */
function uuidOf(text: string): string {
  const hash = createHash('sha1').update(text).digest();
  const bytes = Buffer.from(hash.subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The key of idempotency, MSH-3|MSH-4|MSH-10, as sent. */
export function messageKey(message: Message): string {
  return [3, 4, 10].map((field) => rawField(message.header, field)).join('|');
}

export function conversionContext(message: Message, channel: Channel, visit: ConversionContext['visit']): ConversionContext {
  const key = messageKey(message);
  return {
    channel,
    message,
    visit,
    facility: first(message.header, 4) || first(message.header, 3),
    fullUrl: (position) => `urn:uuid:${uuidOf(`${key}|${position}`)}`,
  };
}
