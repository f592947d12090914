// ADR 0025: $deidentify through the whole product, and a server that works by rules of its operator (ADR 0024).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { assertRefused, database, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const identified = /Quillfeather|Zephyrine|917-22-4410|MRN-55012|Larkspur/;
const patient = {
  resourceType: 'Patient',
  id: 'MRN-55012',
  identifier: [{ system: 'urn:hospital', value: 'MRN-55012' }],
  name: [{ family: 'Quillfeather', given: ['Zephyrine'] }],
  birthDate: '1971-03-04',
  address: [{ line: ['12 Larkspur Lane'], city: 'Oxbow', state: 'VT', postalCode: '05012' }],
};
const note = (id: string, date: string, code = '8302-2'): { resourceType: string; [name: string]: unknown } => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: {
    coding: [
      { system: 'http://loinc.org', code },
      { system: 'urn:local:tests', code: 'HT', display: 'Height of Quillfeather' },
    ],
  },
  subject: { reference: 'Patient/MRN-55012', display: 'Zephyrine Quillfeather' },
  effectiveDateTime: date,
  valueQuantity: { value: 171.5, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
  note: [{ text: 'Quillfeather was measured twice.' }],
});
const bundle = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    { fullUrl: 'http://hospital/fhir/Observation/o1', resource: note('o1', '2024-03-01') },
    { fullUrl: 'http://hospital/fhir/Observation/o2', resource: note('o2', '2024-03-15') },
    { fullUrl: 'http://hospital/fhir/Patient/MRN-55012', resource: patient },
  ],
};

let product: Product;
let fhir: Rest;
let folder: string;

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'limen-rules-'));
  product = await startProduct({ env: { DEIDENTIFY_POLICIES: 'safe-harbor' } });
  fhir = rest(product);
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });
const resources = (answer: { json: Json }): Json[] => entriesOf(answer as never).map((entry) => entry['resource'] as Json);

describe('what $deidentify refuses', () => {
  test('who has no scope for it', async () => {
    const { client_id, client_secret } = product.credentials.backendClient;
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.cruds', client_id, client_secret });
    const response = await fetch(`${product.origin}/oauth/token`, { method: 'POST', body });
    const { access_token: token } = (await response.json()) as { access_token: string };
    assertRefused(await fhir('$deidentify', { body: patient, token }), 403, 'forbidden');
  });

  const wrong: readonly (readonly [string, unknown, number])[] = [
    ['nothing', parameters(), 400],
    ['an unknown type', { resourceType: 'Nonsense', id: 'Quillfeather' }, 400],
    ['an unknown element', { ...patient, nickname: 'Zephyrine' }, 422],
    ['a date that is none', { ...patient, birthDate: '1971-02-30' }, 422],
    ['a Bundle in a Bundle', { ...bundle, entry: [{ resource: bundle }] }, 422],
    ['a text of 2 MB', parameters({ name: 'text', valueString: 'Zephyrine '.repeat(200_000) }), 413],
    ['an unknown parameter', parameters({ name: 'salt', valueString: 'Zephyrine' }), 400],
    ['a policy that is not offered', parameters({ name: 'resource', resource: patient }, { name: 'policy', valueCode: 'synthetic' }), 400],
  ];
  for (const [what, body, status] of wrong)
    test(what, async () => {
      const answer = await fhir('$deidentify', { body });
      assertRefused(answer, status);
      assert.doesNotMatch(answer.text, identified);
    });
});

