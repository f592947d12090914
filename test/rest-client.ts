// A plain HTTP client for tests that speak to the product from outside; it knows nothing of the server's code.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import path from 'node:path';
import type { OperationOutcome } from '@limen/fhir-model';
import pg from 'pg';
import type { Product } from './product.ts';

/** JSON as tests look at it: every step may be absent. */
export interface Json {
  readonly [name: string]: Json;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body; an empty object when there is none. */
  readonly json: Json;
}

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the backend client's token; an empty string sends none. */
  readonly token?: string;
}

export type Rest = (path: string, call?: Call) => Promise<Answer>;

/** Asks an address; a body that is no string or Buffer goes out as FHIR JSON. */
export async function ask(url: string, { method, body, headers, token }: Call = {}): Promise<Answer> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
  return { status: response.status, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Json) : ({} as Json) };
}

/** Calls relative to the FHIR base (or absolute ones), with the backend client's token. */
export function rest(product: Product): Rest {
  return async (target, call = {}) => {
    const url = /^https?:/.test(target) ? target : `${product.fhirBase}/${target}`;
    return ask(url, { ...call, token: call.token ?? (await product.backendToken()) });
  };
}

/** The lists in FHIR JSON; absent is empty. */
export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function entriesOf(bundle: Answer): readonly Json[] {
  return list(bundle.json['entry']);
}

/** A refusal in the form that the API promises: the status, an OperationOutcome with an error, and no trace of an input value. */
export function assertRefused(answer: Answer, status: number, code?: string): OperationOutcome {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/fhir\+json/, answer.text);
  const outcome = answer.json as unknown as OperationOutcome;
  assert.equal(outcome.resourceType, 'OperationOutcome');
  const [issue] = outcome.issue;
  assert.ok(issue?.diagnostics, answer.text);
  assert.ok(issue.severity === 'error' || issue.severity === 'fatal', answer.text);
  if (code) assert.equal(issue.code, code, answer.text);
  return outcome;
}

/** Every page of a search or history, by its own `next` links. */
export async function allPages(call: Rest, first: string, between?: (page: number) => Promise<unknown>): Promise<Json[]> {
  const found: Json[] = [];
  let page = 0;
  for (let url: string | undefined = first; url !== undefined; page++) {
    const answer: Answer = await call(url);
    assert.equal(answer.status, 200, answer.text);
    found.push(...entriesOf(answer));
    url = list(answer.json['link']).find((link) => String(link['relation']) === 'next')?.['url'] as unknown as string | undefined;
    await between?.(page);
  }
  return found;
}

/** A connection to one of the product's own databases. */
export async function database(product: Product, name: 'limen' | 'vault' = 'limen'): Promise<pg.Client> {
  const client = new pg.Client({ host: path.join(product.dataDir, 'socket'), user: 'limen', database: name });
  // Tests kill the database on purpose.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Sends bytes in one MLLP frame (or as they are) and returns what comes back until the end of a frame or of the connection. */
export function sendMllp(port: number, message: string | Buffer, framed = true): Promise<string> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(message);
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(framed ? Buffer.concat([Buffer.from([0x0b]), bytes, Buffer.from([0x1c, 0x0d])]) : bytes),
    );
    let answer = Buffer.alloc(0);
    const done = (): void => {
      socket.destroy();
      resolve(answer.toString('utf8'));
    };
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.includes(0x1c)) done();
    });
    socket.once('close', done);
    socket.once('error', reject);
    socket.setTimeout(20_000, () => socket.destroy(new Error('no acknowledgement')));
  });
}
