// Long work on the server's one thread is done in turns, so that others are served meanwhile: nothing holds the event loop for over 100 ms.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Well below what a client notices, with room for what can't be divided. */
const turnMs = 15;

/** Of one piece of work. */
export class Pace {
  #sinceMs = performance.now();

  /** Whether others should come in now. */
  get isDue(): boolean {
    return performance.now() - this.#sinceMs >= turnMs;
  }

  /** Lets others come in. */
  async rest(): Promise<void> {
    await nextTurn();
    this.#sinceMs = performance.now();
  }
}

/** Runs work that stops now and then; at once. */
export function runAtOnce<T>(work: Iterator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Runs work that stops now and then; in turns. */
export async function runInTurns<T>(work: Iterator<undefined, T>): Promise<T> {
  const pace = new Pace();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (pace.isDue) await pace.rest();
  }
}
