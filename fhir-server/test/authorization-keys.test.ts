// Keys by address (checklist J11, J14, J15): rotation, caching, addresses that do not answer.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { verifies } from '../../test/verifies.ts';
import { cachedFor, KeySets } from '../src/authorization/client-keys.ts';
import { registerClient } from '../src/operational/index.ts';
import { type Database, post, type Server, startDatabase, startServer } from './authorization-fixture.ts';

let published: { keys: JWK[] } | string = { keys: [] };
let cacheControl: string | undefined = 'max-age=3600';
let status = 200;
let asked = 0;
const host = createServer((_request, response) => {
  asked += 1;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
  });
  response.end(typeof published === 'string' ? published : JSON.stringify(published));
});
let address = '';

interface Key {
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}

async function key(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES384', use: 'sig' }, privateKey };
}

let first: Key;
let second: Key;
let database: Database;
let server: Server;

before(async () => {
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const at = host.address();
  address = `http://127.0.0.1:${typeof at === 'object' && at ? at.port : 0}/jwks.json`;
  [first, second] = await Promise.all([key('first'), key('second')]);
  database = await startDatabase();
  server = await startServer(database);
});
after(async () => {
  host.close();
  await server?.stop();
  await database?.stop();
});
beforeEach(() => {
  [published, cacheControl, status, asked] = [{ keys: [first.jwk] }, 'max-age=3600', 200, 0];
});

/** A client of its own: what is known about another's keys does not matter. */
async function registered(): Promise<string> {
  const clientId = `by-address-${randomUUID()}`;
  await registerClient(database.pool, {
    clientId,
    name: 'Keys by address',
    authMethod: 'private_key_jwt',
    jwksUri: `${address}?${clientId}`,
    grantTypes: ['client_credentials'],
    scope: 'system/Patient.rs',
  });
  return clientId;
}

async function tokenOf(clientId: string, signer: Key, header: object = {}) {
  const jwt = await new SignJWT({ iss: clientId, sub: clientId, aud: `${server.origin}/oauth/token`, jti: randomUUID() })
    .setExpirationTime('4m')
    .setProtectedHeader({ alg: 'ES384', kid: signer.jwk.kid ?? '', typ: 'JWT', ...header })
    .sign(signer.privateKey);
  const answer = await post(`${server.origin}/oauth/token`, {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
  });
  return { status: answer.status, error: answer.body.error };
}

const refused = { status: 401, error: 'invalid_client' };
const accepted = { status: 200, error: undefined };

describe('the token endpoint', () => {
  test('a key that is not at the address, an address that answers nothing usable -> invalid_client', async () => {
    verifies('smart-app-launch', 338, 340);
    assert.deepEqual(await tokenOf(await registered(), second), refused);
    for (const text of ['', '{}', '[]', '{"keys":1}', '{"keys":[null,1,"a",{}]}', 'x'.repeat(300_000)]) {
      published = text;
      assert.deepEqual(await tokenOf(await registered(), first), refused, text.slice(0, 20));
    }
    status = 500;
    published = { keys: [first.jwk] };
    assert.deepEqual(await tokenOf(await registered(), first), refused);
    status = 302;
    assert.deepEqual(await tokenOf(await registered(), first), refused);
  });

  test('J15 nobody at the address -> invalid_client', async () => {
    const clientId = await registered();
    await database.pool.query('update operational.client set jwks_uri = $2 where client_id = $1', [clientId, 'http://127.0.0.1:1/jwks']);
    assert.deepEqual(await tokenOf(clientId, first), refused);
  });

  test('an address in a network that is off limits is not asked', async () => {
    const clientId = await registered();
    await database.pool.query('update operational.client set jwks_uri = $2 where client_id = $1', [clientId, 'https://169.254.169.254/']);
    assert.deepEqual(await tokenOf(clientId, first), refused);
  });

  test('J11 jku is the registered address or the assertion is refused', async () => {
    const clientId = await registered();
    assert.deepEqual(await tokenOf(clientId, first, { jku: `${address}?other` }), refused);
    verifies('smart-app-launch', 326, 338, 339);
    assert.deepEqual(await tokenOf(clientId, first, { jku: `${address}?${clientId}` }), accepted);
    assert.deepEqual(await tokenOf(clientId, first), accepted);
  });

  test('a key set is asked for once; nobody asks for it without an assertion', async () => {
    const clientId = await registered();
    await post(`${server.origin}/oauth/token`, { grant_type: 'client_credentials', client_id: clientId });
    assert.equal(asked, 0);
    verifies('smart-app-launch', 296, 342);
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await tokenOf(clientId, first), accepted);
    assert.equal(asked, 1);
  });

  test('J14 without a cache lifetime a removed key is refused at once and a new one accepted', async () => {
    const clientId = await registered();
    cacheControl = 'no-store';
    assert.deepEqual(await tokenOf(clientId, first), accepted);
    published = { keys: [second.jwk] };
    verifies('smart-app-launch', 341);
    assert.deepEqual(await tokenOf(clientId, first), refused);
    assert.deepEqual(await tokenOf(clientId, second), accepted);
  });
});

describe('key sets', () => {
  let now = 0;
  const sets = () => new KeySets({ trusted: () => true }, () => now);
  const kids = (set: { readonly keys: readonly JWK[] }) => set.keys.map((each) => each.kid);

  test('a removed key lives as long as Cache-Control says, and no longer', async () => {
    const known = sets();
    cacheControl = 'private, max-age=30';
    await known.at(address, 'first');
    published = { keys: [second.jwk] };
    now += 29_999;
    assert.deepEqual(kids(await known.at(address, 'first')), ['first']);
    now += 1;
    assert.deepEqual(kids(await known.at(address, 'first')), ['second']);
  });

  test('an unknown key asks again, but not at once; many askers ask once', async () => {
    const known = sets();
    await Promise.all(Array.from({ length: 5 }, () => known.at(address, 'first')));
    assert.equal(asked, 1);
    published = { keys: [first.jwk, second.jwk] };
    assert.deepEqual(kids(await known.at(address, 'second')), ['first']);
    now += 5_000;
    assert.deepEqual(kids(await known.at(address, 'second')), ['first', 'second']);
    assert.equal(asked, 2);
  });

  test('while the address is away, what is fresh counts and what is old does not', async () => {
    const known = sets();
    cacheControl = 'max-age=60';
    await known.at(address, 'first');
    status = 503;
    now += 10_000;
    assert.deepEqual(kids(await known.at(address, 'second')), ['first']);
    now += 60_000;
    assert.deepEqual(kids(await known.at(address, 'first')), []);
  });

  test('private and symmetric keys verify nothing', async () => {
    published = {
      keys: [
        { ...first.jwk, d: 'AAAA' },
        { kty: 'oct', k: 'AAAA', kid: 'shared' },
      ],
    };
    assert.deepEqual(kids(await sets().at(address, 'first')), []);
  });

  for (const [text, ms] of [
    [undefined, 60_000],
    ['public', 60_000],
    ['no-cache', 0],
    ['max-age=0', 0],
    ['max-age=5, public', 5_000],
    ['max-age=99999999', 3_600_000],
  ] as const)
    test(`Cache-Control ${text} -> ${ms} ms`, () => assert.equal(cachedFor(text), ms));
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
