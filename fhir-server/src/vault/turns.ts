// Calls of this process that concern the same persons run one after another: many equal creates make one attempt to write, not one each.
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs when all earlier calls with one of these keys have ended. The order is that of the calls, so none can wait for each other. */
  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const earlier = Promise.all(keys.flatMap((key) => this.#last.get(key) ?? []));
    const result = earlier.then(work);
    // How an earlier call ended is its caller's.
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    for (const key of keys) this.#last.set(key, ended);
    try {
      return await result;
    } finally {
      for (const key of keys) if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
