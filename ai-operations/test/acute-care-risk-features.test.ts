// Features: relative to asOf only, blind to the future, equal before and after a date shift.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Patient, type Resource, shiftDate } from '@limen/fhir-model';
import { featureNames } from '../src/analyses/acute-care-features.ts';
import { explain, features, missingFor, probabilityOf } from '../src/analyses/acute-care-risk.ts';
import { patientHistory } from '../src/history/patient-history.ts';
import { asOf, future, patient, resources } from './fixtures/history.ts';

function byName(history = patientHistory(patient, resources), at = asOf): { [name: string]: number | undefined } {
  const { vector } = features(history, at);
  return Object.fromEntries(featureNames.map((name, i) => [name, vector[i]]));
}

/** Every date of a resource moved, as the door does it. */
function shifted<T>(node: T, days: number): T {
  const text = JSON.stringify(node).replace(/"(\d{4}-\d\d-\d\d(?:T[^"]*)?)"/g, (_, date: string) => JSON.stringify(shiftDate(date, days)));
  return JSON.parse(text) as T;
}

test('no birth date, no encounter, not yet born, dead: said what is missing', () => {
  const { birthDate: _, ...unborn } = patient;
  assert.deepEqual(missingFor(patientHistory(unborn as Patient, resources), asOf), ['birth date']);
  assert.deepEqual(missingFor(patientHistory(patient, []), asOf), ['at least one earlier encounter']);
  const years = JSON.parse(JSON.stringify(resources).replace(/"(\d{4})-\d\d-\d\d[^"]*"/g, '"$1"')) as typeof resources;
  assert.deepEqual(missingFor(patientHistory(patient, years), asOf), ['encounters with more than a year as their date']);
  assert.equal(missingFor(patientHistory(patient, resources), '1940-01-01').length, 2);
  assert.equal(missingFor(patientHistory({ ...patient, deceasedDateTime: '2020-06-01' }, resources), asOf).length, 1);
  assert.deepEqual(missingFor(patientHistory({ ...patient, deceasedDateTime: '2020-08-01' }, resources), asOf), []);
  assert.deepEqual(missingFor(patientHistory(patient, resources), asOf), []);
});

test('nothing dated after asOf changes anything', () => {
  assert.deepEqual(byName(patientHistory(patient, [...resources, ...future])), byName());
  assert.notDeepEqual(byName(patientHistory(patient, [...resources, ...future]), '2021-06-15'), byName(undefined, '2021-06-15'));
});

test('entered in error, cancelled and refuted facts are no facts', () => {
  const wrong = resources.map((r): Resource => {
    if (r.resourceType === 'Encounter') return { ...r, status: 'cancelled' };
    if (r.resourceType === 'Condition') return { ...r, verificationStatus: { coding: [{ code: 'refuted' }] } };
    return { ...r, status: 'entered-in-error' } as Resource;
  });
  const history = patientHistory(patient, wrong);
  assert.deepEqual([history.encounters, history.conditions, history.medications, history.observations], [[], [], [], []]);
});

test('statuses of today are not read: they tell of the end of the record', () => {
  const closed = resources.map((r): Resource => {
    if (r.resourceType === 'Condition') return { ...r, clinicalStatus: { coding: [{ code: 'resolved' }] } };
    return r.resourceType === 'MedicationRequest' ? { ...r, status: 'stopped' } : r;
  });
  assert.deepEqual(byName(patientHistory(patient, closed)), byName());
});

test('the values of a known history', () => {
  const f = byName();
  const near = (name: string, value: number): void => assert.ok(Math.abs((f[name] ?? -1) - value) < 1e-5, `${name}: ${f[name]}`);
  near('age-decades', 25671 / 365.25 / 10);
  near('female', 1);
  near('encounters-1y', Math.log1p(2));
  near('encounters-3y', Math.log1p(3));
  near('emergency-1y', Math.log1p(1));
  near('inpatient-1y', 0);
  near('inpatient-3y', Math.log1p(1));
  near('years-since-acute-care', 135 / 365.25);
  near('heart-or-stroke', 1);
  near('hypertension', 1);
  near('conditions-unresolved', Math.log1p(2));
  near('conditions-new-1y', Math.log1p(1));
  near('medications-1y', Math.log1p(1));
  near('hba1c-6.5', 1);
  // 110 g/L is below 12 g/dL, but units are never converted.
  near('hemoglobin-below-12', 0);
});

test('everybody over 89 has one age, also when only the year is stored', () => {
  for (const birthDate of ['1931-06-01', '1920-01-01', '1900-12-31', '1930']) {
    assert.equal(byName(patientHistory({ ...patient, birthDate }, resources))['age-decades'], 9, birthDate);
  }
  assert.notEqual(byName(patientHistory({ ...patient, birthDate: '1931-07-01' }, resources))['age-decades'], 9);
});

test('equal before and after all dates move with asOf, by whole weeks and across leap days', () => {
  const before = features(patientHistory(patient, resources), asOf);
  for (const days of [-364, -357, -21, -7, 7, 28, 364, 1463]) {
    const after = features(patientHistory(shifted(patient, days), shifted(resources, days)), shiftDate(asOf, days));
    assert.deepEqual(after.vector, before.vector, String(days));
    assert.deepEqual(after.sources, before.sources);
  }
  assert.notDeepEqual(features(patientHistory(patient, shifted(resources, 7)), asOf).vector, before.vector);
});

test('contributions name codes and facts, and add up to the probability', () => {
  const found = features(patientHistory(patient, resources), asOf);
  const model = {
    features: featureNames,
    means: featureNames.map(() => 0.1),
    standardDeviations: featureNames.map((_, i) => 1 + i / 10),
    coefficients: featureNames.map((name) => (name === 'heart-or-stroke' ? 3 : 0.01)),
    intercept: -1,
  };
  const contributions = explain(found, model);
  assert.equal(contributions[0]?.feature, 'heart-or-stroke');
  assert.deepEqual(
    contributions[0]?.codes.map((c) => c.code),
    ['88805009'],
  );
  assert.deepEqual(contributions[0]?.references, ['Condition/c1']);
  const direct = featureNames.reduce((z, _, i) => z + ((model.coefficients[i] ?? 0) * ((found.vector[i] ?? 0) - 0.1)) / (1 + i / 10), -1);
  assert.ok(Math.abs(probabilityOf(contributions, -1) - 1 / (1 + Math.exp(-direct))) < 1e-9);
});
