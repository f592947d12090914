// What an app may say of itself when it is registered at run time: https://www.rfc-editor.org/rfc/rfc7591#section-2
import type { JSONWebKeySet } from 'jose';
import type { RegisteredClient } from './client.ts';

export type RegistrationProblem = 'invalid_redirect_uri' | 'invalid_client_metadata';

export class RegistrationError extends Error {
  readonly code: RegistrationProblem;

  constructor(code: RegistrationProblem, description: string) {
    super(description);
    this.name = 'RegistrationError';
    this.code = code;
  }
}

/** The registered values, as the answer repeats them. */
export interface ClientMetadata {
  readonly client_name: string;
  readonly token_endpoint_auth_method: RegisteredClient['authMethod'] | 'client_secret_post';
  readonly grant_types: RegisteredClient['grantTypes'];
  readonly response_types: readonly string[];
  readonly redirect_uris: readonly string[];
  readonly scope: string;
  readonly jwks?: JSONWebKeySet;
  readonly jwks_uri?: string;
  /** Where the app is launched from an EHR. */
  readonly launch_uris: readonly string[];
}

const maximumList = 20;
const maximumText = 2000;
const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;
const grants = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

function refuse(description: string, code: RegistrationProblem = 'invalid_client_metadata'): never {
  throw new RegistrationError(code, description);
}

function textOf(value: unknown, name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (typeof value !== 'string' || value === '' || value.length > maximumText || /[\u0000-\u001f]/.test(value))
    refuse(`${name} must be a text of 1 to ${maximumText} characters.`);
  return value;
}

function listOf(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value) || value.length > maximumList) refuse(`${name} must be a list of at most ${maximumList} texts.`);
  return value.map((each) => textOf(each, name));
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], name: string): T {
  const found = allowed.find((each) => each === value);
  return found ?? refuse(`${name} must be ${allowed.join(', ')}.`);
}

/** TLS, this machine, or the private scheme of a native app that has no secret. */
function isRedirect(text: string, isPublic: boolean): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.hash || text.includes('#') || url.username || url.password) return false;
  if (url.protocol === 'https:') return true;
  if (url.protocol === 'http:') return loopback.has(url.hostname);
  return isPublic && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
}

function isTls(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

function keysOf(given: { readonly [name: string]: unknown }, method: string): Pick<ClientMetadata, 'jwks' | 'jwks_uri'> {
  const { jwks, jwks_uri: address } = given;
  if (method !== 'private_key_jwt') return jwks === undefined && address === undefined ? {} : refuse('Keys are for private_key_jwt.');
  if ((jwks === undefined) === (address === undefined)) refuse('private_key_jwt needs either jwks or jwks_uri.');
  if (address !== undefined) {
    const text = textOf(address, 'jwks_uri');
    return isTls(text) ? { jwks_uri: text } : refuse('jwks_uri must begin with https.');
  }
  const { keys } = (jwks ?? {}) as { keys?: unknown };
  const isKey = (key: unknown): boolean => {
    const { kty, kid, d, k } = (key ?? {}) as { [name: string]: unknown };
    return (kty === 'RSA' || kty === 'EC') && typeof kid === 'string' && d === undefined && k === undefined;
  };
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > maximumList || !keys.every(isKey))
    refuse('jwks must hold public RSA or EC keys, each with a kid.');
  return { jwks: { keys } as JSONWebKeySet };
}

/** What is registered of what was sent. @throws RegistrationError */
export function clientMetadata(body: unknown): ClientMetadata {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) refuse('The body must be a JSON object.');
  const given = body as { readonly [name: string]: unknown };
  const method = oneOf(given['token_endpoint_auth_method'] ?? 'client_secret_basic', methods, 'token_endpoint_auth_method');
  const grantTypes = listOf(given['grant_types'] ?? ['authorization_code'], 'grant_types').map((each) =>
    oneOf(each, grants, 'grant_types'),
  );
  const isApp = grantTypes.includes('authorization_code');
  const isSystem = grantTypes.includes('client_credentials');
  if (isApp === isSystem) refuse('grant_types must name either authorization_code or client_credentials.');
  // https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-symmetric.html: not for backend services.
  if (isSystem && (method !== 'private_key_jwt' || grantTypes.length > 1)) refuse('client_credentials is for private_key_jwt alone.');
  const redirects = listOf(given['redirect_uris'] ?? [], 'redirect_uris');
  if (isApp !== redirects.length > 0 || !redirects.every((each) => isRedirect(each, method === 'none')))
    refuse('redirect_uris must be addresses with https, of this machine, or of a native app without a secret.', 'invalid_redirect_uri');
  const launches = listOf(given['launch_uris'] ?? [], 'launch_uris');
  if (!launches.every((each) => isRedirect(each, false))) refuse('launch_uris must be addresses with https or of this machine.');
  return {
    client_name: textOf(given['client_name'], 'client_name'),
    token_endpoint_auth_method: method,
    grant_types: [...new Set(grantTypes)],
    response_types: isApp ? ['code'] : [],
    redirect_uris: redirects,
    launch_uris: launches,
    scope: textOf(given['scope'], 'scope'),
    ...keysOf(given, method),
  };
}
