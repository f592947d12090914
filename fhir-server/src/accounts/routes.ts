// The routes of the account pages. A change needs the session's own form token, and what guards the account needs a fresh proof of who it is.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { acceptForms, fromElsewhere, refuseForeign, sendPage } from '../authorization/form.ts';
import { savePassword } from '../operational/index.ts';
import { verifyPassword } from '../operational/password.ts';
import { passwordProblem, passwordSentences } from '../operational/password-rules.ts';
import { backupCodesLeft, hasSecondFactor, listFactors, newBackupCodes, removeFactor } from '../operational/second-factor.ts';
import { endSessions, listSessions, recordSecondFactor } from '../operational/session.ts';
import { administer, showUsers } from './administration.ts';
import { type Enrolment, enrolApp, isAppCode } from './authenticator-app.ts';
import { guard } from './guessing.ts';
import { backupPage, confirmPage, factorsPage, overviewPage, passwordPage, sessionsPage } from './pages.ts';
import { passkeyAccount, passkeysPossible, registerPasskey, registrationOptions, signInOptions } from './passkeys.ts';
import { auditEvent, type People } from './people.ts';
import { isSecondFactor, isSignIn, signIn } from './sign-in.ts';
import { hasToken, isFresh, type Visit, visitOf } from './visit.ts';

interface AccountPage {
  readonly show: (visit: Visit) => Promise<FastifyReply>;
  readonly change: (visit: Visit) => Promise<FastifyReply>;
  /** A change needs a fresh proof. */
  readonly guarded: boolean;
  readonly administrators?: boolean;
}

type Said = { readonly problem?: string; readonly done?: string };

async function showOverview(visit: Visit): Promise<FastifyReply> {
  const { people, account, reply, frame } = visit;
  const factors = (await listFactors(people.pool, account.id)).length;
  const codes = await backupCodesLeft(people.pool, account.id);
  return sendPage(reply, overviewPage(frame, account, people.policy.get(account.role)?.description ?? '', { factors, codes }));
}

async function signOut({ people, request, reply, account }: Visit): Promise<FastifyReply> {
  await people.sessions.end(request, reply);
  people.onRevoke();
  await auditEvent(people, request, 'sign-out', { user: account.id });
  return reply.redirect('/account', 303);
}

async function showPassword({ reply, frame }: Visit, said: Said = {}): Promise<FastifyReply> {
  return sendPage(reply, passwordPage({ ...frame, ...said }));
}

async function changePassword(visit: Visit): Promise<FastifyReply> {
  const { people, request, form, account, sessionUid } = visit;
  const attempt = await guard(people, request, 'password', account.id);
  const fits = await verifyPassword((form.get('current') ?? '').slice(0, 1024), account.passwordHash);
  if (!attempt.isAllowed || !fits) return showPassword(visit, { problem: 'The current password is wrong, or too many were tried.' });
  await attempt.succeeded();
  const password = form.get('password') ?? '';
  const expected = [account.username];
  const problem = passwordProblem(password, { hasSecondFactor: await hasSecondFactor(people.pool, account.id), expected });
  if (problem) return showPassword(visit, { problem: passwordSentences[problem] });
  await savePassword(people.pool, account.id, password, false);
  await endSessions(people.pool, account.id, { except: sessionUid });
  people.onRevoke();
  await auditEvent(people, request, 'password-changed', { user: account.id });
  return showPassword(visit, { done: 'The password is changed.' });
}

async function showFactors(visit: Visit, said: Said = {}, enrolment?: Enrolment): Promise<FastifyReply> {
  const { people, account, reply, frame } = visit;
  const passkey = passkeysPossible(people) ? await registrationOptions(people, account) : undefined;
  return sendPage(reply, factorsPage({ ...frame, ...said }, { factors: await listFactors(people.pool, account.id), passkey, enrolment }));
}

/** After a factor has come or gone: other sessions were opened without it. */
async function factorsChanged(visit: Visit, event: 'factor-added' | 'factor-removed', done: string): Promise<FastifyReply> {
  const { people, request, account, sessionUid } = visit;
  if (event === 'factor-added') await recordSecondFactor(people.pool, sessionUid);
  await endSessions(people.pool, account.id, { except: sessionUid });
  people.onRevoke();
  await auditEvent(people, request, event, { user: account.id });
  return showFactors(visit, { done });
}

async function changeFactors(visit: Visit): Promise<FastifyReply> {
  const { people, form, account } = visit;
  const step = form.get('do');
  if (step === 'passkey') {
    const name = (form.get('name') ?? '').replaceAll('\0', '').slice(0, 60) || 'Passkey';
    const isAdded = await registerPasskey(people, account, form.get('credential') ?? '', name);
    return isAdded
      ? factorsChanged(visit, 'factor-added', 'The passkey is added.')
      : showFactors(visit, { problem: 'The passkey was not accepted.' });
  }
  if (step === 'app') return showFactors(visit, {}, await enrolApp(people, account));
  if (step === 'confirm-app') {
    const isRight = await isAppCode(people, account.id, form.get('code') ?? '', true);
    if (isRight) return factorsChanged(visit, 'factor-added', 'The authenticator app is added.');
    return showFactors(visit, { problem: 'The code was wrong: begin again with a new key.' });
  }
  if (step === 'remove' && (await removeFactor(people.pool, account.id, (form.get('factor') ?? '').replaceAll('\0', ''))))
    return factorsChanged(visit, 'factor-removed', 'The second factor is removed.');
  return showFactors(visit);
}

async function showBackup({ people, account, reply, frame }: Visit): Promise<FastifyReply> {
  return sendPage(reply, backupPage(frame, await backupCodesLeft(people.pool, account.id)));
}

