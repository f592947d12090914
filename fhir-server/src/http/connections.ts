// What a connection may cost: how many there are, how long a request may take to arrive, and how long an answer may lie untaken. Who is slower is
// removed, so that others find room. Only the time that the client takes counts, never the server's own (ADR 0023).
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { operationOutcome } from '@limen/fhir-model';

export interface ConnectionLimits {
  readonly maximumConnections: number;
  /** From the first byte to the end of the headers. */
  readonly headersMs: number;
  /** From the headers to the end of the body, besides the time that its bytes need at the slowest speed. */
  readonly bodyMs: number;
  /** Without a byte in either direction and without a request. */
  readonly idleMs: number;
  /** Until an answer that was handed over has been taken, besides the time that its bytes need at the slowest speed. */
  readonly untakenMs: number;
  readonly slowestBytesPerMs: number;
  /** Between two looks at all connections. */
  readonly checkMs: number;
}

export const shippedConnectionLimits: ConnectionLimits = {
  maximumConnections: 20_000,
  headersMs: 30_000,
  bodyMs: 120_000,
  idleMs: 120_000,
  untakenMs: 120_000,
  // A weak mobile connection.
  slowestBytesPerMs: 32,
  checkMs: 10_000,
};

const refusals = {
  headers: { status: 431, code: 'too-long', sentence: 'The address and the headers together may have at most 16 KB.' },
  late: { status: 408, code: 'timeout', sentence: 'The request took too long to arrive.' },
  malformed: { status: 400, code: 'structure', sentence: 'This is no HTTP request.' },
} as const;
type Refusal = keyof typeof refusals;

interface Clock {
  waitedMs: number;
  /** What the socket had moved when the clock began. */
  sinceBytes: number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Clock;
}

/** One connection: its requests, and the clocks of what its client is slow with. */
class Connection {
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  /** In the order in which they came; all but the last are those of a client that does not wait for answers. */
  #exchanges: Exchange[] = [];
  #answers: Clock = { waitedMs: 0, sinceBytes: 0 };
  #isRefused = false;

  constructor(socket: Socket, limits: ConnectionLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  began(request: IncomingMessage, response: ServerResponse): void {
    this.#exchanges = this.#exchanges.filter((each) => !each.request.complete || !each.response.closed);
    this.#exchanges.push({ request, response, body: { waitedMs: 0, sinceBytes: this.#socket.bytesRead } });
  }

  /** Whether the server owes an answer. */
  get isBusy(): boolean {
    return this.#exchanges.some(({ response }) => !response.closed);
  }

  /** Time has gone by. */
  passed(ms: number): void {
    if (this.#isAnswerUntaken(ms)) this.#socket.destroy();
    else if (this.#isBodyLate(ms)) this.refuse('late');
  }

  #isAnswerUntaken(ms: number): boolean {
    const { writableLength, bytesWritten } = this.#socket;
    const clock = this.#answers;
    if (writableLength === 0) {
      clock.waitedMs = 0;
      clock.sinceBytes = bytesWritten;
      return false;
    }
    clock.waitedMs += ms;
    // What lies in the socket counts as well: of one large piece nothing is seen until all of it is taken.
    return clock.waitedMs > this.#limits.untakenMs + (bytesWritten - clock.sinceBytes) / this.#limits.slowestBytesPerMs;
  }

  #isBodyLate(ms: number): boolean {
    const last = this.#exchanges.at(-1);
    if (!last || last.request.complete) return false;
    const { request, body } = last;
    // The server does not read at the moment: what it has is not worked off.
    if (request.readableLength >= request.readableHighWaterMark) return false;
    body.waitedMs += ms;
    return body.waitedMs > this.#limits.bodyMs + (this.#socket.bytesRead - body.sinceBytes) / this.#limits.slowestBytesPerMs;
  }

  /** Says why what comes next, or is on its way, is no request; after the answers that earlier requests still get. */
  refuse(refusal: Refusal): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    const owed = this.#exchanges.filter(({ request, response }) => request.complete && !response.closed);
    const isAnswered = this.#exchanges.some(({ request, response }) => !request.complete && response.headersSent);
    const end = (): void => (isAnswered ? void this.#socket.destroy() : write(this.#socket, refusal));
    const last = owed.at(-1);
    if (last) last.response.once('close', end);
    else end();
  }
}

function write(socket: Socket, refusal: Refusal): void {
  const { status, code, sentence } = refusals[refusal];
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(operationOutcome({ code, diagnostics: sentence }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/fhir+json; charset=utf-8',
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const connections = new WeakMap<Socket, Connection>();

/** Keeps watch on the connections of a server. */
export function limitConnections(server: Server, limits: ConnectionLimits): void {
  server.maxConnections = limits.maximumConnections;
  const open = new Set<Connection>();
  // Of HTTPS a connection is what its requests come over, not what lies below.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    const connection = new Connection(socket, limits);
    connections.set(socket, connection);
    open.add(connection);
    socket.once('close', () => open.delete(connection));
  });
  server.prependListener('request', (request, response) => connections.get(request.socket)?.began(request, response));
  // Nothing moves because the server works: the client waits for its answer, and so does the clock.
  server.on('timeout', (socket) => (connections.get(socket)?.isBusy ? socket.setTimeout(limits.idleMs) : socket.destroy()));
  let lookedMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    // While the process was held up, nobody could be served: that is nobody's slowness.
    const ms = Math.min(nowMs - lookedMs, 2 * limits.checkMs);
    lookedMs = nowMs;
    for (const connection of open) connection.passed(ms);
  }, limits.checkMs).unref();
  server.once('close', () => clearInterval(timer));
}

/** What is no request that can be routed is told so. */
export function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  const connection = connections.get(socket);
  if (!connection || error.code === 'ECONNRESET') socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW') connection.refuse('headers');
  else if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') connection.refuse('malformed');
  // A connection that was opened in advance has no request yet; if it never has one, the idle limit ends it.
  else if (socket.bytesRead > 0) connection.refuse('late');
}
