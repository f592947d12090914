// Message text -> transaction Bundle: a pure function. The checks of the header run in order, each named by its field.
import type { Channel } from './channels.ts';
import { conversionContext, messageKey } from './message/context.ts';
import { type Message, parseMessage } from './message/parse.ts';
import { Refusal } from './message/refusal.ts';
import { first, isValued, locationOf, type Segment } from './message/segment.ts';
import { type Converter, messageTypes } from './messages/index.ts';
import type { PatientMerge } from './messages/merge.ts';
import type { Bundle } from './resource-types.ts';

const versions = new Set([
  '2.1',
  '2.2',
  '2.3',
  '2.3.1',
  '2.4',
  '2.5',
  '2.5.1',
  '2.6',
  '2.7',
  '2.7.1',
  '2.8',
  '2.8.1',
  '2.8.2',
  '2.9',
  '2.9.1',
]);

export type Conversion =
  | {
      readonly bundle: Bundle;
      /** For a server that does not know the visit: the bundle leaves out what the message does not tell of it, a new Encounter cannot. */
      readonly whenVisitUnknown: Bundle | undefined;
      /** Records of one person, to be merged after the bundle is stored. */
      readonly merges: readonly PatientMerge[];
      readonly idempotencyKey: string;
      readonly refusal?: undefined;
    }
  | { readonly refusal: Refusal; readonly bundle?: undefined };

function required(header: Segment, field: number): void {
  if (!isValued(header, field)) throw new Refusal('AR', '101', locationOf(header, field));
}

function checkProcessingId(header: Segment, channel: Channel): void {
  if (!isValued(header, 11) && !channel.strictHeader) return;
  required(header, 11);
  if (!channel.processingIds.includes(first(header, 11))) throw new Refusal('AR', '202', locationOf(header, 11));
}

function checkVersion(header: Segment, channel: Channel): void {
  if (!isValued(header, 12) && !channel.strictHeader) return;
  required(header, 12);
  if (!versions.has(first(header, 12))) throw new Refusal('AR', '203', locationOf(header, 12));
}

function converterOf(header: Segment): Converter {
  required(header, 9);
  const events = messageTypes.get(first(header, 9));
  if (!events) throw new Refusal('AR', '200', locationOf(header, 9));
  const converter = events.get(first(header, 9, 2));
  if (!converter) throw new Refusal('AR', '201', locationOf(header, 9));
  return converter;
}

/** Type, event, control id, processing id and version, in this order. @throws Refusal */
function checkedConverter(message: Message, channel: Channel): Converter {
  const { header } = message;
  const converter = converterOf(header);
  required(header, 10);
  checkProcessingId(header, channel);
  checkVersion(header, channel);
  return converter;
}

/** Whether a message can be accepted before it is converted: it can be read, and its header names what the channel takes. */
export function checkedMessage(text: string, channel: Channel): { readonly refusal?: Refusal } {
  try {
    checkedConverter(parseMessage(text), channel);
    return {};
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
}

function convert(message: Message, channel: Channel): Pick<Conversion & { refusal?: undefined }, 'bundle' | 'whenVisitUnknown' | 'merges'> {
  const converter = checkedConverter(message, channel);
  const { bundle, merges = [] } = converter(conversionContext(message, channel, 'stored'));
  const isPartial = bundle.entry?.some(({ resource }) => resource?.resourceType === 'Encounter' && !(resource.status && resource.class));
  return { bundle, merges, whenVisitUnknown: isPartial ? converter(conversionContext(message, channel, 'new')).bundle : undefined };
}

/**
 * Converts one message. No clock, no randomness: the same text and channel give the same Bundle.
 * @returns the transaction and its idempotency key (MSH-3|MSH-4|MSH-10), or why it is refused
 */
export function convertMessage(text: string, channel: Channel): Conversion {
  try {
    const message = parseMessage(text);
    return { ...convert(message, channel), idempotencyKey: messageKey(message) };
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
}
