// Who guesses is slowed down, and locks nobody else out: failures are counted apart for each browser that the account knows, and together for
// the rest of the world. https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Attempt, countAttempt, forgetAttempts } from '../operational/attempt.ts';
import { isKnownDevice, rememberDevice } from '../operational/sign-in-step.ts';
import type { People } from './people.ts';

const accountLimit = 5;
/** Failures from one address over all accounts; for browsers that nobody knows. */
const addressLimit = 100;
const cookieName = 'limen-device';
const cookieSeconds = 180 * 24 * 3600;

function deviceCookie(request: FastifyRequest): string | undefined {
  return new RegExp(`(?:^|; )${cookieName}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1];
}

export interface Guard extends Attempt {
  /** To be called after a success. */
  succeeded(): Promise<void>;
}

/**
 * Counts an attempt at a secret of this account before the secret is looked at.
 * @param subject the account's id, or for a name without an account the name: both cost the same
 */
export async function guard(people: People, request: FastifyRequest, what: 'password' | 'second factor', subject: string): Promise<Guard> {
  const { pool, box } = people;
  const device = deviceCookie(request) ?? '';
  const known = await isKnownDevice(pool, box, subject, device);
  const key = box.hash(`attempt ${what} ${subject} ${known ? device : ''}`);
  const own = await countAttempt(pool, key, accountLimit);
  const addressKey = box.hash(`attempt address ${request.ip}`);
  const address = known ? undefined : await countAttempt(pool, addressKey, addressLimit);
  return {
    isAllowed: own.isAllowed && (address?.isAllowed ?? true),
    locksNow: own.locksNow,
    async succeeded() {
      await forgetAttempts(pool, [key]);
      // The others' failures from there stay counted.
      if (address)
        await pool.query('update operational.attempt set failures = greatest(0, failures - 1), total = 0 where key = $1', [addressKey]);
    },
  };
}

/** The browser is known to the account from now on. */
export async function knowBrowser(people: People, request: FastifyRequest, reply: FastifyReply, accountId: string): Promise<void> {
  const value = await rememberDevice(people.pool, people.box, accountId, deviceCookie(request));
  const secure = people.origin.startsWith('https:') ? '; Secure' : '';
  reply.raw.appendHeader('set-cookie', `${cookieName}=${value}; Path=/; Max-Age=${cookieSeconds}; SameSite=Lax; HttpOnly${secure}`);
}
