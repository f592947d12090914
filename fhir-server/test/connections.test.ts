// Slow and silent clients, and too many of them, at the product's own HTTP server: they are removed. And /ready, which is honest about a full disk.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { createApp } from '../src/http/app.ts';
import { mountHealth } from '../src/http/health.ts';

const limits = {
  maximumConnections: 3,
  headersMs: 1500,
  requestMs: 2000,
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
