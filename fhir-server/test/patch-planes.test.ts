// ADR 0010: what a patch may write on each plane, by id, by condition and in Bundles, through the whole server under date-shift.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { FhirClient, FhirResponse, Resource } from '@limen/fhir-model';
import { json, refusalOf, startWriteServer, type WriteServer } from './writeServer.ts';

type Json = { [name: string]: unknown };
const mrn = 'urn:test:mrn';
let server: WriteServer;
let backend: FhirClient;
let app: FhirClient;
before(async () => {
  server = await startWriteServer();
  backend = server.as('system/*.cruds');
  app = server.as('user/*.cruds', { plane: 'stored', reidentify: false, purpose: 'TREAT' });
});
after(() => server?.stop());

let made = 0;
async function create(body: object): Promise<string> {
  const resource = body as Resource;
  const answer = await backend.request({ method: 'POST', path: resource.resourceType, body: resource });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return `${resource.resourceType}/${answer.body?.id}`;
}
const newPatient = (extra: object = {}): Promise<string> => {
  made += 1;
  return create({ resourceType: 'Patient', gender: 'female', identifier: [{ system: mrn, value: `pp-${made}` }], ...extra });
};
const observation = (subject: string, extra: object = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }] },
  subject: { reference: subject },
  effectiveDateTime: '2024-03-05',
  ...extra,
});
const patch = (
  path: string,
  body: unknown,
  client: FhirClient = backend,
  headers: { [name: string]: string } = {},
): Promise<FhirResponse> => client.request({ method: 'PATCH', path, body, headers });
async function patched(path: string, body: unknown, client: FhirClient = backend): Promise<Json> {
  const answer = await patch(path, body, client);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return json(answer);
}
const stored = async (path: string): Promise<Json> => json(await backend.request({ method: 'GET', path }));
const daysBetween = (a: unknown, b: unknown): number => (Date.parse(String(b)) - Date.parse(String(a))) / 86_400_000;
const add = (path: string, value: unknown): Json => ({ op: 'add', path, value });
const operation = (...parts: Json[]): Json => ({ resourceType: 'Parameters', parameter: [{ name: 'operation', part: parts }] });
const addName = operation(
  { name: 'type', valueCode: 'add' },
  { name: 'path', valueString: 'Patient' },
  { name: 'name', valueString: 'name' },
  { name: 'value', valueHumanName: { family: 'Quillfeather', given: ['Zephyrine'] } },
);

