// A process of its own that sends GETs over kept connections, round by round as its parent asks. Plain sockets: a heavier client would take the CPU it measures.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One round. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly paths: readonly string[];
  /** Value of the Authorization header; absent: none is sent. */
  readonly authorization?: string;
}

export interface Measured {
  readonly requests: number;
  readonly perSecond: number;
  readonly not2xx: number;
  readonly bodyBytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadGenerator {
  run(load: Load): Promise<Measured>;
  stop(): void;
}

export function loadGenerator(): LoadGenerator {
  const child: ChildProcess = fork(import.meta.filename, [], { execArgv: [] });
  return {
    async run(load) {
      child.send(load);
      const [answer] = (await once(child, 'message')) as [Measured | { readonly error: string }];
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    },
    stop: () => void child.kill(),
  };
}

interface Tally {
  requests: number;
  not2xx: number;
  bodyBytes: number;
  readonly latencies: number[];
}

const headEnd = Buffer.from('\r\n\r\n');

/** Sends the next request whenever an answer is whole; ends with the answer after the time is over. */
class Connection {
  readonly #socket: Socket;
  readonly #next: () => Buffer | undefined;
  readonly #tally: Tally;
  #received: Buffer = Buffer.alloc(0);
  #sentMs = 0;

  constructor(port: number, next: () => Buffer | undefined, tally: Tally) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#next = next;
    this.#tally = tally;
  }

  async done(): Promise<void> {
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.once('connect', () => this.#send());
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.once('close', () => resolve());
    });
  }

  #send(): void {
    const request = this.#next();
    if (!request) {
      this.#socket.end();
      return;
    }
    this.#sentMs = performance.now();
    this.#socket.write(request);
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      this.#socket.destroy(new Error('An answer has no Content-Length.'));
      return;
    }
    if (this.#received.length < end + headEnd.length + length) return;
    this.#received = Buffer.alloc(0);
    this.#tally.requests += 1;
    this.#tally.bodyBytes += length;
    if (!/^HTTP\/1\.1 2/.test(head)) this.#tally.not2xx += 1;
    this.#tally.latencies.push(performance.now() - this.#sentMs);
    this.#send();
  }
}

function requestsOf(load: Load): Buffer[] {
  const authorization = load.authorization ? `Authorization: ${load.authorization}\r\n` : '';
  return load.paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\n${authorization}\r\n`));
}

async function measure(load: Load): Promise<Measured> {
  const tally: Tally = { requests: 0, not2xx: 0, bodyBytes: 0, latencies: [] };
  const requests = requestsOf(load);
  let turn = 0;
  const startedMs = performance.now();
  const endMs = startedMs + load.seconds * 1000;
  const next = (): Buffer | undefined => (performance.now() < endMs ? requests[turn++ % requests.length] : undefined);
  await Promise.all(Array.from({ length: load.connections }, () => new Connection(load.port, next, tally).done()));
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const sorted = tally.latencies.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? 0;
  const { requests: n, not2xx, bodyBytes } = tally;
  return { requests: n, perSecond: n / tookSeconds, not2xx, bodyBytes, p50Ms: at(0.5), p99Ms: at(0.99) };
}

if (process.send && process.argv[1] === import.meta.filename) {
  process.on('message', (load: Load) => {
    measure(load).then(
      (measured) => process.send?.(measured),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
}
