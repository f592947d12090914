// Operations from outside, under date-shift: tables in pieces, queries in GraphQL, conversions; each shows no more than the token may see.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { type Answer, ask, assertRefused, type Json, list, type Rest, rest } from '../rest-client.ts';

let product: Product;
let fhir: Rest;
let patient = '';
let other = '';
const perPatient = 120;

async function tokenFor(scope: string): Promise<string> {
  const { client_id, client_secret } = product.credentials.backendClient;
  const answer = await ask(`${product.origin}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
  });
  return String(answer.json['access_token']);
}

function observations(subject: string): object {
  const entry = Array.from({ length: perPatient }, (_, i) => ({
    request: { method: 'POST', url: 'Observation' },
    resource: {
      resourceType: 'Observation',
      status: i % 2 === 0 ? 'final' : 'amended',
      code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
      subject: { reference: subject },
      effectiveDateTime: '2020-01-01T10:00:00Z',
      valueQuantity: { value: i, unit: '/min' },
    },
  }));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

before(async () => {
  product = await startProduct();
  fhir = rest(product);
  const made = async (gender: string): Promise<string> =>
    `Patient/${(await fhir('Patient', { body: { resourceType: 'Patient', gender, birthDate: '1970-01-01' } })).json['id']}`;
  [patient, other] = [await made('female'), await made('male')];
  for (const subject of [patient, other]) assert.equal((await fhir('', { body: observations(subject) })).status, 200);
});
after(() => product?.stop());

describe('$viewdefinition-run', () => {
  const view = (select: object[]): object => ({
    resourceType: 'Parameters',
    parameter: [{ name: 'viewResource', resource: { resourceType: 'ViewDefinition', resource: 'Observation', status: 'active', select } }],
  });
  const table = view([
    {
      column: [
        { name: 'id', path: 'getResourceKey()' },
        { name: 'patient', path: 'subject.getReferenceKey(Patient)' },
      ],
    },
    { column: [{ name: 'value', path: 'value.ofType(Quantity).value' }] },
  ]);

  test('refuses what a client does not accept, and a view at fault, before a row is sent', async () => {
    assertRefused(await fhir('$viewdefinition-run?_format=xlsx', { body: table }), 406);
    assertRefused(
      await fhir('$viewdefinition-run', { body: view([{ column: [{ name: 'x', path: '1 +' }] }]), headers: { accept: 'text/csv' } }),
      422,
    );
    assertRefused(await fhir('$viewdefinition-run', { body: table, token: await tokenFor('system/Patient.rs') }), 403);
    assertRefused(await fhir('$viewdefinition-run', { body: table, token: '' }), 401);
  });

  test('a costly expression holds nobody up', async () => {
    const costly = fhir('$viewdefinition-run', {
      body: view([{ column: [{ name: 'x', path: `('${'a'.repeat(60)}!').matches('^(a+)+$')` }] }]),
    });
    let answered = 0;
    const reading = (async () => {
      for (; answered < 20; answered++) assert.equal((await fhir(patient)).status, 200);
    })();
    assertRefused(await costly, 422, 'too-costly');
    await reading;
    assert.equal(answered, 20);
  });

  test('gives all rows over several pages, each once, in three formats', async () => {
    const json = await fhir('$viewdefinition-run', { body: table });
    assert.match(json.headers.get('content-type') ?? '', /^application\/json/);
    const rows = JSON.parse(json.text) as { id: string; value: number }[];
    assert.equal(new Set(rows.map(({ id }) => id)).size, 2 * perPatient);
    assert.equal(rows.length, 2 * perPatient);
    const csv = await fhir('Observation/$viewdefinition-run', { body: table, headers: { accept: 'text/csv' } });
    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
    assert.equal(csv.text.split('\r\n')[0], 'id,patient,value');
    assert.equal(csv.text.trim().split('\r\n').length, 2 * perPatient + 1);
    const lines = await fetch(`${product.fhirBase}/$viewdefinition-run?_format=ndjson&_limit=7`, {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json', authorization: `Bearer ${await product.backendToken()}` },
      body: JSON.stringify(table),
    });
    assert.match(lines.headers.get('content-type') ?? '', /ndjson/);
    const each = (await lines.text()).trim().split('\n');
    assert.deepEqual(Object.keys(JSON.parse(each[0] ?? '')), ['id', 'patient', 'value']);
    assert.equal(each.length, 7);
  });
});

describe('$graphql', () => {
  const query = (text: string, variables: object = {}): object => ({ query: text, variables });
  const data = (answer: Answer): Json => {
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    return answer.json['data'] ?? ({} as Json);
  };

  test('refuses what is no query, without repeating it', async () => {
    const broken = assertRefused(await fhir('$graphql', { body: query('{ secret4711(') }), 400);
    assert.doesNotMatch(JSON.stringify(broken), /secret4711/);
    assertRefused(await fhir('$graphql', { body: {} }), 400, 'required');
    assertRefused(await fhir('$graphql', { body: query('mutation { id }') }), 400, 'not-supported');
    assertRefused(await fhir('$graphql?query={id}&variables={'), 400);
    assertRefused(await fhir(`${patient}/$graphql`, { body: query('{ id }'), token: await tokenFor('system/Observation.rs') }), 403);
    assertRefused(await fhir('Patient/00000000-0000-4000-8000-000000000000/$graphql?query={id}'), 404);
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: '$graphql?query={id}' } }] };
    assert.match((await fhir('', { body: batch })).text, /"status":"400"/);
  });

  test('forbidden nodes are null with an error, and give nothing away', async () => {
    const token = await tokenFor('system/Observation.rs');
    const text = '{ ObservationList(_count: 1) { id subject { resource { ... on Patient { id gender } } } } PatientList { id } }';
    const answer = await fhir('$graphql', { body: query(text), token });
    const [observation] = list(data(answer)['ObservationList']);
    assert.equal(observation?.['subject']?.['resource'] as unknown, null);
    assert.equal(data(answer)['PatientList'] as unknown, null);
    assert.equal(list(answer.json['errors']).length, 2);
    assert.doesNotMatch(answer.text, /female|"male"/);
  });

  test('goes from a patient to what refers to it, and on', async () => {
    const text = `query q($n: Int!) { id gender ObservationList(_reference: subject, status: final, _count: $n) { status subject { resource { id } } } }`;
    const found = data(await fhir(`${patient}/$graphql`, { body: query(text, { n: 3 }) }));
    assert.equal(found['gender'] as unknown, 'female');
    const plain = { method: 'POST', body: '{ gender }', headers: { 'content-type': 'application/graphql' } };
    assert.deepEqual(data(await fhir(`${patient}/$graphql`, plain)) as unknown, { gender: 'female' });
    assert.equal(list(found['ObservationList']).length, 3);
    for (const each of list(found['ObservationList'])) assert.equal(`Patient/${each['subject']?.['resource']?.['id']}`, patient);
  });

  test('pages by cursor until all are seen', async () => {
    const ids = new Set<unknown>();
    let cursor: string | undefined;
    do {
      const args = cursor === undefined ? `patient: "${other}", _count: 50` : `_cursor: "${cursor}"`;
      const page = data(
        await fhir('$graphql', { body: query(`{ ObservationConnection(${args}) { next pagesize edges { resource { id } } } }`) }),
      )['ObservationConnection'];
      for (const edge of list(page?.['edges'])) ids.add(edge['resource']?.['id']);
      cursor = page?.['next'] as unknown as string | undefined;
    } while (cursor !== undefined);
    assert.equal(ids.size, perPatient);
    const forged = await fhir('$graphql', { body: query('{ PatientConnection(_cursor: "x") { next } }') });
    assert.equal(data(forged)['PatientConnection'] as unknown, null);
    assert.equal(list(forged.json['errors']).length, 1);
  });

  test('filters lists by FHIRPath in a thread of its own', async () => {
    const text = '{ meta { tag(fhirpath: "code = \'date-shift\'") { code } } }';
    const tags = list(data(await fhir(`${patient}/$graphql?query=${encodeURIComponent(text)}`))['meta']?.['tag']);
    assert.deepEqual(tags as unknown, [{ code: 'date-shift' }]);
    const costly = `{ meta { tag(fhirpath: "('${'a'.repeat(60)}!').matches('^(a+)+$')") { code } } }`;
    assertRefused(await fhir(`${patient}/$graphql`, { body: query(costly) }), 422, 'too-costly');
  });
});

describe('$convert', () => {
  test('gives the other format, decimals as they were', async () => {
    const body = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}';
    const xml = await fhir('$convert', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/fhir+json', accept: 'application/fhir+xml' },
    });
    assert.equal(xml.status, 200, xml.text);
    assert.match(xml.text, /<value value="1\.50"\/>/);
    const json = await fhir('$convert', { method: 'POST', body: xml.text, headers: { 'content-type': 'application/fhir+xml' } });
    assert.equal(json.text, body);
  });
});

test('the CapabilityStatement names the operations where they are', async () => {
  const [server] = list((await fhir('metadata')).json['rest']);
  const names = (holder: Json | undefined): unknown[] => list(holder?.['operation']).map((each) => each['name']);
  for (const name of ['viewdefinition-run', 'meta', 'diff', 'convert', 'graphql']) assert.ok(names(server).includes(name), name);
  const resource = (type: string): Json | undefined => list(server?.['resource']).find((each) => String(each['type']) === type);
  assert.ok(names(resource('Patient')).includes('everything'));
  assert.ok(!names(resource('Organization')).includes('everything'));
  assert.ok(names(resource('Observation')).includes('lastn'));
  assert.ok(names(resource('Organization')).includes('meta-add'));
});
