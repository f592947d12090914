// RFC 6902 and https://hl7.org/fhir/R4/fhirpatch.html: what a patch makes of a resource, and what it refuses.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { parsePatch } from '../src/patch/index.ts';

const definitions = loadDefinitions();
type Json = { [name: string]: unknown };

function patched(resource: object, patch: unknown): Json {
  const source = JSON.stringify(resource);
  const type = (resource as { resourceType?: string }).resourceType ?? '';
  const { resource: result } = parsePatch(definitions, patch, type)(resource as Resource);
  assert.equal(JSON.stringify(resource), source, 'the source stays as it was');
  return result as unknown as Json;
}

function refused(status: number, resource: object, patch: unknown): void {
  assert.throws(
    () => patched(resource, patch),
    (error) => {
      assert.ok(error instanceof OperationOutcomeError, String(error));
      assert.equal(error.status, status, error.message);
      assert.ok(!JSON.stringify(error.outcome).includes('Canary'), 'no value of the patch in the answer');
      return true;
    },
  );
}

const patient = {
  resourceType: 'Patient',
  id: 'p',
  meta: { versionId: '1' },
  name: [{ family: 'A', given: ['x', 'y'], _given: [null, { id: 'g' }] }, { family: 'B' }],
  birthDate: '1970-01-01',
};

describe('JSON Patch: refusals', () => {
  for (const [why, patch] of [
    ['no array', {}],
    ['an unknown op', [{ op: 'merge', path: '/a' }]],
    ['no path', [{ op: 'remove' }]],
    ['a path that is no pointer', [{ op: 'remove', path: 'name' }]],
    ['a bad escape', [{ op: 'remove', path: '/~2Canary' }]],
    ['no value', [{ op: 'add', path: '/gender' }]],
    ['a move without from', [{ op: 'move', path: '/gender' }]],
    ['too many operations', new Array(201).fill({ op: 'test', path: '/birthDate', value: '1970-01-01' })],
  ] as const) {
    test(`${why} is 400`, () => refused(400, patient, patch));
  }
  for (const [why, patch] of [
    ['a target that is not there', [{ op: 'remove', path: '/Canary' }]],
    ['a parent that is not there', [{ op: 'add', path: '/Canary/x', value: 1 }]],
    ['an index behind the list', [{ op: 'add', path: '/name/3', value: {} }]],
    ['an index with a leading zero', [{ op: 'replace', path: '/name/00', value: {} }]],
    ['"-" where nothing is added', [{ op: 'remove', path: '/name/-' }]],
    ['a failed test', [{ op: 'test', path: '/birthDate', value: 'Canary' }]],
    ['a test of another type', [{ op: 'test', path: '/name/0/given', value: 'x' }]],
    ['a move into itself', [{ op: 'move', from: '/name', path: '/name/0' }]],
    ['the whole resource', [{ op: 'replace', path: '', value: { resourceType: 'Patient', id: 'p' } }]],
    ['a scalar for a resource', [{ op: 'replace', path: '', value: 1 }]],
    ['resourceType', [{ op: 'replace', path: '/resourceType', value: 'Person' }]],
    ['id', [{ op: 'replace', path: '/id', value: 'q' }]],
    ['id by the same value', [{ op: 'replace', path: '/id', value: 'p' }]],
    ['meta', [{ op: 'remove', path: '/meta' }]],
    ['inside meta', [{ op: 'add', path: '/meta/tag', value: [] }]],
    ['meta by a move', [{ op: 'move', from: '/meta', path: '/x' }]],
  ] as const) {
    test(`${why} is 422`, () => refused(422, patient, patch));
  }
});

