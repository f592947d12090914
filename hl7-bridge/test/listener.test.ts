// The MLLP listener on a real socket.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createMllpServer, type MllpLimits } from '../src/index.ts';
import { frame, openSender } from './sender.ts';

type Handle = (frame: Buffer) => Promise<Buffer | undefined>;

async function listening(t: TestContext, handle: Handle, limits: Partial<MllpLimits> = {}) {
  const events: string[] = [];
  const server = createMllpServer({ host: '127.0.0.1', port: 0, limits, handle, log: (event) => void events.push(event) });
  const { port } = await server.start();
  t.after(() => server.stop());
  const sender = await openSender(port);
  t.after(() => sender.socket.destroy());
  return { server, port, sender, events };
}

const echo: Handle = async (bytes) => Buffer.from(`re:${bytes.toString('latin1')}`, 'latin1');

test('a frame past the limit closes the connection and is never handled', async (t) => {
  let handled = 0;
  const count: Handle = async () => {
    handled += 1;
    return undefined;
  };
  const { sender, events } = await listening(t, count, { maxFrameBytes: 100_000 });
  await sender.write(`\x0b${'a'.repeat(200_000)}`);
  await sender.closed();
  assert.equal(handled, 0);
  assert.ok(events.includes('mllp-frame-too-large'));
});

test('a start block and then silence: the read timeout frees the connection, nothing is handled', async (t) => {
  let handled = 0;
  const count: Handle = async () => {
    handled += 1;
    return undefined;
  };
  const { sender, events } = await listening(t, count, { readTimeoutMs: 30 });
  await sender.write('\x0bMSH|');
  await sender.closed();
  assert.equal(handled, 0);
  assert.deepEqual(events, ['mllp-read-timeout']);
});

test('a frame that never ends is cut off however steadily it trickles', async (t) => {
  const { sender, events } = await listening(t, echo, { readTimeoutMs: 60_000, frameTimeoutMs: 50 });
  await sender.write('\x0bMSH|');
  const trickle = setInterval(() => sender.socket.write('a'), 10);
  await sender.closed();
  clearInterval(trickle);
  assert.ok(events.includes('mllp-frame-timeout'));
});

test('an idle connection is closed', async (t) => {
  const { sender, events } = await listening(t, echo, { idleTimeoutMs: 30 });
  await sender.closed();
  assert.deepEqual(events, ['mllp-idle-timeout']);
});

test('a connection above the maximum is not served, the others are', async (t) => {
  const { sender, port } = await listening(t, echo, { maxConnections: 1 });
  const second = await openSender(port);
  await second.closed();
  await sender.write(frame('a'));
  assert.equal(await sender.answer(), 're:a');
});

test('a handler that fails closes the connection without an answer', async (t) => {
  const { sender, events } = await listening(t, () => Promise.reject(new Error('TESTER')));
  await sender.write(frame('a'));
  await assert.rejects(sender.answer());
  assert.deepEqual(events, ['mllp-handler-failed']);
});

test('a port in use is an error of start', async (t) => {
  const { port } = await listening(t, echo);
  await assert.rejects(createMllpServer({ host: '127.0.0.1', port, handle: echo }).start(), { code: 'EADDRINUSE' });
});

test('one byte per packet is one message and one answer', async (t) => {
  const { sender } = await listening(t, echo);
  for (const byte of frame('MSH|é')) await sender.write(Buffer.from([byte]));
  assert.equal(await sender.answer(), `re:${Buffer.from('MSH|é').toString('latin1')}`);
});

test('end block and carriage return in different packets', async (t) => {
  const { sender } = await listening(t, echo);
  await sender.write('\x0babc\x1c');
  await sender.write('\r');
  assert.equal(await sender.answer(), 're:abc');
});

test('garbage before a frame is ignored', async (t) => {
  const { sender } = await listening(t, echo);
  await sender.write(Buffer.concat([Buffer.from('garbage\r\n'), frame('good')]));
  assert.equal(await sender.answer(), 're:good');
});

test('twenty pipelined frames are handled one at a time and answered in order', async (t) => {
  let running = 0;
  let most = 0;
  const { sender } = await listening(
    t,
    async (bytes) => {
      running += 1;
      most = Math.max(most, running);
      // The first frames take longest: an answer out of order would show.
      for (let turn = 20 - Number(bytes.toString()); turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return bytes;
    },
    { maxQueuedFrames: 4 },
  );
  const numbers = Array.from({ length: 20 }, (_, index) => String(index));
  await sender.write(Buffer.concat(numbers.map(frame)));
  const answers: string[] = [];
  while (answers.length < 20) answers.push(await sender.answer());
  assert.deepEqual(answers, numbers);
  assert.equal(most, 1);
});

test('a sender faster than the handler is not read on: its bytes stay in its own socket', async (t) => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { sender } = await listening(
    t,
    async () => {
      await gate;
      return Buffer.from('ok');
    },
    { maxQueuedFrames: 2 },
  );
  const total = 300;
  const big = frame('a'.repeat(100_000));
  let written = 0;
  const writing = (async () => {
    for (; written < total; written += 1) await sender.write(big);
  })();
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(written < total, 'the socket took 30 MB without back-pressure');
  release();
  for (let answer = 0; answer < total; answer += 1) assert.equal(await sender.answer(), 'ok');
  await writing;
});

test('a sender that closes its side still gets its answer', async (t) => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { sender } = await listening(t, async (bytes) => {
    await gate;
    return bytes;
  });
  sender.socket.end(frame('last'));
  release();
  assert.equal(await sender.answer(), 'last');
  await sender.closed();
});

test('a stop answers what was received, then closes', async (t) => {
  let release = (): void => undefined;
  let started = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const { server, sender, port } = await listening(t, async (bytes) => {
    started();
    await gate;
    return bytes;
  });
  await sender.write(Buffer.concat([frame('one'), frame('two')]));
  await running;
  const stopped = server.stop();
  release();
  assert.deepEqual([await sender.answer(), await sender.answer()], ['one', 'two']);
  await stopped;
  await assert.rejects(openSender(port), { code: 'ECONNREFUSED' });
});

test('unfinished frames of many senders share one limit: the others are not read until there is room, and none is lost', async (t) => {
  const full = Promise.withResolvers<void>();
  const server = createMllpServer({
    host: '127.0.0.1',
    port: 0,
    limits: { maxBufferedBytes: 1_000_000, maxFrameBytes: 32_000_000 },
    handle: async (bytes) => Buffer.from(String(bytes.length)),
    log: (event) => {
      if (event === 'mllp-memory-full') full.resolve();
    },
  });
  const { port } = await server.start();
  t.after(() => server.stop());
  const [first, second] = [await openSender(port), await openSender(port)];
  // The answer to the small frame says that the start of the next one was read: its frame is the oldest.
  await first.write(Buffer.concat([frame('x'), Buffer.from('\x0b')]));
  assert.equal(await first.answer(), '1');
  await first.write('a'.repeat(900_000));
  // More than the sockets of the system take: it is written to its end only when the listener reads it.
  let isWritten = false;
  const written = second.write(frame('b'.repeat(30_000_000))).then(() => {
    isWritten = true;
  });
  await full.promise;
  await first.write(`${'a'.repeat(900_000)}`);
  assert.equal(isWritten, false);
  await first.write('\x1c\r');
  assert.equal(await first.answer(), '1800000');
  assert.equal(await second.answer(), '30000000');
  await written;
  first.socket.destroy();
  second.socket.destroy();
});
