// The HTTP face of the FHIR API: limits, content negotiation, authentication, errors as OperationOutcome. No logic of FHIR lives here.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type OperationOutcome, OperationOutcomeError, operationOutcome, type Principal } from '@limen/fhir-model';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Request as InteractionRequest } from '../interactions/answer.ts';
import { capabilities, handle } from '../interactions/handle.ts';
import { ownOperation } from '../interactions/own-operations.ts';
import type { RegisteredOrigins } from '../operational/index.ts';
import { xmlPatchType } from '../patch/index.ts';
import type { Server } from '../server.ts';
import { asksForContent, binaryOf, contentOf, parseBinaryBodies } from './binary.ts';
import { type ConnectionLimits, limitConnections, refuseConnection, shippedConnectionLimits } from './connections.ts';
import { compressAnswers, unpackBodies } from './encodings.ts';
import { unavailable } from './faults.ts';
import { type Format, negotiate, parseFhirBodies, refusalFormat, rendered, xmlLimitBytes } from './formats.ts';
import type { RateLimiter } from './rate-limits.ts';
import { type HttpTls, secureOptions } from './tls.ts';
import { addVary } from './vary.ts';
import { isSocketRequest } from './websocket.ts';

const bodyLimitBytes = 32 * 1024 * 1024;
/** A search in a form: some thousand ids. */
const formLimitBytes = 256 * 1024;
const maximumParameters = 500;

export function createApp(log: Server['log'], limits: ConnectionLimits = shippedConnectionLimits, tls?: HttpTls): FastifyInstance {
  const app: FastifyInstance = Fastify({
    ...listenerOptions(limits, () => app.server, tls),
    bodyLimit: bodyLimitBytes,
    logger: false,
    // Its clock would run while the server itself does not read: connections.ts has one that does not.
    requestTimeout: 0,
    connectionTimeout: limits.idleMs,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    genReqId: () => randomUUID(),
    clientErrorHandler: refuseConnection,
    // An address that is not well encoded; the framework's own answer would repeat it.
    frameworkErrors: (_error, request, reply) => sendError(log, badAddress(), request, reply),
  });
  limitConnections(app.server, limits);
  app.setErrorHandler((error, request, reply) => sendError(log, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendError(log, new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'There is nothing at this address.' }), request, reply),
  );
  return app;
}

/** What the listener itself is told; the framework knows two kinds, which behave alike for all that is mounted. */
function listenerOptions(limits: ConnectionLimits, server: () => FastifyInstance['server'], tls: HttpTls | undefined): { http: object } {
  const http = {
    // Other upgrades (h2c) are ordinary requests, as they were before there were websockets.
    shouldUpgradeCallback: (request: IncomingMessage) => server().listenerCount('upgrade') > 0 && isSocketRequest(request),
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: limits.checkMs,
  };
  return tls ? ({ https: { ...http, ...secureOptions(tls) } } as unknown as { http: object }) : { http };
}

function badAddress(cause?: unknown): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'The address is not well encoded.' }, { cause });
}

function sendError(log: Server['log'], error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = asOutcomeError(error);
  if (!known)
    log.error({
      event: 'bug',
      requestId: request.id,
      name: error instanceof Error ? error.name : 'unknown',
      stack: error instanceof Error ? error.stack?.split('\n').slice(1, 6).join('\n') : undefined,
    });
  const { contentType, text } = refusalBody(
    request,
    known?.outcome ?? operationOutcome({ code: 'exception', diagnostics: `Internal error; request ${request.id}.` }),
  );
  reply
    .code(known?.status ?? 500)
    .headers({ ...known?.headers, 'content-type': contentType, 'cache-control': 'no-store', 'x-request-id': String(request.id) })
    .send(text);
}

function refusalBody(request: FastifyRequest, outcome: OperationOutcome): ReturnType<typeof rendered> {
  return rendered(JSON.stringify(outcome), refusalFormat(request));
}

