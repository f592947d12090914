// Signing in: a passkey; or a password and, where the account has one, a second factor. The same steps on every page that asks for it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formOf } from '../authorization/form.ts';
import { type Account, cleanUsername, findAccount, findAccountNamed, savePassword } from '../operational/index.ts';
import { hashPassword, isOutdated, verifyPassword } from '../operational/password.ts';
import { passwordProblem, passwordSentences } from '../operational/password-rules.ts';
import { hasSecondFactor, useBackupCode } from '../operational/second-factor.ts';
import { awaitSecondFactor, finishWaiting, waitingAccount } from '../operational/sign-in-step.ts';
import { isAppCode } from './authenticator-app.ts';
import { guard, knowBrowser } from './guessing.ts';
import { passkeyAccount, passkeysPossible, signInOptions } from './passkeys.ts';
import { auditEvent, type People } from './people.ts';
import { loginPage, newPasswordPage, secondFactorPage } from './sign-in-pages.ts';

interface SignedIn {
  readonly account: Account;
  /** https://www.rfc-editor.org/rfc/rfc8176 */
  readonly amr: readonly string[];
}

/** Somebody, or the page that asks for the next step. */
export type SignInAnswer = SignedIn | { readonly html: string };

const passwordMaximum = 1024;
const wrongPassword = 'User name or password is wrong, or the account is locked for a while.';
const wrongCode = 'The code is wrong or was used already, or too many were tried.';
const wrongPasskey = 'The passkey was not accepted.';
const expired = 'This sign-in has expired: begin again.';

interface Turn {
  readonly people: People;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly form: URLSearchParams;
  /** Where the forms go. */
  readonly action: string;
}

async function askPassword({ people, action }: Turn, problem?: string): Promise<SignInAnswer> {
  return { html: loginPage({ action, problem, passkey: passkeysPossible(people) ? await signInOptions(people) : undefined }) };
}

async function askSecondFactor({ people, action }: Turn, accountId: string, waiting: string, problem?: string): Promise<SignInAnswer> {
  const passkey = passkeysPossible(people) ? await signInOptions(people, accountId) : undefined;
  return { html: secondFactorPage({ action, waiting, problem, passkey }) };
}

async function refused({ people, request }: Turn, accountId: string | undefined, locksNow: boolean): Promise<void> {
  await auditEvent(people, request, 'sign-in-refused', { user: accountId, status: 401 });
  if (locksNow) await auditEvent(people, request, 'account-locked', { user: accountId, status: 401 });
}

async function complete(turn: Turn, account: Account, amr: readonly string[]): Promise<SignedIn> {
  await knowBrowser(turn.people, turn.request, turn.reply, account.id);
  await auditEvent(turn.people, turn.request, 'sign-in', { user: account.id });
  return { account, amr };
}

/** A name without an account takes the same way as one with: the same counters, the same hash. */
async function passwordStep(turn: Turn): Promise<SignInAnswer> {
  const { people, request, form } = turn;
  const username = cleanUsername(form.get('username') ?? '');
  const password = form.get('password') ?? '';
  const account = await findAccountNamed(people.pool, username);
  const attempt = await guard(people, request, 'password', account?.id ?? `name ${username}`);
  const fits = await verifyPassword(password.slice(0, passwordMaximum), account?.passwordHash);
  if (!account || !fits || !attempt.isAllowed || password.length > passwordMaximum) {
    await refused(turn, account?.id, attempt.locksNow);
    return askPassword(turn, wrongPassword);
  }
  await attempt.succeeded();
  if (isOutdated(account.passwordHash))
    await people.pool.query('update operational.account set password_hash = $2 where id = $1', [account.id, await hashPassword(password)]);
  if (await hasSecondFactor(people.pool, account.id))
    return askSecondFactor(turn, account.id, await awaitSecondFactor(people.pool, account.id));
  if (account.mustChangePassword)
    return { html: newPasswordPage({ action: turn.action, waiting: await awaitSecondFactor(people.pool, account.id) }) };
  return complete(turn, account, ['pwd']);
}

