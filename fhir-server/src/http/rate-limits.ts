// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ — what one address, client or account may ask of this node in a minute (ADR 0047).
import { isIPv6 } from 'node:net';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** Points in a minute; a request costs one or more. */
export interface RateLimits {
  /** Of one address: all that needs no token, or came with none that counts yet. */
  readonly address: number;
  /** Of one address at the token endpoint, sign-in and account pages. */
  readonly signIn: number;
  /** Of one client, all of its users together. */
  readonly client: number;
  /** Of one person's account, with every client together. */
  readonly account: number;
  /** Whether loopback counts as an address: on this machine sit proxies, channels and whoever owns it anyway. */
  readonly countsLoopback: boolean;
}

export const shippedRateLimits: RateLimits = { address: 120_000, signIn: 1200, client: 1_200_000, account: 60_000, countsLoopback: false };

type Policy = 'address' | 'sign-in' | 'client' | 'account';
const windowSeconds = 60;

/** What an interaction costs beside a plain one: rows that are read, and time of other parts of the product. */
const operationCosts: { readonly [operation: string]: number } = {
  $everything: 20,
  $graphql: 5,
  $export: 100,
  $import: 100,
  '$viewdefinition-run': 50,
  $deidentify: 50,
  '$acute-care-risk': 10,
  '$check-medications': 10,
  '$analyze-image': 50,
  $match: 10,
  $reidentify: 10,
};

/** Points of a request, from what its address says. */
export function costOf(method: string, url: string): number {
  const [path = '', query = ''] = url.split('?');
  const operation = /\/(\$[a-z-]+)/.exec(path)?.[1];
  if (operation) return operationCosts[operation] ?? 2;
  if (/(?:^|&)_(?:rev)?include|(?:^|&)_total=accurate|(?:^|&)_has[:=]/.test(query)) return 5;
  return method === 'POST' && /^\/fhir\/?$/.test(path) ? 10 : 1;
}

/** An IPv6 customer has a whole /64: the addresses in it are one. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const before = head.split(':').filter(Boolean);
  const after = tail.split(':').filter(Boolean);
  const groups = plain.includes('::')
    ? [...before, ...Array<string>(Math.max(8 - before.length - after.length, 0)).fill('0'), ...after]
    : before;
  return groups.slice(0, 4).join(':');
}

const isLoopback = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address);
const isSignIn = (url: string): boolean => /^\/(oauth|account|accounts|interaction|register)(\/|\?|$)/.test(url);
/** Asked for by those that watch over the server. */
const isUncounted = (url: string): boolean => /^\/(live|ready)(\?|$)/.test(url);

export class RateLimiter {
  private readonly limits: RateLimits;
  private readonly limiters: { readonly [policy in Policy]: RateLimiterMemory };
  private readonly told = new Set<string>();

  constructor(limits: RateLimits = shippedRateLimits) {
    this.limits = limits;
    const limiter = (points: number): RateLimiterMemory => new RateLimiterMemory({ points, duration: windowSeconds });
    this.limiters = {
      address: limiter(limits.address),
      'sign-in': limiter(limits.signIn),
      client: limiter(limits.client),
      account: limiter(limits.account),
    };
  }

  /** On every route, before anything of the request is looked at. */
  register(app: FastifyInstance, refused: (request: FastifyRequest) => Promise<void>): void {
    app.addHook('onRequest', async (request, reply) => {
      if (isUncounted(request.url) || (!this.limits.countsLoopback && isLoopback(request.ip))) return undefined;
      const policy = isSignIn(request.url) ? 'sign-in' : 'address';
      const first = await this.take(policy, networkOf(request.ip), 1, reply);
      if (first === undefined) return undefined;
      // One row a minute: a flood must not become a flood of rows.
      if (first) await refused(request);
      if (policy === 'address') throw tooMany();
      return reply.code(429).header('cache-control', 'no-store').send({ error: 'temporarily_unavailable', error_description: sentence });
    });
  }

  /** Once it is known who asks. @throws OperationOutcomeError 429 */
  async charge({ clientId, userId }: Principal, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const cost = costOf(request.method, request.url);
    if (userId !== undefined && (await this.take('account', userId, cost, reply)) !== undefined) throw tooMany();
    if ((await this.take('client', clientId, cost, reply)) !== undefined) throw tooMany();
  }

  /** @returns undefined when there is room; otherwise whether this is the first refusal of the minute */
  private async take(policy: Policy, key: string, cost: number, reply: FastifyReply): Promise<boolean | undefined> {
    const limiter = this.limiters[policy];
    try {
      tell(reply, policy, limiter.points, await limiter.consume(key, cost));
      return undefined;
    } catch (error) {
      if (error instanceof Error) throw error;
      const state = error as RateLimiterRes;
      tell(reply, policy, limiter.points, state);
      reply.header('retry-after', String(secondsOf(state)));
      return this.isFirst(`${policy} ${key}`, state.msBeforeNext);
    }
  }

  private isFirst(name: string, forMs: number): boolean {
    if (this.told.has(name)) return false;
    this.told.add(name);
    setTimeout(() => this.told.delete(name), forMs).unref();
    return true;
  }
}

const sentence = 'Too many requests: wait as long as Retry-After says.';
const tooMany = (): OperationOutcomeError => new OperationOutcomeError(429, { code: 'throttled', diagnostics: sentence });
const secondsOf = ({ msBeforeNext }: RateLimiterRes): number => Math.max(1, Math.ceil(msBeforeNext / 1000));

function tell(reply: FastifyReply, policy: Policy, points: number, state: RateLimiterRes): void {
  reply.header('ratelimit-policy', `"${policy}";q=${points};w=${windowSeconds}`);
  reply.header('ratelimit', `"${policy}";r=${Math.max(0, state.remainingPoints)};t=${secondsOf(state)}`);
}
