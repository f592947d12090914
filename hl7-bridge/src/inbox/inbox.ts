// The durable inbox of all channels: accepts, then processes in the order of each patient, and tries again while the server gives no commit.
import type { BridgeLog } from '../log.ts';
import type { Outcome } from '../submit.ts';
import { patientKeys, senderKey } from './message-facts.ts';
import type { PatientOrder, Place } from './patient-order.ts';
import { reasonOf } from './reason.ts';
import type { KeptMessage, MessageStore } from './store.ts';

/** What a channel does with a message of the inbox. */
interface Processor {
  readonly deadLetterHours: number;
  process(text: string): Promise<Outcome>;
  /** The outcome is settled. */
  settled(outcome: Outcome, seconds: number): void;
}

/** Told of the outcome, for the application acknowledgement. */
export type OutcomeListener = (outcome: Outcome) => void;

export type Accepted = 'accepted' | 'other-body' | 'full' | 'unavailable';

export interface Inbox {
  serve(channel: string, processor: Processor): void;
  /** Resolves when the message is on disk, or when it is not accepted. */
  accept(message: KeptMessage, maximum: number, told?: OutcomeListener): Promise<Accepted>;
  /** Whether a message of one of these patients waits: a later one must not overtake it. */
  isAhead(keys: readonly string[]): boolean;
  /** Until the messages of the last run are read nobody knows whose they are. */
  isBehind(): boolean;
  /** Resolves when the inbox has been read once, or could not be. */
  start(): Promise<void>;
  /** Finishes what is being processed; the rest is for the next start. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly id: string;
  readonly channel: string;
  readonly text: string;
  readonly receivedAt: Date;
}

export interface InboxOptions {
  readonly store: MessageStore;
  readonly order: PatientOrder;
  readonly log: BridgeLog;
  readonly pollMs?: number;
  /** Wait before an attempt, by number of attempts. */
  readonly retryMs?: (attempts: number) => number;
}

const maximumAtWork = 64;
const maximumDoubtful = 6;
const purgeMs = 600_000;
const backOff = (attempts: number): number => Math.min(30_000, 100 * 2 ** attempts);

class DurableInbox implements Inbox {
  readonly #store: MessageStore;
  readonly #order: PatientOrder;
  readonly #log: BridgeLog;
  readonly #retryMs: (attempts: number) => number;
  readonly #pollMs: number;
  readonly #processors = new Map<string, Processor>();
  /** Being processed, by id. */
  readonly #atWork = new Map<string, Promise<void>>();
  /** Places taken when the message was accepted, before it was read back. */
  readonly #places = new Map<string, Place>();
  readonly #listeners = new Map<string, OutcomeListener[]>();
  readonly #repeats = new Map<string, string>();
  readonly #ahead = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  readonly #finished: { readonly id: string; resolve(): void; reject(error: unknown): void }[] = [];
  #isTelling = false;
  #isBehind = true;
  #stopping = false;
  readonly #stopped = new AbortController();
  #pulling: Promise<void> | undefined;
  #isAsked = false;
  #timers: NodeJS.Timeout[] = [];

  constructor({ store, order, log, pollMs = 2000, retryMs = backOff }: InboxOptions) {
    this.#store = store;
    this.#order = order;
    this.#log = log;
    this.#pollMs = pollMs;
    this.#retryMs = retryMs;
  }

  serve(channel: string, processor: Processor): void {
    this.#processors.set(channel, processor);
  }

  isAhead(keys: readonly string[]): boolean {
    return this.#isBehind || keys.some((key) => this.#ahead.has(key));
  }

  isBehind(): boolean {
    return this.#isBehind;
  }

