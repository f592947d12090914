// SMART App Launch 2.2, apps: EHR launch, standalone launch, refresh, and what is refused (checklist A, T, R, O, L).
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import {
  Browser,
  type Database,
  type Pkce,
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

function user(role: string) {
  const found = server.users.find((u) => u.role === role);
  assert.ok(found);
  return { username: found.username, password: found.password, do: 'login' };
}

async function signedIn(role = 'physician'): Promise<Browser> {
  const browser = new Browser(server.origin);
  const response = await browser.fetch('/launch', user(role));
  assert.match(await response.text(), /Choose a patient/);
  return browser;
}

/** A launch token of our launch page for `patient`. */
async function launchToken(browser: Browser, patient = 'patient-a'): Promise<string> {
  browser.location = '';
  const page = await (await browser.fetch('/launch')).text();
  await browser.fetch('/launch', { patient: patientButton(page, patient) });
  const target = new URL(browser.location);
  assert.equal(target.pathname, '/app/launch');
  assert.equal(target.searchParams.get('iss'), `${server.origin}/fhir`);
  return target.searchParams.get('launch') ?? '';
}

const appScope = 'launch openid fhirUser user/*.cruds user/$check-medications online_access';

function request(proof: Pkce, changes: { readonly [name: string]: string | undefined } = {}): URLSearchParams {
  const all = {
    response_type: 'code',
    client_id: 'limen-app',
    redirect_uri: `${server.origin}/app/`,
    scope: appScope,
    state: 's',
    aud: `${server.origin}/fhir`,
    code_challenge: proof.challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  return new URLSearchParams(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Where the authorization request ends: parameters that the app gets, or none when a page is shown. */
async function authorize(browser: Browser, params: URLSearchParams): Promise<URLSearchParams> {
  browser.location = '';
  await browser.fetch(`/oauth/authorize?${params}`);
  const end = new URL(browser.location);
  if (end.pathname.startsWith('/oauth/')) return new URLSearchParams();
  return end.hash ? new URLSearchParams(end.hash.slice(1)) : end.searchParams;
}

function redeem(code: string, proof: Pkce, changes: { readonly [name: string]: string } = {}) {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: `${server.origin}/app/`,
    client_id: 'limen-app',
    code_verifier: proof.verifier,
  };
  return post(`${server.origin}/oauth/token`, { ...form, ...changes });
}

async function launched(browser: Browser, changes: { readonly [name: string]: string } = {}) {
  const proof = pkce();
  const answer = await authorize(browser, request(proof, { launch: await launchToken(browser), ...changes }));
  const code = answer.get('code') ?? '';
  assert.notEqual(code, '', answer.toString());
  return { code, proof, answer };
}

async function tokens(browser: Browser, changes: { readonly [name: string]: string } = {}) {
  const { code, proof } = await launched(browser, changes);
  const { status, body } = await redeem(code, proof);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function whoami(token: string) {
  const response = await fetch(`${server.origin}/whoami`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

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
      const browser = await signedIn();
      const answer = await authorize(browser, request(pkce(), { launch: await launchToken(browser), ...changes }));
      assert.equal(answer.get('error'), error);
      assert.equal(answer.get('state'), 's');
      assert.equal(answer.get('code'), null);
    });
  }

  for (const redirect of ['https://evil.example/', 'PREFIX', 'NONE']) {
    test(`redirect_uri ${redirect}: an error page, no redirect`, async () => {
      const value = redirect === 'PREFIX' ? `${server.origin}/app/more` : redirect === 'NONE' ? undefined : redirect;
      const browser = new Browser(server.origin);
      const response = await browser.fetch(`/oauth/authorize?${request(pkce(), { redirect_uri: value, scope: 'openid' })}`);
      assert.equal(response.status, 400);
      assert.equal(response.headers.get('location'), null);
      assert.match(response.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
    });
  }

  test('unknown client: an error page', async () => {
    const response = await new Browser(server.origin).fetch(`/oauth/authorize?${request(pkce(), { client_id: 'nobody' })}`);
    assert.equal(response.status, 400);
  });
});

describe('EHR launch', () => {
  test('login, picker, launch, code, tokens with context; a slash after aud makes no difference; POST works as GET', async () => {
    const browser = await signedIn();
    const proof = pkce();
    const state = `a&b+c%2Bü ${'z'.repeat(2000)}`;
    const params = request(proof, { launch: await launchToken(browser), aud: `${server.origin}/fhir/`, state, nonce: 'n-1' });
    browser.location = '';
    await browser.fetch('/oauth/authorize', params);
    const answer = new URL(browser.location).searchParams;
    assert.equal(answer.get('state'), state);
    const { status, headers, body } = await redeem(answer.get('code') ?? '', proof);
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
    const { body: principal } = await whoami(body.access_token);
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
    const userinfo = await fetch(`${server.origin}/oauth/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } });
    assert.deepEqual(await userinfo.json(), { sub: payload.sub, fhirUser: payload['fhirUser'] });
  });

  test('the launch is used once', async () => {
    const browser = await signedIn();
    const launch = await launchToken(browser);
    assert.ok((await authorize(browser, request(pkce(), { launch }))).get('code'));
    assert.equal((await authorize(browser, request(pkce(), { launch }))).get('error'), 'invalid_request');
  });

  test('an expired launch is refused', async () => {
    const browser = await signedIn();
    const launch = await launchToken(browser);
    await database.pool.query('update operational.launch set expires_at = now() - interval $$1 second$$ where used_at is null');
    assert.equal((await authorize(browser, request(pkce(), { launch }))).get('error'), 'invalid_request');
  });

  test('the launch of another client is refused', async () => {
    const browser = await signedIn();
    const launch = await launchToken(browser);
    const changes = { launch, client_id: thirdParty.clientId, redirect_uri: thirdParty.redirect };
    assert.equal((await authorize(browser, request(pkce(), changes))).get('error'), 'invalid_request');
  });

  test('the launch of another user is refused', async () => {
    const launch = await launchToken(await signedIn('physician'));
    const answer = await authorize(await signedIn('administrator'), request(pkce(), { launch }));
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('code'), null);
  });

  test('the patient of a launch cannot be set by a parameter', async () => {
    assert.equal((await tokens(await signedIn(), { patient: 'patient-b', encounter: 'e' })).patient, 'patient-a');
  });

  test('a patient that was not offered cannot be launched', async () => {
    const browser = await signedIn();
    const response = await browser.fetch('/launch', { patient: 'patient-c.AAAA' });
    assert.match(await response.text(), /Choose a patient/);
    assert.doesNotMatch(browser.location, /launch=/);
  });

  test('an administrator gets reading only', async () => {
    const body = await tokens(await signedIn('administrator'));
    assert.deepEqual(new Set(body.scope.split(' ')), new Set('launch openid fhirUser user/*.rs online_access'.split(' ')));
    const { body: principal } = await whoami(body.access_token);
    assert.equal(principal.role, 'administrator');
    assert.equal(principal.purpose, undefined);
  });

  test('v1 scopes are answered as v1', async () => {
    const body = await tokens(await signedIn(), { scope: 'launch patient/Observation.read user/Patient.read user/Patient.sr' });
    assert.equal(body.scope, 'launch patient/Observation.read user/Patient.read');
    assert.equal(body.id_token, undefined);
    assert.equal(body.refresh_token, undefined);
  });

  test('two launches in one session do not end or mix each other', async () => {
    const browser = await signedIn();
    const first = await tokens(browser);
    const second = await launchToken(browser, 'patient-b');
    const proof = pkce();
    const answer = await authorize(browser, request(proof, { launch: second }));
    const { body } = await redeem(answer.get('code') ?? '', proof);
    assert.equal((await whoami(first.access_token)).body.patient, 'patient-a');
    assert.equal((await whoami(body.access_token)).body.patient, 'patient-b');
  });
});

describe('standalone launch', () => {
  const standalone = () => ({
    client_id: thirdParty.clientId,
    redirect_uri: thirdParty.redirect,
    scope: 'launch/patient openid patient/*.rs patient/Observation.cruds offline_access',
  });

  async function atConsent(browser: Browser, proof: Pkce): Promise<string> {
    await browser.fetch(`/oauth/authorize?${request(proof, standalone())}`);
    const response = await browser.fetch(browser.location, user('physician'));
    assert.match(response.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/app\.example\.org;/);
    return response.text();
  }

  test('login, consent with a scope deselected, picker with search, tokens', async () => {
    const browser = new Browser(server.origin);
    const proof = pkce();
    const consent = await atConsent(browser, proof);
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
    const { status, body } = await redeem(answer.searchParams.get('code') ?? '', proof, {
      client_id: thirdParty.clientId,
      redirect_uri: thirdParty.redirect,
    });
    assert.equal(status, 200);
    assert.equal(body.patient, 'patient-a');
    assert.deepEqual(new Set(body.scope.split(' ')), new Set(ticked));
    assert.ok(body.refresh_token);
  });

  test('the user says no -> access_denied with state', async () => {
    const browser = new Browser(server.origin);
    await atConsent(browser, pkce());
    await browser.fetch(browser.location, { do: 'deny' });
    const answer = new URL(browser.location).searchParams;
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('state'), 's');
  });

  test('consent from another site is refused', async () => {
    const browser = new Browser(server.origin);
    await atConsent(browser, pkce());
    const response = await browser.fetch(browser.location, { do: 'allow' }, { origin: 'https://evil.example' });
    assert.equal(response.status, 403);
  });

  test('a patient scope without a launch leads to the picker, and no token comes without a patient', async () => {
    const browser = await signedIn();
    browser.location = '';
    const response = await browser.fetch(`/oauth/authorize?${request(pkce(), { scope: 'patient/*.rs' })}`);
    assert.match(await response.text(), /Choose a patient/);
    const again = await browser.fetch(browser.location, { patient: 'patient-b.forged' });
    assert.match(await again.text(), /Choose a patient/);
  });
});

describe('codes', () => {
  const verifiers: { readonly [why: string]: string } = { wrong: pkce().verifier, 'too short': 'short', missing: '' };
  for (const [why, verifier] of Object.entries(verifiers)) {
    test(`code_verifier ${why} -> invalid_grant`, async () => {
      const { code, proof } = await launched(await signedIn());
      const { status, body } = await redeem(code, proof, { code_verifier: verifier });
      assert.deepEqual([status, body.error], [400, 'invalid_grant']);
      assert.equal(typeof body.error_description, 'string');
    });
  }

  test('another client or redirect_uri -> invalid_grant', async () => {
    const { code, proof } = await launched(await signedIn());
    assert.equal((await redeem(code, proof, { client_id: thirdParty.clientId })).body.error, 'invalid_grant');
    assert.equal((await redeem(code, proof, { redirect_uri: `${server.origin}/app/x` })).body.error, 'invalid_grant');
  });

  test('an expired or invented code -> invalid_grant', async () => {
    const { code, proof } = await launched(await signedIn());
    await database.pool.query(`update operational.oidc set expires_at = now() where kind = 'AuthorizationCode'`);
    assert.equal((await redeem(code, proof)).body.error, 'invalid_grant');
    assert.equal((await redeem('x'.repeat(43), proof)).body.error, 'invalid_grant');
  });

  test('a code used twice ends what came of it', async () => {
    const { code, proof } = await launched(await signedIn());
    const first = await redeem(code, proof);
    assert.equal((await whoami(first.body.access_token)).status, 200);
    assert.equal((await redeem(code, proof)).body.error, 'invalid_grant');
    assert.equal((await whoami(first.body.access_token)).status, 401);
  });

  test('of a code redeemed many times at once nothing is left', async () => {
    const { code, proof } = await launched(await signedIn());
    const answers = await Promise.all(Array.from({ length: 4 }, () => redeem(code, proof)));
    assert.ok(answers.filter((a) => a.status === 200).length <= 1);
    for (const { body } of answers.filter((a) => a.status === 200)) assert.equal((await whoami(body.access_token)).status, 401);
  });
});

describe('refresh and logout', () => {
  const refresh = (token: string, more: { readonly [name: string]: string } = {}) =>
    post(`${server.origin}/oauth/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: 'limen-app', ...more });

  test('rotation keeps scope and context; a reused refresh token ends the family', async () => {
    const first = await tokens(await signedIn());
    const second = await refresh(first.refresh_token);
    assert.equal(second.status, 200);
    assert.equal(second.body.scope, first.scope);
    assert.equal(second.body.patient, 'patient-a');
    assert.notEqual(second.body.refresh_token, first.refresh_token);
    assert.equal((await refresh(first.refresh_token)).body.error, 'invalid_grant');
    assert.equal((await whoami(second.body.access_token)).status, 401);
    assert.equal((await refresh(second.body.refresh_token)).body.error, 'invalid_grant');
  });

  test('narrower is honoured, wider is invalid_scope, another client is invalid_grant', async () => {
    const first = await tokens(await signedIn());
    assert.equal((await refresh(first.refresh_token, { scope: 'user/*.rs user/Patient.d' })).body.error, 'invalid_scope');
    assert.equal((await refresh(first.refresh_token, { client_id: thirdParty.clientId })).body.error, 'invalid_grant');
    const { body } = await refresh(first.refresh_token, { scope: 'user/*.rs' });
    assert.equal(body.scope, 'user/*.rs');
    assert.equal((await whoami(body.access_token)).body.scopes, 'user/*.rs');
  });

  test('online_access ends at logout, offline_access stays', async () => {
    const browser = await signedIn();
    const online = await tokens(browser);
    const offline = await tokens(browser, { scope: 'launch user/*.rs offline_access' });
    assert.equal((await whoami(online.access_token)).status, 200);
    browser.location = '';
    assert.match(await (await browser.fetch('/launch', { do: 'logout' })).text(), /Sign in/);
    assert.equal((await whoami(online.access_token)).status, 401);
    assert.equal((await refresh(online.refresh_token)).body.error, 'invalid_grant');
    assert.equal((await whoami(offline.access_token)).status, 200);
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
    const browser = await signedIn();
    assert.ok(browser.cookieLines.length > 0);
    for (const line of browser.cookieLines) assert.match(line.toLowerCase(), /samesite=lax.*httponly/);
    browser.location = '';
    const headers = (await browser.fetch('/')).headers;
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('five failures lock the account, the right password included; half an hour later it opens', async () => {
    const { username, password } = user('administrator');
    for (let i = 0; i < 5; i += 1) await wrong(username);
    assert.match(await (await wrong(username, password)).text(), /User name or password is wrong/);
    await database.pool.query(`update operational.account set failures_since = now() - interval '31 minutes' where username = $1`, [
      username,
    ]);
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
  const body = await tokens(await signedIn('administrator'));
  await database.pool.query(`delete from operational.account where role = 'administrator'`);
  assert.equal((await whoami(body.access_token)).status, 401);
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
