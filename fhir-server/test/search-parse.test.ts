// A query is checked whole: what is unknown, not built or malformed is refused with a fixed sentence that never repeats a value.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import type { Criterion } from '../src/search/criterion.ts';
import { isCriterion, parseSearch } from '../src/search/index.ts';

const definitions = loadDefinitions();
const parse = (query: string, lenient = false): ReturnType<typeof parseSearch> => {
  const [type = '', search = ''] = query.split(/\?(.*)/s);
  return parseSearch(definitions, type, search, { lenient, base: 'https://example.test/fhir' });
};

function refused(query: string, code: string, lenient = false): void {
  assert.throws(
    () => parse(query, lenient),
    (error) => {
      assert.ok(error instanceof OperationOutcomeError);
      assert.equal(error.status, 400);
      assert.equal(error.issues[0]?.code, code);
      assert.doesNotMatch(JSON.stringify(error.outcome), /secret/i);
      return true;
    },
  );
}

describe('refusals', () => {
  for (const query of [
    'Patient?unknown=secret',
    'Patient?_text=secret',
    'Observation?date:exact=2020',
    `Provenance?${'target._has:Provenance:target:'.repeat(4)}_id=secret`,
    `Observation?_list=${Array(21).fill('secret').join()}`,
    'Observation?subject:below=secret',
    'Observation?patient.unknown=secret',
    'Patient?_has:Observation:device:code=secret',
    'Patient?_has:Observation:patient:unknown=secret',
    'Observation?patient.general-practitioner.organization.partof.partof.partof.partof.partof.partof.partof.name=secret',
    'Observation?_filter=code ew secret',
    'Observation?_filter=unknown eq secret',
    'Observation?_sort=subject',
    'Patient?_sort=identifier',
    'Patient?_sort=secret',
    'Observation?component-code-value-quantity=urn:s|$5',
    'Observation?_contained=true',
    'Observation?_contained=both',
    'Observation?_containedType=contained',
    'Observation?_query=secret',
  ]) {
    test(`not supported: ${query}`, () => refused(query, 'not-supported'));
  }
  for (const query of [
    'Patient?birthdate=secret',
    'Observation?code.text=secret',
    'Observation?subject:Secret.name=a',
    'Patient?_has:Secret:patient:code=a',
    'Patient?_has:Observation:patient=a',
    'Patient?identifier:of-type=secret',
    'Patient?identifier:of-type=a|secret',
    'Observation?code:below=secret',
    'Location?near=secret',
    'Location?near=91|0',
    'Location?near=1|2|3|furlong',
    'Observation?_filter=(code eq secret',
    'Observation?_filter=code eq secret)',
    'Observation?_filter=code',
    'Observation?_list=$secret list',
    'Observation?_include:iterate=Observation:secret',
    'Patient?birthdate=2020-02-30',
    'Patient?birthdate=xx2020',
    'Patient?name=',
    'Patient?gender=',
    'Patient?gender=|',
    'Patient?identifier=a|b|secret',
    'Patient?name=secret%5C',
    'Observation?value-quantity=secret',
    'Observation?value-quantity=5|secret',
    'Observation?code-value-quantity=secret',
    'Observation?code-value-quantity=a$1$2',
    'Observation?patient=secret secret',
    'Observation?subject:Patient=Group/secret',
    'Observation?code:missing=secret',
    'Patient?_count=secret',
    'Patient?_count=-1',
    'Patient?_total=secret',
    'Patient?_contained=secret',
    'Patient?_summary=secret',
    'Patient?_elements=secret',
    'Patient?_elements=name,Observation.secret',
    'Observation?_include=Patient:link',
    'Observation?_include=Observation:code',
    'Patient?_revinclude=Observation:subject:Group',
  ]) {
    test(`malformed: ${query}`, () => refused(query, 'invalid'));
  }
  test('lenient handling leaves out unknown parameters only, and says so', () => {
    assert.deepEqual(parse('Patient?unknown=1&gender=male', true).ignored, ['unknown']);
    assert.deepEqual(parse('Patient?unknown=1&gender=male', true).used, [['gender', 'male']]);
    refused('Patient?birthdate=secret', 'invalid', true);
    refused('Patient?name:phonetic=secret', 'not-supported', true);
    refused('Patient?_elements=secret', 'invalid', true);
  });
});

