// https://www.rfc-editor.org/rfc/rfc8259 — one pass over the bytes before JSON.parse: bounds depth and keys, refuses duplicate keys (RFC 8259
// leaves open which one counts), and finds numbers whose digits JSON.parse would spoil. Whether the text is JSON at all JSON.parse says.
import { isUtf8 } from 'node:buffer';
import { OperationOutcomeError } from '@limen/fhir-model';
import { runAtOnce, runInTurns } from '../pace.ts';
import { numberOf, numberText } from '../validation/index.ts';
import { type Cut, valueWithCuts } from './cuts.ts';
import { KeySets, type ScanLimits } from './keys.ts';

export { numberOf, numberText, type ScanLimits };

export interface ScanResult {
  /** Whether a number literal would not survive `String(Number(text))`: `1.00`, 20 digits, `1e2`. */
  readonly exactNumbers: boolean;
  readonly values: number;
  /** Of the item of a list in the outermost value that has the most. */
  readonly mostOfItem: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Beyond so many bytes the machine's own search is faster than ours. */
const shortString = 32;

/** Index of the closing quote of the string that opens at `start`; the end of the text when there is none. */
function stringEnd(bytes: Buffer, start: number): number {
  let i = start + 1;
  const near = Math.min(bytes.length, i + shortString);
  for (; i < near && bytes[i] !== quote; i++) if (bytes[i] === backslash) i += 1;
  if (i < near) return i;
  for (let from = i; ; from += 1) {
    from = bytes.indexOf(quote, from);
    if (from < 0) return bytes.length;
    let before = from;
    while (before > i && bytes[before - 1] === backslash) before -= 1;
    if ((from - before) % 2 === 0) return from;
  }
}

function isNumberByte(byte: number): boolean {
  return (byte >= zero && byte <= nine) || byte === dot || byte === minus || byte === 0x2b || byte === 0x65 || byte === 0x45;
}

function numberEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length && isNumberByte(bytes[i] ?? 0)) i += 1;
  return i;
}

/** `0` and what lies between 0.1 and 1; smaller ones may come back with an exponent. */
function isPlainZero(bytes: Uint8Array, first: number, end: number): boolean {
  if (end - first === 1) return bytes[first - 1] !== minus;
  return bytes[first + 1] === dot && (bytes[first + 2] ?? 0) > zero;
}

/** Up to 15 digits without trailing zeros, leading zeros or an exponent come back from a double as they were. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] === minus ? start + 1 : start;
  if (end - first > 15 || (bytes[first] === zero && !isPlainZero(bytes, first, end))) return false;
  let fraction = false;
  for (let i = first; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === dot) fraction = true;
    else if (byte < zero || byte > nine) return false;
  }
  return !fraction || (bytes[end - 1] !== zero && bytes[end - 1] !== dot);
}

function survives(bytes: Uint8Array, start: number, end: number): boolean {
  if (isPlain(bytes, start, end)) return true;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  // The commonest of those that do not: `1.50`.
  if (/\.\d*0$/.test(text)) return false;
  return String(Number(text)) === text;
}

/** Where the text may stop for a while. */
const bytesPerTurn = 1024 * 1024;
/** A list is read in groups of about so many bytes. */
const groupBytes = 64 * 1024;
const longString = 64 * 1024;
/** A string of FHIR has 1,048,576 characters; each may be written as an escape. Only content (base64) may have more. */
const maximumStringBytes = 6 * 1_048_576;
const contentNames = /^(?:data|.*Base64Binary)$/;
/** Of a decimal; R4 asks for 18. */
const maximumDigits = 1000;
const maximumValues = 2_000_000;
/** Of a resource, or of an entry of a Bundle: what is then validated, de-identified and indexed in one go. */
const maximumValuesOfItem = 100_000;

function tooLong(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'too-long', diagnostics });
}

/** The items of the lists that stand in the outermost value, gathered into groups; what Bundles and Parameters have their resources in. */
class Groups {
  readonly #cuts: Cut[];
  #open: Cut | undefined;
  #isInside = false;

  constructor(cuts: Cut[]) {
    this.#cuts = cuts;
  }

