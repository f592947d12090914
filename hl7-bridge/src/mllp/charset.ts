// HL7 v2 table 0211 (MSH-18): the bytes of a frame become text only after the frame is complete, and never with replacement characters.
import { Refusal } from '../message/refusal.ts';

/** MSH-18 names that this listener reads, with the decoder of the WHATWG encoding standard that gives the same characters. */
const charsets: { readonly [msh18: string]: string } = {
  ASCII: 'ascii',
  '8859/1': 'latin1',
  '8859/2': 'iso-8859-2',
  '8859/15': 'iso-8859-15',
  'UNICODE UTF-8': 'utf-8',
  'UTF-8': 'utf-8',
  UNICODE: 'utf-8',
  'UNICODE UTF-16': 'utf-16be',
};

function byteOrderMark(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return 'utf-16be';
  if (first === 0xef && second === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  return undefined;
}

/** The beginning of a frame as text, without judging its characters: enough to read the header of a frame that cannot be decoded. */
export function asciiCompatibleText(bytes: Buffer): string {
  const mark = byteOrderMark(bytes);
  const head = bytes.subarray(0, 4096);
  return mark?.startsWith('utf-16') ? new TextDecoder(mark).decode(head) : head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
}

/** The first MSH segment of a text; empty when there is none. */
export function headerLine(text: string): string {
  return /(?:^|[\r\n])\s*(MSH[^\r\n]*)/.exec(text.slice(0, 4096))?.[1] ?? '';
}

/** MSH-18 of the first message in the frame, as sent; its first repetition. */
function declaredCharset(bytes: Buffer): string {
  const header = headerLine(asciiCompatibleText(bytes));
  const fields = header.split(header.charAt(3) || '|');
  const repetition = fields[1]?.charAt(1) || '~';
  return (fields[17] ?? '').split(repetition)[0]?.trim() ?? '';
}

function decodeAs(bytes: Buffer, encoding: string): string | undefined {
  if (encoding === 'latin1') return bytes.toString('latin1');
  if (encoding === 'ascii') return bytes.some((byte) => byte > 0x7f) ? undefined : bytes.toString('latin1');
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The text of a frame by byte-order mark, else MSH-18, else the channel's default.
 * @param ignoresDeclared MSH-18 of this sender is known to be wrong
 * @throws Refusal AE 103 for a character set that is not read, AE 102 for bytes that are not of it
 */
export function decodeFrame(bytes: Buffer, defaultCharset: string, ignoresDeclared = false): string {
  const mark = byteOrderMark(bytes);
  const declared = ignoresDeclared ? '' : declaredCharset(bytes);
  const encoding = mark ?? charsets[declared || defaultCharset];
  if (encoding === undefined) throw new Refusal('AE', '103', { segment: 'MSH', ordinal: 1, field: 18 });
  const text = decodeAs(bytes, encoding);
  if (text === undefined) throw new Refusal('AE', '102', { segment: 'MSH', ordinal: 1, field: 18 });
  return text;
}

const latin9Differences: { readonly [character: string]: number } = {
  '€': 0xa4,
  Š: 0xa6,
  š: 0xa8,
  Ž: 0xb4,
  ž: 0xb8,
  Œ: 0xbc,
  œ: 0xbd,
  Ÿ: 0xbe,
};

function single(text: string, code: (character: string) => number | undefined): Buffer {
  return Buffer.from(Array.from(text, (character) => code(character) ?? 0x3f));
}

/** Whether the listener reads this name of MSH-18. */
export function isReadableCharset(name: string): boolean {
  return charsets[name] !== undefined;
}

/** The bytes of an answer in the character set of the message it answers; `actual`: what the sender writes whatever it declares. */
export function encodeAnswer(text: string, received: Buffer, actual?: string): Buffer {
  const mark = byteOrderMark(received);
  const encoding = mark ?? charsets[actual ?? declaredCharset(received)] ?? 'utf-8';
  const within = (limit: number) => (character: string) => {
    const code = character.codePointAt(0) ?? limit;
    return code < limit ? code : undefined;
  };
  if (encoding === 'ascii' || encoding === 'iso-8859-2') return single(text, within(0x80));
  if (encoding === 'latin1') return single(text, within(0x100));
  if (encoding === 'iso-8859-15') return single(text, (character) => latin9Differences[character] ?? within(0x100)(character));
  if (!encoding.startsWith('utf-16')) return Buffer.from(text, 'utf8');
  const littleEndian = Buffer.from(`\ufeff${text}`, 'utf16le');
  return encoding === 'utf-16le' ? littleEndian : littleEndian.swap16();
}
