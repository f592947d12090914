// DECISIONS 7: what an update of a channel may lack, and how a condition names an entry of its own transaction.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FhirClient, FhirResponse, Resource } from '@limen/fhir-model';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

type Json = { readonly [name: string]: unknown };
const deleteUrl = 'https://limen.example/StructureDefinition/v2-delete';
const visits = 'urn:test:visit';
const people = 'urn:test:mrn';

let server: WriteServer;
let channel: FhirClient;
let backend: FhirClient;
before(async () => {
  server = await startWriteServer('synthetic');
  channel = server.as('system/*.cruds', { updateMode: 'merge' });
  backend = server.as('system/*.cruds');
});
after(() => server?.stop());

const encounter = (number: string, extra: object = {}): Json => ({
  resourceType: 'Encounter',
  identifier: [{ system: visits, value: number }],
  ...extra,
});
const whole = (extra: object = {}): object => ({ status: 'in-progress', class: { code: 'IMP' }, ...extra });
const put = (body: Json, client: FhirClient = channel): Promise<FhirResponse> =>
  client.request({
    method: 'PUT',
    path: `Encounter?identifier=${visits}|${(body['identifier'] as { value: string }[])[0]?.value}`,
    body: body as unknown as Resource,
  });
const codes = (response: FhirResponse): unknown[] => ((json(response)['issue'] ?? []) as { code: string }[]).map(({ code }) => code);

describe('an update that lacks required elements', () => {
  test('is refused to everybody but a channel', async () => {
    await put(encounter('1', whole()));
    const refused = await put(encounter('1'), backend);
    assert.deepEqual([refused.status, codes(refused)], [422, ['required', 'required']]);
  });

  test('is refused to a channel, too, where nothing is stored that has them, or where they are deleted', async () => {
    const unknown = await put(encounter('2'));
    assert.deepEqual([unknown.status, codes(unknown)], [422, ['required', 'required']]);
    await put(encounter('3', whole()));
    const deleting = await put(encounter('3', { extension: [{ url: deleteUrl, valueCode: 'class' }] }));
    assert.deepEqual([deleting.status, codes(deleting)], [422, ['required']]);
  });

  test('must be whole below its own elements: lists are replaced, not completed', async () => {
    await put(encounter('4', whole()));
    const refused = await put(encounter('4', { location: [{ status: 'active' }] }));
    assert.deepEqual([refused.status, codes(refused)], [422, ['required']]);
  });

  test('is completed by what is stored', async () => {
    await put(encounter('5', whole({ serviceType: { text: 'Surgery' } })));
    const merged = json(await put(encounter('5', { status: 'finished' })));
    assert.deepEqual([merged['status'], merged['class'], merged['serviceType']], ['finished', { code: 'IMP' }, { text: 'Surgery' }]);
  });
});

describe('a resource that was shortened on its way out', () => {
  test('is refused as an update, whichever way', async () => {
    const made = json(await put(encounter('subset', whole({ serviceType: { text: 'Surgery' } }))));
    const url = `Encounter/${made['id']}`;
    const read = (query: string) => backend.request({ method: 'GET', path: `${url}${query}` });
    const short = json(await read('?_elements=status'));
    const byId = await backend.request({ method: 'PUT', path: url, body: short as unknown as Resource });
    assert.deepEqual([byId.status, codes(byId).includes('business-rule')], [422, true]);
    const summary = { ...short, ...encounter('subset', whole()) };
    const byCondition = await put(summary, backend);
    assert.deepEqual([byCondition.status, codes(byCondition)], [422, ['business-rule']]);
    assert.deepEqual(json(await read('')), made);
  });
});