describe('JSON Patch', () => {
  test('add, remove, replace, move, copy, test in order, on members and items', () => {
    const result = patched(patient, [
      { op: 'test', path: '/name/0/given', value: ['x', 'y'] },
      { op: 'add', path: '/name/1', value: { family: 'C' } },
      { op: 'add', path: '/name/-', value: { family: 'D' } },
      { op: 'replace', path: '/birthDate', value: '1971' },
      { op: 'copy', from: '/name/0/family', path: '/name/1/text' },
      { op: 'move', from: '/name/3', path: '/name/0' },
      { op: 'remove', path: '/name/1/_given' },
    ]);
    assert.deepEqual(result['name'], [{ family: 'D' }, { family: 'A', given: ['x', 'y'] }, { family: 'C', text: 'A' }, { family: 'B' }]);
    assert.equal(result['birthDate'], '1971');
  });

  test('escapes, members named like list positions, equal numbers of other digits', () => {
    const source = parseExact('{"resourceType":"X","a/b":1,"m~n":2,"~1":3,"0":{"-":4},"d":1.00}') as object;
    const result = parsePatch(
      definitions,
      [
        { op: 'test', path: '/a~1b', value: 1 },
        { op: 'test', path: '/m~0n', value: 2 },
        { op: 'test', path: '/~01', value: 3 },
        { op: 'test', path: '/d', value: 1 },
        { op: 'replace', path: '/0/-', value: 5 },
      ],
      'X',
    )(source as Resource).resource;
    assert.equal(JSON.stringify(result), '{"0":{"-":5},"resourceType":"X","a/b":1,"m~n":2,"~1":3,"d":1.00}');
  });

  test('a Binary holds one', () => {
    const data = Buffer.from(JSON.stringify([{ op: 'remove', path: '/birthDate' }])).toString('base64');
    assert.equal(patched(patient, { resourceType: 'Binary', contentType: 'application/json-patch+json', data })['birthDate'], undefined);
    refused(400, patient, { resourceType: 'Binary', contentType: 'text/plain', data });
    refused(400, patient, { resourceType: 'Binary', contentType: 'application/json-patch+json', data: 'Canary' });
    const deep = Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)).toString('base64');
    refused(400, patient, { resourceType: 'Binary', contentType: 'application/json-patch+json', data: deep });
  });
});

/** Operations as objects: a value that is an object with `value...` stays as it is, others become parts. */
function parameters(...operations: readonly Json[]): Json {
  const integer = new Set(['index', 'source', 'destination']);
  const part = ([name, given]: [string, unknown]): Json => {
    if (name === 'value') return { name, ...(given as Json) };
    return { name, ...(integer.has(name) ? { valueInteger: given } : name === 'type' ? { valueCode: given } : { valueString: given }) };
  };
  return { resourceType: 'Parameters', parameter: operations.map((o) => ({ name: 'operation', part: Object.entries(o).map(part) })) };
}
const one = (operation: Json): Json => parameters(operation);

