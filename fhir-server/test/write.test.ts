// https://hl7.org/fhir/R4/http.html#create, #update, #delete: what a write gives away, and what the vault learns from it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { FhirClient, FhirResponse, Resource } from '@limen/fhir-model';
import { json, refusalOf, startWriteServer, type WriteServer } from './writeServer.ts';

let server: WriteServer;
let backend: FhirClient;
before(async () => {
  server = await startWriteServer();
  backend = server.as('system/*.cruds');
});
after(() => server?.stop());

const mrn = 'urn:test:mrn';
const patient = (...values: string[]): Resource => ({
  resourceType: 'Patient',
  gender: 'female',
  identifier: values.map((value) => ({ system: mrn, value })),
});
const observation = (subject: string, extra: object = {}): Resource =>
  ({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }] },
    subject: { reference: subject },
    effectiveDateTime: '2024-03-05',
    ...extra,
  }) as Resource;

async function create(body: Resource, client: FhirClient = backend): Promise<string> {
  const made = await client.request({ method: 'POST', path: body.resourceType, body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return `${body.resourceType}/${made.body?.id}`;
}
const put = (url: string, body: object, client: FhirClient = backend): Promise<FhirResponse> =>
  client.request({ method: 'PUT', path: url, body: { ...body, id: url.split('/')[1] } });

describe('a patient-bound token cannot tell what exists of others from what does not', () => {
  let own: string;
  let other: string;
  let app: FhirClient;
  before(async () => {
    own = await create(patient('bound-own'));
    other = await create(patient('bound-other'));
    app = server.as('patient/*.cruds', { patient: own.slice('Patient/'.length), plane: 'stored', reidentify: false });
  });
  const unknown = (type: string): string => `${type}/${randomUUID()}`;

  test('in the subject of a create', async () => {
    const post = (subject: string): Promise<FhirResponse> =>
      app.request({ method: 'POST', path: 'Observation', body: observation(subject) });
    assert.deepEqual(refusalOf(await post(other)), refusalOf(await post(unknown('Patient'))));
    assert.equal((await post(other)).status, 422);
    assert.equal((await post(own)).status, 201);
  });

  test('in another reference of a create and of an update, and in a Bundle', async () => {
    const foreign = await create(observation(other));
    const member = (reference: string): Resource => observation(own, { hasMember: [{ reference }] });
    const post = (reference: string): Promise<FhirResponse> =>
      app.request({ method: 'POST', path: 'Observation', body: member(reference) });
    assert.deepEqual(refusalOf(await post(foreign)), refusalOf(await post(unknown('Observation'))));
    const mine = await create(observation(own), app);
    assert.deepEqual(refusalOf(await put(mine, member(foreign), app)), refusalOf(await put(mine, member(unknown('Observation')), app)));
    const bundle = (reference: string): Promise<FhirResponse> =>
      app.request({
        method: 'POST',
        path: '',
        body: {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [{ resource: member(reference), request: { method: 'POST', url: 'Observation' } }],
        },
      });
    assert.deepEqual(refusalOf(await bundle(foreign)), refusalOf(await bundle(unknown('Observation'))));
    assert.equal((await post(mine)).status, 201);
  });

  test('by update and delete of an id, with and without If-Match', async () => {
    const foreign = await create(observation(other));
    for (const headers of [{}, { 'if-match': 'W/"7"' }] as { [name: string]: string }[]) {
      const [update, remove] = [foreign, unknown('Observation')].map((path) => ({
        put: app.request({ method: 'PUT', path, headers, body: { ...observation(own), id: path.split('/')[1] } }),
        delete: app.request({ method: 'DELETE', path, headers }),
      }));
      for (const method of ['put', 'delete'] as const) {
        const [seen, none] = [await update?.[method], await remove?.[method]] as FhirResponse[];
        assert.equal(seen?.status, 404);
        assert.deepEqual(refusalOf(seen as FhirResponse), refusalOf(none as FhirResponse));
      }
    }
  });

  test('what belongs to nobody may be referred to', async () => {
    const practitioner = await create({ resourceType: 'Practitioner' });
    assert.equal(
      (await app.request({ method: 'POST', path: 'Observation', body: observation(own, { performer: [{ reference: practitioner }] }) }))
        .status,
      201,
    );
  });
});

test('a granular scope covers what is replaced, not only what is written', async () => {
  const category = (code: string): object => ({
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }],
  });
  const subject = await create(patient('granular'));
  const vital = await create(observation(subject, category('vital-signs')));
  const lab = await create(observation(subject, category('laboratory')));
  const app = server.as('user/Observation.u?category=laboratory', { plane: 'stored' });
  assert.equal((await put(vital, observation(subject, category('laboratory')), app)).status, 404);
  assert.equal((await put(lab, observation(subject, category('laboratory')), app)).status, 200);
});

describe('an update of a Patient by id', () => {
  const found = async (value: string): Promise<unknown> => {
    const answer = await backend.request({ method: 'GET', path: `Patient?identifier=${mrn}|${value}` });
    assert.equal(answer.status, 200);
    return (json(answer)['entry'] as { resource: { id: string } }[] | undefined)?.map((e) => `Patient/${e.resource.id}`);
  };

  test('with an identifier of another person is 409 and adds nothing', async () => {
    const a = await create(patient('upd-a'));
    const b = await create(patient('upd-b'));
    const refused = await put(a, patient('upd-b', 'upd-never'));
    assert.equal(refused.status, 409, JSON.stringify(refused.body));
    assert.ok(!JSON.stringify(refused.body).includes('upd-b'));
    assert.deepEqual(await found('upd-b'), [b]);
    assert.equal(await found('upd-never'), undefined);
  });

  test('with wholly new identifiers adds them: the same Patient is found by old and new, and by a conditional write', async () => {
    const url = await create(patient('new-1'));
    assert.equal((await put(url, patient('new-2', 'new-3'))).status, 200);
    for (const value of ['new-1', 'new-2', 'new-3']) assert.deepEqual(await found(value), [url]);
    const again = await backend.request({
      method: 'POST',
      path: 'Patient',
      body: patient('new-3'),
      headers: { 'if-none-exist': `identifier=${mrn}|new-3` },
    });
    assert.deepEqual([again.status, `Patient/${again.body?.id}`], [200, url]);
    assert.equal((await backend.request({ method: 'POST', path: 'Patient', body: patient('new-2') })).status, 409);
  });

  test('without identifiers keeps them, and a Patient made without one gets its first', async () => {
    const url = await create({ resourceType: 'Patient' });
    assert.equal((await put(url, patient('first-one'))).status, 200);
    assert.equal((await put(url, { resourceType: 'Patient', gender: 'male' })).status, 200);
    assert.deepEqual(await found('first-one'), [url]);
  });

  test('of an id that does not exist makes no person', async () => {
    assert.equal((await put(`Patient/${randomUUID()}`, patient('nobody'))).status, 405);
    const url = await create(patient('nobody'));
    assert.deepEqual(await found('nobody'), [url]);
  });

  test('twenty in parallel with new identifiers: each that was accepted is found, and none is lost', async () => {
    const url = await create(patient('par'));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => put(url, patient(`par-${i}`))));
    for (const [i, { status }] of answers.entries()) {
      assert.ok(status === 200 || status === 409, String(status));
      if (status === 200) assert.deepEqual(await found(`par-${i}`), [url]);
    }
  });
});