describe('a period is merged by its members', () => {
  const absent = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' }] };
  const cases: readonly (readonly [string, object, object | undefined, string | undefined, object | undefined])[] = [
    ['an end is added', { start: '2024-05-01' }, { end: '2024-05-03' }, undefined, { start: '2024-05-01', end: '2024-05-03' }],
    [
      'a start is corrected',
      { start: '2024-05-01', end: '2024-05-03' },
      { start: '2024-05-02' },
      undefined,
      { start: '2024-05-02', end: '2024-05-03' },
    ],
    [
      'an element comes with its sibling',
      { start: '2024-05-01', _end: absent },
      { end: '2024-05-03' },
      undefined,
      { start: '2024-05-01', end: '2024-05-03' },
    ],
    ['an end goes', { start: '2024-05-01', end: '2024-05-03' }, undefined, 'period.end', { start: '2024-05-01' }],
    ['all of it goes', { start: '2024-05-01', end: '2024-05-03' }, undefined, 'period', undefined],
    ['its only member goes', { end: '2024-05-03' }, undefined, 'period.end', undefined],
    ['one that contradicts it replaces it', { start: '2024-05-01' }, { end: '2023-05-03' }, undefined, { end: '2023-05-03' }],
  ];
  for (const [index, [name, stored, incoming, mark, expected]] of cases.entries())
    test(name, async () => {
      const number = `period-${index}`;
      await put(encounter(number, whole({ period: stored })));
      const extension = mark ? { extension: [{ url: deleteUrl, valueCode: mark }] } : {};
      const merged = json(await put(encounter(number, { ...(incoming ? { period: incoming } : {}), ...extension })));
      assert.deepEqual(merged['period'], expected, JSON.stringify(merged));
      assert.equal('extension' in merged, false);
    });
});

describe('a condition that names an entry of its transaction', () => {
  const personUrl = 'urn:uuid:8a0f3a30-0000-4000-8000-000000000001';
  const visitUrl = 'urn:uuid:8a0f3a30-0000-4000-8000-000000000002';
  const condition = `identifier=${visits}|same&subject=${personUrl}`;
  const patientEntry = (number: string): Json => ({
    fullUrl: personUrl,
    resource: { resourceType: 'Patient', identifier: [{ system: people, value: number }] },
    request: { method: 'PUT', url: `Patient?identifier=${people}|${number}` },
  });
  const visitEntry = (request: object): Json => ({
    fullUrl: visitUrl,
    resource: encounter('same', whole({ subject: { reference: personUrl } })),
    request,
  });
  const transaction = (...entry: Json[]): Promise<FhirResponse> =>
    backend.request({
      method: 'POST',
      path: '',
      body: { resourceType: 'Bundle', type: 'transaction', entry } as unknown as Resource,
    });
  const made = (response: FhirResponse): string[] => {
    assert.equal(response.status, 200, JSON.stringify(response.body));
    return (json(response)['entry'] as { response: { location: string; status: string } }[]).map(({ response: { location, status } }) => {
      return `${status} ${/([A-Z][a-z]+\/[^/]+)\/_history/.exec(location)?.[1]}`;
    });
  };

  test('that names another one in its own condition is refused', async () => {
    const nested = { ...patientEntry('n'), request: { method: 'PUT', url: `Patient?link=${visitUrl}` } };
    const refused = await transaction(nested, visitEntry({ method: 'PUT', url: `Encounter?${condition}` }));
    assert.deepEqual([refused.status, codes(refused)], [400, ['not-supported']]);
  });

  test('is looked up within it: one number of two patients is two visits', async () => {
    const update = { method: 'PUT', url: `Encounter?${condition}` };
    const [, first] = made(await transaction(patientEntry('a'), visitEntry(update)));
    const [, second] = made(await transaction(patientEntry('b'), visitEntry(update)));
    assert.match(first ?? '', /^201/);
    assert.match(second ?? '', /^201/);
    const [, again] = made(await transaction(patientEntry('a'), visitEntry(update)));
    assert.equal(again, first?.replace('201 Created', '200 OK'));
    const [, kept] = made(await transaction(patientEntry('b'), visitEntry({ method: 'POST', url: 'Encounter', ifNoneExist: condition })));
    assert.equal(kept, second?.replace('201 Created', '200 OK'));
  });

  test('in a parameter that takes no references says something else', async () => {
    const url = 'urn:uuid:8a0f3a30-0000-4000-8000-000000000003';
    const valueSet = { resourceType: 'ValueSet', status: 'draft', url };
    const entry = { fullUrl: url, resource: valueSet, request: { method: 'PUT', url: `ValueSet?url=${url}` } };
    const [first] = made(await transaction(entry));
    assert.deepEqual(made(await transaction(entry)), [first?.replace('201 Created', '200 OK')]);
  });
});