describe('FHIRPath Patch: refusals', () => {
  for (const [why, patch] of [
    ['another resource', { resourceType: 'Patient' }],
    ['a parameter that is no operation', { resourceType: 'Parameters', parameter: [{ name: 'x' }] }],
    ['an unknown type', one({ type: 'merge', path: 'Patient' })],
    ['no path', one({ type: 'delete' })],
    ['add without a name', one({ type: 'add', path: 'Patient', value: { valueCode: 'male' } })],
    ['add without a value', one({ type: 'add', path: 'Patient', name: 'gender' })],
    ['insert without an index', one({ type: 'insert', path: 'Patient.name', value: { valueHumanName: {} } })],
    ['a path that is no FHIRPath', one({ type: 'delete', path: 'Patient.(Canary' })],
    ['a path that is too long', one({ type: 'delete', path: `Patient.name.where(${' '.repeat(500)}true)` })],
    ['resolve()', one({ type: 'delete', path: 'Patient.generalPractitioner.where(resolve() is Practitioner)' })],
    ['a regular expression', one({ type: 'delete', path: "Patient.name.where(family.matches('(a+)+'))" })],
    ['a regular expression behind a comment', one({ type: 'delete', path: 'Patient.name.where(family.matches/*x*/(`a`))' })],
    ['a variable', one({ type: 'delete', path: 'Patient.name.where(%resource.exists())' })],
  ] as const) {
    test(`${why} is 400`, () => refused(400, patient, patch));
  }
  for (const [why, patch] of [
    ['nothing to add to', one({ type: 'add', path: 'Patient.contact', name: 'gender', value: { valueCode: 'male' } })],
    ['several to add to', one({ type: 'add', path: 'Patient.name', name: 'text', value: { valueString: 'Canary' } })],
    ['nothing to replace', one({ type: 'replace', path: 'Patient.gender', value: { valueCode: 'male' } })],
    ['several to replace', one({ type: 'replace', path: 'Patient.name.family', value: { valueString: 'Canary' } })],
    ['several to delete', one({ type: 'delete', path: 'Patient.name' })],
    ['an element that is there', one({ type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1980-01-01' } })],
    ['an element that does not exist', one({ type: 'add', path: 'Patient', name: 'Canary', value: { valueString: 'x' } })],
    ['an index behind the list', one({ type: 'insert', path: 'Patient.name', index: 3, value: { valueHumanName: { text: 'x' } } })],
    ['a source behind the list', one({ type: 'move', path: 'Patient.name', source: 2, destination: 0 })],
    ['a path to no element', one({ type: 'delete', path: "'Canary'" })],
    ['a list of several parents', one({ type: 'insert', path: 'Patient.name.given', index: 0, value: { valueString: 'x' } })],
    ['the resource itself', one({ type: 'delete', path: 'Patient' })],
    ['id', one({ type: 'replace', path: 'Patient.id', value: { valueId: 'q' } })],
    ['meta', one({ type: 'delete', path: 'Patient.meta' })],
    ['inside meta', one({ type: 'add', path: 'Patient.meta', name: 'tag', value: { valueCoding: { code: 'x' } } })],
  ] as const) {
    test(`${why} is 422`, () =>
      refused(422, { ...patient, name: [...patient.name, { family: 'E', given: ['z'] }].slice(why.includes('behind') ? 1 : 0) }, patch));
  }
});

describe('FHIRPath Patch', () => {
  test('add: primitives with what stands beside them, lists, complex values, choices', () => {
    const result = patched(
      { resourceType: 'Patient', name: [{ given: ['a'] }] },
      parameters(
        { type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1980', _valueDate: { id: 'b' } } },
        { type: 'add', path: 'Patient.name[0]', name: 'given', value: { valueString: 'b', _valueString: { id: 'g' } } },
        { type: 'add', path: 'Patient.name[0]', name: 'given', value: { valueString: 'c' } },
        { type: 'add', path: 'Patient', name: 'maritalStatus', value: { valueCodeableConcept: { text: 'm' } } },
        { type: 'add', path: 'Patient', name: 'deceased', value: { valueBoolean: true } },
        { type: 'add', path: 'Patient.birthDate', name: 'extension', value: { valueExtension: { url: 'urn:x' } } },
        { type: 'add', path: 'Patient', name: 'contained', value: { resource: { resourceType: 'Organization', id: 'o' } } },
        { type: 'add', path: 'Patient.contained[0]', name: 'active', value: { valueBoolean: true } },
      ),
    );
    assert.deepEqual(result, {
      resourceType: 'Patient',
      name: [{ given: ['a', 'b', 'c'], _given: [null, { id: 'g' }, null] }],
      birthDate: '1980',
      _birthDate: { id: 'b', extension: [{ url: 'urn:x' }] },
      maritalStatus: { text: 'm' },
      deceasedBoolean: true,
      contained: [{ resourceType: 'Organization', id: 'o', active: true }],
    });
  });

  test('a choice is there once, and replaced by another type', () => {
    const observation = { resourceType: 'Observation', valueString: 'x', component: [{ valueInteger: 1 }] };
    refused(422, observation, one({ type: 'add', path: 'Observation', name: 'value', value: { valueQuantity: { value: 1 } } }));
    refused(422, observation, one({ type: 'add', path: 'Observation', name: 'valueQuantity', value: { valueQuantity: { value: 1 } } }));
    const result = patched(
      observation,
      parameters(
        { type: 'replace', path: 'Observation.value', value: { valueQuantity: { value: 2 } } },
        { type: 'replace', path: 'Observation.component[0].value.ofType(integer)', value: { valueBoolean: false } },
      ),
    );
    assert.deepEqual(result, { resourceType: 'Observation', component: [{ valueBoolean: false }], valueQuantity: { value: 2 } });
  });

  test('a backbone element is built from parts', () => {
    const value = {
      part: [
        { name: 'relationship', valueCodeableConcept: { text: 'r' } },
        { name: 'relationship', valueCodeableConcept: { text: 's' } },
        {
          name: 'name',
          part: [
            { name: 'family', valueString: 'F' },
            { name: 'given', valueString: 'G' },
            { name: 'given', _valueString: { id: 'h' } },
          ],
        },
        { name: 'gender', valueCode: 'other' },
      ],
    };
    assert.deepEqual(patched({ resourceType: 'Patient' }, one({ type: 'add', path: 'Patient', name: 'contact', value }))['contact'], [
      {
        relationship: [{ text: 'r' }, { text: 's' }],
        name: { family: 'F', given: ['G', null], _given: [null, { id: 'h' }] },
        gender: 'other',
      },
    ]);
    refused(
      422,
      { resourceType: 'Patient' },
      one({ type: 'add', path: 'Patient', name: 'contact', value: { part: [{ name: 'Canary', valueString: 'x' }] } }),
    );
  });

  test('insert, move and delete keep primitives and their extensions together', () => {
    const source = { resourceType: 'Patient', name: [{ given: ['a', 'b'], _given: [{ id: 'ga' }, null] }] };
    const given = (operation: Json): unknown => (patched(source, one(operation))['name'] as Json[])[0];
    assert.deepEqual(given({ type: 'insert', path: 'Patient.name[0].given', index: 0, value: { valueString: 'n' } }), {
      given: ['n', 'a', 'b'],
      _given: [null, { id: 'ga' }, null],
    });
    assert.deepEqual(given({ type: 'move', path: 'Patient.name[0].given', source: 0, destination: 1 }), {
      given: ['b', 'a'],
      _given: [null, { id: 'ga' }],
    });
    assert.deepEqual(given({ type: 'delete', path: "Patient.name[0].given.where($this = 'a')" }), { given: ['b'] });
    assert.deepEqual(given({ type: 'replace', path: 'Patient.name[0].given[0]', value: { valueString: 'n' } }), {
      given: ['n', 'b'],
    });
  });

  test('the narrative is found by the name it has in the specification; a text that looks like it stays a text', () => {
    const source = { resourceType: 'Patient', text: { status: 'empty', div: '<div>.div</div>' } };
    const value = { valueString: '<div>new</div>' };
    for (const path of ['Patient.text.div', 'Patient.text.`div`', "Patient.text.where($this.div = '<div>.div</div>').div"])
      assert.deepEqual(patched(source, one({ type: 'replace', path, value }))['text'], { status: 'empty', div: '<div>new</div>' });
  });

  test('insert into a list that is not there yet; a delete takes what it leaves empty; nothing to delete is no error', () => {
    const telecom = { valueContactPoint: { value: '1' } };
    assert.deepEqual(patched({ resourceType: 'Patient' }, one({ type: 'insert', path: 'Patient.telecom', index: 0, value: telecom })), {
      resourceType: 'Patient',
      telecom: [{ value: '1' }],
    });
    const contact = { resourceType: 'Patient', contact: [{ name: { text: 'x' } }] };
    assert.deepEqual(patched(contact, one({ type: 'delete', path: 'Patient.contact.name.text' })), { resourceType: 'Patient' });
    assert.deepEqual(patched(contact, one({ type: 'delete', path: 'Patient.gender' })), contact);
  });
});

describe('FHIRPath Patch: what it may cost', () => {
  const operations = (count: number, path: string): object => ({
    resourceType: 'Parameters',
    parameter: Array.from({ length: count }, () => ({
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'delete' },
        { name: 'path', valueString: path },
      ],
    })),
  });
  const large = (contacts: number): object => ({
    resourceType: 'Patient',
    contact: Array.from({ length: contacts }, (_, n) => ({ name: { text: `name ${n}` } })),
  });
  const path = "Patient.contact.where(name.text = 'Canary')";

  test('many paths that are long are 400, many that are short are not', () => {
    refused(400, patient, operations(200, `Patient.name[0]${'[0]'.repeat(100)}`));
    refused(400, patient, operations(200, `Patient${'.name'.repeat(90)}`));
    refused(400, patient, operations(20, `Patient.name.where(1 = 1${' or 1 < 2'.repeat(50)})`));
    assert.deepEqual(patched(patient, operations(200, 'Patient.name[7].given[0]')), patient);
  });

  test('many evaluations of a large resource are 422, few are not, nor many of a small one', () => {
    refused(422, large(10_000), operations(20, path));
    assert.deepEqual(patched(large(10_000), operations(1, path)), large(10_000));
    assert.deepEqual(patched(patient, operations(100, path)), patient);
  });
});
