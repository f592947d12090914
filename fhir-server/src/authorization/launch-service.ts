// POST {fhir}/_services/smart/Launch: a CDS client turns the smart link of a card into a launch (CDS Hooks sandbox, HAPI and Logica servers).
import { type Encounter, type FhirClient, type FhirResponse, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Pool } from 'pg';
import { findClientLaunchedAt } from '../operational/index.ts';
import { type FhirContextItem, fhirContextOf } from './fhir-context.ts';
import { createLaunch, type LaunchContext } from './launch.ts';

export interface LaunchServiceOptions {
  readonly pool: Pool;
  readonly clientFor: (principal: Principal) => FhirClient;
}

const idFormat = /^[A-Za-z0-9.-]{1,64}$/;
const appContextLimit = 2000;
const intentLimit = 200;

function refuse(status: number, code: 'forbidden' | 'invalid' | 'not-found' | 'too-long', diagnostics: string): never {
  throw new OperationOutcomeError(status, { code, diagnostics });
}

function objectOf(value: unknown, what: string): { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(400, 'invalid', `${what} must be a JSON object.`);
  return value as { readonly [name: string]: unknown };
}

function idOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || !idFormat.test(value)) refuse(400, 'invalid', `parameters.${name} must be the id of a resource here.`);
  return value;
}

interface Asked {
  readonly launchUrl: string;
  readonly patient: string;
  readonly encounter?: string;
  readonly appContext?: string;
  readonly intent?: string;
  readonly fhirContext?: readonly FhirContextItem[];
  readonly needsBanner: boolean;
}

/** What a launch is asked for; other parameters (such as `smart_messaging_origin`) belong to functions that are not offered here. */
function read(body: unknown): Asked {
  const { launchUrl, parameters } = objectOf(body, 'The body');
  if (typeof launchUrl !== 'string') refuse(400, 'invalid', 'launchUrl must be the address at which the app is launched.');
  const { patient, encounter, appContext, intent, fhirContext, need_patient_banner: banner = true } = objectOf(parameters, 'parameters');
  if (intent !== undefined && (typeof intent !== 'string' || intent === '' || intent.length > intentLimit))
    refuse(400, 'invalid', `parameters.intent must be a string of at most ${intentLimit} characters.`);
  if (typeof banner !== 'boolean') refuse(400, 'invalid', 'parameters.need_patient_banner must be true or false.');
  if (appContext !== undefined && typeof appContext !== 'string') refuse(400, 'invalid', 'parameters.appContext must be a string.');
  if (appContext !== undefined && appContext.length > appContextLimit)
    refuse(400, 'too-long', `parameters.appContext may have at most ${appContextLimit} characters.`);
  return {
    launchUrl,
    patient: idOf(patient, 'patient'),
    ...(encounter === undefined ? {} : { encounter: idOf(encounter, 'encounter') }),
    ...(appContext === undefined ? {} : { appContext }),
    ...(intent === undefined ? {} : { intent }),
    ...(fhirContext === undefined ? {} : { fhirContext: fhirContextOf(fhirContext) }),
    needsBanner: banner,
  };
}

/** Unknown and forbidden get the same answer. */
function found(response: FhirResponse, what: string): FhirResponse['body'] {
  if (response.status >= 500)
    throw new OperationOutcomeError(response.status, { code: 'transient', diagnostics: 'The record cannot be read now.' });
  if (response.status !== 200) refuse(404, 'not-found', `The ${what} does not exist, or this access token may not read it.`);
  return response.body;
}

async function checkContext(client: FhirClient, { patient, encounter, fhirContext = [] }: Asked): Promise<void> {
  found(await client.request({ method: 'GET', path: `Patient/${patient}` }), 'patient');
  for (const { reference } of fhirContext)
    if (reference !== undefined) found(await client.request({ method: 'GET', path: reference }), 'resource of fhirContext');
  if (encounter === undefined) return;
  const { subject } = found(await client.request({ method: 'GET', path: `Encounter/${encounter}` }), 'encounter') as Encounter;
  if (subject?.reference !== `Patient/${patient}`) refuse(400, 'invalid', 'The encounter is not one of this patient.');
}

/**
 * A launch token for the app that is registered with this launch address: for the user of the access token only, used once, bound to a
 * patient (and encounter) that this user may read. `appContext` comes back to the app in its token response.
 */
export async function requestLaunch(options: LaunchServiceOptions, principal: Principal, body: unknown): Promise<{ launch_id: string }> {
  if (!principal.userId) refuse(403, 'forbidden', 'A launch is made for a user: the access token must be that of one.');
  const asked = read(body);
  const app = await findClientLaunchedAt(options.pool, asked.launchUrl);
  if (!app) refuse(404, 'not-found', 'No app is registered with this launch address.');
  await checkContext(options.clientFor(principal), asked);
  const { patient, encounter, appContext, intent, fhirContext, needsBanner } = asked;
  const context: LaunchContext = {
    patient,
    need_patient_banner: needsBanner,
    ...(encounter === undefined ? {} : { encounter }),
    ...(appContext === undefined ? {} : { appContext }),
    ...(intent === undefined ? {} : { intent }),
    ...(fhirContext === undefined ? {} : { fhirContext }),
  };
  return { launch_id: await createLaunch(options.pool, { clientId: app.clientId, accountId: principal.userId, context }) };
}
