// A process of its own that creates, reads, updates, searches and deletes over kept connections; plain sockets, as load-generator.ts.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface CrudLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly authorization: string;
  /** "Patient/id", one taken by each connection in turn. */
  readonly patients: readonly string[];
}

export interface CrudMeasured {
  readonly requests: number;
  readonly perSecond: number;
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function runCrud(load: CrudLoad): Promise<CrudMeasured> {
  const child: ChildProcess = fork(import.meta.filename, [], { execArgv: [] });
  try {
    child.send(load);
    const [answer] = (await once(child, 'message')) as [CrudMeasured | { readonly error: string }];
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  } finally {
    child.kill();
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

const headEnd = Buffer.from('\r\n\r\n');

/** One request at a time on one socket. */
class Exchange {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #resolve: (answer: Answer) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.once('error', (error) => this.#reject(error));
  }

  send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request);
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + headEnd.length + length) return;
    this.#received = Buffer.alloc(0);
    this.#resolve({ status: Number(head.slice(9, 12)), location: /\r\nlocation: *(\S+)/i.exec(head)?.[1] });
  }
}

async function work(load: CrudLoad, number: number, endMs: number, taken: number[]): Promise<number> {
  const exchange = new Exchange(load.port);
  const subject = load.patients[number % load.patients.length] ?? '';
  let refused = 0;
  const ask = async (method: string, path: string, body?: object): Promise<Answer> => {
    const text = body ? JSON.stringify(body) : '';
    const type = body ? `Content-Type: application/fhir+json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` : '';
    const startedMs = performance.now();
    const answer = await exchange.send(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\nAuthorization: ${load.authorization}\r\n${type}\r\n${text}`,
    );
    taken.push(performance.now() - startedMs);
    if (answer.status >= 300) refused += 1;
    return answer;
  };
  const weight = (value: number, id?: string): object => ({
    resourceType: 'Observation',
    ...(id ? { id } : {}),
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] },
    subject: { reference: subject },
    effectiveDateTime: '2024-05-06T10:00:00Z',
    valueQuantity: { value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  });
  while (performance.now() < endMs) {
    const { location } = await ask('POST', '/fhir/Observation', weight(70));
    const id = /Observation\/([^/]+)/.exec(location ?? '')?.[1];
    if (!id) break;
    await ask('GET', `/fhir/Observation/${id}`);
    await ask('PUT', `/fhir/Observation/${id}`, weight(71, id));
    await ask('GET', `/fhir/Observation/${id}`);
    await ask('DELETE', `/fhir/Observation/${id}`);
  }
  exchange.end();
  return refused;
}

async function measure(load: CrudLoad): Promise<CrudMeasured> {
  const taken: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + load.seconds * 1000;
  const refused = await Promise.all(Array.from({ length: load.connections }, (_, n) => work(load, n, endMs, taken)));
  const seconds = (performance.now() - startedMs) / 1000;
  const sorted = taken.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? 0;
  return {
    requests: taken.length,
    perSecond: taken.length / seconds,
    refused: refused.reduce((a, b) => a + b, 0),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

if (process.send && process.argv[1] === import.meta.filename) {
  process.on('message', (load: CrudLoad) => {
    measure(load).then(
      (measured) => process.send?.(measured),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
}
