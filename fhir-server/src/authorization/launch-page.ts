// Our EHR side: sign in, choose a patient, launch the app (EHR launch of https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html)
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Provider, Session } from 'oidc-provider';
import type { Pool } from 'pg';
import { type Account, findAccount, login } from '../operational/index.ts';
import { acceptForms, formOf, fromElsewhere, refuseForeign, sendPage } from './form.ts';
import { createLaunch, type LaunchContext } from './launch.ts';
import { encounterPage, loginPage, pickerPage } from './pages.ts';
import type { PatientChoice } from './patient-choice.ts';
import { sessionCookie, sessionSeconds } from './provider.ts';

export interface LaunchPageOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly provider: Provider;
  readonly choice: PatientChoice;
}

const appClient = 'limen-app';
const problem = 'User name or password is wrong, or the account is locked for a while.';

function currentSession(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<Session> {
  return options.provider.Session.get(options.provider.createContext(request.raw, reply.raw));
}

/** A login always starts a new session: an identifier known before it is worth nothing afterwards. */
async function startSession(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply, account: Account): Promise<void> {
  const context = options.provider.createContext(request.raw, reply.raw);
  const old = await options.provider.Session.get(context);
  await old.destroy();
  const session = new options.provider.Session();
  session.loginAccount({ accountId: account.id });
  await session.save(sessionSeconds);
  context.cookies.set(options.provider.cookieName('session'), session.id, { ...sessionCookie, maxAge: sessionSeconds * 1000 });
}

/** Ends the session: what was granted without offline_access ends with it. */
async function endSession(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const context = options.provider.createContext(request.raw, reply.raw);
  const session = await options.provider.Session.get(context);
  await session.destroy();
  context.cookies.set(options.provider.cookieName('session'), null, sessionCookie);
}

async function picker(options: LaunchPageOptions, reply: FastifyReply, account: Account, identifier?: string): Promise<FastifyReply> {
  const rows = await options.choice.offer(account, identifier);
  const instead = { value: 'logout', label: 'Sign out' };
  return sendPage(reply, pickerPage({ action: '/launch', rows, canFind: options.choice.canFind(account), withEncounters: true, instead }));
}

async function encounters(
  options: LaunchPageOptions,
  reply: FastifyReply,
  account: Account,
  patient: string,
  value: string,
): Promise<FastifyReply> {
  return sendPage(reply, encounterPage('/launch', value, await options.choice.offerEncounters(account, patient)));
}

async function launchApp(options: LaunchPageOptions, reply: FastifyReply, account: Account, context: LaunchContext): Promise<FastifyReply> {
  const launch = await createLaunch(options.pool, { clientId: appClient, accountId: account.id, context });
  const query = new URLSearchParams({ iss: `${options.origin}/fhir`, launch });
  return reply.redirect(`${options.origin}/app/launch?${query}`, 303);
}

async function signIn(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const form = formOf(request);
  const account = await login(options.pool, form.get('username') ?? '', form.get('password') ?? '');
  if (!account) return sendPage(reply, loginPage('/launch', problem));
  await startSession(options, request, reply, account);
  return reply.redirect('/launch', 303);
}

async function post(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (fromElsewhere(request, options.origin)) return refuseForeign(reply);
  const form = formOf(request);
  if (form.get('do') === 'login') return signIn(options, request, reply);
  if (form.get('do') === 'logout') {
    await endSession(options, request, reply);
    return reply.redirect('/launch', 303);
  }
  const session = await currentSession(options, request, reply);
  const account = await findAccount(options.pool, session.accountId ?? '');
  if (!account) return sendPage(reply, loginPage('/launch'));
  if (form.get('do') === 'find') return picker(options, reply, account, form.get('identifier') ?? undefined);
  return chosen(options, reply, account, form);
}

/** A patient opens the app; on the way over the encounters, an encounter of that patient or "none" does. */
async function chosen(options: LaunchPageOptions, reply: FastifyReply, account: Account, form: URLSearchParams): Promise<FastifyReply> {
  const value = form.get('encounters') ?? form.get('patient') ?? '';
  const patient = options.choice.chosen(account.id, value);
  if (!patient) return picker(options, reply, account);
  const context = { patient, need_patient_banner: true };
  if (!form.has('encounters') && !form.has('encounter')) return launchApp(options, reply, account, context);
  const encounter = options.choice.chosenEncounter(account.id, patient, form.get('encounter'));
  if (encounter === undefined) return encounters(options, reply, account, patient, value);
  return launchApp(options, reply, account, encounter === 'none' ? context : { ...context, encounter });
}

/** GET and POST `/launch`, and `/` that leads there. */
export function launchRoutes(app: FastifyInstance, options: LaunchPageOptions): void {
  acceptForms(app);
  app.get('/', (_request, reply) => reply.redirect('/launch', 302));
  app.get('/launch', async (request, reply) => {
    const session = await currentSession(options, request, reply);
    const account = await findAccount(options.pool, session.accountId ?? '');
    return account ? picker(options, reply, account) : sendPage(reply, loginPage('/launch'));
  });
  app.post('/launch', (request, reply) => post(options, request, reply));
}
