// https://hl7.org/fhir/R4/search.html over HTTP under date-shift: chains, _has, _filter, lists, compartments, several types at once, includes that go on.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { allPages, assertRefused, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const mrnSystem = 'https://limen.example/mrn';
const mrn = `M-${randomUUID()}`;
let product: Product;
let fhir: Rest;
/** Places of what was loaded, by name. */
const places: { [name: string]: string } = {};

const loinc = (code: string): object => ({ coding: [{ system: 'http://loinc.org', code }] });
const entry = (name: string, resource: object): object => ({
  fullUrl: `urn:uuid:${name}`,
  resource,
  request: { method: 'POST', url: (resource as { resourceType: string }).resourceType },
});
const uuids = Object.fromEntries(
  ['parent', 'ward', 'one', 'two', 'visit', 'high', 'low', 'problem', 'list'].map((name) => [name, randomUUID()]),
);
const to = (name: string): object => ({ reference: `urn:uuid:${uuids[name]}` });

before(async () => {
  product = await startProduct();
  fhir = rest(product);
  const patient = (value: string, gender: string): object => ({
    resourceType: 'Patient',
    identifier: [{ system: mrnSystem, value }],
    gender,
    birthDate: '1970-01-01',
    managingOrganization: to('ward'),
  });
  const observed = (subject: string, value: number): object => ({
    resourceType: 'Observation',
    status: 'final',
    code: loinc('2823-3'),
    subject: to(subject),
    ...(subject === 'one' ? { encounter: to('visit') } : {}),
    effectiveDateTime: '2024-03-05T10:00:00Z',
    valueQuantity: { value, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
  });
  const resources: { [name: string]: object } = {
    parent: { resourceType: 'Organization', name: 'Trust', type: [{ coding: [{ system: 'urn:t', code: 'trust' }] }] },
    ward: { resourceType: 'Organization', name: 'Ward', partOf: to('parent') },
    one: patient(mrn, 'female'),
    two: patient(`${mrn}-2`, 'male'),
    visit: {
      resourceType: 'Encounter',
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
      subject: to('one'),
      serviceProvider: to('ward'),
      period: { start: '2024-03-05T09:00:00Z', end: '2024-03-05T12:00:00Z' },
    },
    high: observed('one', 6.1),
    low: observed('two', 3.9),
    problem: {
      resourceType: 'Condition',
      code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertensive disorder' }] },
      subject: to('one'),
    },
    list: {
      resourceType: 'List',
      status: 'current',
      mode: 'changes',
      subject: to('one'),
      entry: [{ item: to('high') }, { item: to('low'), deleted: true }],
    },
  };
  const names = Object.keys(resources);
  const answer = await fhir('', {
    body: { resourceType: 'Bundle', type: 'transaction', entry: names.map((name) => entry(uuids[name] ?? '', resources[name] ?? {})) },
  });
  assert.equal(answer.status, 200, answer.text);
  for (const [n, each] of list(answer.json['entry']).entries())
    places[names[n] ?? ''] = /([A-Za-z]+\/[^/]+)\/_history/.exec(String(each['response']?.['location']))?.[1] ?? '';
});
after(() => product?.stop());

const place = (each: Json): string => `${each['resource']?.['resourceType']}/${each['resource']?.['id']}`;
const at = (...names: string[]): string[] => names.map((name) => places[name] ?? '').sort();

async function finds(query: string, names: readonly string[]): Promise<void> {
  const answer = await fhir(query);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    entriesOf(answer)
      .filter((each) => each['search']?.['mode'] !== ('outcome' as unknown))
      .map(place)
      .sort(),
    at(...names),
    query,
  );
}

