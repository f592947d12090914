// HL7 v2 Minimal Lower Layer Protocol listener: one message at a time per connection, answers in order, back-pressure instead of loss.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type BridgeLog, silentLog } from '../log.ts';
import { openConnection } from './connection.ts';
import { createFrameBuffers } from './frame-buffers.ts';
import { defaultMllpLimits, type MllpLimits } from './limits.ts';
import { type MllpTls, tlsOptions } from './tls.ts';

export interface MllpServerOptions {
  /** The address to bind; nothing is bound by default. */
  readonly host: string;
  readonly port: number;
  readonly limits?: Partial<MllpLimits>;
  /** The answer to a frame; undefined sends none. When it throws, the connection is closed without an answer, so that the sender resends. */
  handle(frame: Buffer, send: (payload: Buffer) => boolean): Promise<Buffer | undefined>;
  readonly log?: BridgeLog;
  /** Absent: plain TCP. */
  readonly tls?: MllpTls;
}

export interface MllpServer {
  start(): Promise<{ port: number }>;
  /** Takes no more connections or bytes, answers what was already received, then closes. */
  stop(): Promise<void>;
}

function listen(server: Server, host: string, port: number): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve({ port: address !== null && typeof address === 'object' ? address.port : port });
    });
  });
}

function listenerOf(tls: MllpTls | undefined, limits: MllpLimits, serve: (socket: Socket) => void): Server {
  const socketOptions = { allowHalfOpen: true, noDelay: true };
  if (!tls) return createServer(socketOptions, serve);
  return createTlsServer({ ...socketOptions, ...tlsOptions(tls), handshakeTimeout: limits.readTimeoutMs }, serve);
}

/** Makes a listener; it binds when started. */
export function createMllpServer(options: MllpServerOptions): MllpServer {
  const limits: MllpLimits = { ...defaultMllpLimits, ...options.limits };
  const log = options.log ?? silentLog;
  const buffers = createFrameBuffers(limits.maxBufferedBytes);
  const connections = new Set<{ drain(): Promise<void> }>();

  // Half-open sockets stay writable: a sender may close its side and still wait for the acknowledgement.
  const serve = (socket: Socket): void => {
    const connection = openConnection(socket, { limits, log, buffers, handle: options.handle });
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const sockets = new Set<Socket>();
  const server = listenerOf(options.tls, limits, serve);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_error: Error, socket: Socket) => {
    log('mllp-tls-refused', {});
    socket.destroy();
  });

  server.maxConnections = limits.maxConnections;
  server.on('drop', () => log('mllp-connection-refused', { maxConnections: limits.maxConnections }));

  return {
    async start() {
      const bound = await listen(server, options.host, options.port);
      server.on('error', () => log('mllp-listener-error', {}));
      return bound;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...connections].map((connection) => connection.drain()));
      // Those that never finished their handshake are no connections of ours.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
