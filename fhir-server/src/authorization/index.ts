// SMART App Launch 2.2 authorization server: https://hl7.org/fhir/smart-app-launch/STU2.2/
import { type FhirClient, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import type { People } from '../accounts/people.ts';
import { accountRoutes } from '../accounts/routes.ts';
import type { AuditRow } from '../audit/chain.ts';
import type { RegisteredOrigins } from '../operational/index.ts';
import { SecretBox } from '../operational/secret-box.ts';
import { deleteExpiredSteps } from '../operational/sign-in-step.ts';
import type { OutgoingRules } from '../outgoing/index.ts';
import { deleteExpired } from './adapter.ts';
import { appStateRoutes } from './app-state.ts';
import { principalForClient, TokenAuthenticator } from './authenticate.ts';
import { type Brands, brandRoutes } from './brands.ts';
import { KeySets } from './client-keys.ts';
import { ehrLaunchRoutes } from './ehr/launch.ts';
import type { EhrParts, EhrPatients } from './ehr/parts.ts';
import { registeredEhrs } from './ehr/registered.ts';
import { ehrSessionRoutes } from './ehr/sessions.ts';
import { offerTokenExchange, tokenExchange } from './ehr/token-exchange.ts';
import { oauthEndpoints, ownOrigin } from './endpoints.ts';
import { interactionRoutes } from './interaction.ts';
import { authorizationKeys } from './keys.ts';
import { launchRoutes } from './launch-page.ts';
import { requestLaunch } from './launch-service.ts';
import { type ListPatients, PatientChoice } from './patient-choice.ts';
import { smartProvider } from './provider.ts';
import { registrationRoutes } from './registration.ts';
import { type AccessPolicy, compileAccessPolicy } from './roles.ts';
import { Sessions } from './sessions.ts';
import { openidConfiguration, smartConfiguration } from './smart-configuration.ts';
import { style, stylePath } from './style.ts';

export type { Brands } from './brands.ts';

export interface AuthorizationOptions {
  readonly pool: Pool;
  /** Public origin without a path: "http://127.0.0.1:8080". */
  readonly origin: string;
  readonly keysDir: string;
  readonly origins: RegisteredOrigins;
  /** Which addresses of clients may be asked for keys. */
  readonly outgoing: OutgoingRules;
  /** Patients that the picker offers to this user; `identifier` is what the user typed. */
  readonly listPatients: ListPatients;
  /** FHIR as this caller may see it, inside this process. */
  readonly clientFor: (principal: Principal) => FhirClient;
  /** Who runs this server, for apps that let a person choose; absent: the server's own name. */
  readonly brands?: Brands;
  /** What roles may do; the shipped policy when absent. */
  readonly accessPolicy?: AccessPolicy;
  /** The list of other EHRs as read from its file, and how their patients are found here. */
  readonly ehrs?: { readonly list: unknown; readonly patients: EhrPatients };
  /** Audit trail of accounts and sessions. */
  readonly audit?: (row: AuditRow) => Promise<void>;
  /** An administrator has made an account: its Practitioner is to be made. */
  readonly accountCreated?: () => Promise<void>;
  /** Told of bugs (never of refusals). */
  readonly onError?: (error: Error) => void;
}

export interface Authorization {
  register(app: FastifyInstance): void;
  /** The principal of an `Authorization` header; 401 with WWW-Authenticate otherwise. */
  authenticate(header: string | undefined): Promise<Principal>;
  /** The principal of a client inside this process, from its registration. */
  principalForClient(clientId: string): Promise<Principal>;
  /** A launch for the user of this principal: the body and the answer of `POST _services/smart/Launch`. */
  requestLaunch(principal: Principal, body: unknown): Promise<{ launch_id: string }>;
}

/** "localhost" for 127.0.0.1: cookies and the origin check need the one name. */
function otherLoopbackName(host: string | undefined, origin: string): boolean {
  return new URL(origin).hostname === '127.0.0.1' && /^(localhost|\[::1\])(:\d+)?$/.test(host ?? '');
}

const cleanMs = 10 * 60_000;

/** Discovery documents are for everyone: any origin may read them. */
function discovery(app: FastifyInstance, path: string, document: object): void {
  const body = JSON.stringify(document);
  app.get(path, (_request, reply) =>
    reply.headers({ 'access-control-allow-origin': '*', 'x-content-type-options': 'nosniff' }).type('application/json').send(body),
  );
  app.options(path, (_request, reply) =>
    reply
      .code(204)
      .headers({ 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET', 'access-control-max-age': '3600' })
      .send(),
  );
}

/** https://openid.net/specs/openid-connect-core-1_0.html#UserInfo, for the same tokens that open the FHIR API. */
function userinfo(app: FastifyInstance, origin: string, authenticate: Authorization['authenticate']): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/userinfo',
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        const principal = await authenticate(request.headers.authorization);
        if (!principal.userId || !principal.scopes.others.has('openid')) return reply.code(403).send({ error: 'insufficient_scope' });
        const { fhirUser } = principal;
        return { sub: principal.userId, ...(principal.scopes.others.has('fhirUser') ? { fhirUser: `${origin}/fhir/${fhirUser}` } : {}) };
      } catch (error) {
        if (!(error instanceof OperationOutcomeError)) throw error;
        return reply.code(error.status).headers(error.headers).send({ error: 'invalid_token' });
      }
    },
  });
}

