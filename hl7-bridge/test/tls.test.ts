// The MLLP listener over TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { selfSigned } from '../../test/self-signed.ts';
import { createMllpServer, type MllpTls } from '../src/index.ts';
import { frame, openSender } from './sender.ts';

const listener = selfSigned('listener');
const hospital = selfSigned('hospital');
const stranger = selfSigned('stranger');
const clientOf = ({ key, certificate }: { key: string; certificate: string }) => ({ key, cert: certificate });

async function listening(t: TestContext, tls: Partial<MllpTls> = {}) {
  const refused = Promise.withResolvers<void>();
  let handled = 0;
  const server = createMllpServer({
    host: '127.0.0.1',
    port: 0,
    tls: { ...listener, ...tls },
    handle: async (bytes) => {
      handled += 1;
      return bytes;
    },
    log: (event) => {
      if (event === 'mllp-tls-refused') refused.resolve();
    },
  });
  const { port } = await server.start();
  t.after(() => server.stop());
  return { port, refused: refused.promise, handled: () => handled };
}

/** What comes back for a frame; rejects when the connection is refused or closed without an answer. */
async function answered(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: listener.certificate, ...options });
  try {
    await once(socket, 'secureConnect');
    socket.write(frame('a'));
    const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed without an answer')));
    const [chunk] = await Promise.race([once(socket, 'data'), closed]);
    return String(chunk);
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

test('a client without a certificate, or with one of another authority, is refused and never read', async (t) => {
  const { port, refused, handled } = await listening(t, { clientAuthorities: hospital.certificate });
  await assert.rejects(answered(port, {}));
  await assert.rejects(answered(port, clientOf(stranger)));
  await refused;
  assert.equal(handled(), 0);
});

test('TLS before 1.2 is refused', async (t) => {
  const { port, refused } = await listening(t);
  await assert.rejects(answered(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }));
  await refused;
});

test('plain text to a TLS listener is refused and never read', async (t) => {
  const { port, refused, handled } = await listening(t);
  const sender = await openSender(port);
  await sender.write(frame('MSH|^~\\&|SENDER'));
  await refused;
  await sender.closed();
  assert.equal(handled(), 0);
});

test('a client that the authority knows gets its answer', async (t) => {
  const { port } = await listening(t, { clientAuthorities: hospital.certificate });
  assert.equal(await answered(port, clientOf(hospital)), '\x0ba\x1c\r');
});

test('without an authority for clients any client that trusts the listener gets its answer', async (t) => {
  const { port } = await listening(t);
  assert.equal(await answered(port, {}), '\x0ba\x1c\r');
});

test('a stop does not wait for handshakes that never end', async () => {
  const server = createMllpServer({ host: '127.0.0.1', port: 0, tls: listener, handle: async (bytes) => bytes });
  const { port } = await server.start();
  const sender = await openSender(port);
  await server.stop();
  await sender.closed();
});
