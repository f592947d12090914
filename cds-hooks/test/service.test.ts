// Requests and prefetch: CH-01 to CH-05, refusals first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '@limen/fhir-model';
import {
  bundle,
  cardsOf,
  clarithromycin,
  fhirServer,
  issueOf,
  type Json,
  order,
  orderSign,
  post,
  service,
  simvastatin,
} from './fixture.ts';

const good = orderSign([simvastatin, clarithromycin]);
const without = (body: Json, ...path: string[]): Json => {
  const copy = structuredClone(body);
  const [last] = path.slice(-1);
  let holder = copy;
  for (const name of path.slice(0, -1)) holder = holder[name] as Json;
  if (last) delete holder[last];
  return copy;
};
const withContext = (more: Json): Json => ({ ...good, context: { ...(good.context as Json), ...more } });

const badRequests: readonly (readonly [string, unknown, string | undefined])[] = [
  ['broken JSON', '{"hook":', undefined],
  ['no body', undefined, undefined],
  ['a list', [], undefined],
  ['no hook', without(good, 'hook'), 'hook'],
  ['a hook of another service', { ...good, hook: 'patient-view' }, 'hook'],
  ['a retired hook', { ...good, hook: 'medication-prescribe' }, 'hook'],
  ['no hookInstance', without(good, 'hookInstance'), 'hookInstance'],
  ['no context', without(good, 'context'), 'context'],
  ['no userId', without(good, 'context', 'userId'), 'context.userId'],
  ['no patientId', without(good, 'context', 'patientId'), 'context.patientId'],
  ['a patientId that would change the address', withContext({ patientId: 'p1/../x?y' }), 'context.patientId'],
  ['no draftOrders', without(good, 'context', 'draftOrders'), 'context.draftOrders'],
  ['draftOrders that are no Bundle', withContext({ draftOrders: [simvastatin] }), 'context.draftOrders'],
  [
    'draftOrders with an entry that is no object',
    withContext({ draftOrders: { resourceType: 'Bundle', entry: [7] } }),
    'context.draftOrders',
  ],
  ['order-select without selections', { ...good, hook: 'order-select' }, 'context.selections'],
  ['prefetch that is a list', { ...good, prefetch: [] }, 'prefetch'],
  ['a prefetch value that is no resource', { ...good, prefetch: { medications: 'none' } }, 'prefetch.medications'],
  [
    'fhirAuthorization without a token',
    { ...good, fhirAuthorization: { token_type: 'Bearer', expires_in: 300 } },
    'fhirAuthorization.access_token',
  ],
];
for (const [why, body, expression] of badRequests) {
  test(`CH-03 400: ${why}`, async () => {
    const response = await post('medication-safety', body);
    assert.equal(response.status, 400);
    assert.equal(issueOf(response).expression?.[0], expression);
    assert.ok(!JSON.stringify(response.body).includes('p1'));
  });
}

test('CH-03: unknown service, its feedback and what lies below feedback 404, GET on a service 405, POST on discovery 405, wrong content type 415', async () => {
  assert.equal((await post('no-such-service', good)).status, 404);
  assert.equal((await post('no-such-service/feedback', { feedback: [] })).status, 404);
  assert.equal((await post('medication-safety/feedback/more', { feedback: [] })).status, 404);
  const get = await service().handle({ method: 'GET', path: '/cds-services/medication-safety', headers: {}, body: undefined });
  assert.deepEqual([get.status, get.headers.allow, issueOf(get).code], [405, 'POST', 'not-supported']);
  assert.equal((await service().handle({ method: 'POST', path: '/cds-services', headers: {}, body: {} })).status, 405);
  assert.equal((await post('medication-safety', good, {}, { 'content-type': 'text/plain' })).status, 415);
});

test('CH-01: discovery needs no token and ignores one; same id only under different hooks; tokens of the context only', async () => {
  const plain = await service({ requireAuthorization: true }).handle({
    method: 'GET',
    path: '/cds-services',
    headers: {},
    body: undefined,
  });
  const signed = await service().handle({
    method: 'GET',
    path: '/cds-services/',
    headers: { authorization: 'Bearer a.b.c' },
    body: undefined,
  });
  assert.equal(plain.status, 200);
  assert.deepEqual(signed.body, plain.body);
  assert.match(plain.headers['cache-control'] ?? '', /max-age/);
  const { services } = plain.body as {
    services: { id: string; hook: string; title: string; description: string; prefetch: { [key: string]: string } }[];
  };
  assert.deepEqual(
    services.map((s) => `${s.id} ${s.hook}`),
    ['medication-safety order-select', 'medication-safety order-sign', 'acute-care-risk patient-view'],
  );
  for (const offered of services) {
    assert.ok(offered.title && offered.description);
    for (const template of Object.values(offered.prefetch))
      assert.deepEqual([...new Set(template.match(/{{.*?}}/g))], ['{{context.patientId}}']);
  }
});