async function makeBackup(visit: Visit): Promise<FastifyReply> {
  const { people, request, account, reply, frame } = visit;
  if (!(await hasSecondFactor(people.pool, account.id)))
    return sendPage(reply, backupPage({ ...frame, problem: 'Backup codes stand in for a second factor: add one first.' }, 0));
  const codes = await newBackupCodes(people.pool, people.box, account.id);
  await auditEvent(people, request, 'backup-codes-made', { user: account.id });
  return sendPage(reply, backupPage(frame, codes.length, codes));
}

async function showSessions({ people, account, reply, frame, sessionUid }: Visit, said: Said = {}): Promise<FastifyReply> {
  return sendPage(reply, sessionsPage({ ...frame, ...said }, await listSessions(people.pool, account.id), sessionUid));
}

async function changeSessions(visit: Visit): Promise<FastifyReply> {
  const { people, request, form, account, sessionUid } = visit;
  const only = (form.get('session') ?? '').replaceAll('\0', '');
  await endSessions(people.pool, account.id, form.get('do') === 'end' ? { only } : { except: sessionUid });
  people.onRevoke();
  await auditEvent(people, request, 'session-ended', { user: account.id });
  return showSessions(visit, { done: 'Ended.' });
}

const next = ({ form, request }: Visit): string => {
  const path = form.get('next') ?? new URLSearchParams(request.url.split('?')[1]).get('next') ?? '';
  return Object.hasOwn(pages, path) || path === '/launch' ? path : '/account';
};

async function showConfirm(visit: Visit, problem?: string): Promise<FastifyReply> {
  const { people, account, reply, frame } = visit;
  const hasFactors = await hasSecondFactor(people.pool, account.id);
  const passkey = hasFactors && passkeysPossible(people) ? await signInOptions(people, account.id) : undefined;
  return sendPage(reply, confirmPage({ ...frame, problem }, next(visit), { hasFactors, passkey }));
}

async function isProven({ people, request, form, account }: Visit, hasFactors: boolean): Promise<boolean> {
  if (form.get('do') === 'passkey') return (await passkeyAccount(people, form.get('credential') ?? ''))?.id === account.id;
  const attempt = await guard(people, request, hasFactors ? 'second factor' : 'password', account.id);
  if (!attempt.isAllowed) return false;
  const isRight = hasFactors
    ? await isSecondFactor(people, account.id, form.get('code') ?? '')
    : await verifyPassword((form.get('password') ?? '').slice(0, 1024), account.passwordHash);
  if (isRight) await attempt.succeeded();
  return isRight;
}

/** Step-up: https://www.rfc-editor.org/rfc/rfc9470 — the second factor is shown again, in this session. */
async function confirm(visit: Visit): Promise<FastifyReply> {
  const { people, request, reply, account, sessionUid } = visit;
  const hasFactors = await hasSecondFactor(people.pool, account.id);
  if (!(await isProven(visit, hasFactors))) {
    await auditEvent(people, request, 'step-up-refused', { user: account.id, status: 401 });
    return showConfirm(visit, 'That was wrong, was used already, or too many were tried.');
  }
  if (hasFactors) await recordSecondFactor(people.pool, sessionUid);
  else await people.pool.query('update operational.login_session set authenticated_at = now() where uid = $1', [sessionUid]);
  people.onRevoke();
  await auditEvent(people, request, 'step-up', { user: account.id });
  return reply.redirect(next(visit), 303);
}

const pages: { readonly [path: string]: AccountPage } = {
  '/account': { show: showOverview, change: signOut, guarded: false },
  '/account/password': { show: showPassword, change: changePassword, guarded: false },
  '/account/factors': { show: showFactors, change: changeFactors, guarded: true },
  '/account/backup-codes': { show: showBackup, change: makeBackup, guarded: true },
  '/account/sessions': { show: showSessions, change: changeSessions, guarded: false },
  '/account/confirm': { show: showConfirm, change: confirm, guarded: false },
  '/account/users': { show: showUsers, change: administer, guarded: true, administrators: true },
};

/** The sign-in stands at the page that was asked for. */
async function begin(people: People, request: FastifyRequest, reply: FastifyReply, path: string): Promise<FastifyReply> {
  const answer = await signIn(people, request, reply, path);
  if ('html' in answer) return sendPage(reply, answer.html);
  await people.sessions.start(request, reply, answer.account, answer.amr);
  return reply.redirect(path, 303);
}

async function answer(
  people: People,
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  page: AccountPage,
): Promise<FastifyReply> {
  if (request.method === 'POST' && fromElsewhere(request, people.origin)) return refuseForeign(reply);
  const visit = await visitOf(people, request, reply);
  if (!visit) return begin(people, request, reply, path);
  // A sign-in form of a page that was left open: signed in already.
  if (isSignIn(visit.form) && !visit.form.has('token')) return reply.redirect(path, 303);
  if (page.administrators && !visit.frame.administrator) return reply.redirect('/account', 303);
  if (request.method === 'GET') return page.show(visit);
  if (!hasToken(visit)) return refuseForeign(reply);
  if (page.guarded && !(await isFresh(visit))) return reply.redirect(`/account/confirm?next=${encodeURIComponent(path)}`, 303);
  return page.change(visit);
}

/** GET and POST of every account page. */
export function accountRoutes(app: FastifyInstance, { people }: { readonly people: People }): void {
  acceptForms(app);
  for (const [path, page] of Object.entries(pages))
    app.route({ method: ['GET', 'POST'], url: path, handler: (request, reply) => answer(people, request, reply, path, page) });
}