  /** An object opens at a level. @returns whether it is an item */
  begin(at: number, level: number, isInList: boolean): boolean {
    if (this.#isInside || !isInList || level < 1 || level > 2) return false;
    this.#isInside = true;
    if (!this.#open) {
      this.#open = { kind: 'items', start: at, end: at };
      this.#cuts.push(this.#open);
    }
    return true;
  }

  /** Something closes and leaves this level. */
  end(at: number, level: number, isInList: boolean): void {
    if (!this.#open) return;
    if (this.#isInside && isInList && level >= 1 && level <= 2) {
      this.#isInside = false;
      this.#open.end = at + 1;
      if (at - this.#open.start >= groupBytes) this.#open = undefined;
    } else if (!this.#isInside) this.#open = undefined;
  }

  /** A value that is no object stands in the list: the group ends before it. */
  interrupt(): void {
    if (!this.#isInside) this.#open = undefined;
  }
}

/** Reads JSON text without building values. @param cuts gets what is to be read on its own; with `inGroups` the items of lists, too */
function* scanning(bytes: Buffer, limits: ScanLimits, cuts: Cut[], inGroups: boolean): Generator<undefined, ScanResult> {
  const keys = new KeySets(bytes, limits);
  const groups = inGroups ? new Groups(cuts) : undefined;
  let exactNumbers = false;
  let expectKey = false;
  let values = 0;
  let ofItem = 0;
  let mostOfItem = 0;
  let turn = bytesPerTurn;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === quote) {
      const end = stringEnd(bytes, i);
      if (expectKey) keys.add(i, end);
      else {
        groups?.interrupt();
        if (end - i > longString && end < bytes.length) {
          if (end - i > maximumStringBytes && !contentNames.test(keys.lastName)) throw tooLong('A string of the body is too long.');
          cuts.push({ kind: 'text', start: i, end: end + 1 });
        }
      }
      expectKey = false;
      i = end;
    } else if (byte === comma) {
      expectKey = keys.inObject;
      values += 1;
      ofItem += 1;
      if (ofItem > mostOfItem) mostOfItem = ofItem;
      if (values > maximumValues || ofItem > maximumValuesOfItem) throw tooLong('The body has too many values.');
      if (i > turn) {
        turn = i + bytesPerTurn;
        yield;
      }
    } else if (byte === openObject || byte === openArray) {
      expectKey = byte === openObject;
      values += 1;
      if (!expectKey) groups?.interrupt();
      else if (groups?.begin(i, keys.level, !keys.inObject)) ofItem = 0;
      keys.open(expectKey);
    } else if (byte === closeObject || byte === closeArray) {
      expectKey = false;
      keys.close();
      groups?.end(i, keys.level, !keys.inObject);
    } else if (byte === minus || (byte >= zero && byte <= nine)) {
      groups?.interrupt();
      const end = numberEnd(bytes, i);
      if (end - i > maximumDigits) throw tooLong('A number of the body has too many digits.');
      if (!survives(bytes, i, end)) {
        exactNumbers = true;
        cuts.push({ kind: 'number', start: i, end });
      }
      i = end - 1;
    }
  }
  return { exactNumbers, values, mostOfItem };
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Reads JSON text without building values; costs a few microseconds per KB and stops at the first fault.
 * @throws OperationOutcomeError 400: `too-long` for depth and number of keys or values, `structure` for a duplicate key
 */
export function scanJson(bytes: Uint8Array, limits: ScanLimits): ScanResult {
  return runAtOnce(scanning(bufferOf(bytes), limits, [], false));
}

/** The engine's text may quote the body, so it is dropped. */
function notJson(): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not JSON in UTF-8.' });
}

function* parsing(bytes: Uint8Array, limits: ScanLimits, inGroups: boolean): Generator<undefined, unknown> {
  if (!isUtf8(bytes)) throw notJson();
  const cuts: Cut[] = [];
  const { values, mostOfItem } = yield* scanning(bufferOf(bytes), limits, cuts, inGroups);
  let value: unknown;
  try {
    value = yield* valueWithCuts(bufferOf(bytes), cuts);
  } catch {
    throw notJson();
  }
  const { resourceType } = (value ?? {}) as { resourceType?: unknown };
  const most = resourceType === 'Bundle' || resourceType === 'Parameters' ? mostOfItem : values;
  if (most > maximumValuesOfItem) throw tooLong('A resource of the body has too many values.');
  return value;
}

/**
 * Scans and parses a body. Numbers whose digits would be lost become JSON.rawJSON values: JSON.stringify writes them as they were sent,
 * `numberOf` and `numberText` read them.
 * @throws OperationOutcomeError 400 as `scanJson`, and `structure` when the body is not JSON
 */
export function parseJson(bytes: Uint8Array, limits: ScanLimits): unknown {
  return runAtOnce(parsing(bytes, limits, false));
}

/** As `parseJson`; a large body is read in turns with other work. @throws OperationOutcomeError as `parseJson` */
export async function parseJsonInTurns(bytes: Uint8Array, limits: ScanLimits): Promise<unknown> {
  return bytes.length < groupBytes ? parseJson(bytes, limits) : runInTurns(parsing(bytes, limits, true));
}