async function codeStep(turn: Turn): Promise<SignInAnswer> {
  const { people, request, form } = turn;
  const waiting = form.get('waiting') ?? '';
  const accountId = await waitingAccount(people.pool, waiting);
  const account = accountId === undefined ? undefined : await findAccount(people.pool, accountId);
  if (!account || !(await hasSecondFactor(people.pool, account.id))) return askPassword(turn, expired);
  const attempt = await guard(people, request, 'second factor', account.id);
  if (!attempt.isAllowed || !(await isSecondFactor(people, account.id, form.get('code') ?? ''))) {
    await refused(turn, account.id, attempt.locksNow);
    return askSecondFactor(turn, account.id, waiting, wrongCode);
  }
  await attempt.succeeded();
  if (!(await finishWaiting(people.pool, waiting))) return askPassword(turn, expired);
  if (account.mustChangePassword) return renewStep(turn, account);
  return complete(turn, account, ['pwd', 'otp', 'mfa']);
}

/** Who was given a password by somebody else first chooses one. */
async function renewStep(turn: Turn, account: Account): Promise<SignInAnswer> {
  return { html: newPasswordPage({ action: turn.action, waiting: await awaitSecondFactor(turn.people.pool, account.id) }) };
}

/** True once for a code of the app or a one-use code of the account. */
export async function isSecondFactor(people: People, accountId: string, code: string): Promise<boolean> {
  if (code.length > 64) return false;
  return (await isAppCode(people, accountId, code)) || useBackupCode(people.pool, people.box, accountId, code);
}

async function passkeyStep(turn: Turn): Promise<SignInAnswer> {
  const account = await passkeyAccount(turn.people, turn.form.get('credential') ?? '');
  if (account) return complete(turn, account, ['pop', 'user', 'mfa']);
  await refused(turn, undefined, false);
  return askPassword(turn, wrongPasskey);
}

/** The given password was right; a new one takes its place. */
async function newPasswordStep(turn: Turn): Promise<SignInAnswer> {
  const { people, form, action } = turn;
  const waiting = form.get('waiting') ?? '';
  const accountId = await waitingAccount(people.pool, waiting);
  const account = accountId === undefined ? undefined : await findAccount(people.pool, accountId);
  if (!account?.mustChangePassword) return askPassword(turn, expired);
  const second = await hasSecondFactor(people.pool, account.id);
  const password = form.get('password') ?? '';
  const problem = passwordProblem(password, { hasSecondFactor: second, expected: [account.username] });
  const same = await verifyPassword(password.slice(0, passwordMaximum), account.passwordHash);
  if (problem || same) {
    const said = problem ? passwordSentences[problem] : 'Choose another password than the one you were given.';
    return { html: newPasswordPage({ action, waiting, problem: said }) };
  }
  if (!(await finishWaiting(people.pool, waiting))) return askPassword(turn, expired);
  await savePassword(people.pool, account.id, password, false);
  await auditEvent(people, turn.request, 'password-changed', { user: account.id });
  // A second factor is shown again: the waiting token alone does not say that it was.
  return second ? askPassword(turn, 'The password is changed: sign in with it.') : complete(turn, account, ['pwd']);
}

/** One step of a sign-in: what the form says, or the first page. */
export async function signIn(people: People, request: FastifyRequest, reply: FastifyReply, action: string): Promise<SignInAnswer> {
  const form = formOf(request);
  const turn: Turn = { people, request, reply, form, action };
  const step = form.get('do');
  if (step === 'second') return codeStep(turn);
  if (step === 'passkey') return passkeyStep(turn);
  if (step === 'new-password') return newPasswordStep(turn);
  return form.has('username') ? passwordStep(turn) : askPassword(turn);
}

/** True when the form belongs to a sign-in. */
export function isSignIn(form: URLSearchParams): boolean {
  return ['login', 'second', 'passkey', 'new-password'].includes(form.get('do') ?? '');
}
