// State of apps (checklist P01-P06) and user-access brands (U01-U03).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { verifies } from '../../test/verifies.ts';
import { brandBundle, primaryIdentifier } from '../src/authorization/brands.ts';
import { registerClient } from '../src/operational/index.ts';
import { App } from './authorization-app.ts';
import {
  type Browser,
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
const app = new App(() => server);
const system = 'https://app.example.org';

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
  const scope = 'openid fhirUser user/Basic.cuds user/Patient.rs';
  const shared = { authMethod: 'none', grantTypes: ['authorization_code'], trusted: true, scope } as const;
  for (const clientId of ['state-one', 'state-two'])
    await registerClient(database.pool, { ...shared, clientId, name: clientId, redirectUris: [thirdParty.redirect] });
});
after(async () => {
  await server?.stop();
  await database?.stop();
});

interface Session {
  readonly token: string;
  readonly user: string;
}

async function session(clientId: string, scope: string, role = 'physician'): Promise<Session> {
  const proof = pkce();
  const request = app.request(proof, { client_id: clientId, redirect_uri: thirdParty.redirect, scope });
  const browser = await app.signedIn(role);
  const code = (await app.authorize(browser, request)).get('code') ?? '';
  const { body } = await app.redeem(code, proof, { client_id: clientId, redirect_uri: thirdParty.redirect });
  const { body: who } = await app.whoami(body.access_token);
  return { token: body.access_token, user: `${server.origin}/fhir/${who.fhirUser}` };
}

