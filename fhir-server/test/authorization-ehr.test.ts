// Launches that begin in another EHR, and the exchange of its tokens: what is refused, and what an app gets.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Identifier, Patient } from '@limen/fhir-model';
import { generateKeyPair } from 'jose';
import { registeredEhrs } from '../src/authorization/ehr/registered.ts';
import { compileAccessPolicy } from '../src/authorization/roles.ts';
import { registerClient } from '../src/operational/index.ts';
import { App } from './authorization-app.ts';
import { Browser, basic, type Database, freePort, pkce, post, type Server, startDatabase, startServer } from './authorization-fixture.ts';
import { type Bend, EhrSimulator, ehrClient, mrn } from './ehr-simulator.ts';

const ehr = new EhrSimulator();
const app = new App(() => server);
const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const gateway = { id: 'gateway', secret: 'secret-of-the-gateway' };
const written: Patient[] = [];
let database: Database;
let server: Server;
let silent = '';

const patients = {
  find: async (identifiers: readonly Identifier[]) =>
    identifiers.some(({ system, value }) => system === mrn.system && value === mrn.value) ? 'patient-a' : undefined,
  create: async (patient: Patient) => {
    written.push(patient);
    return 'patient-b';
  },
};

before(async () => {
  database = await startDatabase();
  await ehr.start();
  silent = `http://127.0.0.1:${await freePort()}/r4`;
  const tokenExchange = { issuer: ehr.origin, jwksUri: `${ehr.origin}/jwks`, audience: 'limen', clients: [gateway.id] };
  const known = { patientSystems: [mrn.system], provision: 'physician', createPatients: 'limen-backend' };
  const list = [
    { iss: ehr.iss, ...ehrClient, ...known, tokenExchange },
    { iss: silent, ...ehrClient, ...known },
  ];
  server = await startServer(database, { ehrs: { list, patients } });
  const scope = 'patient/Observation.rs user/Patient.rs';
  for (const clientId of [gateway.id, 'another'])
    await registerClient(database.pool, {
      clientId,
      name: 'Gateway',
      authMethod: 'client_secret_basic',
      secret: gateway.secret,
      grantTypes: [grant],
      scope,
    });
});
afterEach(() => {
  ehr.bend = {};
});
after(async () => {
  await server?.stop();
  await ehr.stop();
  await database?.stop();
});

const launchAddress = (iss: string) => `/ehr/launch?${new URLSearchParams({ iss, launch: 'launch-1' })}`;

/** As far as the EHR's answer. */
async function asked(browser: Browser): Promise<URLSearchParams> {
  browser.location = '';
  const response = await browser.fetch(launchAddress(ehr.iss));
  return ehr.authorize(new URL(response.headers.get('location') ?? ''));
}

async function callback(browser: Browser, answer: URLSearchParams): Promise<{ status: number; text: string }> {
  browser.location = '';
  const response = await browser.fetch(`/ehr/callback?${answer}`);
  return { status: response.status, text: await response.text() };
}