describe('what it gives', () => {
  test('a Bundle: references lead inside it, intervals stay, results and codes stay, nothing identifies', async () => {
    const answer = await fhir('$deidentify', { body: bundle });
    assert.equal(answer.status, 200, answer.text);
    assert.doesNotMatch(answer.text, identified);
    const [one, two, person] = resources(answer) as unknown as [typeof firstOf, typeof firstOf, Json];
    assert.equal(one.subject.reference, `Patient/${person['id']}`);
    assert.equal(Date.parse(two.effectiveDateTime) - Date.parse(one.effectiveDateTime), 14 * 86_400_000);
    assert.ok(Number.isInteger((Date.parse(one.effectiveDateTime) - Date.parse('2024-03-01')) / (7 * 86_400_000)));
    assert.notEqual(one.effectiveDateTime, '2024-03-01');
    assert.deepEqual(
      [one.valueQuantity.value, one.code.coding[0]?.code, one.code.coding[1]],
      [171.5, '8302-2', { system: 'urn:local:tests', code: 'HT' }],
    );
    assert.match(entriesOf(answer)[2]?.['fullUrl'] as unknown as string, new RegExp(`/Patient/${person['id']}$`));
  });

  test('two requests have no pseudonym in common, and neither is that of the stored patient; the vault does not grow', async () => {
    const stored = await fhir('Patient', { body: { ...patient, id: undefined } });
    assert.equal(stored.status, 201, stored.text);
    const [store, vault] = [await database(product), await database(product, 'vault')];
    const count = async (): Promise<unknown> => [
      (await store.query('select count(*) from res')).rows,
      (await vault.query('select (select count(*) from vault.person) as persons, (select count(*) from vault.identifier) as identifiers'))
        .rows,
    ];
    const before = await count();
    const [one, two] = [await fhir('$deidentify', { body: patient }), await fhir('$deidentify', { body: patient })];
    const values = [stored, one, two].flatMap(({ json }) => [json['id'], list(json['identifier'])[0]?.['value']]);
    assert.equal(new Set(values).size, 6, JSON.stringify(values));
    assert.deepEqual(await count(), before);
    await Promise.all([store.end(), vault.end()]);
  });

  test('lines: each in its place, one that cannot be treated is an OperationOutcome', async () => {
    const body = [
      JSON.stringify(patient),
      '{"resourceType":"Patient","nickname":"Zephyrine"}',
      'no json',
      JSON.stringify(note('o1', '2024-03-01')),
    ].join('\n');
    const response = await fetch(`${product.fhirBase}/$deidentify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await product.backendToken()}`, 'content-type': 'application/fhir+ndjson' },
      body,
    });
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/fhir+ndjson']);
    const text = await response.text();
    assert.doesNotMatch(text, identified);
    const found = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { resourceType: string; id: string; subject?: { reference: string } });
    assert.deepEqual(
      found.map(({ resourceType }) => resourceType),
      ['Patient', 'OperationOutcome', 'OperationOutcome', 'Observation'],
    );
    assert.equal(found[3]?.subject?.reference, `Patient/${found[0]?.id}`);
  });

  test('a text and its spans', async () => {
    const text = 'Patient Name: Zephyrine Quillfeather, SSN 917-22-4410. Graves disease.';
    const answer = await fhir('$deidentify', { body: parameters({ name: 'text', valueString: text }) });
    assert.doesNotMatch(answer.text, identified);
    const [first, ...spans] = list(answer.json['parameter']);
    assert.match(String(first?.['valueString']), /Graves disease/);
    const covered = spans.map((span) => {
      const part = (name: string): Json | undefined => list(span['part']).find((each) => (each['name'] as unknown) === name);
      return `${part('type')?.['valueCode']} ${text.slice(Number(part('start')?.['valueInteger']), Number(part('end')?.['valueInteger']))}`;
    });
    assert.ok(
      covered.some((each) => each.endsWith('917-22-4410')),
      covered.join(),
    );
  });

  test('another policy where the operator allows it, and a report in counts', async () => {
    const answer = await fhir('$deidentify', {
      body: parameters(
        { name: 'resource', resource: bundle },
        { name: 'policy', valueCode: 'safe-harbor' },
        { name: 'report', valueBoolean: true },
      ),
    });
    assert.equal(answer.status, 200, answer.text);
    assert.doesNotMatch(answer.text, identified);
    const [made, report] = list(answer.json['parameter']);
    const [one] = resources({ json: made?.['resource'] as Json }) as unknown as [typeof firstOf];
    assert.equal(one.effectiveDateTime, '2024');
    const counts = new Map(
      list(report?.['part']).map((each) => {
        const [place, count] = list(each['part']);
        return [`${each['name']} ${place?.['valueString']}`, Number(count?.['valueInteger'])];
      }),
    );
    const of = (...names: string[]): unknown[] => names.map((name) => counts.get(name));
    assert.deepEqual(
      of(
        'removed Patient.name',
        'generalised Observation.effectiveDateTime',
        'scrubbed Observation.note.text',
        'kept Observation.valueQuantity.value',
        'otherSystems urn:local:tests',
      ),
      [1, 2, 2, 2, 2],
    );
  });

  test('it says what it is in the CapabilityStatement', async () => {
    const operations = list(list((await fhir('metadata')).json['rest'])[0]?.['operation']);
    assert.ok(operations.some((each) => (each['name'] as unknown) === 'deidentify'));
  });
});

