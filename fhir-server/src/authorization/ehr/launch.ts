// A launch that begins in another EHR: this server is that EHR's confidential client, and launches our app with what it learns.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
import { createHash, randomBytes } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { auditEvent } from '../../accounts/people.ts';
import { storedId } from '../adapter.ts';
import { sendPage } from '../form.ts';
import { createLaunch } from '../launch.ts';
import { errorPage } from '../pages.ts';
import { claimsOf } from './jwt.ts';
import { type EhrParts, EhrRefusal } from './parts.ts';
import { baseOf, type RegisteredEhr } from './registered.ts';
import { discover, type EhrEndpoints, type EhrTokens, patientHere, redeem } from './request.ts';
import { keepEhrSession } from './sessions.ts';
import { accountHere } from './users.ts';

interface Pending {
  readonly endpoints: EhrEndpoints;
  readonly nonce: string;
  readonly verifier: string;
}

const lifeMinutes = 10;
const cookieName = 'limen_ehr';
const launchMaximum = 4000;
const defaultScope = 'launch openid fhirUser patient/*.rs';

const random = (): string => randomBytes(32).toString('base64url');

function ehrOf(parts: EhrParts, iss: string): RegisteredEhr {
  const ehr = parts.ehrs.find((each) => each.iss === baseOf(iss));
  if (!ehr) throw new EhrRefusal('This EHR is not registered here.');
  return ehr;
}

function browserOf(request: FastifyRequest): string | undefined {
  return new RegExp(`(?:^|;\\s*)${cookieName}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1];
}

function query(request: FastifyRequest): URLSearchParams {
  return new URL(request.url, 'http://this').searchParams;
}

async function begin(parts: EhrParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { pool, box, origin } = parts.people;
  const asked = query(request);
  const ehr = ehrOf(parts, asked.get('iss') ?? '');
  const launch = asked.get('launch') ?? '';
  if (launch === '' || launch.length > launchMaximum) throw new EhrRefusal('The launch holds no launch token.');
  const endpoints = await discover(ehr, parts.outgoing);
  const [state, nonce, verifier] = [random(), random(), random()];
  const browser = browserOf(request) ?? random();
  const pending: Pending = { endpoints, nonce, verifier };
  await pool.query(
    `insert into operational.ehr_request (id, iss, browser, sealed, expires_at)
     values ($1, $2, $3, $4, now() + make_interval(mins => ${lifeMinutes}))`,
    [storedId(state), ehr.iss, storedId(browser), box.seal(JSON.stringify(pending), storedId(state))],
  );
  const secure = origin.startsWith('https:') ? '; Secure' : '';
  reply.header('set-cookie', `${cookieName}=${browser}; Path=/ehr; HttpOnly; SameSite=Lax; Max-Age=${lifeMinutes * 60}${secure}`);
  const target = new URL(endpoints.authorize);
  const params = {
    response_type: 'code',
    client_id: ehr.clientId,
    redirect_uri: `${origin}/ehr/callback`,
    scope: ehr.scope ?? defaultScope,
    state,
    nonce,
    aud: ehr.iss,
    launch,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(params)) target.searchParams.set(name, value);
  return reply.redirect(target.href, 303);
}

/** A state counts once, and in the browser that it was made for. */
async function pendingOf(parts: EhrParts, request: FastifyRequest, state: string): Promise<{ ehr: RegisteredEhr; pending: Pending }> {
  const { pool, box } = parts.people;
  const { rows } = await pool.query<{ iss: string; sealed: Buffer }>(
    'delete from operational.ehr_request where id = $1 and browser = $2 and expires_at > now() returning iss, sealed',
    [storedId(state), storedId(browserOf(request) ?? '')],
  );
  const [row] = rows;
  if (!row) throw new EhrRefusal('This launch has expired, was used, or began in another browser.');
  return { ehr: ehrOf(parts, row.iss), pending: JSON.parse(box.open(row.sealed, storedId(state))) as Pending };
}

/** The user of the id_token; everything in it is checked. */
async function userOf(parts: EhrParts, ehr: RegisteredEhr, pending: Pending, tokens: EhrTokens): Promise<string> {
  const { jwks, issuer } = pending.endpoints;
  const claims = await claimsOf(parts.keySets, tokens.idToken, { jwks, issuer, audience: ehr.clientId });
  const isForOthers = Array.isArray(claims.aud) && claims.aud.length > 1 && claims['azp'] !== ehr.clientId;
  if (claims['nonce'] !== pending.nonce || isForOthers) throw new EhrRefusal('The token of the EHR is not valid.', 403);
  if (typeof claims['fhirUser'] !== 'string') throw new EhrRefusal('The EHR does not say who the user is.', 403);
  return claims.sub;
}

async function finish(parts: EhrParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { pool, origin, sessions } = parts.people;
  const answer = query(request);
  const { ehr, pending } = await pendingOf(parts, request, answer.get('state') ?? '');
  const { issuer, token, namesItself } = pending.endpoints;
  const from = answer.get('iss');
  // RFC 9207: an answer of another server than the one that was asked (mix-up).
  if (from === null ? namesItself : from !== issuer) throw new EhrRefusal('The answer is not from the EHR that was asked.');
  const code = answer.get('code');
  if (!code) throw new EhrRefusal('The EHR did not agree to the launch.', 403);
  const tokens = await redeem(
    ehr,
    token,
    { code, code_verifier: pending.verifier, redirect_uri: `${origin}/ehr/callback` },
    parts.outgoing,
  );
  const sub = await userOf(parts, ehr, pending, tokens);
  const account = await accountHere(parts, ehr, sub);
  const patient = await patientHere(parts, ehr, tokens.patient, tokens.accessToken);
  const sessionUid = await sessions.start(request, reply, account, ['fed']);
  await auditEvent(parts.people, request, 'sign-in', { user: account.id });
  const session = await keepEhrSession(parts.people, { accountId: account.id, sessionUid, iss: ehr.iss, tokens });
  const context = { patient, need_patient_banner: true, ehr_session: session };
  const launch = await createLaunch(pool, { clientId: 'limen-app', accountId: account.id, context });
  return reply.redirect(`${origin}/app/launch?${new URLSearchParams({ iss: `${origin}/fhir`, launch })}`, 303);
}

/** GET `/ehr/launch?iss=&launch=`, to which the app's launch page leads, and the redirect address `/ehr/callback`. */
export function ehrLaunchRoutes(app: FastifyInstance, parts: EhrParts): void {
  for (const [path, turn] of [
    ['/ehr/launch', begin],
    ['/ehr/callback', finish],
  ] as const) {
    app.get(path, async (request, reply) => {
      try {
        return await turn(parts, request, reply);
      } catch (error) {
        const isRefusal = error instanceof EhrRefusal;
        if (!isRefusal && !(error instanceof OperationOutcomeError)) throw error;
        await auditEvent(parts.people, request, 'sign-in-refused', { status: error.status });
        const text = isRefusal ? error.message : 'The patient cannot be opened here.';
        return sendPage(reply, errorPage(text), { status: error.status });
      }
    });
  }
}
