// First in, first out per patient across connections. A merge names both patients, so it waits for both and both wait for it: a barrier.
export interface Place {
  /** Resolves when all that came before for the same patients is finished. */
  readonly turn: Promise<void>;
  /** Lets the next one in; also when the turn was not waited for: the next still waits for those before. */
  release(): void;
}

export interface PatientOrder {
  /** Takes the next place of every key at once, so that two places never wait for each other. */
  reserve(keys: readonly string[]): Place;
  /** How many keys have somebody waiting or working. */
  size(): number;
}

/** One order for all connections of a process. */
export function createPatientOrder(): PatientOrder {
  const tails = new Map<string, Promise<void>>();
  return {
    reserve(keys) {
      const before = keys.flatMap((key) => tails.get(key) ?? []);
      const released = Promise.withResolvers<void>();
      const turn = before.length === 0 ? Promise.resolve() : Promise.all(before).then(() => undefined);
      const tail = turn.then(() => released.promise);
      for (const key of keys) tails.set(key, tail);
      void tail.then(() => {
        for (const key of keys) if (tails.get(key) === tail) tails.delete(key);
      });
      return { turn, release: released.resolve };
    },
    size: () => tails.size,
  };
}