describe('refusals', () => {
  test('no patch, another media type, no condition: 400 and 415', async () => {
    const url = await newPatient();
    assert.equal((await patch(url, { resourceType: 'Patient' })).status, 400);
    assert.equal((await patch(url, undefined)).status, 400);
    assert.equal((await patch(url, [], backend, { 'content-type': 'application/fhir+json' })).status, 415);
    assert.equal((await patch(url, addName, backend, { 'content-type': 'application/json-patch+json' })).status, 415);
    assert.equal((await patch('Patient', [])).status, 400);
  });

  test('a result that is not valid is 422 and names the element; nothing changes', async () => {
    const url = await create(observation(await newPatient()));
    const answer = await patch(url, [{ op: 'remove', path: '/status' }]);
    assert.equal(answer.status, 422);
    assert.deepEqual((json(answer)['issue'] as { expression: string[] }[])[0]?.expression, ['Observation.status']);
    for (const [path, value] of [
      ['/Canary', 'Canary'],
      ['/status', 'Canary'],
      ['/code', []],
    ] as const) {
      const refused = await patch(url, [add(path, value)]);
      assert.equal(refused.status, 422);
      assert.ok(!JSON.stringify(refused.body).includes('"Canary'), 'no value in the answer');
    }
    assert.equal(((await stored(url))['meta'] as Json)['versionId'], '1');
  });

  test('id and meta are 422, a stale If-Match and several matches 412, no match and an unknown id 404, a deleted one 410', async () => {
    const subject = await newPatient();
    const url = await create(observation(subject));
    assert.equal((await patch(url, [add('/id', 'x')])).status, 422);
    assert.equal((await patch(url, [add('/meta/tag/-', { code: 'x' })])).status, 422);
    assert.equal((await patch(url, [add('/status', 'amended')], backend, { 'if-match': 'W/"7"' })).status, 412);
    await create(observation(subject));
    assert.equal((await patch(`Observation?subject=${subject}`, [])).status, 412);
    assert.equal((await patch(`Observation?subject=${subject}&status=cancelled`, [])).status, 404);
    assert.equal((await patch(`Observation/${randomUUID()}`, [])).status, 404);
    await backend.request({ method: 'DELETE', path: url });
    assert.equal((await patch(url, [])).status, 410);
  });

  test('who may update but not read cannot ask by a test; a patient-bound token sees no other patient', async () => {
    const [own, other] = [await newPatient(), await newPatient()];
    const url = await create(observation(other));
    assert.equal((await patch(url, [{ op: 'test', path: '/status', value: 'final' }], server.as('system/*.u'))).status, 403);
    const bound = server.as('patient/*.cruds', { plane: 'stored', patient: own.slice('Patient/'.length) });
    assert.deepEqual(refusalOf(await patch(url, [], bound)), refusalOf(await patch(`Observation/${randomUUID()}`, [], bound)));
    const mine = await create(observation(own));
    assert.equal((await patch(mine, [{ op: 'replace', path: '/subject/reference', value: other }], bound)).status, 422);
  });

  test('the stored plane: a name, a telephone number in a note, an identifier, a date of the future', async () => {
    const subject = await newPatient();
    const url = await create(observation(subject));
    assert.equal((await patch(subject, addName, app)).status, 422);
    assert.equal((await patch(url, [add('/note', [{ text: 'Call 555-867-5309 at once.' }])], app)).status, 422);
    assert.equal((await patch(url, [add('/identifier', [{ system: 'urn:lab', value: 'A-4711' }])], app)).status, 422);
    assert.equal((await patch(url, [add('/effectiveDateTime', '2050-01-01')], app)).status, 422);
  });

  test('a stored value cannot be moved into a new one, which the door would transform once more', async () => {
    const url = await create(observation(await newPatient()));
    const mix = [
      add('/component', [{ code: { text: 'x' }, valueDateTime: '2024-01-01' }]),
      { op: 'copy', from: '/effectiveDateTime', path: '/component/0/valueDateTime' },
    ];
    assert.equal((await patch(url, mix)).status, 422);
  });
});