function asOutcomeError(error: unknown): OperationOutcomeError | undefined {
  if (error instanceof OperationOutcomeError) return error;
  const fault = unavailable(error);
  if (fault) return fault;
  const code = (error as { code?: string }).code;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new OperationOutcomeError(413, {
      code: 'too-long',
      diagnostics: `A body may have at most ${bodyLimitBytes} bytes, one in XML ${xmlLimitBytes}, a form ${formLimitBytes}.`,
    });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'Send application/fhir+json or application/fhir+xml.' });
  if (code?.startsWith('FST_ERR_CTP'))
    return new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body cannot be read.' });
  const status = (error as { statusCode?: number }).statusCode;
  return status && status < 500
    ? new OperationOutcomeError(status, { code: 'invalid', diagnostics: 'The request cannot be processed.' })
    : undefined;
}

export interface FhirGate {
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
  readonly origins: RegisteredOrigins;
  readonly requestLaunch: (principal: Principal, body: unknown) => Promise<{ launch_id: string }>;
  readonly rates: RateLimiter;
}

/** Mounts `/fhir/*`. */
export function mountFhir(app: FastifyInstance, server: Server, { authenticate, origins, requestLaunch, rates }: FhirGate): void {
  void app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      parseFhirBodies(scope);
      parseBinaryBodies(scope);
      unpackBodies(scope, bodyLimitBytes);
      compressAnswers(scope);
      scope.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string', bodyLimit: formLimitBytes },
        async (_request: FastifyRequest, body: string) => body,
      );
      const principals = new WeakMap<FastifyRequest, Principal>();
      const audited = new WeakSet<FastifyRequest>();
      scope.addHook('onRequest', async (request, reply) => {
        await cors(origins, request, reply);
        // A preflight carries no token.
        if (request.method === 'OPTIONS') return reply.code(204).send();
        // Before the body is read: what nobody vouches for is not parsed.
        if (isPublic(request)) return undefined;
        const principal = await authenticate(request.headers.authorization);
        principals.set(request, principal);
        await rates.charge(principal, request, reply);
        return undefined;
      });
      scope.setErrorHandler(async (error, request, reply) => {
        // What was refused before it became an interaction (no token, unreadable body) is an event too.
        const fault =
          isPublic(request) || audited.has(request) ? error : await auditRefusal(server, principals.get(request), request, error);
        sendError(server.log, fault, request, reply);
        return reply;
      });
      const fhir = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        const principal = principals.get(request);
        if (!principal) throw new OperationOutcomeError(401, { code: 'login', diagnostics: 'An access token is required.' });
        const asked = interactionRequest(server, request);
        const format = formatOf(server, asked);
        audited.add(request);
        return answer(server, principal, { asked, format }, request, reply);
      };
      // Everybody may ask for it, and it costs a search for each type: made anew only when the search parameters are others.
      let statement: { readonly of: unknown; readonly text: string } | undefined;
      scope.get('/metadata', async (request, reply) => {
        const format = negotiate(queryOf(request), request.headers.accept);
        const of = server.searchParameters.definitions;
        if (statement?.of !== of) statement = { of, text: JSON.stringify(capabilities(server)) };
        const { contentType, text } = rendered(statement.text, format);
        addVary(reply, 'Accept');
        return reply.header('content-type', contentType).send(text);
      });
      scope.post('/_services/smart/Launch', async (request, reply) => {
        const principal = principals.get(request);
        if (!principal) throw new OperationOutcomeError(401, { code: 'login', diagnostics: 'An access token is required.' });
        const launch = await requestLaunch(principal, request.body);
        audited.add(request);
        const { clientId: client, userId: user = '-' } = principal;
        await server.audit.record({ interaction: 'launch', client, user, status: 200, requestId: String(request.id) });
        return reply.header('cache-control', 'no-store').send(launch);
      });
      scope.all('/', fhir);
      scope.all('/*', fhir);
    },
    { prefix: '/fhir' },
  );
}

/** Pages of registered clients may call; what is public, every page may read. No cookies are ever used. */
async function cors(origins: RegisteredOrigins, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { origin } = request.headers;
  const open = isOpen(request);
  if (!open) reply.header('vary', 'Origin');
  if (!origin || !(open || (await origins.includes(origin)))) return;
  reply.headers({
    'access-control-allow-origin': open ? '*' : origin,
    'access-control-allow-headers':
      'authorization, content-type, accept, if-match, if-none-match, if-modified-since, if-none-exist, prefer, idempotency-key',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-expose-headers':
      'ETag, Location, Content-Location, Last-Modified, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
  });
}

