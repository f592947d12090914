// Calls that come in one turn of the event loop become one call: under load a round trip and a statement are shared, alone nothing waits.

/**
 * @param many answers a batch; results in the order of the keys
 * @param maximum keys a batch
 */
export function gather<K, V>(many: (keys: readonly K[]) => Promise<readonly V[]>, maximum: number): (key: K) => Promise<V> {
  interface Waiting {
    readonly key: K;
    readonly resolve: (value: V) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const values = await many(batch.map((w) => w.key));
      for (const [n, w] of batch.entries()) w.resolve(values[n] as V);
    } catch (error) {
      for (const w of batch) w.reject(error);
    }
  }

  function flush(): void {
    const all = waiting;
    waiting = [];
    for (let n = 0; n < all.length; n += maximum) void send(all.slice(n, n + maximum));
  }

  return (key) =>
    new Promise((resolve, reject) => {
      // After the sockets that are ready have been read: their requests travel together.
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ key, resolve, reject });
    });
}
