// The login session of a browser: begun with a fresh identifier at each sign-in, ended when idle, at its absolute end, or when it is revoked.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Provider, Session } from 'oidc-provider';
import type { Pool } from 'pg';
import type { Account } from '../operational/index.ts';
import { absoluteSeconds, deviceOf, idleSeconds, recordSession, touchSession } from '../operational/session.ts';
import { acrOf, sessionCookie } from './provider.ts';

export class Sessions {
  readonly #pool: Pool;
  readonly #provider: Provider;

  constructor(pool: Pool, provider: Provider) {
    this.#pool = pool;
    this.#provider = provider;
  }

  /** The session of this browser; asking for it counts as using it. */
  async current(request: FastifyRequest, reply: FastifyReply): Promise<Session> {
    const context = this.#provider.createContext(request.raw, reply.raw);
    const session = await this.#provider.Session.get(context);
    if (session.accountId !== undefined) {
      await touchSession(this.#pool, session.uid);
      this.#setCookie(request, reply, session.id);
    }
    return session;
  }

  /** @returns its uid. A login always starts a new session: an identifier known before it is worth nothing afterwards. */
  async start(request: FastifyRequest, reply: FastifyReply, account: Account, amr: readonly string[]): Promise<string> {
    const old = await this.#provider.Session.get(this.#provider.createContext(request.raw, reply.raw));
    await old.destroy();
    const session = new this.#provider.Session();
    session.loginAccount({ accountId: account.id, amr: [...amr], acr: acrOf(amr) });
    await session.save(idleSeconds);
    const { uid } = session;
    await recordSession(this.#pool, {
      uid,
      accountId: account.id,
      address: request.ip,
      device: deviceOf(request.headers['user-agent']),
      amr,
    });
    this.#setCookie(request, reply, session.id);
    return uid;
  }

  /** Ends the session: what was granted without offline_access ends with it. */
  async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const context = this.#provider.createContext(request.raw, reply.raw);
    const session = await this.#provider.Session.get(context);
    await session.destroy();
    context.cookies.set(this.#provider.cookieName('session'), null, sessionCookie);
  }

  #setCookie(request: FastifyRequest, reply: FastifyReply, id: string): void {
    const context = this.#provider.createContext(request.raw, reply.raw);
    context.cookies.set(this.#provider.cookieName('session'), id, { ...sessionCookie, maxAge: absoluteSeconds * 1000 });
  }
}
