// Registration of clients at run time, by administrators or with a token of theirs: https://www.rfc-editor.org/rfc/rfc7591
import { randomBytes, randomUUID } from 'node:crypto';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { type ClientMetadata, clientMetadata, findClient, RegistrationError, registerClient } from '../operational/index.ts';
import { storedId } from './adapter.ts';
import { permittedScopes } from './permitted-scopes.ts';

export interface RegistrationOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
}

/** Who registers: an administrator, or the bearer of a token that one has made, which says how much can be asked for. */
interface Registrar {
  readonly accountId: string;
  readonly limit: string | undefined;
}

const bodyLimit = 64 * 1024;
const tokenDays = 7;
const bearer = /^Bearer ([A-Za-z0-9_-]{43})$/;

function unauthorized(reply: FastifyReply): FastifyReply {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
  return reply.code(401).headers(challenge).send({ error: 'invalid_token', error_description: 'Only administrators register clients.' });
}

/** The administrator whose token this is, given to our own app: that of another app must not grow into new clients. */
async function administrator(options: RegistrationOptions, header: string | undefined): Promise<string | undefined> {
  try {
    const principal = await options.authenticate(header);
    if (principal.role !== 'administrator' || !principal.userId) return undefined;
    return (await findClient(options.pool, principal.clientId))?.trusted ? principal.userId : undefined;
  } catch (error) {
    if (error instanceof OperationOutcomeError && error.status === 401) return undefined;
    throw error;
  }
}

/** Uses a registration token up. */
async function tokenBearer(pool: Pool, header: string | undefined): Promise<Registrar | undefined> {
  const token = bearer.exec(header ?? '')?.[1];
  if (!token) return undefined;
  const { rows } = await pool.query<{ accountId: string; limit: string }>(
    `update operational.registration_token set used_at = now() where id = $1 and used_at is null and expires_at > now()
     returning account_id as "accountId", scope as limit`,
    [storedId(token)],
  );
  return rows[0];
}

async function save(pool: Pool, metadata: ClientMetadata, registrar: Registrar): Promise<object> {
  const { token_endpoint_auth_method: method, jwks, jwks_uri: jwksUri } = metadata;
  const scope = permittedScopes(metadata.scope, registrar.limit ?? metadata.scope);
  if (scope === '') throw new RegistrationError('invalid_client_metadata', 'None of the scopes can be registered.');
  const clientId = randomUUID();
  const secret = method === 'client_secret_basic' || method === 'client_secret_post' ? randomBytes(32).toString('base64url') : undefined;
  await registerClient(pool, {
    clientId,
    name: metadata.client_name,
    authMethod: method === 'client_secret_post' ? 'client_secret_basic' : method,
    scope,
    grantTypes: metadata.grant_types,
    redirectUris: metadata.redirect_uris,
    launchUris: metadata.launch_uris,
    jwks: jwks ?? null,
    jwksUri: jwksUri ?? null,
    registeredBy: registrar.accountId,
    ...(secret === undefined ? {} : { secret }),
  });
  return {
    client_id: clientId,
    client_id_issued_at: Math.floor(Date.now() / 1000),
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    ...metadata,
    scope,
  };
}

async function register(options: RegistrationOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { pool } = options;
  const { authorization } = request.headers;
  try {
    const accountId = await administrator(options, authorization);
    // Looked at first: what is refused for its content does not use a token up.
    const metadata = clientMetadata(request.body);
    const registrar = accountId === undefined ? await tokenBearer(pool, authorization) : { accountId, limit: undefined };
    return registrar ? reply.code(201).send(await save(pool, metadata, registrar)) : unauthorized(reply);
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    return reply.code(400).send({ error: error.code, error_description: error.message });
  }
}

/** A token with which one client registers itself, with these scopes at most. */
async function makeToken(pool: Pool, accountId: string, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const { scope } = (body ?? {}) as { scope?: unknown };
  const limit = typeof scope === 'string' ? permittedScopes(scope, scope) : '';
  if (limit === '') return reply.code(400).send({ error: 'invalid_request', error_description: 'scope names what may be registered.' });
  const token = randomBytes(32).toString('base64url');
  await pool.query(
    `insert into operational.registration_token (id, account_id, scope, expires_at) values ($1, $2, $3, now() + make_interval(days => ${tokenDays}))`,
    [storedId(token), accountId, limit],
  );
  return reply.code(201).send({ registration_token: token, scope: limit, expires_in: tokenDays * 86_400 });
}

/** The client goes with all that was granted to it; only one that was registered at run time. */
async function remove(pool: Pool, clientId: string): Promise<boolean> {
  const { rowCount } = await pool.query('delete from operational.client where client_id = $1 and registered_by is not null', [clientId]);
  if (rowCount !== 1) return false;
  await pool.query(`delete from operational.oidc where payload->>'clientId' = $1`, [clientId]);
  return true;
}

/** POST `/oauth/register`, POST `/oauth/registration-tokens`, DELETE `/oauth/register/:id`. */
export function registrationRoutes(app: FastifyInstance, options: RegistrationOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)));
    } catch {
      done(null, undefined);
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
  });
  app.post('/oauth/register', (request, reply) => register(options, request, reply));
  app.post('/oauth/registration-tokens', async (request, reply) => {
    const accountId = await administrator(options, request.headers.authorization);
    return accountId === undefined ? unauthorized(reply) : makeToken(options.pool, accountId, request.body, reply);
  });
  app.delete<{ Params: { id: string } }>('/oauth/register/:id', async (request, reply) => {
    if ((await administrator(options, request.headers.authorization)) === undefined) return unauthorized(reply);
    if (await remove(options.pool, request.params.id)) return reply.code(204).send();
    return reply.code(404).send({ error: 'not_found', error_description: 'No client of that id was registered at run time.' });
  });
}
