// SMART Backend Services and what systems use: client authentication (checklist J, T01, T04), introspection, revocation, discovery.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { JWTPayload } from 'jose';
import { verifies } from '../../test/verifies.ts';
import { authorization } from '../src/authorization/index.ts';
import { ensureCredentials, RegisteredOrigins, registerClient } from '../src/operational/index.ts';
import { algorithms, assertFor, assertion, refusals, registerSystem, systemId } from './authorization-assertion.ts';
import { basic, type Database, post, type Server, startDatabase, startServer, thirdParty } from './authorization-fixture.ts';

let database: Database;
let server: Server;

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
  assertFor(server.origin);
  for (const alg of algorithms) await registerSystem(database.pool, alg);
});
after(async () => {
  await server?.stop();
  await database?.stop();
});

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function tokenFor(jwt: string, changes: { readonly [name: string]: string } = {}) {
  const form = {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: assertionType,
    client_assertion: jwt,
  };
  return post(`${server.origin}/oauth/token`, { ...form, ...changes });
}

for (const alg of algorithms) {
  describe(`private_key_jwt ${alg}`, () => {
    for (const { id, why, jwt } of refusals) {
      test(`${id} ${why} -> invalid_client`, async () => {
        verifies('smart-app-launch', 249, 251, 252, 310, 335, 337, 338, 340);
        const { status, body } = await tokenFor(await jwt(alg));
        assert.ok(status === 400 || status === 401, String(status));
        assert.equal(body.error, 'invalid_client');
        assert.equal(body.access_token, undefined);
      });
    }

    test('J10 a jti is used once: again, at the same time, and on a second instance', async () => {
      verifies('smart-app-launch', 336);
      const jwt = await assertion(alg);
      const answers = await Promise.all(Array.from({ length: 5 }, () => tokenFor(jwt)));
      assert.equal(answers.filter((a) => a.status === 200).length, 1);
      assert.equal((await tokenFor(jwt)).body.error, 'invalid_client');
      const second = await startServer(database, { first: false });
      try {
        const fresh = await assertion(alg, { payload: { aud: `${second.origin}/oauth/token` } });
        const form = { grant_type: 'client_credentials', scope: 'system/Patient.rs', client_assertion_type: assertionType };
        assert.equal((await post(`${second.origin}/oauth/token`, { ...form, client_assertion: fresh })).status, 200);
        assert.equal((await post(`${second.origin}/oauth/token`, { ...form, client_assertion: fresh })).body.error, 'invalid_client');
        const both = await assertion(alg, {
          payload: { aud: [`${server.origin}/oauth/token`, `${second.origin}/oauth/token`] } as JWTPayload,
        });
        assert.equal((await tokenFor(both)).status, 200);
        assert.equal((await post(`${second.origin}/oauth/token`, { ...form, client_assertion: both })).body.error, 'invalid_client');
      } finally {
        await second.stop();
      }
    });

    test('a jti of a forged assertion is not burnt', async () => {
      const jti = randomUUID();
      const forged = await assertion(alg, { payload: { jti }, header: { kid: 'another' } });
      assert.equal((await tokenFor(forged)).body.error, 'invalid_client');
      assert.equal((await tokenFor(await assertion(alg, { payload: { jti } }))).status, 200);
    });

    test('J11 jku is refused and not fetched', async () => {
      let asked = 0;
      const listener = createServer((_request, response) => {
        asked += 1;
        response.end('{"keys":[]}');
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const address = listener.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      try {
        const jwt = await assertion(alg, { header: { jku: `http://127.0.0.1:${port}/jwks` } });
        assert.equal((await tokenFor(jwt)).body.error, 'invalid_client');
        assert.equal(asked, 0);
      } finally {
        listener.close();
      }
    });

    test('J16 inline keys work; no refresh token; what is not registered is left out', async () => {
      verifies('smart-app-launch', 142, 241, 248, 250, 253, 254, 255, 256, 257, 258, 259, 261, 262, 297, 357);
      const { status, body } = await tokenFor(await assertion(alg), { scope: 'system/*.rs user/*.rs system/$check-medications bogus' });
      assert.equal(status, 200);
      assert.equal(body.scope, 'system/Patient.rs system/Observation.rs');
      assert.equal(body.expires_in, 300);
      assert.equal(body.refresh_token, undefined);
      const principal = await server.auth.authenticate(`Bearer ${body.access_token}`);
      assert.deepEqual([principal.role, principal.plane, principal.clientId], ['system', 'identified', systemId(alg)]);
    });

    test('J17 wrong assertion type or grant type', async () => {
      assert.equal((await tokenFor(await assertion(alg), { client_assertion_type: 'jwt' })).status, 400);
      assert.equal((await tokenFor(await assertion(alg), { grant_type: 'password' })).body.error, 'unsupported_grant_type');
    });
  });
}

describe('client secret', () => {
  const grant = { grant_type: 'client_credentials', scope: 'system/*.cruds system/$check-medications' };
  const ask = (form: { readonly [name: string]: string }, headers = {}) =>
    post(`${server.origin}/oauth/token`, { ...grant, ...form }, headers);

  test("none, wrong, someone else's or the stored hash -> 401 invalid_client", async () => {
    const { client_id } = server.backend;
    const { rows } = await database.pool.query('select secret_hash from operational.client where client_id = $1', [client_id]);
    for (const secret of ['wrong', rows[0].secret_hash]) {
      const { status, body } = await ask({}, basic(client_id, secret));
      assert.deepEqual([status, body.error], [401, 'invalid_client']);
    }
    assert.equal((await ask({ client_id })).body.error, 'invalid_client');
    assert.equal((await ask({}, basic('limen-app', server.backend.client_secret))).body.error, 'invalid_client');
  });

  test('no scope, or none allowed -> invalid_scope; the app cannot use client_credentials', async () => {
    verifies('smart-app-launch', 250, 251);
    const { client_id, client_secret } = server.backend;
    assert.equal((await ask({ scope: 'user/*.rs' }, basic(client_id, client_secret))).body.error, 'invalid_scope');
    assert.equal((await ask({ scope: '' }, basic(client_id, client_secret))).body.error, 'invalid_scope');
    assert.equal((await ask({ client_id: 'limen-app' })).status, 400);
  });

  test('basic and post both work: identified plane, replace, may re-identify', async () => {
    verifies('smart-app-launch', 356);
    const { client_id, client_secret } = server.backend;
    for (const { body } of [await ask({}, basic(client_id, client_secret)), await ask({ client_id, client_secret })]) {
      assert.equal(body.scope, grant.scope);
      const { scopes, ...principal } = await server.auth.authenticate(`Bearer ${body.access_token}`);
      assert.equal(scopes.text, grant.scope);
      assert.deepEqual(principal, {
        tenant: 'main',
        clientId: client_id,
        role: 'system',
        plane: 'identified',
        view: 'stored',
        updateMode: 'replace',
        reidentify: true,
      });
    }
  });
});

describe('CORS', () => {
  const form = { grant_type: 'authorization_code', client_id: 'limen-app', code: 'x', redirect_uri: 'x' };
  const preflight = (path: string, origin: string) =>
    fetch(`${server.origin}${path}`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  const allowed = (answer: { readonly headers: Headers }): string | null => answer.headers.get('access-control-allow-origin');

  // "https://app.example.org" is registered; a longer name, another scheme or port is another origin.
  const foreign = [
    'https://evil.example',
    'null',
    'https://app.example.org.evil.example',
    'http://app.example.org',
    'https://app.example.org:8443',
  ];
  for (const origin of foreign) {
    test(`${origin} gets nothing`, async () => {
      for (const client_id of ['limen-app', thirdParty.clientId, 'nobody'])
        assert.equal(allowed(await post(`${server.origin}/oauth/token`, { ...form, client_id }, { origin })), null, client_id);
      for (const path of ['/oauth/token', '/oauth/revocation', '/oauth/introspection'])
        assert.equal(allowed(await preflight(path, origin)), null, path);
    });
  }

  test('a client that is registered speaks from its own origins only', async () => {
    verifies('smart-app-launch', 17);
    assert.equal(allowed(await post(`${server.origin}/oauth/token`, form, { origin: server.origin })), server.origin);
    for (const origin of [thirdParty.origin, new URL(thirdParty.redirect).origin]) {
      assert.equal(allowed(await post(`${server.origin}/oauth/token`, { ...form, client_id: thirdParty.clientId }, { origin })), origin);
      assert.equal(allowed(await preflight('/oauth/token', origin)), origin);
      const { status, headers } = await post(`${server.origin}/oauth/token`, form, { origin });
      assert.deepEqual([status, headers.get('access-control-allow-origin')], [400, null], 'the other client does not');
    }
  });

  test('introspection is closed to pages, also of registered origins; the keys are open', async () => {
    assert.equal(allowed(await preflight('/oauth/introspection', thirdParty.origin)), null);
    const caller = basic(server.backend.client_id, server.backend.client_secret);
    const answer = await post(`${server.origin}/oauth/introspection`, { token: 'x' }, { ...caller, origin: thirdParty.origin });
    assert.equal(allowed(answer), null);
    assert.equal(allowed(await fetch(`${server.origin}/oauth/jwks`, { headers: { origin: foreign[0] ?? '' } })), foreign[0]);
  });

  test('no header without an origin', async () => assert.equal(allowed(await post(`${server.origin}/oauth/token`, form)), null));

  test('an origin counts from its registration', async () => {
    const late = 'https://late.example';
    const origins = new RegisteredOrigins(database.pool);
    assert.deepEqual([await origins.includes(undefined), await new RegisteredOrigins(database.pool).includes(late)], [false, false]);
    const client = { clientId: 'late', name: 'Late', authMethod: 'none', scope: 'launch' } as const;
    await registerClient(database.pool, { ...client, origins: [late], redirectUris: ['late.example:/callback'] });
    assert.deepEqual([await origins.includes(late), await origins.includes('null')], [true, false]);
  });
});

async function backendToken(): Promise<string> {
  const { client_id, client_secret } = server.backend;
  const { body } = await post(
    `${server.origin}/oauth/token`,
    { grant_type: 'client_credentials', scope: 'system/Patient.rs' },
    basic(client_id, client_secret),
  );
  return body.access_token;
}

const backend = () => basic(server.backend.client_id, server.backend.client_secret);

async function refused(header: string | undefined): Promise<OperationOutcomeError> {
  try {
    await server.auth.authenticate(header);
  } catch (error) {
    assert.ok(error instanceof OperationOutcomeError);
    return error;
  }
  return assert.fail('accepted');
}

describe('access tokens', () => {
  for (const header of [undefined, '', 'Bearer', 'Bearer x', `Bearer ${'x'.repeat(43)}`, 'Basic YTpi', `Bearer ${'x'.repeat(10_000)}`]) {
    test(`header ${header?.slice(0, 60)} -> 401 with WWW-Authenticate`, async () => {
      const error = await refused(header);
      assert.equal(error.status, 401);
      assert.match(error.headers['www-authenticate'] ?? '', /^Bearer realm=/);
    });
  }

  test('a token of a client that was removed, or one never issued here -> 401', async () => {
    const { body } = await tokenFor(await assertion('RS384'));
    await database.pool.query('delete from operational.client where client_id = $1', [systemId('RS384')]);
    assert.equal((await refused(`Bearer ${body.access_token}`)).status, 401);
    await registerSystem(database.pool, 'RS384');
    await server.auth.authenticate(`Bearer ${body.access_token}`);
    const foreign = randomUUID().replaceAll('-', '');
    assert.equal((await refused(`Bearer ${foreign}`)).status, 401);
  });

  test('an expired token -> 401, inactive', async () => {
    verifies('smart-app-launch', 77, 94, 265);
    const token = await backendToken();
    await database.pool.query(`update operational.oidc set expires_at = now() where kind = 'ClientCredentials'`);
    assert.equal((await refused(`Bearer ${token}`)).status, 401);
    assert.deepEqual((await post(`${server.origin}/oauth/introspection`, { token }, backend())).body, { active: false });
  });

  test('a token is not stored in clear', async () => {
    const token = await backendToken();
    const { rows } = await database.pool.query('select o::text as line from operational.oidc o');
    assert.ok(rows.length > 0);
    assert.equal(
      rows.some(({ line }) => line.includes(token)),
      false,
    );
  });

  test("introspection: for authenticated clients, of any client's token, exactly inactive for garbage", async () => {
    verifies('smart-app-launch', 99, 269, 271, 272, 273, 274, 275, 276, 281, 282, 283);
    const token = await backendToken();
    assert.equal((await post(`${server.origin}/oauth/introspection`, { token })).status, 400);
    const byApp = await post(`${server.origin}/oauth/introspection`, { token, client_id: 'limen-app' });
    assert.deepEqual(byApp.body, { active: false });
    assert.deepEqual((await post(`${server.origin}/oauth/introspection`, { token: 'garbage' }, backend())).body, { active: false });
    const { body } = await tokenFor(await assertion('ES384'));
    const seen = await post(`${server.origin}/oauth/introspection`, { token: body.access_token }, backend());
    assert.equal(seen.body.active, true);
    assert.equal(seen.body.scope, 'system/Patient.rs');
    assert.equal(seen.body.client_id, systemId('ES384'));
  });

  test('revocation: at once, only by the owner, 200 for the unknown', async () => {
    const token = await backendToken();
    await server.auth.authenticate(`Bearer ${token}`);
    const byOther = { client_assertion_type: assertionType, client_assertion: await assertion('RS384') };
    await post(`${server.origin}/oauth/revocation`, { token, ...byOther });
    await server.auth.authenticate(`Bearer ${token}`);
    assert.equal((await post(`${server.origin}/oauth/revocation`, { token }, backend())).status, 200);
    assert.equal((await refused(`Bearer ${token}`)).status, 401);
    assert.equal((await post(`${server.origin}/oauth/revocation`, { token: 'garbage' }, backend())).status, 200);
  });
});

describe('in-process clients', () => {
  test('an unknown one is refused', async () => {
    await assert.rejects(
      server.auth.principalForClient('nobody'),
      (error) => error instanceof OperationOutcomeError && error.status === 403,
    );
  });

  test('the channel merges on the identified plane, cds-open has operations only', async () => {
    const channel = await server.auth.principalForClient('hl7-channel');
    assert.deepEqual([channel.role, channel.plane, channel.updateMode], ['system', 'identified', 'merge']);
    assert.deepEqual(
      channel.scopes.resources.every((s) => [...s.letters].join('') === 'cu'),
      true,
    );
    const open = await server.auth.principalForClient('cds-open');
    assert.deepEqual([open.plane, open.reidentify, open.scopes.resources.length], ['stored', false, 0]);
  });
});

describe('first start', () => {
  test('credentials and keys are readable by the owner only, and a second start leaves them alone', async () => {
    const path = join(database.folder, 'data/credentials.json');
    for (const file of [path, join(database.folder, 'keys/id-token-signing.json'), join(database.folder, 'keys/cookie-keys.json')]) {
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
    const text = await readFile(path, 'utf8');
    await ensureCredentials(database.pool, join(database.folder, 'data'), { origin: server.origin });
    assert.equal(await readFile(path, 'utf8'), text);
    assert.deepEqual(
      JSON.parse(text).users.map((u: { role: string }) => u.role),
      ['physician', 'administrator', 'privacy-officer', 'nurse', 'pharmacist', 'radiologist', 'researcher', 'auditor'],
    );
  });

  test('passwords are argon2id, and in no table in clear', async () => {
    const { rows } = await database.pool.query('select password_hash, a::text as line from operational.account a');
    assert.equal(rows.length, 8);
    for (const { password_hash, line } of rows) {
      assert.match(password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      assert.equal(
        server.users.some((u) => line.includes(u.password)),
        false,
      );
    }
  });

  test('two that start at once use the same keys', async () => {
    const keysDir = join(database.folder, 'keys-race');
    const { pool } = database;
    const make = () =>
      authorization({
        pool,
        origin: server.origin,
        origins: new RegisteredOrigins(pool),
        keysDir,
        listPatients: async () => [],
        clientFor: () => assert.fail('nobody is asked'),
        outgoing: { trusted: () => false },
      });
    await Promise.all([make(), make(), make()]);
    assert.ok(JSON.parse(await readFile(join(keysDir, 'id-token-signing.json'), 'utf8')).d);
  });
});

describe('discovery', () => {
  const path = '/fhir/.well-known/smart-configuration';

  for (const accept of ['application/fhir+xml', 'text/html', 'application/json']) {
    test(`Accept: ${accept} -> JSON, any origin`, async () => {
      verifies('smart-app-launch', 16, 30, 372, 373, 374, 376, 377, 380);
      const response = await fetch(`${server.origin}${path}`, { headers: { accept, origin: 'https://any.example' } });
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
    });
  }

  test('absolute endpoints, S256 only, and agreement with openid-configuration', async () => {
    verifies(
      'smart-app-launch',
      228,
      285,
      286,
      287,
      288,
      289,
      346,
      350,
      351,
      378,
      381,
      382,
      383,
      384,
      385,
      386,
      389,
      390,
      391,
      392,
      393,
      394,
    );
    const smart = await (await fetch(`${server.origin}${path}`)).json();
    assert.deepEqual(smart.code_challenge_methods_supported, ['S256']);
    for (const capability of ['launch-ehr', 'launch-standalone', 'client-confidential-asymmetric', 'permission-v2', 'authorize-post']) {
      assert.ok(smart.capabilities.includes(capability), capability);
    }
    for (const [name, value] of Object.entries(smart))
      if (/_(endpoint|uri)$/.test(name)) assert.ok(String(value).startsWith(`${server.origin}/oauth/`), name);
    const openid = await (await fetch(`${smart.issuer}/.well-known/openid-configuration`)).json();
    for (const [name, value] of Object.entries(smart)) assert.deepEqual(openid[name], value, name);
    assert.equal(
      (
        await fetch(`${server.origin}${path}`, {
          method: 'OPTIONS',
          headers: { origin: 'https://any.example', 'access-control-request-method': 'GET' },
        })
      ).status,
      204,
    );
  });

  test('the JWKS has no private part', async () => {
    verifies('smart-app-launch', 207);
    const jwks = await (await fetch(`${server.origin}/oauth/jwks`)).json();
    assert.equal(jwks.keys.length, 1);
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(name in jwks.keys[0], false);
  });
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
