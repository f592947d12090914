// Who asks too much is told so, in the protocol's own form, with the time to wait; the others are not hindered. HTTPS with and without client certificates.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OperationOutcomeError, type Principal, parseScopes } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createApp } from '../src/http/app.ts';
import { shippedConnectionLimits } from '../src/http/connections.ts';
import { costOf, networkOf, RateLimiter, shippedRateLimits } from '../src/http/rate-limits.ts';
import { securityHeaders } from '../src/http/security-headers.ts';
import type { HttpTls } from '../src/http/tls.ts';

const log = pino({ enabled: false });
const limits = { address: 3, signIn: 2, client: 50, account: 25, countsLoopback: true };
const principal = (clientId: string, userId?: string): Principal => ({
  tenant: 'main',
  clientId,
  ...(userId ? { userId } : {}),
  role: 'system',
  plane: 'stored',
  view: 'stored',
  scopes: parseScopes(''),
  updateMode: 'replace',
  reidentify: false,
});

function appWith(settings = limits): { app: FastifyInstance; refusals: string[] } {
  const app = createApp(log);
  securityHeaders(app);
  const rates = new RateLimiter(settings);
  const refusals: string[] = [];
  rates.register(app, async ({ url }) => void refusals.push(url));
  app.get('/live', async () => 'ok');
  app.get('/oauth/token', async () => 'ok');
  app.get('/fhir/*', async (incoming, reply) => {
    const [client, user] = String(incoming.headers.authorization ?? 'c').split('/');
    await rates.charge(principal(client ?? '', user), incoming, reply);
    return 'ok';
  });
  return { app, refusals };
}

const get = (app: FastifyInstance, url: string, remoteAddress = '203.0.113.9', authorization?: string) =>
  app.inject({ url, remoteAddress, ...(authorization ? { headers: { authorization } } : {}) });

describe('too many requests', () => {
  test('of one address: an OperationOutcome with the time to wait, one event a minute, and others are served', async () => {
    const { app, refusals } = appWith();
    for (let left = 2; left >= 0; left--) {
      const answer = await get(app, '/nothing');
      assert.equal(answer.statusCode, 404);
      assert.match(String(answer.headers['ratelimit']), new RegExp(`^"address";r=${left};t=\\d+$`));
      assert.equal(answer.headers['ratelimit-policy'], '"address";q=3;w=60');
    }
    for (const url of ['/nothing', '/nothing', '/cds-services/x/feedback']) {
      const answer = await get(app, url);
      assert.equal(answer.statusCode, 429);
      assert.equal(answer.json().issue[0].code, 'throttled');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
      assert.ok(answer.headers['content-security-policy'], 'refusals have the security headers too');
    }
    assert.deepEqual(refusals, ['/nothing']);
    assert.equal((await get(app, '/live')).statusCode, 200, 'who watches over the server is not counted');
    assert.equal((await get(app, '/nothing', '203.0.113.10')).statusCode, 404);
  });

  test('at the token endpoint: an error of RFC 6749', async () => {
    const { app } = appWith();
    for (const status of [200, 200, 429]) assert.equal((await get(app, '/oauth/token')).statusCode, status);
    const answer = await get(app, '/oauth/token');
    assert.equal(answer.json().error, 'temporarily_unavailable');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.ok(answer.headers['retry-after']);
  });

  test('of one client, by cost; of one account with every client', async () => {
    const { app } = appWith({ ...limits, address: 1000 });
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) statuses.push((await get(app, '/fhir/Patient/x/$everything', '203.0.113.1', 'a')).statusCode);
    assert.deepEqual(statuses, [200, 200, 429], 'three times twenty points');
    assert.equal((await get(app, '/fhir/Patient/x', '203.0.113.2', 'b/u')).statusCode, 200);
    assert.equal((await get(app, '/fhir/Patient/x/$everything', '203.0.113.2', 'b/u')).statusCode, 200);
    const other = await get(app, '/fhir/Patient/x/$graphql', '203.0.113.2', 'c/u');
    assert.equal(other.statusCode, 429, 'another client of the same person');
    assert.match(String(other.headers['ratelimit-policy']), /^"account"/);
    assert.equal((await get(app, '/fhir/Patient/x', '203.0.113.2', 'c/v')).statusCode, 200);
  });

  test('this machine itself is not counted as an address, unless it is said so', async () => {
    const { app } = appWith({ ...limits, countsLoopback: false });
    for (let n = 0; n < 6; n++) assert.equal((await get(app, '/nothing', '127.0.0.1')).statusCode, 404);
    assert.equal(shippedRateLimits.countsLoopback, false);
  });

  test('in process: the refusal is an error of ours', async () => {
    const rates = new RateLimiter({ ...limits, client: 1 });
    const reply = { header: () => reply } as never;
    const asked = { method: 'POST', url: '/fhir' } as never;
    await assert.rejects(
      rates.charge(principal('x'), asked, reply),
      (error) => error instanceof OperationOutcomeError && error.status === 429,
    );
  });
});

