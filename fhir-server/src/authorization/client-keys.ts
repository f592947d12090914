// Keys by address: https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#signature-verification
import type { JSONWebKeySet } from 'jose';
import { fetchOutgoing, type OutgoingRules } from '../outgoing/index.ts';

interface Known {
  readonly keys: JSONWebKeySet;
  readonly at: number;
  readonly until: number;
}

const none: JSONWebKeySet = { keys: [] };
/** For an address that says nothing about caching. */
const silentMs = 60_000;
const longestMs = 60 * 60_000;
/** An unknown key asks again no more often than this; so does an address that does not answer. */
const againMs = 5_000;
const maximumAddresses = 1000;
const limits = { maximumBytes: 256 * 1024, timeoutMs: 3_000 };

/** How long an answer counts: never longer than its `Cache-Control` says. */
export function cachedFor(cacheControl: string | undefined): number {
  if (cacheControl === undefined) return silentMs;
  if (/\b(no-store|no-cache)\b/i.test(cacheControl)) return 0;
  const seconds = /\bmax-age\s*=\s*"?(\d{1,10})/i.exec(cacheControl)?.[1];
  return seconds === undefined ? silentMs : Math.min(Number(seconds) * 1000, longestMs);
}

function keySetOf(text: string): JSONWebKeySet {
  const parsed = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(parsed.keys)) throw new Error('no key set');
  // A private or symmetric key that was put there by mistake verifies nothing.
  const keys = parsed.keys.filter(
    (key) => typeof key === 'object' && key !== null && (key.kty === 'RSA' || key.kty === 'EC') && !('d' in key),
  );
  return { keys };
}

/** Key sets of registered addresses, each asked for when what is known has grown old or lacks the wanted key. */
export class KeySets {
  readonly #rules: OutgoingRules;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<Known>>();

  constructor(rules: OutgoingRules, now: () => number = Date.now) {
    this.#rules = rules;
    this.#now = now;
  }

  /** The keys at the address; none when it does not answer and nothing fresh is known. */
  async at(address: string, kid: string | undefined): Promise<JSONWebKeySet> {
    const known = this.#known.get(address);
    const now = this.#now();
    const hasKey = known?.keys.keys.some((key) => key.kid === kid);
    if (known && known.until > now && (hasKey || known.at + againMs > now)) return known.keys;
    const asked = this.#asked.get(address) ?? this.#ask(address);
    this.#asked.set(address, asked);
    return (await asked.finally(() => this.#asked.delete(address))).keys;
  }

  async #ask(address: string): Promise<Known> {
    const at = this.#now();
    const known = await this.#fetch(address, at).catch((): Known => {
      const before = this.#known.get(address);
      return before && before.until > at ? { ...before, at } : { keys: none, at, until: at + againMs };
    });
    if (this.#known.size >= maximumAddresses) this.#known.clear();
    this.#known.set(address, known);
    return known;
  }

  async #fetch(address: string, at: number): Promise<Known> {
    const answer = await fetchOutgoing(new URL(address), { ...limits, headers: { accept: 'application/json' } }, this.#rules);
    if (answer.status !== 200) throw new Error('no key set');
    return { keys: keySetOf(answer.text), at, until: at + cachedFor(answer.headers['cache-control']) };
  }
}
