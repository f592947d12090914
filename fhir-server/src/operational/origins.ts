// The origins that browsers may call from: https://fetch.spec.whatwg.org/#http-cors-protocol
import type { Pool } from 'pg';

/** A registration is seen within this time; a page asks several times a second. */
const cacheMs = 1000;

function originOf(address: string): string | undefined {
  // Addresses of native apps ("app.example:/callback") have the opaque origin "null".
  const origin = URL.canParse(address) ? new URL(address).origin : 'null';
  return origin === 'null' ? undefined : origin;
}

/** Knows the origins of all registered clients: those of their redirect addresses and those that they list. */
export class RegisteredOrigins {
  readonly #pool: Pool;
  #known: Promise<ReadonlySet<string>> | undefined;
  #until = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** True when a client has registered this value of the `Origin` header; an opaque origin (`null`) never is. */
  async includes(origin: string | undefined): Promise<boolean> {
    return origin !== undefined && origin !== 'null' && (await this.#all()).has(origin);
  }

  #all(): Promise<ReadonlySet<string>> {
    if (this.#known && performance.now() < this.#until) return this.#known;
    const asked = this.#read();
    // A database that is away for a moment is asked again by the next request.
    asked.catch(() => {
      if (this.#known === asked) this.#known = undefined;
    });
    this.#known = asked;
    this.#until = performance.now() + cacheMs;
    return asked;
  }

  async #read(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#pool.query<{ address: string }>(
      'select distinct unnest(redirect_uris || origins) as address from operational.client',
    );
    return new Set(rows.map((row) => originOf(row.address)).filter((origin) => origin !== undefined));
  }
}