/** Reads or makes the keys and builds the authorization server; its routes exist after `register`. */
export async function authorization(options: AuthorizationOptions): Promise<Authorization> {
  const { pool, origin, origins } = options;
  const keys = await authorizationKeys(options.keysDir);
  const policy = options.accessPolicy ?? compileAccessPolicy();
  const authenticator = new TokenAuthenticator(pool, origin, policy);
  const onError = options.onError ?? (() => undefined);
  const keySets = new KeySets(options.outgoing);
  const ehrs = registeredEhrs(options.ehrs?.list, policy);
  const provider = smartProvider({
    pool,
    origin,
    origins,
    keys,
    keySets,
    onRevoke: () => authenticator.forget(),
    onError,
  });
  const brands = options.brands ?? { changedAt: new Date() };
  const choice = new PatientChoice(options.listPatients, options.clientFor, keys.cookies[0] ?? '', policy);
  const authenticate = (header: string | undefined) => authenticator.authenticate(header);
  const people: People = {
    pool,
    box: new SecretBox(keys.accounts),
    origin,
    policy,
    sessions: new Sessions(pool, provider),
    accountCreated: options.accountCreated ?? (async () => undefined),
    audit: options.audit ?? (async () => undefined),
    onRevoke: () => authenticator.forget(),
  };
  const ehrParts: EhrParts | undefined = options.ehrs && {
    ehrs,
    people,
    keySets,
    outgoing: options.outgoing,
    patients: options.ehrs.patients,
  };
  const furtherGrants = ehrs.some((ehr) => ehr.tokenExchange) ? [tokenExchange] : [];
  if (ehrParts) offerTokenExchange(provider, ehrParts);
  const pages = { pool, origin, provider, choice, people };
  return {
    authenticate,
    principalForClient: (clientId) => principalForClient(pool, clientId),
    requestLaunch: (principal, body) => requestLaunch(options, principal, body),
    register(app) {
      const cleaner = setInterval(() => void Promise.all([deleteExpired(pool), deleteExpiredSteps(pool)]).catch(onError), cleanMs).unref();
      app.addHook('onClose', async () => clearInterval(cleaner));
      app.register(async (scope) => {
        discovery(scope, '/fhir/.well-known/smart-configuration', smartConfiguration(origin, brands, furtherGrants));
        discovery(scope, stylePath, style);
        discovery(scope, '/oauth/.well-known/openid-configuration', openidConfiguration(origin, brands, furtherGrants));
      });
      app.register(async (scope) => userinfo(scope, origin, authenticate));
      app.register(async (scope) => brandRoutes(scope, origin, brands));
      app.register(async (scope) => appStateRoutes(scope, { ...options, authenticate, secret: keys.cookies[0] ?? '' }));
      app.register(async (scope) => registrationRoutes(scope, { pool, origin, authenticate }));
      app.register(async (scope) => oauthEndpoints(scope, provider, origin));
      if (ehrParts) app.register(async (scope) => ehrSessionRoutes(scope, people, authenticate));
      for (const routes of [
        interactionRoutes,
        launchRoutes,
        accountRoutes,
        ...(ehrParts ? [(scope: FastifyInstance) => ehrLaunchRoutes(scope, ehrParts)] : []),
      ]) {
        app.register(async (scope) => {
          scope.addHook('onRequest', async (request, reply) => {
            if (request.method === 'GET' && otherLoopbackName(request.headers.host, origin))
              return reply.redirect(`${origin}${request.url}`, 302);
            ownOrigin(request.raw, origin);
          });
          routes(scope, pages);
        });
      }
    },
  };
}
