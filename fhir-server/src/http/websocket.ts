// https://www.rfc-editor.org/rfc/rfc6455 — who may open a websocket: pages of registered origins only, with a good access token or none yet.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { OperationOutcomeError, operationOutcome, type Principal } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import type { RegisteredOrigins } from '../operational/index.ts';
import type { Sockets } from '../subscriptions/index.ts';

const path = '/fhir/_websocket';
const refusalMs = 2000;

export interface SocketGate {
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
  readonly origins: RegisteredOrigins;
  /** Our own. */
  readonly origin: string;
}

export function isSocketRequest({ url, headers }: IncomingMessage): boolean {
  return url?.split('?')[0] === path && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Browsers send no preflight before a websocket: the origin is asked for here. */
async function admitted({ headers }: IncomingMessage, { authenticate, origins, origin }: SocketGate): Promise<string | undefined> {
  if (headers.origin !== undefined && headers.origin !== origin && !(await origins.includes(headers.origin)))
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'Pages of this origin may not connect.' });
  // A browser can't send the header: it binds with a token of its own.
  if (headers.authorization !== undefined) await authenticate(headers.authorization);
  return headers.authorization;
}

function refuse(socket: Duplex, error: unknown): void {
  const known = error instanceof OperationOutcomeError ? error : undefined;
  const body = JSON.stringify(known?.outcome ?? operationOutcome({ code: 'exception', diagnostics: 'The connection could not be made.' }));
  const headers = {
    ...known?.headers,
    connection: 'close',
    'content-type': 'application/fhir+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${known?.status ?? 503} Refused\r\n${head.join('')}\r\n${body}`);
  setTimeout(() => socket.destroy(), refusalMs).unref();
}

export function mountSockets(app: FastifyInstance, sockets: Sockets, gate: SocketGate): void {
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    admitted(request, gate).then(
      (authorization) => {
        try {
          sockets.accept(request, socket, head, authorization);
        } catch (error) {
          refuse(socket, error);
        }
      },
      (error: unknown) => refuse(socket, error),
    );
  });
}