test('costs follow what a request makes the server do', () => {
  const costs: [string, string, number][] = [
    ['GET', '/fhir/Patient/x', 1],
    ['GET', '/fhir/Patient?_include=Patient:organization', 5],
    ['GET', '/fhir/Patient?name=_include', 1],
    ['POST', '/fhir', 10],
    ['GET', '/fhir/$export', 100],
    ['GET', '/fhir/Patient/x/$everything?_count=1', 20],
    ['POST', '/fhir/ValueSet/$expand', 2],
  ];
  for (const [method, url, cost] of costs) assert.equal(costOf(method, url), cost, url);
});

test('the addresses of one IPv6 network are one', () => {
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::9'));
  assert.notEqual(networkOf('2001:db8:1:2::9'), networkOf('2001:db8:1:3::9'));
  assert.equal(networkOf('::ffff:192.0.2.1'), networkOf('192.0.2.1'));
});

describe('HTTPS', () => {
  let folder: string;
  let port = 0;
  const apps: FastifyInstance[] = [];
  const program = 'openssl';
  const openssl = (...given: string[]): void => void execFileSync(program, given, { cwd: folder, stdio: 'ignore' });
  const pem = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

  function certificate(name: string, signer?: string): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
    openssl('req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = signer ? ['-CA', `${signer}.pem`, '-CAkey', `${signer}.key`, '-CAcreateserial'] : ['-signkey', `${name}.key`];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', '2', '-out', `${name}.pem`);
  }

  async function listen(tls: HttpTls): Promise<void> {
    const app = createApp(log, shippedConnectionLimits, tls);
    securityHeaders(app, true);
    app.get('/live', async () => 'ok');
    apps.push(app);
    await app.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.address() as { port: number }).port;
  }

  const ask = (options: object = {}): Promise<{ status: number; hsts: string | undefined }> =>
    new Promise((resolve, reject) => {
      const server = { host: '127.0.0.1', port, path: '/live', ca: pem('server.pem'), checkServerIdentity: () => undefined, agent: false };
      const sent = request({ ...server, ...options }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, hsts: answer.headers['strict-transport-security'] }));
      });
      sent.on('error', reject);
      sent.end();
    });

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'limen-tls-'));
    for (const name of ['server', 'authority', 'stranger']) certificate(name);
    certificate('client', 'authority');
    certificate('intruder', 'stranger');
  });
  after(async () => {
    for (const app of apps) await app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('old versions are refused, and browsers are told to stay with HTTPS', async () => {
    await listen({ key: pem('server.key'), certificate: pem('server.pem') });
    await assert.rejects(ask({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
    assert.deepEqual(await ask(), { status: 200, hsts: 'max-age=31536000; includeSubDomains' });
  });

  test('with an authority for clients: none without a certificate of it', async () => {
    await listen({ key: pem('server.key'), certificate: pem('server.pem'), clientAuthorities: pem('authority.pem') });
    await assert.rejects(ask());
    await assert.rejects(ask({ key: pem('intruder.key'), cert: pem('intruder.pem') }));
    assert.equal((await ask({ key: pem('client.key'), cert: pem('client.pem') })).status, 200);
  });
});
