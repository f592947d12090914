// The interaction of an authorization request: login, consent, patient picker, and the grant that comes of it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Interaction, Provider } from 'oidc-provider';
import type { Pool } from 'pg';
import type { People } from '../accounts/people.ts';
import { signIn } from '../accounts/sign-in.ts';
import { type Account, findAccount, findClient, type RegisteredClient } from '../operational/index.ts';
import { acceptForms, formOf, fromElsewhere, refuseForeign, sendPage } from './form.ts';
import { consumeLaunch, type LaunchContext, saveContext } from './launch.ts';
import { consentPage, encounterPage, errorPage, pickerPage } from './pages.ts';
import type { PatientChoice } from './patient-choice.ts';
import { roleScopes } from './permitted-scopes.ts';
import { acrOf, grantSeconds } from './provider.ts';
import { stylePath } from './style.ts';

export interface InteractionOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly provider: Provider;
  readonly choice: PatientChoice;
  readonly people: People;
}

interface Turn extends InteractionOptions {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly interaction: Interaction;
  readonly form: URLSearchParams;
}

async function finish(turn: Turn, result: object): Promise<FastifyReply> {
  const next = await turn.provider.interactionResult(turn.request.raw, turn.reply.raw, result);
  return turn.reply.redirect(next, 303);
}

function refuse(turn: Turn, description: string): Promise<FastifyReply> {
  return finish(turn, { error: 'access_denied', error_description: description });
}

function show(turn: Turn, html: string): FastifyReply {
  return sendPage(turn.reply, html, { redirect: turn.interaction.params['redirect_uri'] });
}

async function loginTurn(turn: Turn): Promise<FastifyReply> {
  const { people, request, reply, interaction } = turn;
  const answer = await signIn(people, request, reply, `/oauth/interaction/${interaction.uid}`);
  if ('html' in answer) return show(turn, answer.html);
  const { account, amr } = answer;
  const current = interaction.session?.accountId;
  if (current !== undefined && current !== account.id) return show(turn, errorPage('Another user is signed in here: sign out first.'));
  if (current === undefined) await people.sessions.start(request, reply, account, amr);
  return finish(turn, { login: { accountId: account.id, remember: true, amr, acr: acrOf(amr) } });
}

/** `launch` comes from the EHR side; `launch/patient`, `launch/encounter`, or a `patient/` scope without a launch, needs the picker. */
function needsPicker(scopes: readonly string[]): boolean {
  return !scopes.includes('launch') && scopes.some((scope) => /^(launch\/(patient|encounter)$|patient\/)/.test(scope));
}

async function contextOf(turn: Turn, account: Account, scopes: readonly string[]): Promise<LaunchContext | FastifyReply> {
  const { pool, interaction, form } = turn;
  if (scopes.includes('launch')) {
    const context = await consumeLaunch(pool, interaction.params['launch'] ?? '', interaction.params['client_id'] ?? '', account.id);
    return context ?? refuse(turn, 'launch is expired, used, or of another user');
  }
  if (!needsPicker(scopes)) return {};
  const patient = turn.choice.chosen(account.id, form.get('patient'));
  if (patient) return encounterContext(turn, account, patient, scopes);
  const identifier = form.get('do') === 'find' ? form.get('identifier') : null;
  const rows = await turn.choice.offer(account, identifier ?? undefined);
  const page = { action: `/oauth/interaction/${interaction.uid}`, rows, canFind: turn.choice.canFind(account), withEncounters: false };
  return show(turn, pickerPage({ ...page, instead: { value: 'deny', label: 'Cancel' } }));
}

/** `launch/encounter` asks for an encounter of the chosen patient; the user may say that there is none. */
async function encounterContext(
  turn: Turn,
  account: Account,
  patient: string,
  scopes: readonly string[],
): Promise<LaunchContext | FastifyReply> {
  const context = { patient, need_patient_banner: true };
  if (!scopes.includes('launch/encounter')) return context;
  const encounter = turn.choice.chosenEncounter(account.id, patient, turn.form.get('encounter'));
  if (encounter !== undefined) return encounter === 'none' ? context : { ...context, encounter };
  const rows = await turn.choice.offerEncounters(account, patient);
  return show(turn, encounterPage(`/oauth/interaction/${turn.interaction.uid}`, turn.form.get('patient') ?? '', rows));
}

