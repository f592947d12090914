// A message store in memory for the tests, with the rules of the vault's: one body for each key until it is forgotten.
import type { MessageStore } from '../src/index.ts';

type Kept = Parameters<MessageStore['accept']>[0];
export interface Row extends Kept {
  readonly id: string;
  readonly receivedAt: Date;
}

export interface MemoryStore extends MessageStore {
  readonly rows: Row[];
  readonly letters: { readonly message: Kept; readonly code: string }[];
  /** While true nothing can be stored. */
  isDown: boolean;
  /** As a replay does: into the inbox behind the bridge's back. */
  arrive(message: Kept): void;
}

export function memoryStore(): MemoryStore {
  const bodies = new Map<string, { body: string; done: boolean }>();
  let next = 0;
  let wake = (): void => undefined;
  const rowOf = (message: Kept): Row => {
    next += 1;
    return { ...message, id: String(next), receivedAt: new Date() };
  };
  const take = (id: string): Row | undefined => store.rows.splice(store.rows.findIndex((row) => row.id === id) >>> 0, 1)[0];
  const store: MemoryStore = {
    rows: [],
    letters: [],
    isDown: false,
    arrive(message) {
      store.rows.push(rowOf(message));
      wake();
    },
    async accept(message) {
      if (store.isDown) throw new Error('down');
      const known = bodies.get(message.key);
      if (known) return known.body === message.body ? { outcome: 'repeat', done: known.done } : { outcome: 'other-body' };
      bodies.set(message.key, { body: message.body, done: false });
      const row = rowOf(message);
      store.rows.push(row);
      return { outcome: 'stored', id: row.id };
    },
    async waiting(except, maximum) {
      return store.rows.filter(({ id }) => !except.includes(id)).slice(0, maximum);
    },
    async done(ids) {
      for (const id of ids) {
        const known = bodies.get(take(id)?.key ?? '');
        if (known) known.done = true;
      }
    },
    backlog: async () => [],
    purge: async () => 0,
    onArrival(told) {
      wake = told;
    },
    deadLetters: {
      async failed(id, { code }) {
        const row = take(id);
        if (!row) return;
        bodies.delete(row.key);
        store.letters.push({ message: row, code });
      },
      async keep(message, { code }) {
        store.letters.push({ message, code });
      },
    },
  };
  return store;
}
