// https://hl7.org/fhir/R4/http.html#ccreate, #concurrency, #cread, #ops (Prefer): one resource of many equal creates, one winner of each version.
// `bench/races.ts` runs the races at full size on the running product.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FhirClient, FhirResponse, Resource } from '@limen/fhir-model';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

let server: WriteServer;
let backend: FhirClient;
before(async () => {
  server = await startWriteServer();
  backend = server.as('system/*.cruds');
});
after(() => server?.stop());

const organization = (name: string): Resource => ({
  resourceType: 'Organization',
  active: true,
  identifier: [{ system: 'urn:test:org', value: name }],
});
const post = (body: Resource, headers: { [name: string]: string } = {}): Promise<FhirResponse> =>
  backend.request({ method: 'POST', path: body.resourceType, body, headers });
const times = <T>(count: number, run: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => run(i)));

for (const [type, body, condition] of [
  ['Patient', { resourceType: 'Patient', identifier: [{ system: 'urn:test:mrn', value: 'race' }] }, 'identifier=urn:test:mrn|race'],
  ['Organization', organization('race'), 'identifier=urn:test:org|race'],
] as const) {
  test(`100 parallel equal conditional creates make one ${type}`, async () => {
    const answers = await times(100, () => post(body as unknown as Resource, { 'if-none-exist': condition }));
    assert.equal(new Set(answers.flatMap((a) => (a.status < 300 ? [a.body?.id] : []))).size, 1);
    assert.deepEqual(
      [answers.filter((a) => a.status === 201).length, answers.filter((a) => a.status > 201 && a.status !== 409).length],
      [1, 0],
    );
    const found = await backend.request({ method: 'GET', path: `${type}?${condition}&_summary=count` });
    assert.equal(json(found)['total'], 1);
  });
}

test('20 parallel updates with If-Match have one winner a version, over several versions', async () => {
  const made = await post(organization('winner'));
  const path = `Organization/${made.body?.id}`;
  for (const version of [1, 2, 3]) {
    const put = (i: number): Promise<FhirResponse> =>
      backend.request({
        method: 'PUT',
        path,
        headers: { 'if-match': `W/"${version}"` },
        body: { ...organization(`winner-${version}-${i}`), id: made.body?.id },
      });
    const statuses = (await times(20, put)).map((a) => a.status);
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
    assert.ok(
      statuses.every((status) => [200, 412, 409].includes(status)),
      statuses.join(),
    );
    assert.equal((await backend.request({ method: 'GET', path })).body?.meta?.versionId, String(version + 1));
  }
});

describe('conditional read', () => {
  test('If-Modified-Since and If-None-Match; who may not see system times is not answered by them', async () => {
    const made = await post(organization('read'));
    const path = `Organization/${made.body?.id}`;
    const get = async (headers: { [name: string]: string }, client = backend): Promise<number> =>
      (await client.request({ method: 'GET', path, headers })).status;
    const changed = made.body?.meta?.lastUpdated ?? '';
    const [same, earlier] = [0, -1000].map((ms) => new Date(Date.parse(changed) + ms).toUTCString());
    assert.deepEqual([await get({ 'if-modified-since': earlier ?? '' }), await get({ 'if-modified-since': 'Canary' })], [200, 200]);
    assert.equal(await get({ 'if-modified-since': same ?? '' }), 304);
    assert.equal(await get({ 'if-modified-since': same ?? '' }, server.as('user/*.rs', { plane: 'stored' })), 200);
    assert.equal(await get({ 'if-modified-since': same ?? '', 'if-none-match': 'W/"7"' }), 200);
    for (const tag of ['W/"1"', '"1"', '*', 'W/"7", W/"1"']) assert.equal(await get({ 'if-none-match': tag }), 304, tag);
  });
});

describe('Prefer: return', () => {
  const bodyOf = (answer: FhirResponse): string | undefined => answer.body?.resourceType;

  test('of single interactions', async () => {
    for (const [prefer, expected] of [
      ['return=minimal', undefined],
      ['return=representation', 'Organization'],
      ['return=OperationOutcome', 'OperationOutcome'],
    ] as const) {
      const made = await post(organization(`prefer-${expected}`), { prefer });
      const id = made.headers['location']?.split('/').at(-3);
      const path = `Organization/${id}`;
      const put = await backend.request({ method: 'PUT', path, headers: { prefer }, body: { ...organization('x'), id } });
      const patch = await backend.request({ method: 'PATCH', path, headers: { prefer }, body: [] });
      assert.deepEqual([made, put, patch].map(bodyOf), [expected, expected, expected]);
      const gone = await backend.request({ method: 'DELETE', path, headers: { prefer } });
      const isOutcome = expected === 'OperationOutcome';
      assert.deepEqual([gone.status, bodyOf(gone)], isOutcome ? [200, expected] : [204, undefined]);
    }
  });

  test('of each entry of a batch and of a transaction', async () => {
    const entry = { resource: organization('bundle'), request: { method: 'POST', url: 'Organization' } };
    for (const type of ['batch', 'transaction']) {
      for (const [prefer, resource, outcome] of [
        ['return=minimal', undefined, undefined],
        ['return=representation', 'Organization', undefined],
        ['return=OperationOutcome', undefined, 'OperationOutcome'],
      ] as const) {
        const answer = await backend.request({
          method: 'POST',
          path: '',
          headers: { prefer },
          body: { resourceType: 'Bundle', type, entry: [entry] },
        });
        const [only] = json(answer)['entry'] as { resource?: Resource; response: { status: string; outcome?: Resource } }[];
        assert.match(only?.response.status ?? '', /^201/);
        assert.deepEqual([only?.resource?.resourceType, only?.response.outcome?.resourceType], [resource, outcome], `${type} ${prefer}`);
      }
    }
  });
});
