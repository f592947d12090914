// https://hl7.org/fhir/R4/graphql.html — the language, what a query refuses, and what it gives of resources.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { Execution, Query, type Result, type Source } from '../src/graphql/index.ts';

const ada = {
  resourceType: 'Patient',
  id: 'ada',
  active: true,
  birthDate: '1970-01-01',
  _birthDate: { extension: [{ url: 'http://example.org/hour', valueTime: '12:00:00' }] },
  name: [
    { use: 'official', family: 'Lund', given: ['Ada', 'Mia'] },
    { use: 'usual', given: ['Addie'] },
  ],
  contained: [{ resourceType: 'Organization', id: 'ward', name: 'Ward 3' }],
  managingOrganization: { reference: '#ward' },
  generalPractitioner: [{ reference: 'Practitioner/gone' }],
};
const weight = {
  resourceType: 'Observation',
  id: 'w',
  status: 'final',
  subject: { reference: 'Patient/ada' },
  valueQuantity: { value: 70, unit: 'kg' },
};

/** What was asked of the source, and two resources. */
function sourceOf(asked: string[]): Source {
  const resources: { readonly [reference: string]: object | undefined } = { 'Patient/ada': ada, 'Observation/w': weight };
  return {
    async read(reference) {
      asked.push(reference);
      return resources[reference] as Resource | undefined;
    },
    async search(type, params, wantsCount) {
      asked.push(`${type}?${params.map(([name, value]) => `${name}=${value}`).join('&')}`);
      if (type === 'Account') throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'No scope.' });
      const edges = type === 'Observation' ? [{ resource: weight as unknown as Resource, mode: 'match' }] : [];
      return { pagesize: 50, edges, next: 'cursor', ...(wantsCount ? { count: 1 } : {}) };
    },
    async filter(_expression, _type, values) {
      return values.map((_, i) => i === 1);
    },
  };
}

async function run(
  query: string,
  on: object | null = ada,
  more: { variables?: object; operationName?: string; asked?: string[] } = {},
): Promise<Result> {
  const request = { query, variables: { ...more.variables }, operationName: more.operationName };
  const execution = new Execution(await Query.parse(request), sourceOf(more.asked ?? []), loadDefinitions());
  const result = on ? await execution.ofResource(on) : await execution.ofSystem();
  return JSON.parse(JSON.stringify(result)) as Result;
}

const dataOf = async (query: string, on: object | null = ada, variables = {}): Promise<unknown> =>
  (await run(query, on, { variables })).data;
const refused = (query: string, status = 400, on: object | null = ada, more = {}): Promise<void> =>
  assert.rejects(run(query, on, more), (error) => error instanceof OperationOutcomeError && error.status === status);