function segmentsOf(url: string): string[] {
  try {
    return url.slice('/fhir'.length).split('?')[0]?.split('/').filter(Boolean).map(decodeURIComponent) ?? [];
  } catch (cause) {
    throw badAddress(cause);
  }
}

/** The CapabilityStatement is for every page, and so is the preflight for it. */
function isOpen(request: FastifyRequest): boolean {
  return /^\/fhir\/metadata\/?(\?|$)/.test(request.url);
}

/** The CapabilityStatement needs no token. */
function isPublic(request: FastifyRequest): boolean {
  return request.routeOptions.url === '/fhir/metadata';
}

function queryOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.url.split('?')[1] ?? '');
}

/** The request as the interactions know it; refuses what is none. */
function interactionRequest(server: Server, request: FastifyRequest): InteractionRequest {
  const segments = segmentsOf(request.url);
  const query = queryOf(request);
  const isXmlPatch = typeof request.body === 'string' && request.headers['content-type']?.toLowerCase().startsWith(xmlPatchType) === true;
  if (isXmlPatch && request.method !== 'PATCH')
    throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'Send application/fhir+json or application/fhir+xml.' });
  const isForm = typeof request.body === 'string' && !isXmlPatch;
  if (isForm && segments.at(-1) !== '_search')
    throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'Send application/fhir+json or application/fhir+xml.' });
  if (isForm) for (const [name, value] of new URLSearchParams(request.body as string)) query.append(name, value);
  if (query.size > maximumParameters)
    throw new OperationOutcomeError(400, {
      code: 'too-costly',
      diagnostics: `A request may have at most ${maximumParameters} parameters.`,
    });
  if (request.body instanceof Readable && !['$import', '$deidentify'].includes(segments[0] ?? ''))
    throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'NDJSON is for $import and $deidentify.' });
  const body = Buffer.isBuffer(request.body) ? binaryOf(server, request, segments, request.body) : request.body;
  const headers = request.headers as { [name: string]: string | undefined };
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  return { method, segments, query, headers, body: isForm ? undefined : body, requestId: String(request.id), isDirect: true };
}

/** Said and done: to an interaction `_format` and `_pretty` would be parameters of its own. */
function formatOf(server: Server, asked: InteractionRequest): Format | 'content' {
  if (asksForContent(asked)) return 'content';
  if (asked.segments[0] === '_jobs' || ownOperation(server, asked)?.isNegotiating) return { kind: 'json', pretty: false };
  const format = negotiate(asked.query, asked.headers['accept']);
  for (const name of ['_format', '_pretty']) asked.query.delete(name);
  return format;
}

async function answer(
  server: Server,
  principal: Principal,
  { asked, format }: { readonly asked: InteractionRequest; readonly format: Format | 'content' },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const done = await handle(server, principal, asked);
  reply.code(done.status).headers({ 'cache-control': 'no-store', 'x-request-id': String(request.id), ...done.headers });
  if (done.content) return reply.header('content-type', done.content.type).send(Readable.from(done.content.pieces));
  if (done.body === undefined) return reply.send();
  addVary(reply, 'Accept');
  const content = format === 'content' ? contentOf(done.body, asked) : undefined;
  if (content) return reply.headers(content.headers).send(content.bytes);
  const { contentType, text } = rendered(done.body, format === 'content' ? { kind: 'json', pretty: false } : format);
  return reply.header('content-type', contentType).send(text);
}

/** Writes the row of a refusal. @returns the error to answer with: that of the audit trail when it can't be written */
async function auditRefusal(server: Server, principal: Principal | undefined, request: FastifyRequest, error: unknown): Promise<unknown> {
  const status = asOutcomeError(error)?.status ?? 500;
  if (status === 503) return error;
  try {
    const interaction = principal ? 'refused' : 'unauthenticated';
    await server.audit.record({ interaction, client: principal?.clientId ?? '-', status, requestId: String(request.id) });
    return error;
  } catch (fault) {
    return fault;
  }
}
