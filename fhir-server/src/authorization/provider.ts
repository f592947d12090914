// oidc-provider set up for SMART App Launch 2.2: https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html
import { timingSafeEqual } from 'node:crypto';
import { type Client, type Context, errors, Provider, type Token } from 'oidc-provider';
import type { Pool } from 'pg';
import { findAccount, findClient, hashSecret, type RegisteredOrigins } from '../operational/index.ts';
import { absoluteSeconds, idleSeconds } from '../operational/session.ts';
import { originsOfClient, PostgresAdapter } from './adapter.ts';
import type { KeySets } from './client-keys.ts';
import type { AuthorizationKeys } from './keys.ts';
import { findContext, launchExists } from './launch.ts';
import { errorPage, pageHeaders } from './pages.ts';
import { atLevels, permittedScopes } from './permitted-scopes.ts';
import { assertionAlgorithms, authMethods } from './smart-configuration.ts';

export interface ProviderOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly origins: RegisteredOrigins;
  readonly keys: AuthorizationKeys;
  readonly keySets: KeySets;
  readonly onRevoke: () => void;
  readonly onError: (error: Error) => void;
}

const allowOrigin = 'access-control-allow-origin';
const shortCookie = { httpOnly: true, sameSite: 'lax', signed: true, overwrite: true } as const;
export const sessionCookie = { ...shortCookie, path: '/' } as const;
const accessTokenSeconds = 10 * 60;
/** https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html#issue-access-token: no longer than five minutes. */
const backendTokenSeconds = 5 * 60;
export const grantSeconds = 14 * 24 * 3600;
const assertionSeconds = 5 * 60;

/** https://refeds.org/profile/mfa: how strongly a user was authenticated. */
const singleFactor = 'https://refeds.org/profile/sfa';
const multiFactor = 'https://refeds.org/profile/mfa';

export function acrOf(amr: readonly string[]): string {
  return amr.includes('mfa') ? multiFactor : singleFactor;
}

/** Seconds that a session is kept from its use on: the idle time, but never beyond its absolute end. */
function sessionLeft(loginTs: number | undefined): number {
  if (loginTs === undefined) return idleSeconds;
  return Math.max(1, Math.min(idleSeconds, loginTs + absoluteSeconds - Math.floor(Date.now() / 1000)));
}

/** `aud` names this FHIR server, with or without a trailing slash. */
function checkAud(origin: string, aud: string | undefined): void {
  if (aud?.replace(/\/$/, '') !== `${origin}/fhir`) throw new errors.InvalidRequest('aud must be the FHIR base URL of this server');
}

async function checkLaunch(pool: Pool, context: Context, launch: string | undefined, client: Client): Promise<void> {
  const scopes = (context.oidc?.params?.['scope'] ?? '').split(' ');
  if (!scopes.includes('launch')) return;
  if (!launch || !(await launchExists(pool, launch, client.clientId)))
    throw new errors.InvalidRequest('launch is missing, unknown, expired or used');
}

/** What the client may have of what it asks; the request goes on with exactly that. */
async function narrowRequest(pool: Pool, context: Context, client: Client, levels: readonly string[]): Promise<string> {
  const registered = await findClient(pool, client.clientId);
  const params = context.oidc?.params ?? {};
  const granted = atLevels(permittedScopes(params['scope'] ?? '', registered?.scope ?? ''), levels);
  if (granted === '') throw new errors.InvalidScope('none of the requested scopes is allowed');
  params['scope'] = granted;
  return granted;
}

async function resourceScope(pool: Pool, resource: string, context: Context, client: Client): Promise<string> {
  const { oidc } = context;
  if (oidc?.route === 'authorization') return narrowRequest(pool, context, client, ['context', 'patient', 'user']);
  if (oidc?.route === 'token' && oidc.params?.['grant_type'] === 'client_credentials') {
    return narrowRequest(pool, context, client, ['system']);
  }
  return oidc?.entities.Grant?.resources?.[resource] ?? oidc?.params?.['scope'] ?? '';
}

function features(options: ProviderOptions): object {
  const resource = `${options.origin}/fhir`;
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_: Context, client: Client) => client.clientAuthMethod !== 'none' },
    revocation: { enabled: true, allowedPolicy: (_: Context, client: Client, token: Token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: async (context: Context, asked: string, client: Client) => {
        if (asked !== resource) throw new errors.InvalidTarget();
        return { scope: await resourceScope(options.pool, resource, context, client), audience: resource, accessTokenFormat: 'opaque' };
      },
    },
  };
}

/** https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html: short-lived, and no key from elsewhere. */
async function checkAssertion(pool: Pool, claims: { exp: number }, header: { jku?: string }, client: Client): Promise<void> {
  if (claims.exp > Date.now() / 1000 + assertionSeconds) throw new errors.InvalidClientAuth('exp is more than five minutes ahead');
  if (header.jku === undefined) return;
  if ((await findClient(pool, client.clientId))?.jwksUri !== header.jku)
    throw new errors.InvalidClientAuth('jku is not registered for this client');
}

