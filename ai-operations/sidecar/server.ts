// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md — the HTTP side.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { SidecarConfig } from './config.ts';
import { parseInferRequest } from './infer-request.ts';
import { encodeInferResponse } from './infer-response.ts';
import type { Models } from './models.ts';
import { ProtocolError } from './protocol-error.ts';

type Limits = Pick<SidecarConfig, 'maxBodyBytes' | 'defaultTimeoutMs'>;

const serverMetadata = { name: 'limen-inference', version: '0.1.0', extensions: ['binary_tensor_data'] };
const modelPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/;
const maxTimeoutMs = 600_000;

function sendJson(response: ServerResponse, status: number, body: unknown, headers: { [name: string]: string } = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers }).end(bytes);
}

async function bodyOf(request: IncomingMessage, maximum: number): Promise<Buffer> {
  if (request.headers['content-encoding']) throw new ProtocolError(400, 'compressed requests are not accepted');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > maximum) throw new ProtocolError(413, 'the request is too large');
    chunks.push(chunk as Buffer);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** The shorter of the header `x-request-timeout-ms` and the parameter `timeout`; else the default. */
function timeoutOf(request: IncomingMessage, parameterMs: number | undefined, fallbackMs: number): number {
  const header = request.headers['x-request-timeout-ms'];
  const headerMs = header === undefined ? undefined : Number(header);
  if (headerMs !== undefined && !(headerMs > 0)) throw new ProtocolError(400, 'x-request-timeout-ms must be a positive number');
  return Math.min(headerMs ?? maxTimeoutMs, parameterMs ?? maxTimeoutMs, headerMs || parameterMs ? maxTimeoutMs : fallbackMs);
}

/** Aborts when the deadline passes or the client is gone: its place in the queue is free then. */
function deadline(response: ServerResponse, timeoutMs: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  response.once('close', abort);
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      response.removeListener('close', abort);
    },
  };
}

async function infer(
  request: IncomingMessage,
  response: ServerResponse,
  models: Models,
  limits: Limits,
  name: string,
  version?: string,
): Promise<void> {
  const model = models.find(name, version);
  const length = request.headers['inference-header-content-length'];
  const parsed = parseInferRequest(await bodyOf(request, limits.maxBodyBytes), typeof length === 'string' ? length : undefined);
  const { signal, clear } = deadline(response, timeoutOf(request, parsed.timeoutMs, limits.defaultTimeoutMs));
  try {
    const outputs = await model.infer(parsed.inputs, signal);
    const by = { model: model.config.name, version: model.file.version, weightsSha256: model.file.weightsSha256 };
    const { body, headerLength } = encodeInferResponse(parsed, outputs, by);
    response
      .writeHead(200, {
        'content-type': headerLength === undefined ? 'application/json' : 'application/octet-stream',
        'content-length': body.length,
        ...(headerLength === undefined ? {} : { 'inference-header-content-length': headerLength }),
      })
      .end(body);
  } finally {
    clear();
  }
}

async function modelRoute(
  request: IncomingMessage,
  response: ServerResponse,
  models: Models,
  limits: Limits,
  match: RegExpExecArray,
): Promise<void> {
  const [, rawName = '', version, action] = match;
  const name = decodeURIComponent(rawName);
  if (action === 'infer') {
    if (request.method !== 'POST') throw new ProtocolError(404, 'infer is a POST');
    return infer(request, response, models, limits, name, version);
  }
  if (request.method !== 'GET') throw new ProtocolError(404, 'there is no such resource');
  const model = models.find(name, version);
  if (action === undefined) return sendJson(response, 200, model.metadata(models.versions(name)));
  if (!model.ready) throw new ProtocolError(503, 'the model is not ready', 1);
  sendJson(response, 200, { name: model.config.name, ready: true });
}

/** Beside the protocol's yes or no: each worker with its restarts, so that a crash loop is seen while another worker still answers. */
function sendReadiness(response: ServerResponse, models: Models): void {
  const served = models.all.map((model) => ({
    name: model.config.name,
    version: model.file.version,
    ready: model.ready,
    instances: model.health,
  }));
  if (models.ready) return sendJson(response, 200, { ready: true, models: served });
  sendJson(response, 503, { ready: false, error: 'not every model is ready', models: served }, { 'retry-after': '1' });
}

async function route(request: IncomingMessage, response: ServerResponse, models: Models, limits: Limits): Promise<void> {
  const path = (request.url ?? '/').replace(/\?.*$/s, '').replace(/(?<=.)\/$/, '');
  const match = modelPath.exec(path);
  if (match) return modelRoute(request, response, models, limits, match);
  if (request.method !== 'GET') throw new ProtocolError(404, 'there is no such resource');
  if (path === '/v2') return sendJson(response, 200, serverMetadata);
  if (path === '/v2/health/live') return sendJson(response, 200, { live: true });
  if (path !== '/v2/health/ready') throw new ProtocolError(404, 'there is no such resource');
  sendReadiness(response, models);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const known = error instanceof ProtocolError ? error : undefined;
  const badUrl = error instanceof URIError ? new ProtocolError(400, 'the path is not valid') : undefined;
  const { status, message, retryAfterS } = known ?? badUrl ?? new ProtocolError(500, 'internal error');
  const headers: { [name: string]: string } = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  // What is left of the body is not read: the connection can not be used again.
  if (!request.complete) headers.connection = 'close';
  sendJson(response, status, { error: message }, headers);
}

/** The protocol over these models; not yet listening. */
export function createInferenceServer(models: Models, limits: Limits): Server {
  return createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
    route(request, response, models, limits).catch((error: unknown) => refuse(request, response, error));
  });
}
