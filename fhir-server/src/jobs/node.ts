// This process as a worker: alive while its session holds an advisory lock, so that another one sees its death as soon as the database does.
import { randomInt } from 'node:crypto';
import pg from 'pg';

/** First half of the lock's key; the second is the node. */
export const nodeLockClass = 0x4c_4a_4f_42;
const reconnectMs = 1000;

export class NodeLock {
  readonly node = randomInt(1, 2 ** 31 - 1);
  readonly #config: pg.ClientConfig;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(config: pg.ClientConfig) {
    this.#config = config;
  }

  async hold(): Promise<void> {
    const client = new pg.Client(this.#config);
    client.on('error', () => this.#lose(client));
    client.on('end', () => this.#lose(client));
    await client.connect();
    await client.query('select pg_advisory_lock($1, $2)', [nodeLockClass, this.node]);
    this.#client = client;
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    this.#retry();
  }

  #retry(): void {
    this.#timer = setTimeout(() => void this.hold().catch(() => this.#retry()), reconnectMs).unref();
  }

  async release(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }
}