describe('refused launches', () => {
  test('an EHR that is not listed, one that does not answer, a launch without a token', async () => {
    const browser = new Browser(server.origin);
    assert.equal((await browser.fetch(launchAddress('https://evil.example/r4'))).status, 400);
    assert.equal((await browser.fetch(launchAddress(silent))).status, 502);
    assert.equal((await browser.fetch(`/ehr/launch?iss=${ehr.iss}`)).status, 400);
    ehr.bend = { discovery: { code_challenge_methods_supported: ['plain'] } };
    assert.equal((await browser.fetch(launchAddress(ehr.iss))).status, 502);
    ehr.bend = { discovery: { token_endpoint: 'http://evil.example/token' } };
    assert.equal((await browser.fetch(launchAddress(ehr.iss))).status, 502);
  });

  test('a state that is unknown, used, or of another browser', async () => {
    const browser = new Browser(server.origin);
    const answer = await asked(browser);
    assert.equal((await callback(new Browser(server.origin), answer)).status, 400);
    const before = ehr.seen.filter((url) => url === '/token').length;
    await callback(browser, answer);
    assert.equal((await callback(browser, answer)).status, 400);
    assert.equal(ehr.seen.filter((url) => url === '/token').length, before + 1);
    assert.equal((await callback(browser, new URLSearchParams({ code: 'x', state: '\0'.repeat(3) }))).status, 400);
    assert.equal((await callback(browser, new URLSearchParams({ code: 'x', state: 'y'.repeat(9000) }))).status, 400);
  });

  test('an answer of another server (RFC 9207) asks no token endpoint', async () => {
    for (const iss of ['https://evil.example', undefined]) {
      const browser = new Browser(server.origin);
      const answer = await asked(browser);
      if (iss) answer.set('iss', iss);
      else answer.delete('iss');
      const before = ehr.seen.length;
      assert.equal((await callback(browser, answer)).status, 400);
      assert.equal(ehr.seen.length, before);
    }
  });

  const now = () => Math.floor(Date.now() / 1000);
  const bends: readonly (readonly [string, number, () => Bend | Promise<Bend>])[] = [
    ['wrong nonce', 403, () => ({ claims: { nonce: 'another' } })],
    ['wrong aud', 403, () => ({ claims: { aud: 'another-app' } })],
    ['aud of several without azp', 403, () => ({ claims: { aud: [ehrClient.clientId, 'another-app'] } })],
    ['wrong iss', 403, () => ({ claims: { iss: 'https://evil.example' } })],
    ['expired', 403, () => ({ claims: { exp: now() - 120 } })],
    ['no fhirUser', 403, () => ({ claims: { fhirUser: undefined } })],
    ['another key', 403, async () => ({ signer: (await generateKeyPair('RS256')).privateKey })],
    ['a malformed id_token', 403, () => ({ tokens: { id_token: 'a.b' } })],
    ['no id_token', 403, () => ({ tokens: { id_token: undefined } })],
    ['no patient', 400, () => ({ tokens: { patient: undefined } })],
    ['a patient that leads elsewhere', 400, () => ({ tokens: { patient: '../Patient/p1' } })],
    ['a patient that it does not show', 403, () => ({ tokens: { patient: 'p2' } })],
    ['identifiers that are not its own', 403, () => ({ identifier: [{ system: 'urn:of-others', value: 'MRN-1' }] })],
  ];
  for (const [name, status, bend] of bends)
    test(`the EHR answers with ${name}`, async () => {
      const browser = new Browser(server.origin);
      const before = await launches();
      ehr.bend = await bend();
      assert.equal((await callback(browser, await asked(browser))).status, status);
      const after = await launches();
      browser.location = '';
      assert.match(await (await browser.fetch('/launch')).text(), /name="password"/);
      assert.equal(after, before);
    });
});

test('a list with both or neither of secret and key, a strong role, a field that does not exist: no start', () => {
  const entry = { iss: 'https://ehr.example/r4', clientId: 'c', secret: 's', patientSystems: ['urn:mrn'] };
  const policy = compileAccessPolicy();
  assert.equal(registeredEhrs([entry], policy).length, 1);
  for (const wrong of [{ secret: '' }, { privateKey: { alg: 'ES384' } }, { provision: 'nobody' }, { other: 1 }, { patientSystems: [] }])
    assert.throws(() => registeredEhrs([{ ...entry, ...wrong }], policy), /list of EHRs is not valid/);
  assert.throws(() => registeredEhrs([entry, { ...entry, iss: `${entry.iss}/` }], policy), /twice/);
});

/** How many launches there have been, used or not. */
async function launches(): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>('select count(*)::int as n from operational.launch');
  return rows[0]?.n ?? Number.NaN;
}

