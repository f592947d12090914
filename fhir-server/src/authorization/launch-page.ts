// Our EHR side: sign in, choose a patient, launch the app (EHR launch of https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html)
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { People } from '../accounts/people.ts';
import { isSignIn, signIn } from '../accounts/sign-in.ts';
import { type Account, findAccount } from '../operational/index.ts';
import { acceptForms, formOf, fromElsewhere, refuseForeign, sendPage } from './form.ts';
import { createLaunch, type LaunchContext } from './launch.ts';
import { encounterPage, pickerPage } from './pages.ts';
import type { PatientChoice } from './patient-choice.ts';

export interface LaunchPageOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly choice: PatientChoice;
  readonly people: People;
}

const appClient = 'limen-app';

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

async function signInTurn(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const answer = await signIn(options.people, request, reply, '/launch');
  if ('html' in answer) return sendPage(reply, answer.html);
  await options.people.sessions.start(request, reply, answer.account, answer.amr);
  return reply.redirect('/launch', 303);
}

async function post(options: LaunchPageOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (fromElsewhere(request, options.origin)) return refuseForeign(reply);
  const form = formOf(request);
  if (isSignIn(form)) return signInTurn(options, request, reply);
  if (form.get('do') === 'logout') {
    await options.people.sessions.end(request, reply);
    return reply.redirect('/launch', 303);
  }
  const session = await options.people.sessions.current(request, reply);
  const account = await findAccount(options.pool, session.accountId ?? '');
  if (!account) return signInTurn(options, request, reply);
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
    const session = await options.people.sessions.current(request, reply);
    const account = await findAccount(options.pool, session.accountId ?? '');
    return account ? picker(options, reply, account) : signInTurn(options, request, reply);
  });
  app.post('/launch', (request, reply) => post(options, request, reply));
}
