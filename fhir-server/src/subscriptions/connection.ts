// One websocket: what it is bound to, how far it has been told, and the limits that end it. At most one notification is on its way: who reads too
// slowly is let go, and asks $events for what it missed.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { WebSocket } from 'ws';
import type { SocketMessage } from './socket-messages.ts';
import { parseMessage } from './socket-messages.ts';
import type { SubscriptionRow } from './store.ts';

export interface SocketLimits {
  readonly connections: number;
  /** Connections that are bound to nothing yet. */
  readonly unbound: number;
  readonly ofClient: number;
  readonly bindings: number;
  readonly messagesAMinute: number;
  readonly bindWithinMs: number;
  readonly pingMs: number;
  /** A notification that is not taken in this time ends the connection. */
  readonly slowMs: number;
  /** The caller's token is looked at again after this time, and before every event. */
  readonly recheckMs: number;
}

/** A subscription that a caller is bound to. */
export interface Bound {
  readonly id: string;
  readonly client: string;
  readonly version: number;
  readonly events: bigint;
  readonly heartbeatMs: number | undefined;
  /** What is said when it is bound. */
  readonly greeting: string;
  /** @throws OperationOutcomeError when the caller's access has ended */
  check(): Promise<void>;
  /** Notifications of the events after a number, and the number reached; undefined when there are none. */
  after(row: SubscriptionRow, sent: bigint): Promise<{ readonly text: string; readonly sent: bigint } | undefined>;
  heartbeat(row: SubscriptionRow): string;
}

/** @throws OperationOutcomeError for what the caller may not have */
export type Bind = (message: SocketMessage, authorization: string | undefined) => Promise<readonly Bound[]>;

interface Binding {
  readonly bound: Bound;
  sent: bigint;
  spokenAt: number;
  checkedAt: number;
}

const policyViolation = 1008;
const unsupportedData = 1003;

export class Connection {
  readonly #socket: WebSocket;
  readonly #limits: SocketLimits;
  readonly #bindings = new Map<string, Binding>();
  #alive = true;
  #turning = false;
  #messages = 0;
  #minute = performance.now();
  #work: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, limits: SocketLimits, bind: (message: SocketMessage) => Promise<readonly Bound[]>) {
    this.#socket = socket;
    this.#limits = limits;
    const timer = setTimeout(() => this.isBound || this.end('Nothing was bound in time.'), limits.bindWithinMs).unref();
    socket.on('error', () => socket.terminate());
    socket.on('close', () => clearTimeout(timer));
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data, isBinary) => this.#heard(isBinary ? undefined : String(data), bind));
  }

  get isBound(): boolean {
    return this.#bindings.size > 0;
  }

  get clients(): ReadonlySet<string> {
    return new Set([...this.#bindings.values()].map(({ bound }) => bound.client));
  }

  end(reason: string, code = policyViolation): void {
    this.#socket.close(code, reason);
    // Who does not answer the close either is not waited for.
    setTimeout(() => this.#socket.terminate(), 1000).unref();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Ends a connection whose client no longer answers. */
  ping(): void {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
  }

  #heard(text: string | undefined, bind: (message: SocketMessage) => Promise<readonly Bound[]>): void {
    const now = performance.now();
    if (now - this.#minute > 60_000) {
      this.#minute = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    if (this.#messages > this.#limits.messagesAMinute) return this.end('Too many messages.');
    if (text === undefined) return this.end('Messages are text.', unsupportedData);
    const message = parseMessage(text);
    if (!message) return this.end('A client says bind or bind-with-token.');
    this.#work = this.#work
      .then(async () => this.#bound(await bind(message)))
      .catch((error: unknown) => this.end(error instanceof OperationOutcomeError ? 'Not bound: no access.' : 'Not bound: try again.'));
  }

  async #bound(all: readonly Bound[]): Promise<void> {
    if (this.#bindings.size + all.length > this.#limits.bindings) return this.end('Too many subscriptions on one connection.');
    for (const bound of all) {
      const now = performance.now();
      await this.#send(bound.greeting);
      this.#bindings.set(bound.id, { bound, sent: bound.events, spokenAt: now, checkedAt: now });
    }
  }

  /** Tells what is new; does nothing while the last turn still goes on. */
  turn(rows: ReadonlyMap<string, SubscriptionRow>): void {
    if (this.#turning || !this.isBound) return;
    this.#turning = true;
    this.#tell(rows)
      .catch((error: unknown) => (error instanceof OperationOutcomeError ? this.end('The access has ended.') : this.terminate()))
      .finally(() => {
        this.#turning = false;
      });
  }

  async #tell(rows: ReadonlyMap<string, SubscriptionRow>): Promise<void> {
    for (const [id, binding] of this.#bindings) {
      const row = rows.get(id);
      if (!row || row.version !== binding.bound.version) {
        this.#bindings.delete(id);
        if (!this.isBound) return this.end('The subscription has ended or was changed.', 1000);
        continue;
      }
      await this.#tellOf(row, binding);
    }
  }

  async #tellOf(row: SubscriptionRow, binding: Binding): Promise<void> {
    const { bound } = binding;
    const isNew = BigInt(row.events) > binding.sent;
    if (isNew || performance.now() - binding.checkedAt >= this.#limits.recheckMs) {
      await bound.check();
      binding.checkedAt = performance.now();
    }
    while (BigInt(row.events) > binding.sent) {
      const next = await bound.after(row, binding.sent);
      if (!next) break;
      await this.#send(next.text);
      binding.sent = next.sent;
      binding.spokenAt = performance.now();
    }
    if (bound.heartbeatMs === undefined || performance.now() - binding.spokenAt < bound.heartbeatMs) return;
    await this.#send(bound.heartbeat(row));
    binding.spokenAt = performance.now();
  }

  #send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.terminate();
        reject(new Error('The client reads too slowly.'));
      }, this.#limits.slowMs);
      this.#socket.send(text, (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
