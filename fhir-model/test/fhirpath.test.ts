// FHIRPath of definitions: what it answers, and what it must never do with content.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { compileFhirPath, isFalse, isTrue } from '../src/fhirpath.ts';

const patient = { resourceType: 'Patient', gender: 'male', name: [{ family: 'X' }] };

describe('FHIRPath', () => {
  it('refuses what is none, and what is endless to read', () => {
    for (const wrong of ['gender =', '$ and %p', 'a'.repeat(10_001)]) assert.throws(() => compileFhirPath(wrong, 'Patient'));
  });

  it('ends what does not end', () => {
    const value = { ...patient, gender: 'a'.repeat(40) };
    for (const expression of ["gender.matches('^(([a-z])+.)+[A-Z]([a-z])+$')", "gender.`matches`('^(([a-z])+.)+[A-Z]([a-z])+$')"])
      assert.throws(() => compileFhirPath(expression, 'Patient')(value, { resource: value }));
    assert.deepEqual(compileFhirPath("gender.matches('^a+$')", 'Patient')(value, { resource: value }), [true]);
  });

  it('prints nothing', () => {
    const print = mock.method(console, 'log', () => {});
    assert.deepEqual(compileFhirPath("gender.trace('gender').exists()", 'Patient')(patient, { resource: patient }), [true]);
    assert.equal(print.mock.callCount(), 0);
    print.mock.restore();
  });

  it('leaves the value as it is', () => {
    const frozen = Object.freeze({ ...patient, name: Object.freeze([Object.freeze({ family: 'X' })]) });
    assert.deepEqual(compileFhirPath('name.family', 'Patient')(frozen, { resource: frozen }), ['X']);
  });

  it('knows types, the parts of backbones and the resource around', () => {
    const observation = { resourceType: 'Observation', component: [{ valueQuantity: { value: 1 } }] };
    const [component] = observation.component;
    const test = compileFhirPath('value is Quantity and %resource.component.exists()', 'Observation.component');
    assert.ok(isTrue(test(component, { resource: observation })));
    assert.ok(isFalse(test({ valueString: 'x' }, { resource: observation })));
    assert.ok(!isTrue([]) && !isFalse([]));
  });
});
