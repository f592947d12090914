// Registration of clients at run time: who may, what is refused, and what a registered client can do.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { verifies } from '../../test/verifies.ts';
import { App } from './authorization-app.ts';
import { basic, type Database, pkce, post, type Server, startDatabase, startServer, thirdParty } from './authorization-fixture.ts';

let database: Database;
let server: Server;
let administrator = '';
let physician = '';
const app = new App(() => server);

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
  const scope = 'launch openid fhirUser user/*.rs';
  [administrator, physician] = (await Promise.all(
    ['administrator', 'physician'].map(async (role) => (await app.tokens(await app.signedIn(role), { scope })).access_token),
  )) as [string, string];
});
after(async () => {
  await server?.stop();
  await database?.stop();
});

async function send(path: string, token: string | undefined, body: unknown, method = 'POST') {
  const response = await fetch(`${server.origin}/oauth/${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

const pub = {
  client_name: 'Growth charts',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://growth.example.org/callback'],
  launch_uris: ['https://growth.example.org/launch'],
  scope: 'launch/patient openid fhirUser patient/*.rs offline_access',
};
const count = async () => (await database.pool.query('select count(*)::int4 as n from operational.client')).rows[0].n;

describe('refused', () => {
  for (const [who, token] of [
    ['nobody', () => undefined],
    ['a physician', () => physician],
    ['an invented token', () => 'A'.repeat(43)],
  ] as const)
    test(`${who} -> 401, nothing registered`, async () => {
      const before = await count();
      const { status, body, headers } = await send('register', token(), pub);
      assert.deepEqual([status, body.error], [401, 'invalid_token']);
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal((await send('registration-tokens', token(), { scope: 'openid' })).status, 401);
      assert.equal((await send(`register/${thirdParty.clientId}`, token(), undefined, 'DELETE')).status, 401);
      assert.equal(await count(), before);
    });

  test("an administrator's token of another app -> 401", async () => {
    await database.pool.query("update operational.client set trusted = false where client_id = 'limen-app'");
    try {
      assert.equal((await send('register', administrator, pub)).status, 401);
    } finally {
      await database.pool.query("update operational.client set trusted = true where client_id = 'limen-app'");
    }
  });

  const jwk = { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA', kid: '1' };
  const system = {
    client_name: 'S',
    grant_types: ['client_credentials'],
    scope: 'system/*.rs',
    token_endpoint_auth_method: 'private_key_jwt',
  };
  const cases: readonly (readonly [string, unknown, string?])[] = [
    ['no JSON', '{'],
    ['a list', []],
    ['no name', { ...pub, client_name: undefined }],
    ['a name with control characters', { ...pub, client_name: 'a\u0000' }],
    ['a name without end', { ...pub, client_name: 'x'.repeat(2001) }],
    ['no scope', { ...pub, scope: undefined }],
    ['no scope that exists', { ...pub, scope: 'bogus' }],
    ['an unknown method', { ...pub, token_endpoint_auth_method: 'tls_client_auth' }],
    ['an unknown grant', { ...pub, grant_types: ['password'] }],
    ['both kinds of grant', { ...pub, grant_types: ['authorization_code', 'client_credentials'] }],
    ['no redirect', { ...pub, redirect_uris: [] }, 'invalid_redirect_uri'],
    ...['http://growth.example.org/', 'https://a.example/#x', 'javascript:alert(1)', 'data:text/html,x', 'https://u:p@a.example/', 'x'].map(
      (uri) => [`redirect ${uri}`, { ...pub, redirect_uris: [uri] }, 'invalid_redirect_uri'] as const,
    ),
    [
      'a native address with a secret',
      { ...pub, token_endpoint_auth_method: 'client_secret_basic', redirect_uris: ['org.example:/cb'] },
      'invalid_redirect_uri',
    ],
    ['a launch without TLS', { ...pub, launch_uris: ['http://growth.example.org/'] }],
    ['a system with a secret', { ...system, token_endpoint_auth_method: 'client_secret_basic' }],
    ['a system without keys', system],
    ['a system with two kinds of keys', { ...system, jwks: { keys: [jwk] }, jwks_uri: 'https://a.example/jwks' }],
    ['keys without TLS', { ...system, jwks_uri: 'http://a.example/jwks' }],
    ['a private key', { ...system, jwks: { keys: [{ ...jwk, d: 'AA' }] } }],
    ['a symmetric key', { ...system, jwks: { keys: [{ kty: 'oct', k: 'AA', kid: '1' }] } }],
    ['a system with redirects', { ...system, jwks: { keys: [jwk] }, redirect_uris: pub.redirect_uris }, 'invalid_redirect_uri'],
    ['keys of a public app', { ...pub, jwks: { keys: [jwk] } }],
  ];
  for (const [why, body, error = 'invalid_client_metadata'] of cases)
    test(`${why} -> ${error}`, async () => {
      verifies('smart-app-launch', 344);
      const before = await count();
      const answer = await send('register', administrator, body);
      assert.deepEqual([answer.status, answer.body.error], [400, error]);
      assert.equal(typeof answer.body.error_description, 'string');
      assert.equal(await count(), before);
    });

  test("the operator's clients cannot be removed", async () => {
    assert.equal((await send(`register/${thirdParty.clientId}`, administrator, undefined, 'DELETE')).status, 404);
    assert.equal((await send('register/nobody', administrator, undefined, 'DELETE')).status, 404);
  });
});

describe('registered', () => {
  test('a public app signs in, asks for consent, and ends with its registration', async () => {
    verifies('smart-app-launch', 18, 19, 24, 316, 438);
    const { status, body, headers } = await send('register', administrator, { ...pub, trusted: true, plane: 'identified' });
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.deepEqual([body.client_secret, body.scope, body.trusted], [undefined, pub.scope, undefined]);
    const proof = pkce();
    const browser = await app.signedIn();
    const request = app.request(proof, { client_id: body.client_id, redirect_uri: pub.redirect_uris[0], scope: pub.scope });
    browser.location = '';
    const page = await (await browser.fetch(`/oauth/authorize?${request}`)).text();
    assert.match(page, /Growth charts/);
    assert.equal((await send(`register/${body.client_id}`, administrator, undefined, 'DELETE')).status, 204);
    browser.location = '';
    assert.equal((await browser.fetch(`/oauth/authorize?${request}`)).status, 400);
  });

  test('an app with a secret gets one that works, and that is kept as a hash only', async () => {
    const wanted = { ...pub, token_endpoint_auth_method: 'client_secret_basic' };
    const { body } = await send('register', administrator, wanted);
    assert.match(body.client_secret, /^[\w-]{43}$/);
    assert.equal(body.client_secret_expires_at, 0);
    const form = { token: 'x' };
    assert.deepEqual((await post(`${server.origin}/oauth/introspection`, form, basic(body.client_id, body.client_secret))).body, {
      active: false,
    });
    assert.equal((await post(`${server.origin}/oauth/introspection`, form, basic(body.client_id, `${body.client_secret}x`))).status, 401);
    const { rows } = await database.pool.query('select secret_hash from operational.client where client_id = $1', [body.client_id]);
    assert.notEqual(rows[0].secret_hash, body.client_secret);
  });

  test('a system with a registration token gets no more than that says, and the token is used once', async () => {
    verifies('smart-app-launch', 240, 297, 305);
    const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] };
    const wanted = {
      client_name: 'Lab',
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      scope: 'system/*.rs',
      jwks,
    };
    const { body: made } = await send('registration-tokens', administrator, { scope: 'system/Observation.rs' });
    assert.equal((await send('register', made.registration_token, { ...wanted, jwks: {} })).status, 400);
    const answers = await Promise.all(Array.from({ length: 3 }, () => send('register', made.registration_token, wanted)));
    assert.deepEqual(answers.map((each) => each.status).sort(), [201, 401, 401]);
    const { client_id: id, scope } = answers.find((each) => each.status === 201)?.body ?? {};
    assert.equal(scope, 'system/Observation.rs');
    const jwt = await new SignJWT({ iss: id, sub: id, aud: `${server.origin}/oauth/token`, jti: randomUUID() })
      .setExpirationTime('4m')
      .setProtectedHeader({ alg: 'ES384', kid: 'k' })
      .sign(privateKey);
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', client_assertion_type: type, client_assertion: jwt };
    assert.equal((await post(`${server.origin}/oauth/token`, form)).body.scope, 'system/Observation.rs');
    const { rows } = await database.pool.query('select plane, reidentify, trusted from operational.client where client_id = $1', [id]);
    assert.deepEqual(rows, [{ plane: 'stored', reidentify: false, trusted: false }]);
  });

  test('an expired registration token registers nothing', async () => {
    const { body: made } = await send('registration-tokens', administrator, { scope: 'openid' });
    await database.pool.query("update operational.registration_token set expires_at = now() - interval '1 second' where used_at is null");
    assert.equal((await send('register', made.registration_token, pub)).status, 401);
    assert.equal((await send('registration-tokens', administrator, { scope: 'bogus' })).status, 400);
  });
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
