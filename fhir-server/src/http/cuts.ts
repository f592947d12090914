// Parts of a JSON text that are read on their own: numbers whose digits JSON.parse would spoil, long strings, and groups of items of a large body. Each
// leaves a mark in the text around it, which is then short; so no call of JSON.parse takes long.
import { isAscii } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { exactNumber } from '../validation/index.ts';

export interface Cut {
  readonly kind: 'number' | 'text' | 'items';
  readonly start: number;
  /** Behind its last byte. */
  end: number;
}

/** Nobody outside of the process can write it. */
const mark = `${randomUUID()}#`;
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const backslash = 0x5c;
const space = 0x20;
const bytesPerTurn = 1024 * 1024;

/** @throws SyntaxError when the text is not JSON */
export function* valueWithCuts(bytes: Buffer, cuts: readonly Cut[]): Generator<undefined, unknown> {
  const parts = new CutText(bytes, cuts);
  return yield* parts.value(0, bytes.length);
}

class CutText {
  readonly #bytes: Buffer;
  readonly #cuts: readonly Cut[];
  #next = 0;

  constructor(bytes: Buffer, cuts: readonly Cut[]) {
    this.#bytes = bytes;
    this.#cuts = cuts;
  }

  /** The value of a range; of several items when they are to be a list. */
  *value(start: number, end: number, isItems = false): Generator<undefined, unknown> {
    const values: unknown[] = [];
    let text = '';
    let from = start;
    for (let cut = this.#cuts[this.#next]; cut && cut.start < end; cut = this.#cuts[this.#next]) {
      this.#next += 1;
      text += `${this.#text(from, cut.start)}"${mark}${values.length}"`;
      from = cut.end;
      if (cut.kind === 'items') values.push(new Items((yield* this.value(cut.start, cut.end, true)) as readonly unknown[]));
      else values.push(cut.kind === 'number' ? this.#number(cut) : yield* this.#string(cut));
      yield;
    }
    text += this.#text(from, end);
    const value: unknown = JSON.parse(isItems ? `[${text}]` : text);
    return values.length === 0 ? value : restored(value, values);
  }

  #text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end);
  }

  #number({ start, end }: Cut): unknown {
    const text = this.#bytes.toString('latin1', start, end);
    if (!jsonNumber.test(text)) throw new SyntaxError('The literal is no number.');
    return exactNumber(text);
  }

  /** Without escapes and control characters it is what it says; most long strings are base64. */
  *#string({ start, end }: Cut): Generator<undefined, unknown> {
    const content = this.#bytes.subarray(start + 1, end - 1);
    if (content.includes(backslash) || !isAscii(content)) return JSON.parse(this.#text(start, end));
    for (let i = 0; i < content.length; i++) {
      if ((content[i] ?? 0) < space) throw new SyntaxError('The string has a control character.');
      if (i % bytesPerTurn === 0) yield;
    }
    return content.toString('latin1');
  }
}

/** Items that stand in their list one after the other. */
class Items {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** The value with what was cut out in the places of the marks. */
function restored(value: unknown, values: readonly unknown[]): unknown {
  if (typeof value === 'string') return value.startsWith(mark) ? values[Number(value.slice(mark.length))] : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return restoredList(value, values);
  const fields = value as { [name: string]: unknown };
  for (const name in fields) {
    const field = fields[name];
    if (typeof field === 'object' || typeof field === 'string') replace(fields, name, restored(field, values));
  }
  return fields;
}

/** As JSON.parse makes properties: `__proto__` is one like others. */
function replace(fields: { [name: string]: unknown }, name: string, value: unknown): void {
  if (name !== '__proto__') fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

function restoredList(list: readonly unknown[], values: readonly unknown[]): unknown[] {
  const result: unknown[] = [];
  for (const item of list) {
    const found = restored(item, values);
    if (found instanceof Items) for (const each of found.items) result.push(each);
    else result.push(found);
  }
  return result;
}