describe('the identified plane', () => {
  test('a name does not get stored, but the vault knows it: later texts lose it', async () => {
    const subject = await newPatient();
    const answer = await patched(subject, addName);
    assert.equal(answer['name'], undefined);
    const jsonName = await patched(subject, [
      add('/name', [{ text: 'Zephyrine Quillfeather' }]),
      add('/telecom', [{ system: 'phone', value: '555-867-5309' }]),
    ]);
    assert.doesNotMatch(JSON.stringify(jsonName), /Quillfeather|Zephyrine|867-5309/);
    const url = await create(observation(subject, { note: [{ text: 'Quillfeather was seen.' }] }));
    assert.doesNotMatch(JSON.stringify(await stored(url)), /Quillfeather/);
  });

  test('a new date moves with the record, a stored one stays: in an element, in a list beside it, by copy', async () => {
    const component = (value: string): Json => ({ code: { text: 'onset' }, valueDateTime: value });
    const url = await create(observation(await newPatient(), { component: [component('2024-03-01')] }));
    const before = await stored(url);
    const after = await patched(url, [
      { op: 'replace', path: '/effectiveDateTime', value: '2024-03-19' },
      add('/component/0', component('2024-02-29')),
      add('/component/-', component('2024-03-02')),
    ]);
    assert.equal(daysBetween(before['effectiveDateTime'], after['effectiveDateTime']), 14);
    const values = (r: Json): unknown[] => (r['component'] as Json[]).map((c) => c['valueDateTime']);
    const [old] = values(before);
    assert.deepEqual(
      values(after).map((value) => daysBetween(old, value)),
      [-1, 0, 1],
    );
    const copied = await patched(url, [{ op: 'copy', from: '/component/1/valueDateTime', path: '/effectiveDateTime' }]);
    assert.equal(copied['effectiveDateTime'], old);
    const unchanged = await patched(url, []);
    assert.deepEqual({ ...unchanged, meta: 0 }, { ...copied, meta: 0 });
  });

  test('an identifier and a text are as a create would store them; what the policy removes leaves nothing behind', async () => {
    const subject = await newPatient({ name: [{ family: 'Larkspur' }] });
    const fields = { identifier: [{ system: 'urn:lab', value: 'A-4711' }], note: [{ text: 'Larkspur called.' }] };
    const reference = await stored(await create(observation(subject, fields)));
    const url = await create(observation(subject));
    const after = await patched(url, [add('/identifier', fields.identifier), add('/note', fields.note)]);
    assert.deepEqual([after['identifier'], after['note']], [reference['identifier'], reference['note']]);
    const value = await patched(url, [{ op: 'replace', path: '/identifier/0/value', value: 'A-4711' }]);
    assert.deepEqual(value['identifier'], reference['identifier']);
    const photo = await patched(subject, [add('/contact', [{ name: { text: 'Larkspur' } }])]);
    assert.equal(photo['contact'], undefined);
  });

  test('a new identifier of a Patient goes to the vault: found by it; one of another person is 409', async () => {
    const [subject, other] = [await newPatient(), await newPatient()];
    const before = await stored(subject);
    const identifier = (value: string): Json[] => [add('/identifier/-', { system: mrn, value })];
    assert.deepEqual((await patched(subject, identifier('patched-in')))['identifier'], before['identifier']);
    const found = await stored(`Patient?identifier=${mrn}|patched-in`);
    assert.deepEqual(
      (found['entry'] as { resource: { id: string } }[]).map((e) => `Patient/${e.resource.id}`),
      [subject],
    );
    assert.equal((await patch(other, identifier('patched-in'))).status, 409);
  });
});

test('the stored plane: what it writes stays as it is, dates unmoved', async () => {
  const url = await create(observation(await newPatient()));
  const before = await stored(url);
  const after = await patched(url, [add('/status', 'amended'), add('/issued', `${String(before['effectiveDateTime'])}T10:00:00Z`)], app);
  assert.deepEqual(
    [after['status'], after['issued'], after['effectiveDateTime']],
    ['amended', `${before['effectiveDateTime']}T10:00:00Z`, before['effectiveDateTime']],
  );
});