/** Of the answer as the tests look at it. */
declare const firstOf: {
  readonly id: string;
  readonly subject: { readonly reference: string };
  readonly effectiveDateTime: string;
  readonly valueQuantity: { readonly value: number };
  readonly code: { readonly coding: readonly { readonly code: string }[] };
};

test('an import says on demand what the door did, in counts', async () => {
  const more = [patient, note('i1', '2024-03-01'), { resourceType: 'Patient', id: 'wrong', nickname: 'Zephyrine' }];
  const body = more
    .map((each) => JSON.stringify(each))
    .join('\n')
    .replaceAll('MRN-55012', 'MRN-77013');
  const token = await product.backendToken();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+ndjson' };
  const kickOff = async (query: string): Promise<Json> => {
    const response = await fetch(`${product.fhirBase}/$import${query}`, { method: 'POST', headers, body });
    assert.equal(response.status, 202, await response.text());
    return (await fhir(String(response.headers.get('content-location')))).json;
  };
  assert.equal((await kickOff(''))['extension'], undefined);
  const report = (await kickOff('?report=true'))['extension']?.['https://limen.example/deidentification-report'] as unknown as {
    [doing: string]: { [path: string]: number };
  };
  assert.equal(report['removed']?.['Patient.name'], 1);
  assert.equal(report['generalised']?.['Patient.birthDate'], 1);
  assert.equal(report['kept']?.['Observation.valueQuantity.value'], 1);
  assert.deepEqual(report['otherSystems'], { 'urn:local:tests': 1 });
  assert.doesNotMatch(JSON.stringify(report), identified);
});

test('a server by rules of its operator says so, stores what they leave, and takes it back unchanged', async (t) => {
  const [rules, keys] = [path.join(folder, 'rules.json'), path.join(folder, 'keys.json')];
  const list1 = [
    { path: "Patient.nodesByType('HumanName')", method: 'redact' },
    { path: 'Patient.identifier.value | Patient.address.line', method: 'cryptoHash' },
    { path: "nodesByType('Annotation')", method: 'redact' },
    { path: "nodesByName('display')", method: 'redact' },
  ];
  writeFileSync(rules, JSON.stringify({ fhirVersion: 'R4', fhirPathRules: list1 }));
  writeFileSync(keys, JSON.stringify({ cryptoHashKey: 'a key of the operator' }));
  const ruled = await startProduct({ env: { DEIDENTIFICATION_POLICY: rules, DEIDENTIFICATION_KEYS: keys } });
  t.after(() => ruled.stop());
  const call = rest(ruled);
  assert.match(ruled.stdout(), /may identify persons/);
  const { json: capabilities } = await call('metadata');
  assert.match(String(capabilities['implementation']?.['description']), /rules of its operator/);
  const made = await call('Patient', { body: { ...patient, id: undefined } });
  assert.equal(made.status, 201, made.text);
  assert.doesNotMatch(made.text, identified);
  assert.equal(made.json['birthDate'] as unknown, '1971-03-04');
  const again = await call(`Patient/${made.json['id']}`, { method: 'PUT', body: made.json });
  assert.equal(again.status, 200, again.text);
  const bare = ({ meta: _meta, ...rest }: { meta?: unknown }): unknown => rest;
  assert.deepEqual(bare(again.json), bare(made.json));
  const observed = await call('Observation', {
    body: { ...note('x', '2024-03-01'), id: undefined, subject: { reference: `Patient/${made.json['id']}` } },
  });
  assert.equal(observed.status, 201, observed.text);
  assert.deepEqual([observed.json['effectiveDateTime'], observed.json['note']] as unknown[], ['2024-03-01', undefined]);
  assert.equal(entriesOf(await call('Patient?identifier=urn:hospital|MRN-55012')).length, 1);
});