const template = 'MedicationRequest?patient=p1&status=active&_include=MedicationRequest:medication';
const authorization = { access_token: 'secret-token', token_type: 'Bearer', expires_in: 300, scope: 'patient/*.read', subject: 'limen' };
const server = 'https://ehr.example/fhir';
const active = (resource: Json): Json => ({ ...resource, status: 'active' });
const unlooked = (more: Json = {}): Json => ({
  ...without(orderSign([simvastatin]), 'prefetch'),
  fhirServer: server,
  fhirAuthorization: authorization,
  ...more,
});

const precondition: readonly (readonly [string, Json, number | undefined])[] = [
  ['no prefetch and no server', without(orderSign([simvastatin]), 'prefetch'), undefined],
  ['a server that is not allow-listed', unlooked({ fhirServer: 'http://169.254.169.254/latest' }), undefined],
  ['a server without a token', without(unlooked(), 'fhirAuthorization'), undefined],
  ['an expired token', unlooked({ fhirAuthorization: { ...authorization, expires_in: 0 } }), undefined],
  ['a server that answers 401', unlooked(), 401],
  ['a server that answers 403', unlooked(), 403],
  [
    'a failed look-up of the client that cannot be repeated',
    orderSign([simvastatin], { prefetch: { medications: { resourceType: 'OperationOutcome', issue: [] } } }),
    undefined,
  ],
];
for (const [why, body, status] of precondition) {
  test(`CH-04, CH-05 412: ${why}`, async () => {
    const ehr = fhirServer(status === undefined ? {} : { [template]: status });
    const response = await post('medication-safety', body, {
      fhirClientFor: (base) => (base === server && status !== undefined ? ehr.client : undefined),
    });
    assert.equal(response.status, 412);
    assert.equal(issueOf(response).expression?.[0], 'prefetch.medications');
    assert.ok(!JSON.stringify(response.body).includes('secret-token'));
  });
}

test('CH-04 412: further pages that lie elsewhere, and a server that does not answer', async () => {
  const page = { ...bundle(active(clarithromycin)), link: [{ relation: 'next', url: 'https://elsewhere.example/fhir/page2' }] };
  const ehr = fhirServer({ page2: bundle() as unknown as Resource });
  const body = unlooked({ prefetch: { medications: page } });
  assert.equal((await post('medication-safety', body, { fhirClientFor: () => ehr.client })).status, 412);
  assert.deepEqual(ehr.asked, []);
  const dead = { request: async () => Promise.reject(new Error('no answer')) };
  assert.equal((await post('medication-safety', unlooked(), { fhirClientFor: () => dead })).status, 412);
});

test('CH-04: null is "looked up, nothing there": nothing is fetched', async () => {
  const ehr = fhirServer({});
  const response = await post(
    'medication-safety',
    { ...good, fhirServer: server, fhirAuthorization: authorization },
    { fhirClientFor: () => ehr.client },
  );
  assert.equal(cardsOf(response).length, 1);
  assert.deepEqual(ehr.asked, []);
});

test('CH-04: a missing key is fetched by its template, with the token of the request, and pages are followed', async () => {
  const first = { ...bundle(active(order('m', '6809', 'metformin'))), link: [{ relation: 'next', url: `${server}/next-page?x=1` }] };
  const ehr = fhirServer({
    [template]: first as unknown as Resource,
    'next-page?x=1': bundle(active(clarithromycin)) as unknown as Resource,
  });
  const tokens: string[] = [];
  const fhirClientFor = (_: string, token: string) => {
    tokens.push(token);
    return ehr.client;
  };
  const [card] = cardsOf(await post('medication-safety', unlooked(), { fhirClientFor }));
  assert.equal(card?.indicator, 'critical');
  assert.deepEqual(ehr.asked, [`GET ${template}`, 'GET next-page?x=1']);
  assert.deepEqual(tokens, ['secret-token']);
});

test('CH-04: an OperationOutcome in prefetch is looked up again', async () => {
  const ehr = fhirServer({ [template]: bundle(active(clarithromycin)) as unknown as Resource });
  const body = unlooked({
    prefetch: { medications: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'timeout' }] } },
  });
  assert.equal(cardsOf(await post('medication-safety', body, { fhirClientFor: () => ehr.client })).length, 1);
});

test('CH-17: extensions of the request and unknown members are ignored', async () => {
  assert.equal(cardsOf(await post('medication-safety', { ...good, extension: { 'com.example.x': { y: 1 } }, other: 1 })).length, 1);
});

test('CH-08: a preflight is answered without a token; answers and refusals name the origin', async () => {
  const headers = { origin: 'https://sandbox.example', 'content-type': 'application/json' };
  const protectedService = service({ requireAuthorization: true });
  const preflight = await protectedService.handle({ method: 'OPTIONS', path: '/cds-services/medication-safety', headers, body: undefined });
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [204, 'https://sandbox.example']);
  assert.match(preflight.headers['access-control-allow-headers'] ?? '', /authorization, content-type/);
  const refused = await protectedService.handle({ method: 'POST', path: '/cds-services/medication-safety', headers, body: good });
  assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [401, 'https://sandbox.example']);
  assert.equal((await post('medication-safety', good)).headers['access-control-allow-origin'], undefined);
});
