// Slow and silent clients, and too many of them, at the product's own HTTP server: they are removed. And /ready, which is honest about a full disk.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { selfSigned } from '../../test/self-signed.ts';
import { createApp } from '../src/http/app.ts';
import { mountHealth } from '../src/http/health.ts';

const limits = {
  maximumConnections: 3,
  headersMs: 1500,
  bodyMs: 1500,
  idleMs: 60_000,
  untakenMs: 2500,
  slowestBytesPerMs: 100_000,
  checkMs: 50,
};
let app: FastifyInstance;
let port: number;
/** What the database says to a question. */
let database: () => Promise<void> = async () => {};
const sizeOfAnswer = 24 * 1024 * 1024;

before(async () => {
  app = createApp(pino({ level: 'silent' }), limits);
  mountHealth(app, { query: (async () => database()) as never });
  app.get('/large', async () => 'a'.repeat(sizeOfAnswer));
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
});
after(() => app?.close());

async function opened(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the server ends the connection. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

describe('connections', () => {
  test('headers that never end, and bodies that never end: 408, and the connection is gone', async () => {
    const [headers, body] = [await opened(), await opened()];
    headers.write('GET /live HTTP/1.1\r\nhost: x\r\nx-slow: ');
    body.write('POST /live HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
    const answers = await Promise.all([untilClosed(headers), untilClosed(body)]);
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"OperationOutcome"[\s\S]*"timeout"/);
  });

  test('headers beyond 16 KB are 431, no HTTP at all is 400', async () => {
    const [long, none] = [await opened(), await opened()];
    long.write(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`);
    assert.match(await untilClosed(long), /^HTTP\/1\.1 431 [\s\S]*"too-long"/);
    none.write('\u0016\u0003\u0001 hello\r\n\r\n');
    assert.match(await untilClosed(none), /^HTTP\/1\.1 400 [\s\S]*"structure"/);
  });

  test('a client that does not read its answer is removed', async () => {
    const silent = await opened();
    silent.pause();
    silent.write('GET /large HTTP/1.1\r\nhost: x\r\n\r\n');
    // Nothing tells a socket that is paused that the other side is gone: what the server counts does.
    const count = (): Promise<number> => new Promise((resolve) => app.server.getConnections((_error, n) => resolve(n)));
    while ((await count()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    silent.destroy();
  });

  test('one more than there may be is not let in, and the next is when one has gone', async () => {
    const three = await Promise.all([opened(), opened(), opened()]);
    const fourth = connect(port, '127.0.0.1');
    fourth.on('error', () => undefined);
    await once(fourth, 'close');
    three[0]?.destroy();
    await once(three[0] as Socket, 'close');
    const request = 'GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    let answer = '';
    while (answer === '') {
      const next = await opened();
      next.write(request);
      answer = await untilClosed(next);
    }
    assert.match(answer, /^HTTP\/1\.1 200 /);
    for (const socket of three) socket.destroy();
  });
});

/** A server of its own, where everything that a client may be slow with is over at once. */
describe('correct requests are never told that they are late', () => {
  const short = { ...limits, headersMs: 300, bodyMs: 300, idleMs: 1500, untakenMs: 300, slowestBytesPerMs: 2000, maximumConnections: 100 };
  /** Longer than all of them. */
  const stepMs = 1800;
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  let server: FastifyInstance;
  before(async () => {
    server = createApp(pino({ level: 'silent' }), short);
    server.addContentTypeParser('application/x-lines', async (_request: unknown, body: unknown) => body);
    server.get('/', async () => 'here');
    server.get('/large', async () => 'a'.repeat(8 * 1024 * 1024));
    server.post('/', async ({ body }) => `taken ${JSON.stringify(body)}`);
    server.post('/slow', async () => {
      await sleep(stepMs);
      return 'done';
    });
    server.post('/lines', async ({ body }) => {
      let size = 0;
      for await (const bytes of body as AsyncIterable<Buffer>) {
        size += bytes.length;
        await sleep(100);
      }
      return `read ${size}`;
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => server?.close());

  const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
  const post = (path: string, body: string, more = ''): string =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;
  /** A client that reads all the time. */
  async function client(): Promise<{ socket: Socket; until: (end: string) => Promise<string>; statuses: () => string[] }> {
    const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    await once(socket, 'connect');
    const until = async (end: string): Promise<string> => {
      while (!text.includes(end)) {
        if (socket.closed) throw new Error(`The connection was closed after: ${text.slice(-300)}`);
        await sleep(25);
      }
      const found = text.slice(0, text.indexOf(end) + end.length);
      text = text.slice(found.length);
      seen.push(...(found.match(/HTTP\/1\.1 \d+/g) ?? []).map((line) => line.slice(9)));
      return found;
    };
    const seen: string[] = [];
    return { socket, until, statuses: () => seen };
  }

  test('a connection that was opened in advance', async () => {
    const { socket, until } = await client();
    await sleep(500);
    socket.write(get);
    await until('here');
    socket.destroy();
  });

  test('a second request after a pause, and one that begins while the first is worked on', async () => {
    const { socket, until, statuses } = await client();
    socket.write(get);
    await until('here');
    await sleep(700);
    socket.write(get);
    await until('here');
    socket.write(post('/slow', '1') + post('/', '2') + get);
    await until('done');
    await until('taken 2');
    await until('here');
    assert.deepEqual(statuses(), ['200', '200', '200', '200', '200']);
    socket.destroy();
  });

  test('a body that comes late but within its time, and one for which the server says when', async () => {
    const { socket, until } = await client();
    socket.write(post('/', '12').slice(0, -1));
    await sleep(100);
    socket.write('2');
    await until('taken 12');
    socket.write(post('/', '12', 'expect: 100-continue\r\n').slice(0, -2));
    await until('100 Continue');
    socket.write('12');
    await until('taken 12');
    socket.destroy();
  });

  test('a body that the server takes its time to read', async () => {
    const { socket, until } = await client();
    const size = 1024 * 1024;
    socket.write(`POST /lines HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-lines\r\ncontent-length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, 10));
    await until(`read ${size}`);
    socket.destroy();
  });

  test('an answer that is read slowly and steadily', async () => {
    const { socket, until } = await client();
    const beganMs = performance.now();
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    });
    socket.write(`GET /large HTTP/1.1\r\nhost: x\r\n\r\n${get}`);
    assert.match(await until('here'), /^HTTP\/1\.1 200 /);
    assert.ok(performance.now() - beganMs > short.untakenMs, 'it was read too fast to say anything');
    socket.destroy();
  });

  test('only what follows an answer is late: the answer comes first', async () => {
    const { socket, until, statuses } = await client();
    socket.write(post('/slow', '1') + get.slice(0, 9));
    await until('"timeout"');
    assert.deepEqual(statuses(), ['200', '408']);
    socket.destroy();
  });
});