describe('chains', () => {
  test('what the policy removes is refused inside a chain too', async () => {
    for (const query of [
      'Observation?patient.name=a',
      'Organization?_has:Patient:organization:family=a',
      'Observation?_filter=patient.name eq a',
    ])
      assertRefused(await fhir(query), 400);
  });
  test('a chain without end, and one that multiplies with each step, are refused at once', async () => {
    for (const name of [`${'partof.'.repeat(3000)}identifier`, `${'target._has:Provenance:target:'.repeat(6)}_id`])
      assertRefused(
        await fhir(`${name.startsWith('partof') ? 'Organization' : 'Provenance'}/_search`, {
          body: new URLSearchParams([[name, 'a']]).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
        400,
      );
  });
  test('forward, by several steps, and in reverse', async () => {
    await finds('Observation?patient.gender=male', ['low']);
    await finds('Observation?encounter.service-provider.partof.type=urn:t|trust', ['high']);
    await finds('Patient?_has:Observation:patient:value-quantity=gt5', ['one']);
    await finds('Organization?_has:Encounter:service-provider:class=EMER', ['ward']);
  });
  test('a raw identifier at the end of a chain finds its patient, and no link repeats it', async () => {
    const query = `Observation?patient.identifier=${encodeURIComponent(`${mrnSystem}|${mrn}`)}`;
    await finds(query, ['high']);
    assert.doesNotMatch((await fhir(query)).text, new RegExp(mrn));
    await finds(`Observation?patient.identifier=${encodeURIComponent(`${mrnSystem}|other`)}`, []);
  });
});

describe('conditions', () => {
  test('_filter, :text, units, _list', async () => {
    await finds('Observation?_filter=value-quantity gt 5 or (patient.gender eq male and status eq final)', ['high', 'low']);
    await finds('Condition?code:text=hypertensive', ['problem']);
    await finds('Observation?value-quantity=gt5000|http://unitsofmeasure.org|umol/L', ['high']);
    await finds(`Observation?_list=${places['list']?.split('/')[1]}`, ['high']);
    await finds(`Observation?_list=${randomUUID()}`, []);
  });
});

describe('compartments and several types', () => {
  test('a patient with its own resources', async () => {
    const patientId = places['one']?.split('/')[1];
    await finds(`Patient/${patientId}/Observation`, ['high']);
    await finds(`Patient/${patientId}/Observation?value-quantity=lt5`, []);
    await finds(`Patient/${patientId}/*?_type=Condition,Observation`, ['high', 'problem']);
    assertRefused(await fhir(`Patient/${patientId}/Organization`), 404);
  });
  test('an encounter with what happened in it', async () => {
    assertRefused(await fhir(`${places['visit']}/Organization`), 404);
    assertRefused(await fhir(`${places['high']}/Condition`), 404);
    await finds(`${places['visit']}/Observation`, ['high']);
    await finds(`${places['visit']}/*`, ['high', 'visit']);
    await finds(`${places['visit']}/Observation?value-quantity=lt5`, []);
  });
  test('types are merged in order and paged; unknown types are refused', async () => {
    await finds('?_type=Observation,Condition', ['high', 'low', 'problem']);
    const paged = await allPages(fhir, '?_type=Observation,Condition,Encounter&_sort=-_lastUpdated&_count=1');
    assert.deepEqual(paged.map(place).sort(), at('high', 'low', 'problem', 'visit'));
    assert.equal((await fhir('?_type=Observation&_summary=count')).json['total'], 2 as unknown);
    assertRefused(await fhir('?_type=Nothing'), 400);
    assertRefused(await fhir('?_type=Observation,Patient&code=a'), 400);
    const posted = await fhir('_search', {
      body: '_type=Condition',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.deepEqual(entriesOf(posted).map(place), at('problem'));
  });
});

describe('includes', () => {
  test('again from what was included, wildcards, no duplicates', async () => {
    await finds('Observation?value-quantity=gt5&_include=Observation:encounter&_include:iterate=Encounter:service-provider', [
      'high',
      'visit',
      'ward',
    ]);
    await finds('Observation?value-quantity=gt5&_include=*&_include:iterate=Patient:organization&_include:iterate=Organization:partof', [
      'high',
      'one',
      'visit',
      'ward',
      'parent',
    ]);
    await finds('Patient?gender=female&_revinclude=Observation:*&_revinclude=Condition:patient', ['one', 'high', 'problem']);
  });
});
