// $validate and meta.profile on the running product, with definitions that are stored there.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { type Answer, type Json, list, type Rest, rest } from '../rest-client.ts';

const own = 'https://own.example';
const secret = 'Quintessa';

const definitions: readonly object[] = [
  {
    resourceType: 'CodeSystem',
    url: `${own}/codes`,
    status: 'active',
    content: 'complete',
    concept: [{ code: 'yes' }, { code: 'no' }],
  },
  { resourceType: 'ValueSet', url: `${own}/answers`, status: 'active', compose: { include: [{ system: `${own}/codes` }] } },
  {
    resourceType: 'StructureDefinition',
    url: `${own}/answered`,
    version: '2',
    name: 'Answered',
    status: 'active',
    kind: 'resource',
    abstract: false,
    type: 'Observation',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Observation',
    derivation: 'constraint',
    differential: {
      element: [
        {
          id: 'Observation.value[x]',
          path: 'Observation.value[x]',
          min: 1,
          type: [{ code: 'CodeableConcept' }],
          binding: { strength: 'required', valueSet: `${own}/answers` },
        },
        {
          id: 'Observation.category',
          path: 'Observation.category',
          slicing: { rules: 'open', discriminator: [{ type: 'pattern', path: '$this' }] },
        },
        {
          id: 'Observation.category:survey',
          path: 'Observation.category',
          sliceName: 'survey',
          min: 1,
          patternCodeableConcept: { coding: [{ code: 'survey' }] },
        },
      ],
    },
  },
];

const observation = (code: string, rest: object = {}): object => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'survey' }] }],
  code: { text: 'Smoker' },
  valueCodeableConcept: { coding: [{ system: `${own}/codes`, code }] },
  ...rest,
});
const claimed = (code: string): object => observation(code, { meta: { profile: [`${own}/answered`] } });
const issues = (answer: Answer): string[] =>
  list(answer.json['issue']).map((issue) =>
    [issue['severity'], issue['code'], list(issue['expression'])[0], list(issue['location'])[0]].filter(Boolean).join(' '),
  );
const fine = ['information informational'];

