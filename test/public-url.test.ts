// Behind a proxy: everything that names this server names its public address, and only pages of registered origins may read the API.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readConfig } from '../config.ts';
import { type Product, startProduct } from './product.ts';
import { ask, list } from './rest-client.ts';

const publicUrl = 'https://limen.example:8443';

describe('addresses that are refused with one sentence', () => {
  const refused: readonly (readonly [string, NodeJS.ProcessEnv, RegExp])[] = [
    ['no address', { PUBLIC_URL: 'limen.example' }, /PUBLIC_URL/],
    ['a path', { PUBLIC_URL: 'https://limen.example/fhir' }, /PUBLIC_URL/],
    ['a query', { PUBLIC_URL: 'https://limen.example/?a' }, /PUBLIC_URL/],
    ['a user', { PUBLIC_URL: 'https://user:word@limen.example' }, /PUBLIC_URL/],
    ['plain HTTP beyond loopback', { PUBLIC_URL: 'http://limen.example' }, /PUBLIC_URL/],
    ['another scheme', { PUBLIC_URL: 'ftp://127.0.0.1' }, /PUBLIC_URL/],
    ['every interface without a public address', { HOST: '0.0.0.0', ALLOW_BIND: '1' }, /PUBLIC_URL/],
    ['every interface without being told so', { HOST: '0.0.0.0', PUBLIC_URL: publicUrl }, /ALLOW_BIND/],
    ['identified data behind a proxy', { PUBLIC_URL: publicUrl, DEIDENTIFICATION_POLICY: 'synthetic' }, /loopback only/],
    [
      'identified data on every interface',
      { HOST: '0.0.0.0', ALLOW_BIND: '1', PUBLIC_URL: 'http://127.0.0.1', DEIDENTIFICATION_POLICY: 'synthetic' },
      /loopback only/,
    ],
  ];
  for (const [why, env, sentence] of refused) test(why, () => assert.throws(() => readConfig(env), sentence));

  test('without a setting it is the address that is listened on', () => {
    const origins = [{}, { HOST: 'localhost', PORT: '81' }, { HOST: '::1' }].map((env) => readConfig(env).origin);
    assert.deepEqual(origins, ['http://127.0.0.1:8080', 'http://127.0.0.1:81', 'http://[::1]:8080']);
    assert.equal(readConfig({ PUBLIC_URL: `${publicUrl}/` }).origin, publicUrl);
  });
});

describe('a product behind a proxy', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ env: { PUBLIC_URL: publicUrl } });
  });
  after(() => product?.stop());

  test('discovery, links, locations and the launch page name the public address only', async () => {
    const smart = await ask(`${product.fhirBase}/.well-known/smart-configuration`);
    assert.equal(smart.json['issuer'], `${publicUrl}/oauth`);
    assert.equal(smart.json['token_endpoint'], `${publicUrl}/oauth/token`);
    const token = await product.backendToken();
    const created = await ask(`${product.fhirBase}/Organization`, {
      token,
      body: { resourceType: 'Organization', active: true, name: 'Ward' },
    });
    assert.equal(created.status, 201, created.text);
    assert.match(created.headers.get('location') ?? '', /^https:\/\/limen\.example:8443\/fhir\/Organization\//);
    const found = await ask(`${product.fhirBase}/Organization?_count=1`, { token });
    assert.equal(list(found.json['link']).length > 0, true);
    const answers = [smart, created, found, await ask(`${product.fhirBase}/metadata`), await ask(`${product.origin}/launch`)];
    for (const { text } of answers) assert.ok(!text.includes(product.origin), text.slice(0, 200));
    const refused = await ask(`${product.fhirBase}/Patient`);
    assert.equal(refused.headers.get('www-authenticate'), `Bearer realm="${publicUrl}/fhir"`);
  });

  test('the session cookie is for HTTPS, and a form of another site is refused', async () => {
    const users = product.credentials['users'] as readonly { readonly username: string; readonly password: string }[];
    const form = { username: users[0]?.username ?? '', password: users[0]?.password ?? '', do: 'login' };
    const signIn = (origin: string) =>
      fetch(`${product.origin}/launch`, { method: 'POST', redirect: 'manual', headers: { origin }, body: new URLSearchParams(form) });
    assert.equal((await signIn('https://evil.example')).status, 403);
    const cookies = (await signIn(publicUrl)).headers.getSetCookie();
    assert.ok(cookies.length > 0);
    for (const cookie of cookies) assert.match(cookie, /; secure/i);
  });

  test('a hook call without a token is refused: others than this machine can reach it', async () => {
    const body = JSON.stringify({ hook: 'order-sign' });
    const headers = { 'content-type': 'application/json' };
    assert.equal((await ask(`${product.origin}/cds-services/medication-safety`, { body, headers })).status, 401);
  });

  describe('pages of other sites', () => {
    const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
    const read = async (path: string, origin: string, method = 'GET'): Promise<string | null> => {
      const headers = { origin, ...(method === 'OPTIONS' ? preflight : { authorization: `Bearer ${await product.backendToken()}` }) };
      const response = await fetch(`${product.origin}${path}`, { method, headers });
      await response.arrayBuffer();
      return response.headers.get('access-control-allow-origin');
    };

    for (const origin of ['https://evil.example', 'null', 'https://limen.example', 'http://limen.example:8443']) {
      test(`${origin} may not read the API, its refusals included`, async () => {
        for (const path of ['/fhir/Organization', '/fhir/metadata/x', '/fhir/Nothing', '/oauth/userinfo', '/oauth/introspection'])
          for (const method of ['GET', 'OPTIONS']) assert.equal(await read(path, origin, method), null, `${method} ${path}`);
        const response = await fetch(`${product.fhirBase}/Patient`, { headers: { origin } });
        assert.deepEqual([response.status, response.headers.get('access-control-allow-origin')], [401, null]);
        assert.match(response.headers.get('vary') ?? '', /Origin/);
      });
    }

    test('those of a registered origin may, with the headers that a client needs', async () => {
      for (const method of ['GET', 'OPTIONS']) assert.equal(await read('/fhir/Organization', publicUrl, method), publicUrl);
      const response = await fetch(`${product.fhirBase}/Patient`, { headers: { origin: publicUrl } });
      assert.equal(response.headers.get('access-control-allow-origin'), publicUrl, 'the refusal too');
      assert.equal(
        response.headers.get('access-control-expose-headers'),
        'ETag, Location, Content-Location, Last-Modified, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
      );
      assert.equal(response.headers.get('access-control-allow-credentials'), null);
    });

    test('all may read what is public', async () => {
      for (const path of ['/fhir/metadata', '/fhir/.well-known/smart-configuration', '/oauth/.well-known/openid-configuration'])
        for (const method of ['GET', 'OPTIONS']) assert.equal(await read(path, 'https://any.example', method), '*', `${method} ${path}`);
    });
  });
});
