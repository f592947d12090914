// Limits of websockets: who reads too slowly, says nothing, asks too much or no longer answers is let go, and delays nobody else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { OperationOutcomeError } from '@limen/fhir-model';
import { WebSocket } from 'ws';
import type { Bound, SocketLimits } from '../src/subscriptions/connection.ts';
import { Sockets, socketLimits } from '../src/subscriptions/sockets.ts';
import type { SubscriptionRow } from '../src/subscriptions/store.ts';

const id = '00000000-0000-4000-8000-000000000001';
const other = '00000000-0000-4000-8000-000000000002';
let http: Server;
let sockets: Sockets;
let refused = 0;
const taken: bigint[] = [];
/** What `check` says. */
let hasAccess = true;
let notification = 'event';

const row = (events: number, version = 1): SubscriptionRow => ({
  ...{ id, client: 'c', account: null, version, status: 'active', sealed: Buffer.alloc(0), start: '0', failures: 0, isDue: true },
  ...{ events: String(events), delivered: '0', channel: 'websocket', isSilent: false },
});
const rows = (events: number, version?: number): Map<string, SubscriptionRow> => new Map([[id, row(events, version)]]);

const bound = (name: string): Bound => ({
  ...{ id: name, client: 'c', version: 1, events: 0n, heartbeatMs: undefined, greeting: `bound ${name}` },
  check: async () => {
    if (!hasAccess) throw new OperationOutcomeError(401, { code: 'login' });
  },
  after: async (_row, sent) => {
    taken.push(sent + 1n);
    return { text: notification, sent: sent + 1n };
  },
  heartbeat: () => 'heartbeat',
});

function serve(limits: Partial<SocketLimits> = {}): void {
  sockets = new Sockets(
    async (message) => {
      if (message.kind !== 'bind') throw new OperationOutcomeError(403, { code: 'forbidden' });
      return [bound(message.id)];
    },
    { ...socketLimits, ...limits },
  );
  http.on('upgrade', (request, socket, head) => {
    try {
      sockets.accept(request, socket, head, undefined);
    } catch {
      refused += 1;
      socket.destroy();
    }
  });
}

const port = (): number => (http.address() as AddressInfo).port;

async function open(options: { autoPong?: boolean } = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port()}/`, options);
  await once(socket, 'open');
  return socket;
}

const say = async (socket: WebSocket, message: string): Promise<string> => {
  const heard = once(socket, 'message');
  socket.send(message);
  return String((await heard)[0]);
};

const closed = async (socket: WebSocket): Promise<number> => ((await once(socket, 'close')) as [number])[0];

/** A client that binds and then reads nothing more. */
async function deaf(): Promise<Socket> {
  const socket = connect(port(), '127.0.0.1');
  socket.write(
    'GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
  );
  await once(socket, 'data');
  const message = Buffer.from(`bind ${id}`);
  // A masked text frame; the mask is zero.
  const greeted = once(socket, 'data');
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message]));
  await greeted;
  socket.pause();
  return socket;
}

beforeEach(async () => {
  http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  refused = 0;
  taken.length = 0;
  hasAccess = true;
  notification = 'event';
});
afterEach(() => {
  sockets.close();
  http.close();
});

describe('are let go', () => {
  test('who says nothing', async () => {
    serve({ bindWithinMs: 50 });
    assert.equal(await closed(await open()), 1008);
  });

  test('who says too much, or binds to what is not theirs', async () => {
    serve({ messagesAMinute: 2, bindings: 1 });
    const eager = await open();
    await say(eager, `bind ${id}`);
    eager.send(`bind ${id}`);
    eager.send(`bind ${id}`);
    assert.equal(await closed(eager), 1008);
    const foreign = await open();
    foreign.send(`bind-with-token ${'x'.repeat(50)}`);
    assert.equal(await closed(foreign), 1008);
  });

  test('who no longer answers', async () => {
    serve({ pingMs: 50 });
    const silent = await open({ autoPong: false });
    assert.equal(await say(silent, `bind ${id}`), `bound ${id}`);
    assert.equal(await closed(silent), 1006);
  });

  test('who reads too slowly: nothing is piled up for them, and others are told', async () => {
    serve({ slowMs: 2000 });
    const slow = await deaf();
    const quick = await open();
    assert.equal(await say(quick, `bind ${id}`), `bound ${id}`);
    notification = 'x'.repeat(16 * 1024 * 1024);
    let heard = 0;
    const told = new Promise<void>((resolve, reject) => {
      quick.on('message', () => {
        heard += 1;
        if (heard === 3) resolve();
      });
      quick.on('close', () => reject(new Error('The quick one was let go.')));
    });
    const gone = new Promise((resolve) => slow.on('close', resolve).on('error', () => undefined));
    sockets.round(rows(3));
    sockets.round(rows(3));
    await told;
    while (sockets.count > 1) await pause(20);
    slow.resume();
    await gone;
    // The first of three was on its way to the slow one, and no other was made for it.
    assert.deepEqual(
      taken.filter((n) => n > 1n),
      [2n, 3n],
    );
    assert.equal(quick.readyState, WebSocket.OPEN);
  });

  test('whose access has ended, before the event is told', async () => {
    serve();
    const socket = await open();
    await say(socket, `bind ${id}`);
    hasAccess = false;
    sockets.round(rows(1));
    assert.equal(await closed(socket), 1008);
    assert.deepEqual(taken, []);
  });

  test('whose subscription was changed or is gone', async () => {
    serve();
    const [changed, gone] = [await open(), await open()];
    await say(changed, `bind ${id}`);
    await say(gone, `bind ${other}`);
    sockets.round(rows(0, 2));
    assert.deepEqual(await Promise.all([closed(changed), closed(gone)]), [1000, 1000]);
  });
});

describe('are not let in', () => {
  test('more connections than may be, bound or not', async () => {
    serve({ unbound: 1, connections: 2 });
    const first = await open();
    await assert.rejects(open());
    await say(first, `bind ${id}`);
    await open();
    await assert.rejects(open());
    assert.equal(refused, 2);
  });

  test('more connections of one client', async () => {
    serve({ ofClient: 1 });
    await say(await open(), `bind ${id}`);
    const second = await open();
    second.send(`bind ${id}`);
    assert.equal(await closed(second), 1008);
  });
});