function isContext(value: LaunchContext | FastifyReply): value is LaunchContext {
  return !('raw' in value);
}

/** The grant with its launch context. OIDC scopes are granted twice, so that the token response names them too. */
async function grant(
  turn: Turn,
  account: Account,
  client: RegisteredClient,
  scopes: readonly string[],
  context: LaunchContext,
): Promise<FastifyReply> {
  const { pool, provider, interaction } = turn;
  interaction.params['scope'] = scopes.join(' ');
  await interaction.persist();
  const created = new provider.Grant({ accountId: account.id, clientId: client.clientId });
  const openid = scopes.filter((scope) => ['openid', 'fhirUser', 'offline_access'].includes(scope));
  if (openid.length > 0) created.addOIDCScope(openid.join(' '));
  created.addResourceScope(`${turn.origin}/fhir`, scopes.join(' '));
  const grantId = await created.save();
  const look = client.styleUri ?? `${turn.origin}${stylePath}`;
  const whole = { ...context, smart_style_url: look, tenant: client.tenant };
  await saveContext(pool, grantId, whole, scopes.includes('offline_access'), grantSeconds);
  return finish(turn, { consent: { grantId } });
}

/** What the user leaves ticked; remembered in the request while the picker is shown. */
async function consent(turn: Turn, client: RegisteredClient, scopes: readonly string[]): Promise<readonly string[] | undefined> {
  if (client.trusted || turn.interaction.params['consent'] === 'given') return scopes;
  if (turn.form.get('do') !== 'allow') return undefined;
  const ticked = turn.form.getAll('scope');
  const kept = scopes.filter((scope) => ticked.includes(scope));
  turn.interaction.params['consent'] = 'given';
  turn.interaction.params['scope'] = kept.join(' ');
  await turn.interaction.persist();
  return kept;
}

async function consentTurn(turn: Turn): Promise<FastifyReply> {
  const { pool, interaction } = turn;
  const account = await findAccount(pool, interaction.session?.accountId ?? '');
  const client = await findClient(pool, interaction.params['client_id'] ?? '');
  if (!account || !client) return refuse(turn, 'the user or the app is not known');
  if (turn.form.get('do') === 'deny') return refuse(turn, 'the user said no');
  const role = turn.people.policy.get(account.role);
  if (!role) return refuse(turn, 'the user has no role here');
  if (role.secondFactorRequired && !interaction.session?.amr?.includes('mfa'))
    return refuse(turn, 'the role of the user asks for a second factor: add one on the account page');
  const possible = roleScopes(interaction.params['scope'] ?? '', role)
    .split(' ')
    .filter(Boolean);
  const scopes = await consent(turn, client, possible);
  if (!scopes) return show(turn, consentPage(`/oauth/interaction/${interaction.uid}`, client.name, possible));
  if (scopes.length === 0) return refuse(turn, 'none of the requested scopes is allowed to this user');
  const context = await contextOf(turn, account, scopes);
  return isContext(context) ? grant(turn, account, client, scopes, context) : context;
}

/** GET and POST `/oauth/interaction/:uid`. */
export function interactionRoutes(app: FastifyInstance, options: InteractionOptions): void {
  acceptForms(app);
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/interaction/:uid',
    handler: async (request, reply) => {
      if (request.method === 'POST' && fromElsewhere(request, options.origin)) return refuseForeign(reply);
      const interaction = await options.provider.interactionDetails(request.raw, reply.raw).catch(() => undefined);
      if (!interaction) return sendPage(reply, errorPage('This sign-in has expired or was opened in another browser.'), { status: 400 });
      const turn: Turn = { ...options, request, reply, interaction, form: formOf(request) };
      return interaction.prompt.name === 'login' ? loginTurn(turn) : consentTurn(turn);
    },
  });
}