async function send(
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
  headers: { readonly [name: string]: string } = {},
) {
  const response = await fetch(`${server.origin}/app-state/${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

const basic = (subject: string | undefined, code = 'preferences', value = '{"view":"labs"}') => ({
  resourceType: 'Basic',
  code: { coding: [{ system, code }] },
  ...(subject === undefined ? {} : { subject: { reference: subject } }),
  extension: [{ url: `${system}/preferences`, valueString: value }],
});
const queryOf = (subject: string | undefined, code = 'preferences') =>
  `Basic?${new URLSearchParams({ code: `${system}|${code}`, ...(subject === undefined ? { 'subject:missing': 'true' } : { subject }) })}`;

describe('app state', () => {
  let one: Session;
  let two: Session;
  before(async () => {
    one = await session('state-one', 'openid fhirUser user/Basic.cuds user/Patient.rs');
    two = await session('state-two', 'openid fhirUser user/Basic.cuds');
  });
  const patient = () => `${server.origin}/fhir/Patient/patient-a`;

  test('without a token, or with one without the scope, nothing', async () => {
    assert.equal((await send(undefined, 'GET', queryOf(one.user))).status, 401);
    assert.equal((await send('x'.repeat(43), 'POST', 'Basic', basic(one.user))).status, 401);
    const narrow = await session('state-one', 'openid user/Patient.rs');
    assert.equal((await send(narrow.token, 'POST', 'Basic', basic(narrow.user))).status, 403);
    assert.equal((await send(narrow.token, 'GET', queryOf(narrow.user))).status, 403);
    const constrained = await session('state-one', `openid user/Basic.cuds?code=${system}|other`);
    assert.equal((await send(constrained.token, 'POST', 'Basic', basic(constrained.user))).status, 403);
    assert.equal((await send(constrained.token, 'POST', 'Basic', basic(constrained.user, 'other'))).status, 201);
  });

  const bad: readonly (readonly [string, (user: string) => unknown, number])[] = [
    ['no JSON', () => '{', 400],
    ['another type', (user) => ({ ...basic(user), resourceType: 'Observation' }), 400],
    ['an id', (user) => ({ ...basic(user), id: '1' }), 422],
    ['a versionId', (user) => ({ ...basic(user), meta: { versionId: '1' } }), 422],
    [
      'two codings',
      (user) => ({
        ...basic(user),
        code: {
          coding: [
            { system, code: 'a' },
            { system, code: 'b' },
          ],
        },
      }),
      422,
    ],
    ['no coding', (user) => ({ ...basic(user), code: {} }), 400],
    ['an extension with a number', (user) => ({ ...basic(user), extension: [{ url: system, valueInteger: 1 }] }), 422],
    ['an element that is not kept', (user) => ({ ...basic(user), author: { reference: user } }), 422],
    ['a relative subject', () => basic('Patient/patient-a'), 422],
    ['a subject on another server', () => basic('https://other.example/fhir/Patient/patient-a'), 422],
    ['a patient that the user may not read', () => basic(`${server.origin}/fhir/Patient/patient-c`), 403],
    ['another user', () => basic(`${server.origin}/fhir/Practitioner/other`), 403],
    ['global state of a user', () => basic(undefined), 403],
    ['more than 256 kB', (user) => basic(user, 'preferences', 'x'.repeat(256 * 1024)), 413],
  ];
  for (const [why, body, status] of bad)
    test(`P03 ${why} -> ${status}, an OperationOutcome`, async () => {
      const answer = await send(one.token, 'POST', 'Basic', body(one.user));
      assert.deepEqual([answer.status, answer.body.resourceType], [status, 'OperationOutcome']);
    });

  for (const query of [
    'Basic',
    `Basic?code=${system}|preferences`,
    'Basic?code=preferences&subject=x',
    'Basic?_id=1',
    `Basic?code=a|b&subject:missing=false`,
  ])
    test(`a query ${query} is refused`, async () => assert.equal((await send(one.token, 'GET', query)).status, 400));

  test('P01 P02 P04 created, found, changed and removed under If-Match', async () => {
    verifies('smart-app-launch', 371, 439);
    const made = await send(one.token, 'POST', 'Basic', basic(one.user));
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body;
    assert.equal(made.headers.get('location'), `${server.origin}/app-state/Basic/${id}`);
    assert.deepEqual([made.headers.get('etag'), made.body.meta.versionId], ['W/"1"', '1']);
    assert.deepEqual(made.body, { ...basic(one.user), id, meta: { versionId: '1' } });
    const found = await send(one.token, 'GET', queryOf(one.user));
    assert.deepEqual([found.body.total, found.body.entry[0].resource], [1, made.body]);

    const changed = { ...basic(one.user, 'preferences', 'new'), id };
    assert.equal((await send(one.token, 'PUT', `Basic/${id}`, changed)).status, 428);
    for (const etag of ['W/"2"', '1', '*'])
      assert.equal((await send(one.token, 'PUT', `Basic/${id}`, changed, { 'if-match': etag })).status, 412);
    for (const other of [
      { ...basic(patient()), id },
      { ...basic(one.user, 'other'), id },
    ])
      assert.equal((await send(one.token, 'PUT', `Basic/${id}`, other, { 'if-match': 'W/"1"' })).status, 412);
    assert.equal((await send(one.token, 'PUT', `Basic/${id}`, { ...changed, id: 'x' }, { 'if-match': 'W/"1"' })).status, 422);
    const both = await Promise.all([1, 2].map(() => send(one.token, 'PUT', `Basic/${id}`, changed, { 'if-match': 'W/"1"' })));
    assert.deepEqual(both.map((each) => each.status).sort(), [200, 412]);
    assert.equal(both.find((each) => each.status === 200)?.headers.get('etag'), 'W/"2"');

    // P05: another app neither finds nor changes it.
    assert.equal((await send(two.token, 'GET', queryOf(two.user))).body.total, 0);
    assert.equal((await send(two.token, 'PUT', `Basic/${id}`, changed, { 'if-match': 'W/"2"' })).status, 412);
    assert.equal((await send(two.token, 'DELETE', `Basic/${id}`, undefined, { 'if-match': 'W/"2"' })).status, 412);

    assert.equal((await send(one.token, 'DELETE', `Basic/${id}`)).status, 428);
    assert.equal((await send(one.token, 'DELETE', `Basic/${id}`, undefined, { 'if-match': 'W/"1"' })).status, 412);
    assert.equal((await send(one.token, 'DELETE', `Basic/${id}`, undefined, { 'if-match': 'W/"2"' })).status, 204);
    assert.equal((await send(one.token, 'PUT', `Basic/${id}`, changed, { 'if-match': 'W/"2"' })).status, 412);
    assert.equal((await send(one.token, 'DELETE', 'Basic/no-uuid', undefined, { 'if-match': 'W/"2"' })).status, 412);
  });

  test('of a patient that the user may read; of the whole app: administrators write, users read', async () => {
    assert.equal((await send(one.token, 'POST', 'Basic', basic(patient()))).status, 201);
    assert.equal((await send(one.token, 'GET', queryOf(patient()))).body.total, 1);
    const administrator = await session('state-one', 'openid user/Basic.cuds', 'administrator');
    assert.ok([201, 403].includes((await send(administrator.token, 'POST', 'Basic', basic(undefined))).status));
    assert.equal((await send(one.token, 'GET', queryOf(undefined))).status, 200);
  });

  test('a token that is bound to a patient reaches that patient only', async () => {
    const proof = pkce();
    const changes = { client_id: thirdParty.clientId, redirect_uri: thirdParty.redirect };
    const browser: Browser = await app.signedIn();
    browser.location = '';
    const scope = 'launch/patient patient/Basic.cuds';
    await browser.fetch(`/oauth/authorize?${app.request(proof, { ...changes, scope })}`);
    const form = new URLSearchParams([['do', 'allow'], ...scope.split(' ').map((each) => ['scope', each])]);
    const picker = await (await browser.fetch(browser.location, form)).text();
    await browser.fetch(browser.location, { patient: patientButton(picker, 'patient-a') });
    const code = new URL(browser.location).searchParams.get('code') ?? '';
    const { body } = await app.redeem(code, proof, changes);
    assert.equal((await send(body.access_token, 'POST', 'Basic', basic(patient()))).status, 201);
    assert.equal((await send(body.access_token, 'POST', 'Basic', basic(`${server.origin}/fhir/Patient/patient-b`))).status, 403);
    assert.equal((await send(body.access_token, 'POST', 'Basic', basic(one.user))).status, 403);
  });

  test('what is stored cannot be read in the database; only registered origins call', async () => {
    await send(one.token, 'POST', 'Basic', basic(one.user, 'preferences', 'a-secret-word'));
    const { rows } = await database.pool.query('select t::text as text, sealed from operational.app_state t');
    assert.ok(rows.length > 0 && rows.every((row) => !row.text.includes('a-secret-word') && !row.sealed.includes('a-secret-word')));
    const allowed = async (origin: string) =>
      (await send(one.token, 'OPTIONS', 'Basic', undefined, { origin })).headers.get('access-control-allow-origin');
    assert.deepEqual([await allowed(thirdParty.origin), await allowed('https://evil.example')], [thirdParty.origin, null]);
  });
});

describe('brands', () => {
  test('the bundle has one responsible organization, and all references stay inside', async () => {
    verifies(
      'smart-app-launch',
      387,
      388,
      395,
      396,
      398,
      399,
      400,
      401,
      406,
      407,
      409,
      410,
      411,
      412,
      417,
      418,
      419,
      422,
      423,
      424,
      427,
      428,
      429,
      430,
      431,
      432,
      433,
    );
    const config = await (await fetch(`${server.origin}/fhir/.well-known/smart-configuration`)).json();
    const response = await fetch(config.user_access_brand_bundle, { headers: { origin: 'https://any.example' } });
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    const etag = response.headers.get('etag') ?? '';
    assert.match(etag, /^W\/"/);
    const bundle = await response.json();
    assert.equal(bundle.type, 'collection');
    assert.ok(Date.parse(bundle.timestamp) <= Date.now());
    const resources = bundle.entry.map((entry: { resource: { resourceType: string; id: string } }) => entry.resource);
    const [organization, endpoint] = resources;
    assert.deepEqual(organization.identifier, [config.user_access_brand_identifier]);
    assert.deepEqual([organization.endpoint[0].reference, endpoint.address], [`Endpoint/${endpoint.id}`, `${server.origin}/fhir`]);
    const again = await fetch(config.user_access_brand_bundle, { headers: { 'if-none-match': `"x", ${etag}` } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(config.user_access_brand_bundle, { headers: { 'if-none-match': 'W/"x"' } })).status, 200);
  });

  test("the operator's organizations keep what they say", () => {
    verifies('smart-app-launch', 397, 402, 403, 404, 405, 408, 421, 434, 436, 437);
    const identifier = [
      { system: 'https://numbers.example', value: '7' },
      { system: 'urn:ietf:rfc:3986', value: 'https://hospital.example' },
    ];
    const portal = {
      url: 'http://hl7.org/fhir/StructureDefinition/organization-portal',
      extension: [{ url: 'portalName', valueString: 'P' }],
    };
    const organizations = [
      { resourceType: 'Organization' as const, name: 'Hospital', alias: ['H'], identifier, extension: [portal] },
      { resourceType: 'Organization' as const, name: 'Clinic', partOf: { reference: 'Organization/primary' } },
    ];
    const brands = { organizations, changedAt: new Date('2026-01-02T03:04:05Z') };
    const { entry = [], timestamp } = brandBundle('https://fhir.example', brands);
    assert.equal(timestamp, '2026-01-02T03:04:05.000Z');
    assert.deepEqual(primaryIdentifier('https://fhir.example', brands), identifier[0]);
    const all = entry.map(({ resource }) => resource);
    assert.equal(all.length, 3);
    assert.deepEqual(
      { ...all[0], id: undefined, meta: undefined, endpoint: undefined },
      { ...organizations[0], id: undefined, meta: undefined, endpoint: undefined },
    );
    assert.deepEqual(
      all.filter((each) => each?.resourceType === 'Organization' && each.endpoint?.[0]?.reference === 'Endpoint/fhir').length,
      2,
    );
  });
});

test('no bug was hit on the way', async () => {
  await post(`${server.origin}/oauth/token`, {});
  assert.deepEqual(server.errors, []);
});
