// The note classifier as the server gets it: threads, all texts of a request in one message, a deadline; what is not answered in time is refused by who asks.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FoundSpan } from './reader.ts';

export interface NoteClassifierOptions {
  readonly threads?: number;
  /** Milliseconds for a request: a fixed part, and one for each 1,000 characters. */
  readonly deadline?: { readonly fixed: number; readonly perThousand: number };
  /** Folder of the model; the shipped one when absent. */
  readonly folder?: string;
}

export interface NoteClassifier {
  /** Spans of each text, in order. Rejects when it can't answer in its time. */
  find(texts: readonly string[]): Promise<readonly (readonly FoundSpan[])[]>;
  close(): Promise<void>;
}

/** 50 times what the slowest machine measured needs; a thread that starts needs about a second. */
const usualDeadline = { fixed: 10_000, perThousand: 50 };
const shipped = fileURLToPath(new URL('../../models/note-identifiers/1', import.meta.url));

interface Asked {
  readonly resolve: (spans: FoundSpan[][]) => void;
  readonly reject: (error: Error) => void;
}

/** A thread, started again when it ends or does not answer. */
class Reader {
  readonly #folder: string;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker;
  #jobs = 0;
  #closed = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#worker = this.#start();
  }

  get waiting(): number {
    return this.#asked.size;
  }

  ask(texts: readonly string[], milliseconds: number): Promise<FoundSpan[][]> {
    this.#jobs += 1;
    const job = this.#jobs;
    return new Promise((resolve, reject) => {
      // What runs can't be stopped in the thread; the thread itself can.
      const timer = setTimeout(() => void this.#worker.terminate(), milliseconds);
      const done = (): void => {
        clearTimeout(timer);
        this.#asked.delete(job);
      };
      this.#asked.set(job, {
        resolve: (spans) => {
          done();
          resolve(spans);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#worker.postMessage({ job, texts });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: this.#folder });
    worker.unref();
    worker.on('message', ({ job, spans }: { readonly job: number; readonly spans?: FoundSpan[][] }) => {
      const asked = this.#asked.get(job);
      if (spans) asked?.resolve(spans);
      else asked?.reject(new Error('the model did not answer'));
    });
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      for (const { reject } of [...this.#asked.values()]) reject(new Error('the reader of notes has ended'));
      if (!this.#closed) this.#worker = this.#start();
    });
    return worker;
  }
}

/** Starts the threads; they load the model while the server starts. */
export function noteClassifier({ threads = 1, deadline = usualDeadline, folder = shipped }: NoteClassifierOptions = {}): NoteClassifier {
  const readers = Array.from({ length: threads }, () => new Reader(folder));
  return {
    find(texts) {
      const characters = texts.reduce((sum, text) => sum + text.length, 0);
      const [least] = [...readers].sort((a, b) => a.waiting - b.waiting);
      if (!least) throw new Error('no thread reads notes');
      return least.ask(texts, deadline.fixed + (characters / 1_000) * deadline.perThousand);
    },
    async close() {
      await Promise.all(readers.map((reader) => reader.close()));
    },
  };
}
