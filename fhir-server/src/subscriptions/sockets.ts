// All websockets of this process: how many, how large their messages, whether their clients still answer.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { OperationOutcomeError } from '@limen/fhir-model';
import { WebSocketServer } from 'ws';
import { type Bind, Connection, type SocketLimits } from './connection.ts';
import type { SubscriptionRow } from './store.ts';

const maximumMessageBytes = 16 * 1024;

export const socketLimits: SocketLimits = {
  connections: 1000,
  unbound: 200,
  ofClient: 50,
  bindings: 100,
  messagesAMinute: 60,
  bindWithinMs: 10_000,
  pingMs: 30_000,
  slowMs: 10_000,
  recheckMs: 5000,
};

function tooMany(): OperationOutcomeError {
  return new OperationOutcomeError(
    503,
    { code: 'throttled', diagnostics: 'There are too many connections.' },
    { headers: { 'retry-after': '10' } },
  );
}

export class Sockets {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: maximumMessageBytes, perMessageDeflate: false });
  readonly #connections = new Set<Connection>();
  readonly #limits: SocketLimits;
  readonly #bind: Bind;
  readonly #pinger: NodeJS.Timeout;

  constructor(bind: Bind, limits: SocketLimits = socketLimits) {
    this.#bind = bind;
    this.#limits = limits;
    this.#pinger = setInterval(() => this.#each((connection) => connection.ping()), limits.pingMs).unref();
  }

  /**
   * Takes over an upgrade request.
   * @param authorization header of the request, when it was a valid one
   * @throws OperationOutcomeError 503 when there are too many
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, authorization: string | undefined): void {
    const unbound = [...this.#connections].filter((connection) => !connection.isBound).length;
    if (this.count >= this.#limits.connections || unbound >= this.#limits.unbound) throw tooMany();
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      const connection = new Connection(opened, this.#limits, async (message) => {
        const bound = await this.#bind(message, authorization);
        for (const { client } of bound) if (this.#ofClient(client) >= this.#limits.ofClient) throw tooMany();
        return bound;
      });
      this.#connections.add(connection);
      opened.on('close', () => this.#connections.delete(connection));
    });
  }

  /** Connections that are open now. */
  get count(): number {
    return this.#connections.size;
  }

  #ofClient(client: string): number {
    return [...this.#connections].filter(({ clients }) => clients.has(client)).length;
  }

  #each(run: (connection: Connection) => void): void {
    for (const connection of this.#connections) run(connection);
  }

  /** Tells each connection what is new of what it is bound to. */
  round(rows: ReadonlyMap<string, SubscriptionRow>): void {
    this.#each((connection) => connection.turn(rows));
  }

  close(): void {
    clearInterval(this.#pinger);
    this.#each((connection) => connection.terminate());
    this.#server.close();
  }
}