describe('by condition and in Bundles', () => {
  const entry = (url: string, resource: unknown): Json => ({ resource, request: { method: 'PATCH', url } });
  const binary = (operations: unknown): Json => ({
    resourceType: 'Binary',
    contentType: 'application/json-patch+json',
    data: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });
  const bundle = (type: string, ...entries: Json[]): Promise<FhirResponse> =>
    backend.request({ method: 'POST', path: '', body: { resourceType: 'Bundle', type, entry: entries } });
  const amend = operation(
    { name: 'type', valueCode: 'replace' },
    { name: 'path', valueString: 'Observation.status' },
    { name: 'value', valueCode: 'amended' },
  );

  test('the one match is patched; a raw identifier finds its Patient', async () => {
    const subject = await newPatient({ identifier: [{ system: mrn, value: 'by-condition' }] });
    const url = await create(observation(subject));
    assert.equal(`Observation/${(await patched(`Observation?subject=${subject}`, amend))['id']}`, url);
    const male = await patched(`Patient?identifier=${mrn}|by-condition`, [add('/gender', 'male')]);
    assert.deepEqual([`Patient/${male['id']}`, male['gender']], [subject, 'male']);
  });

  test('a transaction takes both kinds, in references too; one that fails leaves all as it was', async () => {
    const subject = await newPatient();
    const [a, b] = [await create(observation(subject)), await create(observation(subject))];
    const performer = [add('/performer', [{ reference: 'urn:uuid:0b7d0d54-4f0f-4b3f-8d58-1d1f7c9a0001' }])];
    const practitioner = {
      fullUrl: 'urn:uuid:0b7d0d54-4f0f-4b3f-8d58-1d1f7c9a0001',
      resource: { resourceType: 'Practitioner' },
      request: { method: 'POST', url: 'Practitioner' },
    };
    const failing = binary([{ op: 'test', path: '/status', value: 'amended' }]);
    const refused = await bundle('transaction', practitioner, entry(a, amend), entry(b, failing));
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal((await stored(a))['status'], 'final');
    const done = await bundle('transaction', practitioner, entry(a, amend), entry(b, binary(performer)));
    assert.equal(done.status, 200, JSON.stringify(done.body));
    assert.equal((await stored(a))['status'], 'amended');
    assert.match(JSON.stringify((await stored(b))['performer']), /"Practitioner\/[0-9a-f-]{36}"/);
    assert.equal((await bundle('transaction', entry(a, amend), entry(a, amend))).status, 422);
  });

  test('an XML Patch: by id, by condition, in a transaction; a new date moves, a name is not stored', async () => {
    const subject = await newPatient({ identifier: [{ system: mrn, value: 'by-xml' }] });
    const url = await create(observation(subject));
    const before = await stored(url);
    const xml = (operations: string): string => `<patch xmlns="http://hl7.org/fhir">${operations}</patch>`;
    const moved = await patched(url, xml('<replace sel="f:Observation/f:effectiveDateTime/@value">2024-03-19</replace>'));
    assert.equal(daysBetween(before['effectiveDateTime'], moved['effectiveDateTime']), 14);
    const named = await patched(
      `Patient?identifier=${mrn}|by-xml`,
      xml('<add sel="f:Patient"><name><family value="Hollyhock"/></name></add><replace sel="f:Patient/f:gender/@value">other</replace>'),
    );
    assert.deepEqual([named['gender'], named['name']], ['other', undefined]);
    const note = await create(observation(subject, { note: [{ text: 'Hollyhock was seen.' }] }));
    assert.doesNotMatch(JSON.stringify(await stored(note)), /Hollyhock/);
    const data = Buffer.from(xml('<replace sel="f:Observation/f:status/@value">amended</replace>')).toString('base64');
    const done = await bundle('transaction', entry(url, { resourceType: 'Binary', contentType: 'application/xml-patch+xml', data }));
    assert.equal(done.status, 200, JSON.stringify(done.body));
    const after = await stored(url);
    assert.deepEqual([after['status'], after['effectiveDateTime']], ['amended', moved['effectiveDateTime']]);
    const looksIdentified = xml('<add sel="f:Observation"><note><text value="Call 555-867-5309 at once."/></note></add>');
    assert.equal((await patch(url, looksIdentified, app)).status, 422);
  });

  test('a batch answers each', async () => {
    const url = await create(observation(await newPatient()));
    const answer = await bundle(
      'batch',
      entry(url, amend),
      entry(url, binary([{ op: 'remove', path: '/none' }])),
      entry(url, binary([add('/status', 'final')])),
    );
    assert.deepEqual(
      (json(answer)['entry'] as { response: { status: string } }[]).map((e) => e.response.status),
      ['200', '422', '200'],
    );
  });

  test('twenty in parallel: each is made on the version before it, none is lost', async () => {
    const url = await create(observation(await newPatient()));
    const coding = (i: number): Json[] => [add('/code/coding/-', { system: 'http://loinc.org', code: `${1000 + i}-1` })];
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => patch(url, coding(i))));
    const accepted = answers.filter(({ status }) => status === 200);
    for (const { status } of answers) assert.ok(status === 200 || status === 409, String(status));
    const now = await stored(url);
    assert.equal(((now['code'] as Json)['coding'] as Json[]).length, 1 + accepted.length);
    assert.equal((now['meta'] as Json)['versionId'], String(1 + accepted.length));
  });
});
