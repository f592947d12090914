// https://www.rfc-editor.org/rfc/rfc8259 — one pass over the bytes before JSON.parse: bounds depth and keys, refuses duplicate keys (RFC 8259
// leaves open which one counts), and finds numbers whose digits JSON.parse would spoil. Whether the text is JSON at all JSON.parse says.
import { isUtf8 } from 'node:buffer';
import { OperationOutcomeError } from '@limen/fhir-model';
import { exactNumber, numberOf, numberText } from '../validation/index.ts';
import { KeySets, type ScanLimits } from './keys.ts';

export { numberOf, numberText, type ScanLimits };

export interface ScanResult {
  /** Whether a number literal would not survive `String(Number(text))`: `1.00`, 20 digits, `1e2`. */
  readonly exactNumbers: boolean;
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

/** Index of the closing quote of the string that opens at `start`; the end of the text when there is none. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  for (; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i += 1;
  return Math.min(i, bytes.length);
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
  return String(Number(text)) === text;
}

/**
 * Reads JSON text without building values; costs a few microseconds per KB and stops at the first fault.
 * @throws OperationOutcomeError 400: `too-long` for depth and number of keys, `structure` for a duplicate key
 */
export function scanJson(bytes: Uint8Array, limits: ScanLimits): ScanResult {
  const keys = new KeySets(bytes, limits);
  let exactNumbers = false;
  let expectKey = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === quote) {
      const end = stringEnd(bytes, i);
      if (expectKey) keys.add(i, end);
      expectKey = false;
      i = end;
    } else if (byte === comma) expectKey = keys.inObject;
    else if (byte === openObject || byte === openArray) {
      expectKey = byte === openObject;
      keys.open(expectKey);
    } else if (byte === closeObject || byte === closeArray) {
      expectKey = false;
      keys.close();
    } else if (byte === minus || (byte >= zero && byte <= nine)) {
      const end = numberEnd(bytes, i);
      exactNumbers ||= !survives(bytes, i, end);
      i = end - 1;
    }
  }
  return { exactNumbers };
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

const keepDigits: Reviver = (_key, value, context) =>
  typeof value === 'number' && context?.source !== undefined && String(value) !== context.source ? exactNumber(context.source) : value;

/** The engine's text may quote the body, so it is dropped. */
function notJson(): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not JSON in UTF-8.' });
}

/**
 * Scans and parses a body. Numbers whose digits would be lost become JSON.rawJSON values: JSON.stringify writes them as they were sent,
 * `numberOf` and `numberText` read them.
 * @throws OperationOutcomeError 400 as `scanJson`, and `structure` when the body is not JSON
 */
export function parseJson(bytes: Uint8Array, limits: ScanLimits): unknown {
  if (!isUtf8(bytes)) throw notJson();
  const { exactNumbers } = scanJson(bytes, limits);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return exactNumbers ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    throw notJson();
  }
}