describe('$validate', () => {
  let product: Product;
  let call: Rest;

  const input = (resource: unknown, ...parameters: Json[]): object => ({
    resourceType: 'Parameters',
    parameter: [...parameters, ...(resource === undefined ? [] : [{ name: 'resource', resource }])],
  });
  const profile = (url: string): Json => ({ name: 'profile', valueUri: url }) as unknown as Json;
  const mode = (code: string): Json => ({ name: 'mode', valueCode: code }) as unknown as Json;
  const check = (address: string, body?: unknown): Promise<Answer> => call(address, body === undefined ? {} : { body });

  before(async () => {
    product = await startProduct();
    call = rest(product);
    for (const body of definitions) assert.equal((await call(String((body as Json)['resourceType']), { body })).status, 201);
  });
  after(async () => {
    await product.stop();
  });

  it('refuses calls that are none', async () => {
    assert.equal((await check('Observation/$validate', input(observation('yes'), mode('sometimes')))).status, 400);
    assert.equal((await check('Observation/$validate', input(observation('yes'), mode('profile')))).status, 400);
    assert.equal((await check('Observation/$validate', input(undefined))).status, 400);
    assert.equal((await check('Observation/$validate')).status, 400);
    assert.equal((await check('Nothing/$validate', observation('yes'))).status, 404);
    assert.equal((await check('Observation/1/2/$validate', observation('yes'))).status, 404);
    assert.equal((await call('Observation/$validate', { body: observation('yes'), token: '' })).status, 401);
    assert.equal((await call('Observation/$validate', { method: 'PUT', body: observation('yes') })).status, 405);
  });

  it('answers 200 with every issue where it is', async () => {
    const wrong = observation('yes', { component: [{ code: { text: 'x' } }, { valueQuantity: { value: 1, code: 'mm' } }], colour: secret });
    for (const body of [wrong, input(wrong)]) {
      const answer = await check('Observation/$validate', body);
      assert.equal(answer.status, 200);
      assert.deepEqual(issues(answer).sort(), [
        'error invariant Observation.component[1].value.ofType(Quantity) /f:Observation/f:component[2]/f:valueQuantity',
        'error required Observation.component[1].code /f:Observation/f:component[2]/f:code',
        'error structure Observation.colour /f:Observation/f:colour',
      ]);
      assert.ok(!answer.text.includes(secret));
    }
    assert.deepEqual(issues(await check('Patient/$validate', observation('yes'))), ['error value Patient /f:Patient']);
  });

  it('validates by a named profile and by claimed ones', async () => {
    const named = profile(`${own}/answered|2`);
    assert.deepEqual(issues(await check('Observation/$validate', input(observation('yes'), mode('profile'), named))), fine);
    const bad = [
      'error code-invalid Observation.value.ofType(CodeableConcept).coding[0].code /f:Observation/f:valueCodeableConcept/f:coding[1]/f:code',
      'error code-invalid Observation.value.ofType(CodeableConcept) /f:Observation/f:valueCodeableConcept',
    ];
    assert.deepEqual(issues(await check('Observation/$validate', input(observation('maybe'), named))), bad);
    assert.deepEqual(issues(await check(`Observation/$validate?profile=${own}/answered`, observation('maybe'))), bad);
    assert.deepEqual(issues(await check('Observation/$validate', claimed('maybe'))), bad);
    assert.deepEqual(issues(await check('Observation/$validate', input(observation('yes'), profile(`${own}/answered|3`)))), [
      'error not-found',
    ]);
    assert.deepEqual(issues(await check('Observation/$validate', observation('yes', { meta: { profile: [`${own}/none`] } }))), [
      'warning not-found Observation.meta.profile /f:Observation/f:meta/f:profile',
    ]);
  });

  it('stores nothing', async () => {
    await check('Patient/$validate', {
      resourceType: 'Patient',
      name: [{ family: secret }],
      identifier: [{ system: `${own}/mrn`, value: '17' }],
    });
    assert.equal((await call('Patient?_summary=count')).json['total'] as unknown, 0);
    assert.ok(!product.stdout().includes(secret) && !product.stderr().includes(secret));
  });

  it('rehearses create, update and delete of an instance', async () => {
    const made = await call('Observation', { body: observation('yes') });
    const address = `Observation/${made.json['id']}`;
    assert.deepEqual(issues(await check(`${address}/$validate`)), fine);
    assert.deepEqual(issues(await check(`${address}/$validate?mode=delete`)), fine);
    assert.deepEqual(issues(await check(`${address}/$validate`, input(made.json, mode('update')))), fine);
    assert.deepEqual(issues(await check(`${address}/$validate`, input(observation('yes'), mode('update')))), [
      'error invalid Observation.id /f:Observation/f:id',
    ]);
    assert.deepEqual(issues(await check(`${address}0/$validate`, input(undefined, mode('delete')))), ['error not-found']);
    assert.deepEqual(issues(await check('Observation/$validate', input(observation('yes'), mode('create')))), fine);
    assert.equal((await check(`${address}0/$validate`)).status, 404);
  });

  it('does not miss in what is stored what de-identification removed', async () => {
    const contact = [{ relationship: [{ text: 'mother' }], name: { family: secret } }];
    const made = await call('Patient', { body: { resourceType: 'Patient', contact } });
    assert.equal(made.status, 201);
    assert.deepEqual(issues(await check(`Patient/${made.json['id']}/$validate`)), fine);
    const without = { resourceType: 'Patient', contact: [{ relationship: [{ text: 'mother' }] }] };
    assert.deepEqual(issues(await check('Patient/$validate', without)), ['error invariant Patient.contact[0] /f:Patient/f:contact[1]']);
    assert.equal((await call('Patient', { body: without })).status, 422);
  });

  it('a write keeps what it claims', async () => {
    const refused = await call('Observation', { body: claimed('maybe') });
    assert.equal(refused.status, 422);
    assert.deepEqual(
      list(refused.json['issue']).map((issue) => [issue['code'], list(issue['expression'])[0]] as unknown),
      [['code-invalid', 'Observation.value.ofType(CodeableConcept)']],
    );
    assert.equal((await call('Observation', { body: claimed('yes') })).status, 201);
    assert.equal((await call('Observation', { body: observation('yes', { meta: { profile: [`${own}/none`] } }) })).status, 201);
  });

  it('a claim that de-identification breaks is withdrawn', async () => {
    const named = {
      ...(definitions[2] as object),
      url: `${own}/named`,
      name: 'Named',
      type: 'Patient',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
      differential: { element: [{ id: 'Patient.name', path: 'Patient.name', min: 1 }] },
    };
    assert.equal((await call('StructureDefinition', { body: named })).status, 201);
    const meta = { profile: [`${own}/named`] };
    assert.equal((await call('Patient', { body: { resourceType: 'Patient', meta, gender: 'female' } })).status, 422);
    const stored = await call('Patient', { body: { resourceType: 'Patient', meta, name: [{ family: secret }] } });
    assert.equal(stored.status, 201);
    assert.equal(stored.json['meta']?.['profile'], undefined);
  });

  it('a new version of a profile counts at once', async () => {
    const found = list((await call(`StructureDefinition?url=${own}/answered`)).json['entry'])[0]?.['resource'] ?? {};
    const looser = { ...(found as object), differential: { element: [{ id: 'Observation.note', path: 'Observation.note', max: '0' }] } };
    assert.equal((await call(`StructureDefinition/${(found as Json)['id']}`, { method: 'PUT', body: looser })).status, 200);
    assert.equal((await call('Observation', { body: claimed('maybe') })).status, 201);
  });
});