describe('a query is refused', () => {
  test('when it is not GraphQL', async () => {
    for (const query of [
      '',
      '{',
      '{}',
      '{ id ',
      '{ id } }',
      '{ id @ }',
      '{ name { } }',
      '{ name(use: """a) { family } }',
      'query q($a: code = $b) { id }',
      'fragment on on Patient { id } { id }',
      '{ name( }',
      '{ name(use: ) { family } }',
      '{ "id" }',
      '{ id ~ }',
      '{ a: }',
      '{ name(use: "\\x") { family } }',
    ])
      await refused(query);
    await refused('type Query { id: ID }');
    await refused('{ name(use: a, use: b) { family } }');
    await refused('{ name(use: {a: 1, a: 2}) { family } }');
    await refused('{ name @slice(path: "use", path: "use") { family } }');
    await refused('query q($a: code, $a: code) { id }');
    await refused('fragment f on Patient { id } fragment f on Patient { id } { ...f }');
    await refused('{ id } extend type Query { id: ID }');
  });

  test('without a word of it', async () => {
    for (const query of [
      '{ id "Lund"',
      '{ Lund: }',
      'type Lund { id: ID }',
      '{ ...Lund }',
      '{ id(a: """Lund) }',
      '{ Lund }',
      `{ ${'Lund '.repeat(4000)}`,
    ])
      await assert.rejects(run(query), (error) => {
        assert.ok(error instanceof OperationOutcomeError && error.cause === undefined);
        return !JSON.stringify([error.message, error.issues]).includes('Lund');
      });
  });

  test('when it would change something, listen or ask for types', async () => {
    await refused('mutation { id }');
    await refused('subscription { id }');
    await refused('{ __schema { types { name } } }');
  });

  test('when its operation, fragment or variable is not there', async () => {
    await refused('query a { id } query b { id }');
    await refused('query a { id }', 400, ada, { operationName: 'c' });
    await refused('{ ...lost }');
    await refused('{ name(use: $lost) { family } name(use: [$lost]) { family } }');
    await refused('query q($use: String!) { name(use: $use) { family } }');
    await refused('query q($use: Int) { name(use: $use) { family } }', 400, ada, { variables: { use: 'x' } });
    await refused('query q($constructor: code!) { name(use: $constructor) { family } }');
    await refused('{ id @include(if: "yes") }');
  });

  test('when it nests, grows or asks without end', async () => {
    await refused(`${'{ extension '.repeat(30)}{ url }${' }'.repeat(30)}`, 422);
    for (const times of [70, 900, 20_000]) {
      await refused(`{ id(a: ${'['.repeat(times)}1${']'.repeat(times)}) }`, 422);
      await refused(`${'{a'.repeat(times)}${'}'.repeat(times)}`, 422);
    }
    await refused(`{ id(a: ${'{a:'.repeat(700)}1${'}'.repeat(700)}) }`, 422);
    await refused(`{ ${'id '.repeat(500)} }`, 422);
    await refused(`{ id(a: [${'1 '.repeat(6000)}]) }`, 422);
    await refused('{ ...a } fragment a on Patient { ...a }', 422);
    await refused('{ ...a } fragment a on Patient { ...b } fragment b on Patient { ... on Patient { ...a } }', 422);
    const doubling = Array.from({ length: 20 }, (_, i) => `fragment f${i} on Patient { ...f${i + 1} ...f${i + 1} }`).join(' ');
    await refused(`{ ...f0 } ${doubling} fragment f20 on Patient { id }`, 422);
    await refused(`{ id } #${'x'.repeat(60_000)}`, 422);
    const many = Array.from({ length: 250 }, (_, i) => `a${i}: Patient(id: "p${i}") { id }`).join(' ');
    await refused(`{ ${many} }`, 422, null);
  });

  test('when it asks for what R4 does not have', async () => {
    await refused('{ colour }');
    await refused('{ name { colour } }');
    await refused('{ name }');
    await refused('{ id { value } }');
    await refused('{ name(colour: red) { family } }');
    await refused('{ active(_count: 1) }');
    await refused('{ name(_offset: "x") { family } }');
    await refused('{ Ward { id } }', 400, null);
    await refused('{ ObservationConnection { edges { colour } } }', 400, null);
    await refused('{ Patient(name: "x") { id } }', 400, null);
    await refused('{ ObservationList(_reference: subject) { id } }', 400, null);
    await refused('{ ObservationList(code: "x") { id } }');
  });

  test('when directives contradict what is there', async () => {
    await refused('{ name @flatten { use @singleton } }');
    await refused('{ name @first @slice(path: "use") @flatten { family } }');
    await refused('{ name @flatten @slice(path: "matches(x)") { family } }');
    await refused('{ active @flatten }');
  });
});

