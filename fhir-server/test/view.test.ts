// `_summary` and `_elements`: what is refused, what stays, and that a part of a resource says that it is one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import { parseView } from '../src/view/index.ts';
import { generatedResource } from './generatedResource.ts';

const definitions = loadDefinitions();
type Json = { readonly [name: string]: unknown };
const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
const masked = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };
const view = (type: string, query: string): ReturnType<typeof parseView> => parseView(definitions, type, new URLSearchParams(query));

function shown(resource: Json, query: string): Json {
  const found = view(String(resource['resourceType']), query);
  assert.ok(found);
  return JSON.parse(found.resource(JSON.stringify(resource))) as Json;
}

const observation: Json = {
  resourceType: 'Observation',
  id: 'o',
  meta: { versionId: '1', tag: [{ code: 'other' }] },
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  contained: [{ resourceType: 'Basic', id: 'b' }],
  extension: [{ url: 'urn:x', valueCode: 'a' }],
  modifierExtension: [{ url: 'urn:y', valueCode: 'b' }],
  _status: masked,
  code: masked,
  subject: { reference: 'Patient/1', display: 'x' },
  valueQuantity: { value: 1, unit: 'mg', extension: [{ url: 'urn:z', valueCode: 'c' }] },
  note: [{ text: 'n' }],
  component: [{ id: 'c', code: { text: 'a' }, interpretation: [{ text: 'b' }], valueString: 'v' }],
};

describe('views that are refused', () => {
  for (const query of [
    '_summary=yes',
    '_summary=',
    '_summary=true&_summary=text',
    '_summary=true&_elements=id',
    '_elements=',
    '_elements=nickname',
    '_elements=name,',
    "_elements=x')",
    '_elements=Unknown.name',
    '_elements=HumanName.family',
    '_elements=name.family',
    '_elements=constructor',
  ]) {
    test(query, () => {
      assert.throws(
        () => view('Patient', query),
        (error) =>
          error instanceof OperationOutcomeError && error.status === 400 && !/nickname|constructor|x'/.test(JSON.stringify(error.outcome)),
      );
    });
  }

  test('nothing is asked by false, count and silence', () => {
    for (const query of ['', '_summary=false', '_summary=count']) assert.equal(view('Patient', query), undefined);
  });
});

describe('_summary', () => {
  test('true: the summary elements of the type and of the types inside, what is mandatory, why something is absent', () => {
    assert.deepEqual(shown(observation, '_summary=true'), {
      resourceType: 'Observation',
      id: 'o',
      meta: { versionId: '1', tag: [{ code: 'other' }, tag] },
      _status: masked,
      code: masked,
      subject: { reference: 'Patient/1', display: 'x' },
      valueQuantity: { value: 1, unit: 'mg' },
      component: [{ code: { text: 'a' }, valueString: 'v' }],
    });
    const document = { resourceType: 'DocumentReference', content: [{ attachment: { contentType: 'a/b', data: 'AAAA', size: 3 } }] };
    assert.deepEqual(shown(document, '_summary=true')['content'], [{ attachment: { contentType: 'a/b', size: 3 } }]);
  });

  test('text: the narrative and what is mandatory', () => {
    assert.deepEqual(Object.keys(shown(observation, '_summary=text')), ['resourceType', 'id', 'meta', 'text', '_status', 'code']);
  });

  test('data: all but the narrative', () => {
    const { text: _text, ...rest } = observation;
    assert.deepEqual(shown(observation, '_summary=data'), { ...rest, meta: { versionId: '1', tag: [{ code: 'other' }, tag] } });
  });

  test('every type keeps its mandatory elements, and nothing becomes empty', () => {
    for (const type of resourceTypes(definitions)) {
      const resource = { ...generatedResource(definitions, type, 7), contained: [] };
      for (const kind of ['true', 'text']) {
        const part = shown(resource, `_summary=${kind}`);
        assert.deepEqual((part['meta'] as Json)['tag'] !== undefined, true, type);
        for (const { name, min } of definitions.types[type]?.elements ?? [])
          if (min > 0 && name in resource) assert.ok(name in part, `${type}.${name}`);
        assert.doesNotMatch(JSON.stringify(part), /\{\}/, type);
      }
    }
  });
});

describe('_elements', () => {
  test('what was named, what is mandatory, and what changes the meaning', () => {
    assert.deepEqual(Object.keys(shown(observation, '_elements=value,note')), [
      'resourceType',
      'id',
      'meta',
      'modifierExtension',
      '_status',
      'code',
      'valueQuantity',
      'note',
    ]);
    assert.deepEqual(shown(observation, '_elements=value')['valueQuantity'], observation['valueQuantity']);
  });

  test('decimals keep their digits', () => {
    const text = '{"resourceType":"Observation","valueQuantity":{"value":1.00}}';
    assert.match(view('Observation', '_elements=value')?.resource(text) ?? '', /"value":1\.00\}/);
  });

  test('a Bundle: included resources by their own type, outcomes and links as they are', () => {
    const outcome = { resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning' }] }, search: { mode: 'outcome' } };
    const bundle = {
      resourceType: 'Bundle',
      link: [{ relation: 'self', url: 'u' }],
      entry: [
        { fullUrl: 'a', resource: { resourceType: 'Observation', note: [], issued: 'i' }, search: { mode: 'match' } },
        { resource: { resourceType: 'Patient', gender: 'male', birthDate: '1970' }, search: { mode: 'include' } },
        outcome,
        { request: { method: 'DELETE' } },
      ],
    };
    const part = JSON.parse(view('Observation', '_elements=issued,Patient.gender')?.bundle(JSON.stringify(bundle)) ?? '') as typeof bundle;
    assert.deepEqual(part.link, bundle.link);
    assert.deepEqual(part.entry, [
      { fullUrl: 'a', resource: { resourceType: 'Observation', meta: { tag: [tag] }, issued: 'i' }, search: { mode: 'match' } },
      { resource: { resourceType: 'Patient', meta: { tag: [tag] }, gender: 'male' }, search: { mode: 'include' } },
      outcome,
      { request: { method: 'DELETE' } },
    ]);
  });
});