/** The tokens that our app gets at the end of a launch by the EHR. */
async function launchedByEhr(browser: Browser) {
  const answer = await asked(browser);
  await callback(browser, answer);
  const end = new URL(browser.location);
  assert.equal(end.pathname, '/app/launch');
  assert.equal(end.searchParams.get('iss'), `${server.origin}/fhir`);
  const proof = pkce();
  const launch = end.searchParams.get('launch') ?? '';
  const code = (await app.authorize(browser, app.request(proof, { launch }))).get('code') ?? '';
  const { status, body } = await app.redeem(code, proof);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

test('a launch opens our app with the pseudonymous patient; the EHR token comes with ours and ends with the session', async () => {
  const browser = new Browser(server.origin);
  const tokens = await launchedByEhr(browser);
  assert.equal(tokens.patient, 'patient-a');
  const me = await app.whoami(tokens.access_token);
  assert.deepEqual([me.body.patient, me.body.role], ['patient-a', 'physician']);
  const session = (token: string) =>
    fetch(`${server.origin}/ehr/session/${tokens.ehr_session}`, { headers: { authorization: `Bearer ${token}` } });
  const own = await session(tokens.access_token);
  const { expires_in: seconds, ...rest } = (await own.json()) as { expires_in: number };
  assert.deepEqual(rest, { iss: ehr.iss, access_token: 'token-of-the-ehr', token_type: 'Bearer', patient: 'p1' });
  assert.ok(seconds > 0 && seconds <= 120);
  // Another user's token does not open it; the same user comes back to the same account.
  const other = await app.tokens(await app.signedIn());
  assert.equal((await session(other.access_token)).status, 404);
  const again = await app.whoami((await launchedByEhr(new Browser(server.origin))).access_token);
  assert.equal(again.body.userId, me.body.userId);
  const stored = await database.pool.query(
    `select (select json_agg(t)::text from operational.ehr_session t) || (select json_agg(t)::text from operational.ehr_user t)
       || (select json_agg(t)::text from operational.account t) || (select json_agg(t)::text from operational.grant_context t) as text`,
  );
  for (const secret of ['token-of-the-ehr', 'user-1', 'MRN-1', 'Canaryname', 'p1"'])
    assert.ok(!stored.rows[0].text.includes(secret), secret);
  assert.ok(!JSON.stringify(server.audited).includes('MRN-1'));
  browser.location = '';
  await browser.fetch('/launch', { do: 'logout' });
  assert.equal((await session(tokens.access_token)).status, 401);
  assert.deepEqual(server.errors, []);
});

test('a patient that nobody knew is written with the identifiers that the EHR may name', async () => {
  ehr.bend = {
    identifier: [
      { system: mrn.system, value: 'MRN-2' },
      { system: 'urn:of-others', value: '1' },
    ],
  };
  const tokens = await launchedByEhr(new Browser(server.origin));
  assert.equal(tokens.patient, 'patient-b');
  assert.deepEqual(written.at(-1)?.identifier, [{ system: mrn.system, value: 'MRN-2' }]);
  assert.equal(written.at(-1)?.id, undefined);
});

describe('token exchange', () => {
  const type = 'urn:ietf:params:oauth:token-type:access_token';
  const exchange = async (change: { readonly [name: string]: string } = {}, client = gateway.id) =>
    post(
      `${server.origin}/oauth/token`,
      { grant_type: grant, subject_token: await ehr.accessToken(), subject_token_type: type, ...change },
      basic(client, gateway.secret),
    );

  test('an access token for the patient here, no wider than subject token, client and role', async () => {
    const { status, body } = await exchange();
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.issued_token_type, type);
    assert.equal(body.patient, 'patient-a');
    assert.deepEqual(body.scope.split(' ').toSorted(), ['patient/Observation.rs', 'user/Patient.rs']);
    const me = await app.whoami(body.access_token);
    assert.deepEqual([me.body.patient, me.body.role, me.body.clientId], ['patient-a', 'physician', gateway.id]);
    const narrow = await exchange({ scope: 'patient/Observation.r patient/Condition.r system/*.rs' });
    assert.equal(narrow.body.scope, 'patient/Observation.r');
    const document = await (await fetch(`${server.origin}/fhir/.well-known/smart-configuration`)).json();
    assert.ok(document.grant_types_supported.includes(grant));
  });

  test('refusals are those of RFC 8693, and none is a server error', async () => {
    const past = Math.floor(Date.now() / 1000) - 120;
    const signer = (await generateKeyPair('RS256')).privateKey;
    ehr.bend = { signer };
    const forged = await ehr.accessToken();
    ehr.bend = {};
    const cases: readonly (readonly [string, { readonly [name: string]: string }])[] = [
      ['invalid_request', { subject_token: forged }],
      ['invalid_request', { subject_token: 'not-a-jwt' }],
      ['invalid_request', { subject_token: 'a.b.c' }],
      ['invalid_request', { subject_token: await ehr.accessToken({ exp: past }) }],
      ['invalid_request', { subject_token: await ehr.accessToken({ aud: 'another' }) }],
      ['invalid_request', { subject_token: await ehr.accessToken({ iss: 'https://evil.example' }) }],
      ['invalid_request', { subject_token: await ehr.accessToken({ patient: undefined }) }],
      ['invalid_request', { subject_token: await ehr.accessToken({ patient: '../x' }) }],
      ['invalid_request', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
      ['invalid_request', { actor_token: 'x' }],
      ['invalid_target', { audience: 'https://evil.example' }],
      ['invalid_scope', { scope: 'system/*.rs' }],
    ];
    for (const [error, change] of cases) {
      const { status, body } = await exchange(change);
      assert.deepEqual([status, body.error], [400, error], JSON.stringify(Object.keys(change)));
      assert.equal(body.access_token, undefined);
    }
    assert.equal((await exchange({}, 'another')).status, 400);
    assert.deepEqual(server.errors, []);
  });
});
