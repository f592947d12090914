// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/ — what a view refuses, and the rows that it makes of a resource.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileView, parseKeepingDecimals } from '../src/sql-on-fhir/index.ts';

const isType = (name: string): boolean => loadDefinitions().types[name]?.kind === 'resource';
const compile = (view: unknown): ReturnType<typeof compileView> => compileView(view, isType);
const column = (name: string, path: string, more: object = {}): object => ({ name, path, ...more });
const patientView = (...select: object[]): object => ({ resource: 'Patient', select });

const ward = {
  resourceType: 'Patient',
  id: 'w1',
  name: [{ family: 'Aalto', given: ['Iris', 'Ada'] }, { family: 'Berg' }],
  contact: [{ telecom: [{ system: 'phone', value: '1' }] }, { gender: 'female' }],
  managingOrganization: { reference: 'https://elsewhere.example/fhir/Organization/o7/_history/2' },
};

function refusedAt(view: unknown, at: string): void {
  assert.throws(
    () => compile(view),
    (error) => error instanceof OperationOutcomeError && error.status === 422 && error.issues[0]?.expression === at,
  );
}

describe('views that are refused', () => {
  test('what is no view', () => {
    refusedAt([], 'ViewDefinition');
    refusedAt({ resourceType: 'Patient' }, 'ViewDefinition');
    refusedAt({ resource: 'Ward', select: [{ column: [column('id', 'id')] }] }, 'ViewDefinition.resource');
    refusedAt({ resource: 'Patient' }, 'ViewDefinition.select');
    refusedAt(patientView({}), 'ViewDefinition.select');
    refusedAt(patientView({ column: {} }), 'ViewDefinition.select[0].column');
    refusedAt({ ...patientView({ column: [column('id', 'id')] }), where: [{}] }, 'ViewDefinition.where[0].path');
  });

  test('columns without a table name, or twice the same', () => {
    refusedAt(patientView({ column: [column('a-b', 'id')] }), 'ViewDefinition.select[0].column[0].name');
    refusedAt(patientView({ column: [column('a', 'id'), column('a', 'active')] }), 'ViewDefinition.select');
    refusedAt(patientView({ column: [column('a', 'id', { collection: 'yes' })] }), 'ViewDefinition.select[0].column[0].collection');
  });

  test('parts that can not be together', () => {
    refusedAt(
      patientView({ forEach: 'name', forEachOrNull: 'name', column: [column('a', 'use')] }),
      'ViewDefinition.select[0].forEachOrNull',
    );
    const parts = [{ column: [column('a', 'id')] }, { column: [column('b', 'id')] }];
    refusedAt(patientView({ unionAll: parts }), 'ViewDefinition.select[0].unionAll[1]');
    refusedAt(patientView({ repeat: ['contact'], column: [column('a', 'id')] }), 'ViewDefinition.select[0].repeat');
  });

  test('paths that are none, and constants that are not there', () => {
    refusedAt(patientView({ column: [column('a', 'name.(')] }), 'ViewDefinition.select[0].column[0].path');
    refusedAt(patientView({ column: [column('a', 'name.noSuchFunction()')] }), 'ViewDefinition.select[0].column[0].path');
    refusedAt(patientView({ column: [column('a', "'%kept' & %lost")] }), 'ViewDefinition.select[0].column[0].path');
    refusedAt(patientView({ column: [column('a', 'id'.repeat(3000))] }), 'ViewDefinition.select[0].column[0].path');
    const constant = [{ name: 'day', valueDate: 'soon' }];
    refusedAt({ ...patientView({ column: [column('a', 'birthDate < %day')] }), constant }, 'ViewDefinition.constant[0]');
  });

  test('nesting without end', () => {
    let select: object = { column: [column('a', 'id')] };
    for (let depth = 0; depth < 20; depth++) select = { select: [select] };
    assert.throws(() => compile(patientView(select)), { status: 422 });
  });

  test('rows without number: the product of lists', () => {
    const lists = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ forEach: 'name', column: [column(name, 'family')] }));
    const many = { resourceType: 'Patient', name: Array.from({ length: 20 }, (_, i) => ({ family: `F${i}` })) };
    assert.throws(() => compile(patientView(...lists)).rowsOf(many), { status: 422 });
  });

  test('several values where one is asked for, filters that are no conditions', () => {
    assert.throws(() => compile(patientView({ column: [column('a', 'name.given')] })).rowsOf(ward), { status: 422 });
    const filtered = { ...patientView({ column: [column('a', 'id')] }), where: [{ path: 'name.first().family' }] };
    assert.throws(() => compile(filtered).rowsOf(ward), { status: 422 });
  });

  test('paths that ask other servers', () => {
    refusedAt(patientView({ column: [column('a', 'managingOrganization.resolve().name')] }), 'ViewDefinition.select[0].column[0].path');
  });
});

describe('rows', () => {
  test('of nested lists, with nulls where an element is missing', () => {
    const view = compile(
      patientView(
        { column: [column('id', 'getResourceKey()')] },
        {
          forEach: 'contact',
          column: [column('gender', 'gender')],
          select: [{ forEachOrNull: 'telecom', column: [column('phone', 'value')] }],
        },
      ),
    );
    assert.deepEqual(view.names, ['id', 'gender', 'phone']);
    assert.deepEqual(view.rowsOf(ward), [
      ['w1', null, '1'],
      ['w1', 'female', null],
    ]);
  });

  test('keys of references match keys of resources, whatever stands before', () => {
    const path = 'managingOrganization.getReferenceKey(Organization)';
    const wrong = 'managingOrganization.getReferenceKey(Patient)';
    assert.deepEqual(compile(patientView({ column: [column('a', path), column('b', wrong)] })).rowsOf(ward), [['o7', null]]);
  });

  test('choices keep their type inside forEach', () => {
    const view = compile({
      resource: 'Observation',
      select: [{ forEach: 'component', column: [column('mmHg', 'value.ofType(Quantity).value'), column('text', 'value.ofType(string)')] }],
    });
    const observation = { resourceType: 'Observation', component: [{ valueQuantity: { value: 93.5 } }, { valueString: 'high' }] };
    assert.deepEqual(view.rowsOf(observation), [
      [93.5, null],
      [null, 'high'],
    ]);
  });

  test('boundaries see the digits that were written', () => {
    const view = compile({ resource: 'Observation', select: [{ column: [column('low', 'value.ofType(Quantity).value.lowBoundary()')] }] });
    assert.ok(view.needsDecimals);
    const rows = (value: string): unknown =>
      view.rowsOf(parseKeepingDecimals(`{"resourceType":"Observation","valueQuantity":{"value":${value}}}`));
    assert.deepEqual(rows('2.00'), [[1.995]]);
    assert.deepEqual(rows('2'), [[1.5]]);
  });

  test('dates of constants are dates', () => {
    const view = compile({
      ...patientView({ column: [column('id', 'id')] }),
      constant: [{ name: 'limit', valueDate: '2000-01-01' }],
      where: [{ path: 'birthDate < %limit' }],
    });
    assert.equal(view.rowsOf({ ...ward, birthDate: '1999-12' }).length, 1);
    assert.equal(view.rowsOf({ ...ward, birthDate: '2001' }).length, 0);
  });
});
