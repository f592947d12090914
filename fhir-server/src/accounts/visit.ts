// A request to an account page by somebody who is signed in.
import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formOf } from '../authorization/form.ts';
import { type Account, findAccount } from '../operational/index.ts';
import { hasSecondFactor } from '../operational/second-factor.ts';
import { secondFactorAt } from '../operational/session.ts';
import type { Frame } from './pages.ts';
import type { People } from './people.ts';

export interface Visit {
  readonly people: People;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly form: URLSearchParams;
  readonly account: Account;
  readonly sessionUid: string;
  readonly frame: Frame;
}

const freshMinutes = 5;

/** The visit of a signed-in user; undefined when nobody is. */
export async function visitOf(people: People, request: FastifyRequest, reply: FastifyReply): Promise<Visit | undefined> {
  const session = await people.sessions.current(request, reply);
  const account = await findAccount(people.pool, session.accountId ?? '');
  if (!account) return undefined;
  const token = people.box.hash(`form ${session.uid}`).toString('base64url');
  const frame = { token, administrator: account.role === 'administrator' };
  return { people, request, reply, form: formOf(request), account, sessionUid: session.uid, frame };
}

/** True when the form was made for this session. */
export function hasToken({ form, frame }: Visit): boolean {
  const given = Buffer.from(form.get('token') ?? '');
  const expected = Buffer.from(frame.token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** True when the user has just shown who it is: the second factor, or without one the password. */
export async function isFresh({ people, account, sessionUid }: Visit): Promise<boolean> {
  const since = Date.now() / 1000 - freshMinutes * 60;
  if (await hasSecondFactor(people.pool, account.id)) return ((await secondFactorAt(people.pool, sessionUid)) ?? 0) > since;
  const { rows } = await people.pool.query<{ at: number }>(
    'select extract(epoch from authenticated_at)::int4 as at from operational.login_session where uid = $1',
    [sessionUid],
  );
  return (rows[0]?.at ?? 0) > since;
}