  async accept(message: KeptMessage, maximum: number, told?: OutcomeListener): Promise<Accepted> {
    if (this.#stopping) return 'unavailable';
    if ((this.#waiting.get(message.channel) ?? 0) >= maximum) return 'full';
    const keys = patientKeys(message.text);
    const place = this.#hold(message.channel, keys);
    try {
      const acceptance = await this.#store.accept(message);
      if (acceptance.outcome === 'stored') {
        this.#places.set(acceptance.id, place);
        this.#repeats.set(message.key, acceptance.id);
        if (told) this.#listeners.set(acceptance.id, [told]);
        this.#pull();
        return 'accepted';
      }
      place.release();
      if (acceptance.outcome === 'other-body') return 'other-body';
      if (told) this.#tellOfRepeat(message.key, acceptance.done, told);
      return 'accepted';
    } catch {
      place.release();
      return 'unavailable';
    }
  }

  async start(): Promise<void> {
    this.#store.onArrival(() => this.#pull());
    const purge = (): void => void this.#store.purge().catch(() => undefined);
    this.#timers = [setInterval(() => this.#pull(), this.#pollMs), setInterval(purge, purgeMs)];
    for (const timer of this.#timers) timer.unref();
    this.#pull();
    await this.#pulling;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#pulling;
    await Promise.all(this.#atWork.values());
  }

  #tellOfRepeat(key: string, isDone: boolean, told: OutcomeListener): void {
    const id = this.#repeats.get(key);
    if (isDone) told({ result: 'AA', again: 'no' });
    else if (id !== undefined) this.#listeners.set(id, [...(this.#listeners.get(id) ?? []), told]);
  }

  /** A place in the order of its patients that also says that somebody waits. */
  #hold(channel: string, keys: readonly string[]): Place {
    const place = this.#order.reserve(keys);
    for (const key of keys) this.#ahead.set(key, (this.#ahead.get(key) ?? 0) + 1);
    this.#waiting.set(channel, (this.#waiting.get(channel) ?? 0) + 1);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      for (const key of keys) {
        const left = (this.#ahead.get(key) ?? 1) - 1;
        if (left > 0) this.#ahead.set(key, left);
        else this.#ahead.delete(key);
      }
      this.#waiting.set(channel, (this.#waiting.get(channel) ?? 1) - 1);
      place.release();
    };
    return { turn: place.turn, release };
  }

  #pull(): void {
    this.#isAsked = true;
    this.#pulling ??= this.#pullAll().finally(() => {
      this.#pulling = undefined;
      if (this.#isAsked && !this.#stopping) this.#pull();
    });
  }

  /** Reads while there is room and something that is not at work. */
  async #pullAll(): Promise<void> {
    while (this.#isAsked && !this.#stopping) {
      this.#isAsked = false;
      const room = maximumAtWork - this.#atWork.size;
      if (room <= 0) return;
      try {
        const found = await this.#store.waiting([...this.#atWork.keys()], room);
        if (found.length < room) this.#isBehind = false;
        for (const message of found) this.#begin(message);
        if (found.length === room) this.#isAsked = true;
      } catch {
        this.#log('hl7-inbox-unavailable', {});
        return;
      }
    }
  }

  #begin(message: Waiting): void {
    const { id, channel, text } = message;
    const place = this.#places.get(id) ?? this.#hold(channel, patientKeys(text));
    this.#places.delete(id);
    const key = senderKey(text);
    this.#repeats.set(key, id);
    const work = this.#work(message, place)
      .catch(() => {
        this.#log('hl7-inbox-unavailable', {});
        return pause(this.#retryMs(0), this.#stopped.signal);
      })
      .finally(() => {
        place.release();
        this.#atWork.delete(id);
        if (this.#repeats.get(key) === id) this.#repeats.delete(key);
        this.#pull();
      });
    this.#atWork.set(id, work);
  }

  async #work({ id, channel, text, receivedAt }: Waiting, place: Place): Promise<void> {
    await place.turn;
    const processor = this.#processors.get(channel) ?? this.#processors.values().next().value;
    if (!processor) return;
    const outcome = await this.#untilSettled(() => processor.process(text));
    if (!outcome) return;
    const { result, detail } = outcome;
    // The next of the patient need not wait for the inbox: if this one is read again, the server knows it by its key.
    place.release();
    if (result === 'AA') await this.#done(id);
    else await this.#store.deadLetters.failed(id, reasonOf(result, detail), processor.deadLetterHours * 3600);
    processor.settled(outcome, (Date.now() - receivedAt.getTime()) / 1000);
    for (const told of this.#listeners.get(id) ?? []) told(outcome);
    this.#listeners.delete(id);
  }

  /** @returns undefined when the inbox stops before there is an outcome */
  async #untilSettled(attempt: () => Promise<Outcome>): Promise<Outcome | undefined> {
    let doubtful = 0;
    for (let attempts = 0; !this.#stopping; attempts += 1) {
      const outcome = await attempt();
      if (outcome.again === 'doubtful') doubtful += 1;
      if (outcome.again === 'no' || doubtful >= maximumDoubtful) return outcome;
      this.#log('hl7-inbox-retry', { attempts: attempts + 1 });
      await pause(this.#retryMs(attempts), this.#stopped.signal);
    }
    return undefined;
  }

  /** Those that finish together are told to the store together. */
  #done(id: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#finished.push({ id, resolve, reject });
      if (this.#finished.length === 1 && !this.#isTelling) void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    while (this.#finished.length > 0) {
      const batch = this.#finished.splice(0);
      try {
        await this.#store.done(batch.map(({ id }) => id));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isTelling = false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
  });
}

/** One inbox for all channels of a process. */
export function createInbox(options: InboxOptions): Inbox {
  return new DurableInbox(options);
}
