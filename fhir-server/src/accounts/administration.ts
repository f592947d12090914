// What administrators do with accounts: make, change the role, disable, reset.
import { randomBytes } from 'node:crypto';
import { type Role, roles } from '@limen/fhir-model';
import type { FastifyReply } from 'fastify';
import { sendPage } from '../authorization/form.ts';
import type { AccountSummary } from '../operational/account.ts';
import { addAccount, changeAccount, listAccounts, newAccount, savePassword } from '../operational/index.ts';
import { removeAllFactors } from '../operational/second-factor.ts';
import { endSessions } from '../operational/session.ts';
import { usersPage } from './administration-pages.ts';
import { type AccountEvent, auditEvent } from './people.ts';
import type { Visit } from './visit.ts';

interface Outcome {
  readonly problem?: string;
  readonly done?: string;
  readonly given?: { readonly username: string; readonly password: string };
}

const lastAdministrator = 'There must be an administrator who can sign in: make another one first.';
const firstPassword = (): string => randomBytes(18).toString('base64url');

export async function showUsers({ people, reply, frame }: Visit, { given, ...said }: Outcome = {}): Promise<FastifyReply> {
  return sendPage(reply, usersPage({ ...frame, ...said }, await listAccounts(people.pool), given));
}

function roleOf(form: URLSearchParams): Role | undefined {
  return roles.find((role) => role === form.get('role'));
}

async function create({ people, request, form, account }: Visit): Promise<Outcome> {
  const username = (form.get('username') ?? '').trim();
  const role = roleOf(form);
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,127}$/u.test(username) || !role)
    return { problem: 'A user name has letters, figures and . _ @ + - only; a role is one of the list.' };
  const password = firstPassword();
  const made = await newAccount({ username, password, role, mustChangePassword: true });
  if (!(await addAccount(people.pool, made))) return { problem: 'There is an account of this name.' };
  await people.accountCreated();
  await auditEvent(people, request, 'account-created', { user: account.id, about: made.id });
  return { given: { username: made.username, password } };
}

/** Tokens of a role that is no more, or of an account that is closed, end at once. */
async function changed(visit: Visit, about: AccountSummary, event: AccountEvent, done: string): Promise<Outcome> {
  const { people, request, account } = visit;
  await endSessions(people.pool, about.id, 'all');
  people.onRevoke();
  await auditEvent(people, request, event, { user: account.id, about: about.id });
  return { done };
}

async function reset(visit: Visit, about: AccountSummary): Promise<Outcome> {
  const password = firstPassword();
  await savePassword(visit.people.pool, about.id, password, true);
  await removeAllFactors(visit.people.pool, about.id);
  await changed(visit, about, 'account-reset', '');
  return { given: { username: about.username, password } };
}

async function change(visit: Visit, about: AccountSummary): Promise<Outcome> {
  const { people, form } = visit;
  const step = form.get('do');
  const role = roleOf(form);
  if (step === 'reset') return reset(visit, about);
  if (step === 'role' && role) {
    const isDone = await changeAccount(people.pool, about.id, { role });
    return isDone ? changed(visit, about, 'role-changed', 'The role is changed.') : { problem: lastAdministrator };
  }
  if (step === 'disable' || step === 'enable') {
    const isDone = await changeAccount(people.pool, about.id, { disabled: step === 'disable' });
    const event = step === 'disable' ? 'account-disabled' : 'account-enabled';
    return isDone ? changed(visit, about, event, 'The state is changed.') : { problem: lastAdministrator };
  }
  return {};
}

export async function administer(visit: Visit): Promise<FastifyReply> {
  const { people, form } = visit;
  if (form.get('do') === 'create') return showUsers(visit, await create(visit));
  const about = (await listAccounts(people.pool)).find(({ id }) => id === form.get('account'));
  // Who is changed oneself is signed out by it: the page is asked for anew.
  const outcome = about ? await change(visit, about) : { problem: 'There is no such account.' };
  return showUsers(visit, outcome);
}