function configuration(options: ProviderOptions): object {
  const { pool, origin } = options;
  return {
    adapter: (kind: string) => new PostgresAdapter(pool, kind, options.keySets, options.onRevoke),
    acrValues: [singleFactor, multiFactor],
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], fhirUser: ['fhirUser'] },
    scopes: ['openid', 'fhirUser', 'offline_access'],
    clientBasedCORS: (_: Context, from: string, client: Client) =>
      from !== 'null' && ((client.origins ?? []).includes(from) || (client.redirectUris ?? []).some((uri) => new URL(uri).origin === from)),
    extraClientMetadata: { properties: [originsOfClient] },
    clientAuthMethods: authMethods,
    enabledJWA: { clientAuthSigningAlgValues: assertionAlgorithms, idTokenSigningAlgValues: ['RS256'] },
    assertJwtClientAuthClaimsAndHeader: (_: Context, claims: { exp: number }, header: { jku?: string }, client: Client) =>
      checkAssertion(pool, claims, header, client),
    cookies: { keys: [...options.keys.cookies], long: sessionCookie, short: shortCookie },
    jwks: { keys: [options.keys.signing] },
    extraParams: {
      aud: (_: Context, aud: string | undefined) => checkAud(origin, aud),
      launch: (context: Context, launch: string | undefined, client: Client) => checkLaunch(pool, context, launch, client),
    },
    features: features(options),
    // Launch context goes into introspection and, by `launchContext` below, into the token response.
    extraTokenClaims: (_: Context, token: Token) => (token.grantId ? findContext(pool, token.grantId) : undefined),
    // The library's session binding allows one grant per session and client: two launches in two tabs would end each other (see aliveSql).
    expiresWithSession: () => false,
    issueRefreshToken: (_: Context, client: Client, source: Token) =>
      client.grantTypeAllowed('refresh_token') && (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    rotateRefreshToken: () => true,
    // Each authorization gets a grant of its own: the launch context belongs to it.
    loadExistingGrant: (context: {
      oidc: { result?: { consent?: { grantId?: string } }; provider: { Grant: { find(id: string): Promise<unknown> } } };
    }) => {
      const grantId = context.oidc.result?.consent?.grantId;
      return grantId ? context.oidc.provider.Grant.find(grantId) : undefined;
    },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    responseTypes: ['code'],
    routes: { authorization: '/authorize', token: '/token', jwks: '/jwks', introspection: '/introspection', revocation: '/revocation' },
    interactions: { url: (_: Context, interaction: { uid: string }) => `/oauth/interaction/${interaction.uid}` },
    findAccount: async (_: Context, id: string) => {
      const account = await findAccount(pool, id);
      if (!account) return undefined;
      return {
        accountId: account.id,
        claims: () => ({ sub: account.id, fhirUser: `${origin}/fhir/Practitioner/${account.practitionerId}` }),
      };
    },
    renderError: (context: Context) => {
      for (const [name, value] of Object.entries(pageHeaders())) context.res.setHeader(name, value);
      context.type = 'html';
      context.body = errorPage('The request of the app cannot be answered.');
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      ClientCredentials: backendTokenSeconds,
      Grant: grantSeconds,
      IdToken: accessTokenSeconds,
      Interaction: 15 * 60,
      RefreshToken: grantSeconds,
      Session: (_: Context, session: { loginTs?: number }) => sessionLeft(session.loginTs),
    },
  };
}

/** SMART wants the launch context in the token response, and PKCE failures of the verifier as invalid_grant. */
async function launchContext(context: Context, next: () => Promise<void>): Promise<void> {
  await next();
  if (context.oidc?.route !== 'token' || typeof context.body !== 'object' || context.body === null) return;
  const body = context.body as { error?: string; error_description?: string };
  if (body.error === undefined) context.body = { ...context.oidc.entities.AccessToken?.extra, ...body };
  else if (body.error_description?.startsWith('code_verifier')) context.body = { ...body, error: 'invalid_grant' };
}

/**
 * Which pages may read an answer. The library opens preflights and the errors of unknown clients to every origin; here only registered
 * origins get the header, the keys are for all, and introspection is for servers.
 */
function registeredOnly(origins: RegisteredOrigins): (context: Context, next: () => Promise<void>) => Promise<void> {
  return async (context, next) => {
    await next();
    if (context.path === '/jwks' || context.response.get(allowOrigin) === '') return;
    if (context.path === '/introspection' || !(await origins.includes(context.req.headers.origin))) {
      for (const name of Object.keys(context.response.headers)) if (name.startsWith('access-control-')) context.remove(name);
    }
  };
}

/** Client secrets are stored hashed; the presented one is hashed before the comparison. */
function compareHashedSecret(this: Client, actual: string): boolean {
  const expected = Buffer.from(this.clientSecret ?? '');
  const hashed = Buffer.from(hashSecret(actual));
  return expected.length === hashed.length && timingSafeEqual(expected, hashed);
}

export function smartProvider(options: ProviderOptions): Provider {
  const provider = new Provider(`${options.origin}/oauth`, configuration(options));
  // The front (index.ts) sets the forwarded headers itself; nothing of the client's reaches them.
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = compareHashedSecret;
  provider.use(registeredOnly(options.origins));
  provider.use(launchContext);
  provider.on('server_error', (_, error) => options.onError(error));
  return provider;
}
