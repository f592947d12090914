// An EHR's access token for one of ours: https://www.rfc-editor.org/rfc/rfc8693
import { OperationOutcomeError } from '@limen/fhir-model';
import { decodeJwt } from 'jose';
import { type Context, errors, type Provider } from 'oidc-provider';
import { findClient } from '../../operational/index.ts';
import { saveContext } from '../launch.ts';
import { atLevels, permittedScopes, roleScopes } from '../permitted-scopes.ts';
import { claimsOf } from './jwt.ts';
import { type EhrParts, EhrRefusal } from './parts.ts';
import type { RegisteredEhr } from './registered.ts';
import { patientHere } from './request.ts';
import { accountHere } from './users.ts';

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
const longestSeconds = 600;
const parameters = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
  'audience',
  'resource',
  'scope',
];

type Params = { readonly [name: string]: string | undefined };

/** @returns the subject token */
function checkRequest(params: Params, resource: string): string {
  const { subject_token: subject, subject_token_type: type, requested_token_type: requested = accessTokenType } = params;
  if (!subject || (type !== accessTokenType && type !== jwtType))
    throw new errors.InvalidRequest('subject_token must be a JWT access token, with its type');
  if (requested !== accessTokenType) throw new errors.InvalidRequest('only access tokens are given');
  if (params['actor_token'] !== undefined) throw new errors.InvalidRequest('actor_token is not supported');
  for (const target of [params['resource'], params['audience']])
    if (target !== undefined && target.replace(/\/$/, '') !== resource) throw new errors.InvalidTarget();
  return subject;
}

/** The listed EHR that the token says it is of; whether it is shows its signature. */
function issuerOf(ehrs: readonly RegisteredEhr[], subject: string, clientId: string) {
  let issuer: string | undefined;
  try {
    issuer = decodeJwt(subject).iss;
  } catch {
    throw new errors.InvalidRequest('subject_token is not a JWT');
  }
  const ehr = ehrs.find(({ tokenExchange: exchange }) => exchange !== undefined && exchange.issuer === issuer);
  const exchange = ehr?.tokenExchange;
  if (!ehr || !exchange?.clients.includes(clientId)) throw new errors.InvalidRequest('subject_token is not of an issuer for this client');
  return { ehr, exchange };
}

interface Exchanged {
  readonly accountId: string;
  readonly scope: string;
  readonly patient: string;
  readonly seconds: number;
}

async function exchanged(parts: EhrParts, params: Params, clientId: string): Promise<Exchanged> {
  const { pool, policy, origin } = parts.people;
  const subject = checkRequest(params, `${origin}/fhir`);
  const { ehr, exchange } = issuerOf(parts.ehrs, subject, clientId);
  const { issuer, audience, jwksUri } = exchange;
  const claims = await claimsOf(parts.keySets, subject, { issuer, audience, jwks: jwksUri });
  const given = typeof claims['scope'] === 'string' ? claims['scope'] : '';
  if (typeof claims['patient'] !== 'string') throw new errors.InvalidRequest('subject_token names no patient');
  const account = await accountHere(parts, ehr, claims.sub);
  const role = policy.get(account.role);
  const client = await findClient(pool, clientId);
  if (!role || role.secondFactorRequired || !client) throw new errors.InvalidRequest('the user has no role for this');
  const ofToken = permittedScopes(params['scope'] ?? given, given);
  const scope = atLevels(roleScopes(permittedScopes(ofToken, client.scope), role), ['patient', 'user']);
  if (scope === '') throw new errors.InvalidScope('none of the requested scopes is allowed');
  const patient = await patientHere(parts, ehr, claims['patient'], subject);
  const seconds = Math.max(1, Math.min(longestSeconds, (claims.exp ?? 0) - Math.floor(Date.now() / 1000)));
  return { accountId: account.id, scope, patient, seconds };
}

/** What went wrong with the token of the EHR is, for the client, an invalid request (RFC 8693 section 2.2.2). */
function asProtocolError(error: unknown): unknown {
  if (error instanceof EhrRefusal) return new errors.InvalidRequest(error.message);
  return error instanceof OperationOutcomeError ? new errors.InvalidRequest('The patient cannot be opened here.') : error;
}

async function give(parts: EhrParts, provider: Provider, context: Context): Promise<void> {
  const { oidc } = context;
  const client = oidc?.client;
  if (!oidc || !client || client.clientAuthMethod === 'none') throw new errors.InvalidRequest('only confidential clients exchange tokens');
  const { accountId, scope, patient, seconds } = await exchanged(parts, oidc.params ?? {}, client.clientId).catch((error) => {
    throw asProtocolError(error);
  });
  const resource = `${parts.people.origin}/fhir`;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  await saveContext(parts.people.pool, grantId, { patient, need_patient_banner: true }, false, seconds);
  const token = new provider.AccessToken({ accountId, client, grantId, gty: 'token_exchange', scope, expiresIn: seconds });
  token.resourceServer = new provider.ResourceServer(resource, { scope, audience: resource, accessTokenFormat: 'opaque' });
  oidc.entity('AccessToken', token);
  const value = await token.save();
  context.body = { access_token: value, issued_token_type: accessTokenType, token_type: 'Bearer', expires_in: seconds, scope };
}

/** Adds the grant to the token endpoint. */
export function offerTokenExchange(provider: Provider, parts: EhrParts): void {
  provider.registerGrantType(tokenExchange, (context) => give(parts, provider, context), parameters);
}
