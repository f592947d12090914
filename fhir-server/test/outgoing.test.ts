// Server-side request forgery: where a request to an address of somebody else must not lead.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { after, describe, test } from 'node:test';
import { kindOfAddress } from '../src/outgoing/addresses.ts';
import { fetchOutgoing, OutgoingError, type OutgoingRules } from '../src/outgoing/index.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

async function listen(listener: RequestListener): Promise<{ port: number; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, asked: () => asked };
}

const nobody: OutgoingRules = { trusted: () => false };
const everybody: OutgoingRules = { trusted: () => true };
const failure = (expected: string) => (error: unknown) => error instanceof OutgoingError && error.failure === expected;
const resolving = (...addresses: string[]): OutgoingRules => ({
  trusted: () => true,
  resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
});

describe('addresses', () => {
  const kinds = {
    never: ['169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255', '100.100.100.200', '168.63.129.16', '::', '::ffff:8.8.8.8'],
    loopback: ['127.0.0.1', '127.8.9.1', '::1'],
    organization: ['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1'],
    public: ['8.8.8.8', '172.32.0.1', '2606:4700::1111'],
  };
  for (const [kind, addresses] of Object.entries(kinds))
    for (const address of addresses) test(`${address} is ${kind}`, () => assert.equal(kindOfAddress(address), kind));
  for (const address of ['::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1', 'fec0::1', 'fd00:ec2::254', '::127.0.0.1'])
    test(`${address} carries or hides another address: never`, () => assert.equal(kindOfAddress(address), 'never'));
});

describe('refused without a connection', () => {
  const spellings = ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '169.254.169.254'];
  for (const host of spellings) {
    test(`http://${host}`, async () => {
      const { port, asked } = await listen((_request, response) => response.end('secret'));
      await assert.rejects(fetchOutgoing(new URL(`http://${host}:${port}/`), {}, nobody), failure('refused'));
      await assert.rejects(fetchOutgoing(new URL(`https://${host}:${port}/`), {}, nobody), failure('refused'));
      assert.equal(asked(), 0);
    });
  }

  for (const address of ['file:///etc/passwd', 'ftp://example.org/', 'https://user:word@example.org/', 'http://example.org/'])
    test(address, () => assert.rejects(fetchOutgoing(new URL(address), {}, nobody), failure('refused')));

  for (const addresses of [['169.254.169.254'], ['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:10.0.0.1']]) {
    test(`a trusted name that resolves to ${addresses}`, async () => {
      const { port, asked } = await listen((_request, response) => response.end('secret'));
      await assert.rejects(fetchOutgoing(new URL(`http://hooks.example:${port}/`), {}, resolving(...addresses)), failure('refused'));
      assert.equal(asked(), 0);
    });
  }

  test('a name without TLS certificate of its own: the organization network needs trust', async () => {
    const rules = { trusted: () => false, resolve: async () => [{ address: '10.0.0.5', family: 4 }] };
    await assert.rejects(fetchOutgoing(new URL('https://internal.example/'), {}, rules), failure('refused'));
  });
});

describe('a name that changes its mind', () => {
  test('is resolved once, and the connection goes where the check looked', async () => {
    const { port, asked } = await listen((request, response) => response.end(request.headers.host));
    let resolved = 0;
    const rules: OutgoingRules = {
      trusted: () => true,
      // The first answer is checked; a second one would lead elsewhere.
      resolve: async () => [{ address: resolved++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }],
    };
    const answer = await fetchOutgoing(new URL(`http://localhost:${port}/`), {}, rules);
    assert.deepEqual([resolved, asked(), answer.text], [1, 1, `localhost:${port}`]);
  });
});

describe('bounds', () => {
  test('a redirect is not followed', async () => {
    const target = await listen((_request, response) => response.end('secret'));
    const { port } = await listen((_request, response) => response.writeHead(302, { location: `http://127.0.0.1:${target.port}/` }).end());
    await assert.rejects(fetchOutgoing(new URL(`http://127.0.0.1:${port}/`), {}, everybody), failure('redirected'));
    assert.equal(target.asked(), 0);
  });

  test('an answer over the size ends', async () => {
    const { port } = await listen((_request, response) => response.end('x'.repeat(5000)));
    await assert.rejects(fetchOutgoing(new URL(`http://127.0.0.1:${port}/`), { maximumBytes: 4999 }, everybody), failure('too-large'));
    assert.equal((await fetchOutgoing(new URL(`http://127.0.0.1:${port}/`), { maximumBytes: 5000 }, everybody)).text.length, 5000);
  });

  test('an answer that never comes, or never ends, is given up', async () => {
    const silent = await listen(() => undefined);
    await assert.rejects(fetchOutgoing(new URL(`http://127.0.0.1:${silent.port}/`), { timeoutMs: 50 }, everybody), failure('too-slow'));
    const endless = await listen((_request, response) => response.write('x'));
    await assert.rejects(fetchOutgoing(new URL(`http://127.0.0.1:${endless.port}/`), { timeoutMs: 50 }, everybody), failure('too-slow'));
  });

  test('nobody there: unreachable; the error names no address', async () => {
    const { port } = await listen((_request, response) => response.end());
    for (const server of servers.splice(-1)) server.close();
    await assert.rejects(fetchOutgoing(new URL(`http://127.0.0.1:${port}/`), {}, everybody), (error) => {
      return failure('unreachable')(error) && !String(error).includes('127.0.0.1');
    });
  });

  test('method, headers and body arrive', async () => {
    const { port } = await listen(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      response.writeHead(201).end(`${request.method} ${request.headers['x-a']} ${text}`);
    });
    const asked = { method: 'POST', headers: { 'x-a': 'b' }, body: 'ä' } as const;
    const { status, text } = await fetchOutgoing(new URL(`http://127.0.0.1:${port}/`), asked, everybody);
    assert.deepEqual([status, text], [201, 'POST b ä']);
  });
});