describe('a query gives', () => {
  test('what it names, under the names that it wants', async () => {
    assert.deepEqual(await dataOf('{ resourceType key: id name { family g: given } deceased { ... on boolean { id } } }'), {
      resourceType: 'Patient',
      key: 'ada',
      name: [{ family: 'Lund', g: ['Ada', 'Mia'] }, { g: ['Addie'] }],
    });
    assert.deepEqual(await dataOf('{ _birthDate { extension { url valueTime } } }'), {
      _birthDate: { extension: [{ url: 'http://example.org/hour', valueTime: '12:00:00' }] },
    });
    assert.deepEqual(await dataOf('{ value { ... on Quantity { unit } ... on CodeableConcept { text } } }', weight), {
      value: { unit: 'kg' },
    });
  });

  test('fields that are selected twice once', async () => {
    assert.deepEqual(
      await dataOf(
        '{ id id name { family } ... on Patient { id name { use } } ... on Observation { status } ...f } fragment f on Resource { id }',
      ),
      {
        id: 'ada',
        name: [{ family: 'Lund', use: 'official' }, { use: 'usual' }],
      },
    );
    await refused('{ a: id a: birthDate }');
  });

  test('parts of lists', async () => {
    assert.deepEqual(await dataOf('{ name(use: usual) { given } }'), { name: [{ given: ['Addie'] }] });
    assert.deepEqual(await dataOf('query q($u: code = "official") { name(use: $u) { given @first } }'), { name: [{ given: 'Ada' }] });
    assert.deepEqual(await dataOf('{ name(_offset: 1, _count: 5) { use } }'), { name: [{ use: 'usual' }] });
    assert.deepEqual(await dataOf('{ name(fhirpath: "any") { use } }'), { name: [{ use: 'usual' }] });
    assert.deepEqual(await dataOf('{ name(use: nickname) { use } }'), {});
    assert.deepEqual(await dataOf('query q($u: hasOwnProperty) { name(use: $u) { given } }', ada, { u: 'usual' }), {
      name: [{ given: ['Addie'] }],
    });
    assert.deepEqual(await dataOf('query q($u: code) { name(use: $u, _count: 1) { use } }'), { name: [{ use: 'official' }] });
  });

  test('what @skip and @include leave', async () => {
    assert.deepEqual(
      await dataOf('query q($yes: Boolean!) { id @skip(if: $yes) active @include(if: $yes) ... @skip(if: $yes) { birthDate } }', ada, {
        yes: true,
      }),
      { active: true },
    );
  });

  test('flattened elements', async () => {
    assert.deepEqual(await dataOf('{ name @flatten { use given } }'), { use: ['official', 'usual'], given: ['Ada', 'Mia', 'Addie'] });
    assert.deepEqual(await dataOf('{ name @first @flatten { use family } }'), { use: 'official', family: 'Lund' });
    assert.deepEqual(await dataOf('{ name @flatten @slice(path: "use") { given @first } }'), {
      'given.official': 'Ada',
      'given.usual': 'Addie',
    });
  });

  test('resources that are referred to, contained ones too', async () => {
    const asked: string[] = [];
    const { data } = await run(
      '{ subject { resource(type: Patient) { id active } again: resource { ... on Patient { birthDate } } } }',
      weight,
      { asked },
    );
    assert.deepEqual(data, { subject: { resource: { id: 'ada', active: true }, again: { birthDate: '1970-01-01' } } });
    assert.deepEqual(asked, ['Patient/ada']);
    assert.deepEqual(await dataOf('{ managingOrganization { resource { ... on Organization { name } } } }'), {
      managingOrganization: { resource: { name: 'Ward 3' } },
    });
    assert.deepEqual(await dataOf('{ subject { resource(type: Group) { id } } }', weight), { subject: {} });
  });

  test('an error and null for what cannot be resolved, unless it is optional', async () => {
    const { data, errors } = await run('{ id generalPractitioner { resource { id } } }');
    assert.deepEqual(data, { id: 'ada', generalPractitioner: [{ resource: null }] });
    assert.deepEqual(
      errors.map(({ path }) => path),
      [['generalPractitioner', 0, 'resource']],
    );
    assert.deepEqual(await run('{ generalPractitioner { resource(optional: true) { id } } }'), {
      data: { generalPractitioner: [{}] },
      errors: [],
    });
  });

  test('resources that refer to it', async () => {
    const asked: string[] = [];
    const { data } = await run('{ id ObservationList(_reference: subject, value_quantity: "gt5", _count: 3) { id } }', ada, { asked });
    assert.deepEqual(data, { id: 'ada', ObservationList: [{ id: 'w' }] });
    assert.deepEqual(asked, ['Observation?subject=Patient/ada&value-quantity=gt5&_count=3']);
  });

  test('of the system: resources by id, lists and pages, nothing for what is refused', async () => {
    const { data, errors } = await run(
      '{ Patient(id: "ada") { id } Observation(id: "none") { id } ObservationConnection(code: [a, b]) { count pagesize next edges { mode resource { id } } } AccountList { id } }',
      null,
    );
    assert.deepEqual(data, {
      Patient: { id: 'ada' },
      Observation: null,
      ObservationConnection: { count: 1, pagesize: 50, next: 'cursor', edges: [{ mode: 'match', resource: { id: 'w' } }] },
      AccountList: null,
    });
    assert.deepEqual(
      errors.map(({ path }) => path),
      [['Observation'], ['AccountList']],
    );
  });

  test('texts as they were written', async () => {
    const asked: string[] = [];
    await run('{ PatientList(name: "a\\u00e9\\n\\"", address: """\n    one\n      two\n  """) { id } }', null, { asked });
    assert.deepEqual(asked, ['Patient?name=aé\n"&address=one\n  two']);
  });
});
