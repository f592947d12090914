// Training: the figures are right on cases with known answers, the shipped files belong together.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Resource } from '@limen/fhir-model';
import { featureNames } from '../src/analyses/acute-care-features.ts';
import { patientHistory } from '../src/history/patient-history.ts';
import { buildStudy } from '../training/dataset.ts';
import { crossValidate } from '../training/evaluate.ts';
import { auroc, bootstrapInterval, brier, calibration } from '../training/figures.ts';
import { fitLogistic, predict, sigmoid } from '../training/logistic-regression.ts';
import { seeded } from '../training/random.ts';
import { patient } from './fixtures/history.ts';

const file = (name: string): Buffer => readFileSync(new URL(`../models/acute-care-risk/1/${name}`, import.meta.url));

test('AUROC by hand: ties count half, one class only is not a number', () => {
  const rows = (pairs: [0 | 1, number][]): { y: 0 | 1; score: number }[] => pairs.map(([y, score]) => ({ y, score }));
  assert.equal(
    auroc(
      rows([
        [0, 1],
        [1, 2],
      ]),
    ),
    1,
  );
  assert.equal(
    auroc(
      rows([
        [1, 1],
        [0, 2],
      ]),
    ),
    0,
  );
  assert.equal(
    auroc(
      rows([
        [1, 1],
        [0, 1],
      ]),
    ),
    0.5,
  );
  assert.equal(
    auroc(
      rows([
        [0, 1],
        [1, 2],
        [0, 3],
        [1, 4],
      ]),
    ),
    0.75,
  );
  assert.ok(Number.isNaN(auroc(rows([[1, 1]]))));
});

test('Newton finds the coefficients that made the data; the penalty shrinks them', () => {
  const random = seeded(1);
  const examples = Array.from({ length: 5_000 }, () => {
    const x = [random() * 4 - 2, random() * 4 - 2];
    const y: 0 | 1 = random() < sigmoid(0.5 + 1.5 * (x[0] ?? 0) - (x[1] ?? 0)) ? 1 : 0;
    return { x, y, weight: 1 };
  });
  const raw = (penalty: number): number[] => {
    const model = fitLogistic(examples, 2, penalty);
    return model.coefficients.map((c, i) => c / (model.standardDeviations[i] ?? 1));
  };
  const [a = 0, b = 0] = raw(1e-6);
  assert.ok(Math.abs(a - 1.5) < 0.15 && Math.abs(b + 1) < 0.15);
  assert.ok(Math.abs(raw(1e5)[0] ?? 9) < 0.2);
  const model = fitLogistic(examples, 2, 1e-6);
  const scored = examples.map((e, i) => ({ patient: String(i), y: e.y, score: predict(model, e.x) }));
  const { slope, intercept } = calibration(scored);
  assert.ok(Math.abs(slope - 1) < 1e-3 && Math.abs(intercept) < 1e-3);
  assert.ok(brier(scored) < 0.25);
  const [low, high] = bootstrapInterval(scored, auroc, 50, seeded(2));
  assert.ok(low < auroc(scored) && auroc(scored) < high);
});

test('cross-validation never scores a patient with a model that saw it', () => {
  // Each patient has a label of its own and nothing but its identity as feature: only leakage could score above chance.
  const rows = Array.from({ length: 200 }, (_, i) => {
    const person = i >> 1;
    return {
      patient: `p${person}`,
      kind: 'calendar' as const,
      x: Float32Array.from({ length: 100 }, (_v, j) => (j === person ? 1 : 0)),
      y: ((person * 7) % 3 === 0 ? 1 : 0) as 0 | 1,
      earlierEncounters: 1,
    };
  });
  const scores = crossValidate(rows, 0.01, 1, seeded(3));
  // All patients of a fold look the same to models that never saw them: one score a fold, shared by both labels.
  const labelsByScore = Map.groupBy(rows, (row) => (scores[rows.indexOf(row)]?.model ?? 0).toFixed(6));
  assert.ok(labelsByScore.size <= 5);
  for (const group of labelsByScore.values()) assert.equal(new Set(group.map((row) => row.y)).size, 2);
});

test('outcome and censoring: next year only, death without outcome left out, no follow-up not used', () => {
  const encounters = (dates: readonly [string, string][]): Resource[] =>
    dates.map(([date, code]) => ({ resourceType: 'Encounter', status: 'finished', class: { code }, period: { start: date } }));
  const person = (
    id: string,
    dates: readonly [string, string][],
    deceasedDateTime?: string,
  ): { id: string; history: ReturnType<typeof patientHistory> } => ({
    id,
    history: patientHistory({ ...patient, ...(deceasedDateTime ? { deceasedDateTime } : {}) }, encounters(dates)),
  });
  const people = [
    person('outcome', [
      ['2015-01-01', 'AMB'],
      ['2015-12-31', 'EMER'],
    ]),
    person('too late', [
      ['2015-01-01', 'AMB'],
      ['2016-01-02', 'EMER'],
    ]),
    person('same day', [
      ['2015-01-01', 'AMB'],
      ['2015-01-01', 'EMER'],
    ]),
    person('died', [['2015-01-01', 'AMB']], '2015-06-01'),
    person('no follow-up', [
      ['2020-12-01', 'AMB'],
      ['2020-12-31', 'AMB'],
    ]),
  ];
  const { rows, endOfData, censored } = buildStudy(people, seeded(4));
  assert.equal(endOfData, '2020-12-31');
  const labels = (id: string): number[] => rows.filter((r) => r.patient === id && r.kind === 'encounter').map((r) => r.y);
  assert.deepEqual(labels('outcome').toSorted(), [0, 1]);
  assert.deepEqual(labels('too late'), [0, 0]);
  assert.deepEqual(labels('same day'), [0]);
  assert.deepEqual(labels('died'), []);
  assert.ok(censored.diedWithoutOutcome >= 1);
  assert.deepEqual(labels('no follow-up'), []);
});

test('the shipped files belong together', () => {
  const weights = createHash('sha256').update(file('model.onnx')).digest('hex');
  const explanation = JSON.parse(file('explanation.json').toString('utf8')) as {
    weightsSha256: string;
    features: string[];
    coefficients: number[];
  };
  const evaluation = JSON.parse(file('evaluation.json').toString('utf8')) as { weightsSha256: string; warning: string };
  assert.equal(explanation.weightsSha256, weights);
  assert.equal(evaluation.weightsSha256, weights);
  assert.deepEqual(explanation.features, featureNames);
  assert.equal(explanation.coefficients.length, featureNames.length);
  assert.match(evaluation.warning, /not for clinical use/);
  assert.match(readFileSync(new URL('../models/acute-care-risk/MODEL-CARD.md', import.meta.url), 'utf8'), /not for clinical use/);
  assert.ok(Math.max(...explanation.coefficients.map(Math.abs)) < 3);
});
