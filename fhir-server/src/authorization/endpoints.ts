// The endpoints under /oauth that oidc-provider (a Koa application) answers, inside Fastify.
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Provider } from 'oidc-provider';
import { sendPage } from './form.ts';
import { errorPage, pageHeaders } from './pages.ts';

const authorizeLimit = 56 * 1024;

interface Mounted extends IncomingMessage {
  originalUrl?: string;
}

/** oidc-provider builds its own URLs from the request: they must be ours whatever host the client wrote. */
export function ownOrigin(request: IncomingMessage, origin: string): void {
  const { host, protocol } = new URL(origin);
  request.headers.host = host;
  request.headers['x-forwarded-host'] = host;
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
}

function mount(raw: Mounted, path: string): void {
  raw.originalUrl = `/oauth${path}`;
  raw.url = path;
}

async function readForm(raw: IncomingMessage): Promise<string | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(raw.headers['content-type'] ?? '')) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > authorizeLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** SMART asks for refresh by scope alone; OpenID Connect wants `prompt=consent` beside offline_access. */
function withConsent(query: string): string {
  const params = new URLSearchParams(query);
  const scopes = (params.get('scope') ?? '').split(' ');
  if (scopes.includes('offline_access') && !params.has('prompt')) params.append('prompt', 'consent');
  return params.toString();
}

async function authorize(request: FastifyRequest, reply: FastifyReply, forward: () => void): Promise<void> {
  const { raw } = request;
  const query = request.method === 'POST' ? await readForm(raw) : ((raw.url ?? '').split('?')[1] ?? '');
  // PostgreSQL keeps no NUL character.
  if (query === undefined || query.includes('%00') || query.includes('\0')) {
    await sendPage(reply, errorPage('The request of the app must be a form of at most 56 kB without control characters.'), { status: 400 });
    return;
  }
  // A form POST is answered as the same GET: the session cookie is SameSite=Lax either way.
  raw.method = 'GET';
  delete raw.headers['content-type'];
  delete raw.headers['content-length'];
  mount(raw, `/authorize?${withConsent(query)}`);
  forward();
}

/** Every /oauth path that this folder does not answer itself. */
export function oauthEndpoints(app: FastifyInstance, provider: Provider, origin: string): void {
  const callback = provider.callback();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const forward = (request: FastifyRequest, reply: FastifyReply) => {
    ownOrigin(request.raw, origin);
    reply.hijack();
    for (const [name, value] of Object.entries(pageHeaders())) if (name !== 'content-type') reply.raw.setHeader(name, value);
    reply.raw.setHeader('pragma', 'no-cache');
    void callback(request.raw, reply.raw);
  };
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/authorize',
    handler: (request, reply) => authorize(request, reply, () => forward(request, reply)),
  });
  app.route({
    method: ['GET', 'POST', 'OPTIONS'],
    url: '/oauth/*',
    handler: (request, reply) => {
      mount(request.raw, (request.raw.url ?? '').slice('/oauth'.length));
      forward(request, reply);
    },
  });
}