test('over TLS: a body that never ends is 408, work that takes longer than the idle limit is waited for', async () => {
  const secure = createApp(pino({ level: 'silent' }), { ...limits, bodyMs: 300, idleMs: 1000, maximumConnections: 9 }, selfSigned('limen'));
  secure.get('/', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1800));
    return 'done';
  });
  secure.post('/', async () => 'taken');
  await secure.listen({ host: '127.0.0.1', port: 0 });
  try {
    const answerTo = async (request: string): Promise<string> => {
      const socket = connectTls({ port: (secure.server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('error', () => undefined);
      socket.write(request);
      return untilClosed(socket);
    };
    const late = answerTo('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
    const done = answerTo('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(await late, /^HTTP\/1\.1 408 [\s\S]*"timeout"/);
    assert.match(await done, /^HTTP\/1\.1 200 [\s\S]*done$/);
  } finally {
    await secure.close();
  }
});

describe('/ready', () => {
  const ready = async (): Promise<number> => (await app.inject('/ready')).statusCode;

  test('503 while the database does not answer', async () => {
    database = () => Promise.reject(new Error('away'));
    assert.equal(await ready(), 503);
    database = async () => {};
    assert.equal(await ready(), 200);
  });

  test('after a write without room: 503 until there is room, though questions are answered', async () => {
    const asked: string[] = [];
    const noRoom = Object.assign(new Error('full'), { code: '53100' });
    let hasRoom = false;
    const app2 = createApp(pino({ level: 'silent' }));
    app2.get('/full', async () => {
      throw new OperationOutcomeError(507, { code: 'no-store' });
    });
    const query = async ({ text }: { text: string }): Promise<void> => {
      asked.push(text);
      if (text !== 'select 1' && !hasRoom) throw noRoom;
    };
    mountHealth(app2, { query: query as never });
    const status = async (url: string): Promise<number> => (await app2.inject(url)).statusCode;
    assert.equal(await status('/ready'), 200);
    assert.equal(await status('/full'), 507);
    assert.equal(await status('/ready'), 503);
    hasRoom = true;
    assert.equal(await status('/ready'), 200);
    assert.equal(await status('/ready'), 200);
    assert.equal(asked.at(-1), 'select 1');
    await app2.close();
  });
});