describe('values', () => {
  const first = (query: string): Criterion => {
    const [criterion] = parse(query).criteria.filter(isCriterion);
    assert.ok(criterion);
    return criterion;
  };
  const terms = (query: string): unknown => first(query).terms;

  test('escapes and commas', () => {
    assert.deepEqual(terms('Patient?name=a%5C,b,c%5C%5C'), [
      { kind: 'string', text: 'a,b' },
      { kind: 'string', text: 'c\\' },
    ]);
    assert.deepEqual(terms('Patient?identifier=urn:x%5C%7Cy|a%5C$b'), [{ kind: 'token', system: 'urn:x|y', code: 'a$b' }]);
  });
  test('the four forms of a token', () => {
    assert.deepEqual(terms('Observation?code=c,s|c,|c,s|'), [
      { kind: 'token', system: undefined, code: 'c' },
      { kind: 'token', system: 's', code: 'c' },
      { kind: 'token', system: '', code: 'c' },
      { kind: 'token', system: 's', code: undefined },
    ]);
  });
  test('a prefix holds for its own value only', () => {
    const found = first('Observation?value-quantity=gt5,6').terms.map((t) => ('prefix' in t ? t.prefix : ''));
    assert.deepEqual(found, ['gt', 'eq']);
  });
  test('references: bare, typed, own absolute, versioned', () => {
    assert.deepEqual(terms('Observation?patient=1'), [{ kind: 'reference', targets: ['Patient/1'] }]);
    assert.deepEqual(terms('Observation?subject:Device=1'), [{ kind: 'reference', targets: ['Device/1'] }]);
    assert.deepEqual(terms('Observation?subject=Patient/1/_history/3'), [{ kind: 'reference', targets: ['Patient/1'] }]);
    assert.deepEqual(terms('Observation?subject=https://example.test/fhir/Patient/1'), [{ kind: 'reference', targets: ['Patient/1'] }]);
    assert.deepEqual(terms('Observation?subject=https://other.test/fhir/Patient/1'), [
      { kind: 'reference', targets: ['https://other.test/fhir/Patient/1'] },
    ]);
    assert.deepEqual(terms('Observation?subject=1'), [{ kind: 'reference', targets: ['Patient/1', 'Group/1', 'Device/1', 'Location/1'] }]);
  });
  test('own patient: the parameters whose element decides to whom a resource belongs', () => {
    const own = (query: string): boolean => first(query).ownPatient;
    assert.deepEqual(
      [own('Observation?patient=1'), own('Observation?subject=1'), own('Observation?performer=Patient/1'), own('Coverage?beneficiary=1')],
      [true, true, false, true],
    );
    assert.equal(own('Coverage?policy-holder=Patient/1'), false);
  });
  test('result parameters', () => {
    const query = parse(
      'Observation?_sort=-date,_id&_count=5000&_total=accurate&_include=Observation:subject:Patient&_revinclude=Provenance:target&_cursor=x&_format=json',
    );
    assert.deepEqual(query.sort, [
      { param: 'date', kind: 'clinicalDate', descending: true },
      { param: '_id', kind: 'id', descending: false },
    ]);
    assert.equal(query.count, 1000);
    assert.equal(query.total, 'accurate');
    assert.equal(query.cursor, 'x');
    assert.deepEqual(query.includes, [{ source: 'Observation', param: 'subject', target: 'Patient', iterate: false }]);
    assert.deepEqual(query.revincludes, [{ source: 'Provenance', param: 'target', target: undefined, iterate: false }]);
    assert.equal(parse('Patient?_count=0').summaryCount, true);
  });
});
