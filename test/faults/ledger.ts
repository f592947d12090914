// Intents and answers, written down as they happen: without it no claim about losses means anything, as a request without an answer may or may
// not have been stored. Only adds lines; each is in its file before the request is sent.
import { closeSync, openSync, writeSync } from 'node:fs';

export interface Intent {
  /** The Idempotency-Key, and the value by which what it stores can be found. */
  readonly key: string;
  readonly kind: 'create' | 'transaction' | 'update';
  readonly method: 'POST' | 'PUT';
  /** Relative to the FHIR base. */
  readonly target: string;
  readonly body: object;
  /** How many resources with the mark are there when it is stored. */
  readonly marked: number;
}

/** A version that an answer names: `Type/id/_history/n`. */
export type Version = string;

export type Reply =
  | { readonly outcome: 'acknowledged'; readonly versions: readonly Version[] }
  /** No answer, or one that leaves open whether it was stored. */
  | { readonly outcome: 'unknown'; readonly status: number | undefined };

export interface Entry {
  readonly intent: Intent;
  reply: Reply | undefined;
}

export class Ledger {
  private readonly file: number;
  private readonly list: Entry[] = [];

  constructor(file: string) {
    // Synchronous: what is written has reached the disk.
    this.file = openSync(file, 'as');
  }

  /** To be called before the request is sent. */
  intend(intent: Intent): Entry {
    const entry: Entry = { intent, reply: undefined };
    this.list.push(entry);
    this.write({ key: intent.key, kind: intent.kind, target: intent.target });
    return entry;
  }

  answer(entry: Entry, reply: Reply): void {
    entry.reply = reply;
    this.write({ key: entry.intent.key, ...reply });
  }

  /** All that was written since the position. */
  since(position: number): readonly Entry[] {
    return this.list.slice(position);
  }

  get length(): number {
    return this.list.length;
  }

  close(): void {
    closeSync(this.file);
  }

  private write(line: object): void {
    writeSync(this.file, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
  }
}
