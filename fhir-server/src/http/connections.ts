// What a connection may cost: how many there are, how long a request may take to arrive, and how long an answer may lie untaken. Who is slower is
// removed, so that others find room.
import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { operationOutcome } from '@limen/fhir-model';

export interface ConnectionLimits {
  readonly maximumConnections: number;
  /** From the first byte to the end of the headers. */
  readonly headersMs: number;
  /** From the first byte to the end of the body. */
  readonly requestMs: number;
  /** Without a byte in either direction. */
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
  requestMs: 120_000,
  idleMs: 120_000,
  untakenMs: 120_000,
  // A weak mobile connection.
  slowestBytesPerMs: 32,
  checkMs: 10_000,
};

interface Progress {
  takenBytes: number;
  sinceMs: number;
}

/** Ends connections whose client does not take what was answered, even if it takes a little now and then. */
export function endSlowReaders(server: Server, { untakenMs, slowestBytesPerMs, checkMs }: ConnectionLimits): void {
  const sockets = new Map<Socket, Progress>();
  server.on('connection', (socket) => {
    sockets.set(socket, { takenBytes: 0, sinceMs: performance.now() });
    socket.once('close', () => sockets.delete(socket));
  });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, progress] of sockets) {
      const takenBytes = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || takenBytes > progress.takenBytes) {
        progress.takenBytes = takenBytes;
        progress.sinceMs = nowMs;
      } else if (nowMs - progress.sinceMs >= untakenMs + socket.writableLength / slowestBytesPerMs) socket.destroy();
    }
  }, checkMs).unref();
  server.once('close', () => clearInterval(timer));
}

const refusals: { readonly [code: string]: { readonly status: number; readonly sentence: string } | undefined } = {
  HPE_HEADER_OVERFLOW: { status: 431, sentence: 'The address and the headers together may have at most 16 KB.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, sentence: 'The request took too long to arrive.' },
};

/** What is no request that can be routed is told so, where nothing else was answered on the connection. */
export function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  const { status, sentence } = refusals[error.code ?? ''] ?? { status: 400, sentence: 'This is no HTTP request.' };
  if (!socket.writable || socket.bytesWritten > 0 || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(
    operationOutcome({ code: status === 408 ? 'timeout' : status === 431 ? 'too-long' : 'structure', diagnostics: sentence }),
  );
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/fhir+json; charset=utf-8',
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
