// SMART App Launch 2.2, apps: EHR launch, standalone launch, refresh, and what is refused (checklist A, T, R, O, L).
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { verifies } from '../../test/verifies.ts';
import { App } from './authorization-app.ts';
import {
  Browser,
  basic,
  type Database,
  patientButton,
  pkce,
  post,
  type Server,
  startDatabase,
  startServer,
  thirdParty,
} from './authorization-fixture.ts';

let database: Database;
let server: Server;

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
});
after(async () => {
  await server?.stop();
  await database?.stop();
});

const app = new App(() => server);

describe('authorization requests that are refused', () => {
  const cases: readonly {
    readonly why: string;
    readonly changes: { readonly [name: string]: string | undefined };
    readonly error: string;
  }[] = [
    { why: 'aud missing', changes: { aud: undefined }, error: 'invalid_request' },
    { why: 'aud of another server', changes: { aud: 'https://evil.example/fhir' }, error: 'invalid_request' },
    { why: 'aud with our URL as prefix', changes: { aud: 'http://127.0.0.1/fhir/x' }, error: 'invalid_request' },
    { why: 'no code_challenge', changes: { code_challenge: undefined, code_challenge_method: undefined }, error: 'invalid_request' },
    { why: 'code_challenge_method plain', changes: { code_challenge_method: 'plain' }, error: 'invalid_request' },
    { why: 'code_challenge without method', changes: { code_challenge_method: undefined }, error: 'invalid_request' },
    { why: 'launch scope without launch', changes: { launch: undefined }, error: 'invalid_request' },
    { why: 'unknown launch', changes: { launch: 'x'.repeat(43) }, error: 'invalid_request' },
    { why: 'nothing allowed is asked', changes: { scope: 'system/*.cruds bogus user/Patient.sr' }, error: 'invalid_scope' },
    { why: 'a resource that is not ours', changes: { resource: 'https://evil.example/fhir' }, error: 'invalid_target' },
    { why: 'implicit flow', changes: { response_type: 'token' }, error: 'unsupported_response_type' },
  ];
  for (const { why, changes, error } of cases) {
    test(`${why} -> ${error}, state kept, no code`, async () => {
      verifies('smart-app-launch', 15, 31, 59, 96);
      const browser = await app.signedIn();
      const answer = await app.authorize(browser, app.request(pkce(), { launch: await app.launchToken(browser), ...changes }));
      assert.equal(answer.get('error'), error);
      assert.equal(answer.get('state'), 's');
      assert.equal(answer.get('code'), null);
    });
  }

  for (const redirect of ['https://evil.example/', 'PREFIX', 'NONE']) {
    test(`redirect_uri ${redirect}: an error page, no redirect`, async () => {
      const value = redirect === 'PREFIX' ? `${server.origin}/app/more` : redirect === 'NONE' ? undefined : redirect;
      const browser = new Browser(server.origin);
      const response = await browser.fetch(`/oauth/authorize?${app.request(pkce(), { redirect_uri: value, scope: 'openid' })}`);
      assert.equal(response.status, 400);
      assert.equal(response.headers.get('location'), null);
      assert.match(response.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
    });
  }

  test('control characters are refused, not a bug', async () => {
    const browser = new Browser(server.origin);
    assert.equal((await browser.fetch(`/oauth/authorize?${app.request(pkce(), { state: '\0' })}`)).status, 400);
    assert.match(await (await browser.fetch('/launch', { username: 'a\0', password: '\0', do: 'login' })).text(), /is wrong/);
    const { body } = await post(`${server.origin}/oauth/token`, {
      grant_type: 'authorization_code',
      client_id: '\0',
      code: '\0',
      redirect_uri: 'x',
    });
    assert.equal(body.error, 'invalid_client');
  });

  test('unknown client: an error page', async () => {
    const response = await new Browser(server.origin).fetch(`/oauth/authorize?${app.request(pkce(), { client_id: 'nobody' })}`);
    assert.equal(response.status, 400);
  });
});

describe('EHR launch', () => {
  test('login, picker, launch, code, tokens with context; a slash after aud makes no difference; POST works as GET', async () => {
    verifies(
      'smart-app-launch',
      14,
      48,
      49,
      53,
      56,
      57,
      59,
      73,
      74,
      75,
      76,
      78,
      80,
      81,
      83,
      84,
      85,
      86,
      87,
      88,
      89,
      91,
      149,
      170,
      197,
      198,
      200,
      203,
      205,
      209,
      210,
      214,
      352,
      354,
      355,
      358,
      359,
      361,
      368,
    );
    const browser = await app.signedIn();
    const proof = pkce();
    const state = `a&b+c%2Bü ${'z'.repeat(2000)}`;
    const params = app.request(proof, { launch: await app.launchToken(browser), aud: `${server.origin}/fhir/`, state, nonce: 'n-1' });
    browser.location = '';
    await browser.fetch('/oauth/authorize', params);
    const answer = new URL(browser.location).searchParams;
    assert.equal(answer.get('state'), state);
    const { status, headers, body } = await app.redeem(answer.get('code') ?? '', proof);
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('pragma'), 'no-cache');
    assert.equal(body.patient, 'patient-a');
    assert.equal(body.need_patient_banner, true);
    assert.equal(body.token_type, 'Bearer');
    assert.equal(body.expires_in, 600);
    const granted =
      'launch openid fhirUser user/*.rs user/RiskAssessment.cu user/DetectedIssue.cu user/Provenance.c user/$check-medications online_access';
    assert.deepEqual(new Set(body.scope.split(' ')), new Set(granted.split(' ')));
    const { payload, protectedHeader } = await jwtVerify(body.id_token, createRemoteJWKSet(new URL(`${server.origin}/oauth/jwks`)), {
      issuer: `${server.origin}/oauth`,
      audience: 'limen-app',
    });
    assert.equal(protectedHeader.alg, 'RS256');
    assert.equal(payload['nonce'], 'n-1');
    assert.match(String(payload['fhirUser']), /\/fhir\/Practitioner\/[0-9a-f-]{36}$/);
    const { body: principal } = await app.whoami(body.access_token);
    assert.equal(principal.scopes, body.scope);
    assert.deepEqual(
      {
        role: principal.role,
        plane: principal.plane,
        purpose: principal.purpose,
        reidentify: principal.reidentify,
        patient: principal.patient,
      },
      { role: 'physician', plane: 'stored', purpose: 'TREAT', reidentify: true, patient: 'patient-a' },
    );
    const seen = await post(
      `${server.origin}/oauth/introspection`,
      { token: body.access_token },
      basic(server.backend.client_id, server.backend.client_secret),
    );
    assert.deepEqual([seen.body.active, seen.body.scope, seen.body.patient, seen.body.sub], [true, body.scope, 'patient-a', payload.sub]);
    const userinfo = await fetch(`${server.origin}/oauth/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } });
    assert.deepEqual(await userinfo.json(), { sub: payload.sub, fhirUser: payload['fhirUser'] });
  });

  test('the launch is used once', async () => {
    const browser = await app.signedIn();
    const launch = await app.launchToken(browser);
    assert.ok((await app.authorize(browser, app.request(pkce(), { launch }))).get('code'));
    assert.equal((await app.authorize(browser, app.request(pkce(), { launch }))).get('error'), 'invalid_request');
  });

  test('an expired launch is refused', async () => {
    const browser = await app.signedIn();
    const launch = await app.launchToken(browser);
    await database.pool.query('update operational.launch set expires_at = now() - interval $$1 second$$ where used_at is null');
    assert.equal((await app.authorize(browser, app.request(pkce(), { launch }))).get('error'), 'invalid_request');
  });

  test('the launch of another client is refused', async () => {
    const browser = await app.signedIn();
    const launch = await app.launchToken(browser);
    const changes = { launch, client_id: thirdParty.clientId, redirect_uri: thirdParty.redirect };
    assert.equal((await app.authorize(browser, app.request(pkce(), changes))).get('error'), 'invalid_request');
  });

  test('the launch of another user is refused', async () => {
    const launch = await app.launchToken(await app.signedIn('physician'));
    const answer = await app.authorize(await app.signedIn('administrator'), app.request(pkce(), { launch }));
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('code'), null);
  });

  test('the patient of a launch cannot be set by a parameter', async () => {
    assert.equal((await app.tokens(await app.signedIn(), { patient: 'patient-b', encounter: 'e' })).patient, 'patient-a');
  });

  test('a patient that was not offered cannot be launched', async () => {
    const browser = await app.signedIn();
    const response = await browser.fetch('/launch', { patient: 'patient-c.AAAA' });
    assert.match(await response.text(), /Choose a patient/);
    assert.doesNotMatch(browser.location, /launch=/);
  });

  test('an administrator does not find by identifier', async () => {
    const browser = await app.signedIn('administrator');
    const asked = server.identifiers.length;
    const page = await (await browser.fetch('/launch', { do: 'find', identifier: 'MRN-1' })).text();
    assert.doesNotMatch(page, /identifier/);
    assert.equal(server.identifiers.length, asked);
  });

  test('an administrator gets reading only', async () => {
    verifies('smart-app-launch', 119, 140);
    const body = await app.tokens(await app.signedIn('administrator'));
    assert.deepEqual(new Set(body.scope.split(' ')), new Set('launch openid fhirUser user/*.rs online_access'.split(' ')));
    const { body: principal } = await app.whoami(body.access_token);
    assert.equal(principal.role, 'administrator');
    assert.equal(principal.purpose, 'HSYSADMIN');
  });

  test('v1 scopes are answered as v1', async () => {
    verifies('smart-app-launch', 126, 127, 369);
    const body = await app.tokens(await app.signedIn(), { scope: 'launch patient/Observation.read user/Patient.read user/Patient.sr' });
    assert.equal(body.scope, 'launch patient/Observation.read user/Patient.read');
    assert.equal(body.id_token, undefined);
    assert.equal(body.refresh_token, undefined);
  });

  test('two launches in one session do not end or mix each other', async () => {
    const browser = await app.signedIn();
    const first = await app.tokens(browser);
    const second = await app.launchToken(browser, 'patient-b');
    const proof = pkce();
    const answer = await app.authorize(browser, app.request(proof, { launch: second }));
    const { body } = await app.redeem(answer.get('code') ?? '', proof);
    assert.equal((await app.whoami(first.access_token)).body.patient, 'patient-a');
    assert.equal((await app.whoami(body.access_token)).body.patient, 'patient-b');
  });
});

describe('standalone launch', () => {
  test('login, consent with a scope deselected, picker with search, tokens', async () => {
    verifies('smart-app-launch', 79, 145, 167, 353, 363, 365, 367);
    const browser = new Browser(server.origin);
    const proof = pkce();
    const consent = await app.atConsent(browser, proof);
    assert.match(consent, /Third &lt;party&gt;/);
    const ticked = ['launch/patient', 'openid', 'patient/*.rs', 'offline_access'];
    const allow = new URLSearchParams([['do', 'allow'], ...ticked.map((scope) => ['scope', scope])]);
    const picker = await (await browser.fetch(browser.location, allow)).text();
    assert.match(picker, /P-AAAA.*60-69.*female.*2024-01/s);
    assert.doesNotMatch(picker, /<b>/);
    const found = await (await browser.fetch(browser.location, { do: 'find', identifier: 'MRN-1' })).text();
    assert.equal(server.identifiers.at(-1), 'MRN-1');
    assert.doesNotMatch(found, /MRN-1|P-BBBB/);
    await browser.fetch(browser.location, { patient: patientButton(found, 'patient-a') });
    const answer = new URL(browser.location);
    assert.equal(answer.origin + answer.pathname, thirdParty.redirect);
    const { status, body } = await app.redeem(answer.searchParams.get('code') ?? '', proof, {
      client_id: thirdParty.clientId,
      redirect_uri: thirdParty.redirect,
    });
    assert.equal(status, 200);
    assert.equal(body.patient, 'patient-a');
    assert.deepEqual(new Set(body.scope.split(' ')), new Set(ticked));
    assert.ok(body.refresh_token);
  });

  test('the user says no -> access_denied with state', async () => {
    verifies('smart-app-launch', 54);
    const browser = new Browser(server.origin);
    await app.atConsent(browser, pkce());
    await browser.fetch(browser.location, { do: 'deny' });
    const answer = new URL(browser.location).searchParams;
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('state'), 's');
  });

  test('consent from another site is refused', async () => {
    const browser = new Browser(server.origin);
    await app.atConsent(browser, pkce());
    const response = await browser.fetch(browser.location, { do: 'allow' }, { origin: 'https://evil.example' });
    assert.equal(response.status, 403);
  });

  test('a patient scope without a launch leads to the picker, and no token comes without a patient', async () => {
    verifies('smart-app-launch', 136, 164, 165);
    const browser = await app.signedIn();
    browser.location = '';
    const response = await browser.fetch(`/oauth/authorize?${app.request(pkce(), { scope: 'patient/*.rs' })}`);
    assert.match(await response.text(), /Choose a patient/);
    const again = await browser.fetch(browser.location, { patient: 'patient-b.forged' });
    assert.match(await again.text(), /Choose a patient/);
  });
});

describe('codes', () => {
  const verifiers: { readonly [why: string]: string } = { wrong: pkce().verifier, 'too short': 'short', missing: '' };
  for (const [why, verifier] of Object.entries(verifiers)) {
    test(`code_verifier ${why} -> invalid_grant`, async () => {
      verifies('smart-app-launch', 31);
      const { code, proof } = await app.launched(await app.signedIn());
      const { status, body } = await app.redeem(code, proof, { code_verifier: verifier });
      assert.deepEqual([status, body.error], [400, 'invalid_grant']);
      assert.equal(typeof body.error_description, 'string');
    });
  }

  test('another client or redirect_uri -> invalid_grant', async () => {
    const { code, proof } = await app.launched(await app.signedIn());
    assert.equal((await app.redeem(code, proof, { client_id: thirdParty.clientId })).body.error, 'invalid_grant');
    assert.equal((await app.redeem(code, proof, { redirect_uri: `${server.origin}/app/x` })).body.error, 'invalid_grant');
  });

  test('an expired or invented code -> invalid_grant', async () => {
    verifies('smart-app-launch', 58);
    const { code, proof } = await app.launched(await app.signedIn());
    await database.pool.query(`update operational.oidc set expires_at = now() where kind = 'AuthorizationCode'`);
    assert.equal((await app.redeem(code, proof)).body.error, 'invalid_grant');
    assert.equal((await app.redeem('x'.repeat(43), proof)).body.error, 'invalid_grant');
  });

  test('a code used twice ends what came of it', async () => {
    const { code, proof } = await app.launched(await app.signedIn());
    const first = await app.redeem(code, proof);
    assert.equal((await app.whoami(first.body.access_token)).status, 200);
    assert.equal((await app.redeem(code, proof)).body.error, 'invalid_grant');
    assert.equal((await app.whoami(first.body.access_token)).status, 401);
  });

  test('of a code redeemed many times at once nothing is left', async () => {
    const { code, proof } = await app.launched(await app.signedIn());
    const answers = await Promise.all(Array.from({ length: 4 }, () => app.redeem(code, proof)));
    assert.ok(answers.filter((a) => a.status === 200).length <= 1);
    for (const { body } of answers.filter((a) => a.status === 200)) assert.equal((await app.whoami(body.access_token)).status, 401);
  });
});

describe('refresh and logout', () => {
  const refresh = (token: string, more: { readonly [name: string]: string } = {}) =>
    post(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: 'limen-app', ...more });

  test('rotation keeps scope and context; a reused refresh token ends the family', async () => {
    verifies('smart-app-launch', 101, 104, 109, 110, 111, 112, 113, 114, 115, 116, 118);
    const first = await app.tokens(await app.signedIn());
    const second = await refresh(first.refresh_token);
    assert.equal(second.status, 200);
    assert.equal(second.body.scope, first.scope);
    assert.equal(second.body.patient, 'patient-a');
    assert.notEqual(second.body.refresh_token, first.refresh_token);
    assert.equal((await refresh(first.refresh_token)).body.error, 'invalid_grant');
    assert.equal((await app.whoami(second.body.access_token)).status, 401);
    assert.equal((await refresh(second.body.refresh_token)).body.error, 'invalid_grant');
  });

  test('narrower is honoured, wider is invalid_scope, another client is invalid_grant', async () => {
    verifies('smart-app-launch', 103, 104);
    const first = await app.tokens(await app.signedIn());
    assert.equal((await refresh(first.refresh_token, { scope: 'user/*.rs user/Patient.d' })).body.error, 'invalid_scope');
    assert.equal((await refresh(first.refresh_token, { client_id: thirdParty.clientId })).body.error, 'invalid_grant');
    const { body } = await refresh(first.refresh_token, { scope: 'user/*.rs' });
    assert.equal(body.scope, 'user/*.rs');
    assert.equal((await app.whoami(body.access_token)).body.scopes, 'user/*.rs');
  });

  test('online_access ends at logout, offline_access stays', async () => {
    verifies('smart-app-launch', 100, 101, 102, 366);
    const browser = await app.signedIn();
    const online = await app.tokens(browser);
    const offline = await app.tokens(browser, { scope: 'launch user/*.rs offline_access' });
    assert.equal((await app.whoami(online.access_token)).status, 200);
    browser.location = '';
    assert.match(await (await browser.fetch('/launch', { do: 'logout' })).text(), /Sign in/);
    assert.equal((await app.whoami(online.access_token)).status, 401);
    assert.equal((await refresh(online.refresh_token)).body.error, 'invalid_grant');
    assert.equal((await app.whoami(offline.access_token)).status, 200);
    assert.equal((await refresh(offline.refresh_token)).status, 200);
  });
});

describe('login', () => {
  const wrong = (username: string, password = 'wrong') => new Browser(server.origin).fetch('/launch', { username, password, do: 'login' });

  test('wrong password, unknown user and markup get the same text', async () => {
    const texts = await Promise.all(['physician', 'nobody', '<script>'].map(async (name) => (await wrong(name)).text()));
    assert.match(texts[0] ?? '', /User name or password is wrong/);
    assert.equal(new Set(texts).size, 1);
  });

  test('the session cookie is HttpOnly and SameSite=Lax; the page cannot be framed', async () => {
    const browser = await app.signedIn();
    assert.ok(browser.cookieLines.length > 0);
    for (const line of browser.cookieLines) assert.match(line.toLowerCase(), /samesite=lax.*httponly/);
    browser.location = '';
    const headers = (await browser.fetch('/')).headers;
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('five failures lock the account, the right password included; half an hour later it opens', async () => {
    const { username, password } = app.user('administrator');
    for (let i = 0; i < 5; i += 1) await wrong(username);
    assert.match(await (await wrong(username, password)).text(), /User name or password is wrong/);
    await database.pool.query(`update operational.attempt set locked_until = now() - interval '1 second' where locked_until is not null`);
    assert.match(await (await wrong(username, password)).text(), /Choose a patient/);
  });

  test('localhost leads to the name that the cookies belong to', async () => {
    const { port } = new URL(server.origin);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${server.origin}/launch`, { headers: { host: `localhost:${port}` } }, resolve).on('error', reject);
    });
    answer.resume();
    assert.equal(answer.headers.location, `${server.origin}/launch`);
  });
});

test('the token of a removed account is refused, never taken for a system', async () => {
  const body = await app.tokens(await app.signedIn('administrator'));
  await database.pool.query(`delete from operational.account where role = 'administrator'`);
  assert.equal((await app.whoami(body.access_token)).status, 401);
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
