// Questions to an EHR: discovery, token, Patient. Only through the guarded outgoing requests.
import { randomUUID } from 'node:crypto';
import type { Patient } from '@limen/fhir-model';
import { importJWK, SignJWT } from 'jose';
import { fetchOutgoing, OutgoingError, type OutgoingRules } from '../../outgoing/index.ts';
import { type EhrParts, EhrRefusal } from './parts.ts';
import type { RegisteredEhr } from './registered.ts';

export interface EhrEndpoints {
  readonly issuer: string;
  readonly authorize: string;
  readonly token: string;
  readonly jwks: string;
  /** RFC 9207: its answers say who they are from. */
  readonly namesItself: boolean;
}

export interface EhrTokens {
  readonly accessToken: string;
  readonly idToken: string;
  readonly patient: string;
  readonly seconds: number;
}

type Json = { readonly [name: string]: unknown };
type Asked = Parameters<typeof fetchOutgoing>[1];

const limits = { maximumBytes: 1024 * 1024, timeoutMs: 5_000 };
const idFormat = /^[A-Za-z0-9.-]{1,64}$/;
const silentSeconds = 300;
const longestSeconds = 3600;

async function ask(address: string, asked: Asked, rules: OutgoingRules): Promise<{ readonly status: number; readonly body: Json }> {
  try {
    const { status, text } = await fetchOutgoing(new URL(address), { ...limits, ...asked }, rules);
    const body: unknown = status === 200 ? JSON.parse(text) : {};
    return { status, body: typeof body === 'object' && body !== null ? (body as Json) : {} };
  } catch (error) {
    if (error instanceof OutgoingError || error instanceof SyntaxError)
      throw new EhrRefusal('The EHR cannot be reached, or does not answer as it should.', 502);
    throw error;
  }
}

/** https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known */
export async function discover(ehr: RegisteredEhr, rules: OutgoingRules): Promise<EhrEndpoints> {
  const address = `${ehr.iss}/.well-known/smart-configuration`;
  const { status, body } = await ask(address, { headers: { accept: 'application/json' } }, rules);
  const { issuer, authorization_endpoint: authorize, token_endpoint: token, jwks_uri: jwks } = body;
  const methods = body['code_challenge_methods_supported'];
  const isSafe = (value: unknown): value is string =>
    typeof value === 'string' && URL.canParse(value) && (value.startsWith('https:') || rules.trusted(new URL(value).origin));
  if (status !== 200 || typeof issuer !== 'string' || !isSafe(authorize) || !isSafe(token) || !isSafe(jwks))
    throw new EhrRefusal('The EHR does not say how apps sign in.', 502);
  if (!Array.isArray(methods) || !methods.includes('S256')) throw new EhrRefusal('The EHR does not offer PKCE with S256.', 502);
  return { issuer, authorize, token, jwks, namesItself: body['authorization_response_iss_parameter_supported'] === true };
}

/** Our authentication at its token endpoint. */
async function authentication(ehr: RegisteredEhr, token: string): Promise<{ readonly headers: object; readonly form: object }> {
  const { clientId, secret = '', privateKey } = ehr;
  if (!privateKey) {
    const pair = [clientId, secret].map(encodeURIComponent).join(':');
    return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, form: {} };
  }
  const { alg = '', kid } = privateKey;
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid === undefined ? {} : { kid }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(token)
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(await importJWK(privateKey, alg));
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  return { headers: {}, form: { client_assertion_type: type, client_assertion: assertion } };
}

/** The code for tokens, server to server. */
export async function redeem(
  ehr: RegisteredEhr,
  token: string,
  code: { readonly code: string; readonly code_verifier: string; readonly redirect_uri: string },
  rules: OutgoingRules,
): Promise<EhrTokens> {
  const own = await authentication(ehr, token);
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...own.headers };
  const form = new URLSearchParams({ grant_type: 'authorization_code', ...code, ...own.form });
  const { status, body } = await ask(token, { method: 'POST', headers, body: form.toString() }, rules);
  const { access_token: accessToken, id_token: idToken, token_type: type, patient, expires_in: given } = body;
  if (status !== 200 || typeof accessToken !== 'string' || typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new EhrRefusal('The EHR gave no access.', 403);
  if (typeof idToken !== 'string') throw new EhrRefusal('The EHR does not say who the user is.', 403);
  if (typeof patient !== 'string' || !idFormat.test(patient)) throw new EhrRefusal('The EHR names no patient.');
  const seconds = typeof given === 'number' && given > 0 ? Math.min(given, longestSeconds) : silentSeconds;
  return { accessToken, idToken, patient, seconds };
}

/** The patient here that the EHR's is: found by identifiers it may name, or written where its registration allows that. */
export async function patientHere(parts: EhrParts, ehr: RegisteredEhr, patient: string, accessToken: string): Promise<string> {
  if (!idFormat.test(patient)) throw new EhrRefusal('The EHR names no patient.');
  const headers = { accept: 'application/fhir+json', authorization: `Bearer ${accessToken}` };
  const { status, body } = await ask(`${ehr.iss}/Patient/${patient}`, { headers }, parts.outgoing);
  if (status !== 200 || body['resourceType'] !== 'Patient' || body['id'] !== patient)
    throw new EhrRefusal('The EHR does not show the patient.', 403);
  const { id: _, meta: __, identifier = [], ...rest } = body as unknown as Patient;
  const known = identifier.filter(({ system, value }) => value && system && ehr.patientSystems.includes(system));
  if (known.length === 0) throw new EhrRefusal('The patient has no identifier that this EHR may name here.', 403);
  const found = await parts.patients.find(known);
  if (found !== undefined) return found;
  const created = ehr.createPatients && (await parts.patients.create({ ...rest, identifier: known }, ehr.createPatients));
  if (!created) throw new EhrRefusal('The patient is not known here.', 404);
  return created;
}
