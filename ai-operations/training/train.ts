// Trains and evaluates the model acute-care-risk: node ai-operations/training/train.ts --data DIR [--out DIR]. Same data and seed: same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { featureNames } from '../src/analyses/acute-care-features.ts';
import { buildStudy, loadPeople, type Study } from './dataset.ts';
import { crossValidate, evaluate, toExamples } from './evaluate.ts';
import { fitLogistic, type LogisticModel } from './logistic-regression.ts';
import { writeLogisticOnnx } from './onnx-writer.ts';
import { seeded } from './random.ts';

const seed = 20_240_229;
/** Chosen before the first evaluation and never tuned on it. */
const penalty = 5;
const repeats = 5;
const bootstrapDraws = 1_000;
const modelVersion = 1;

function writeModel(folder: string, model: LogisticModel, baseRate: number): string {
  const weights = model.coefficients.map((c, i) => c / (model.standardDeviations[i] ?? 1));
  const bias = weights.reduce((sum, w, i) => sum - w * (model.means[i] ?? 0), model.intercept);
  const onnx = writeLogisticOnnx('acute-care-risk', modelVersion, weights, bias);
  const weightsSha256 = createHash('sha256').update(onnx).digest('hex');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), onnx);
  const { means, standardDeviations, coefficients, intercept } = model;
  const explanation = { weightsSha256, baseRate, features: featureNames, means, standardDeviations, coefficients, intercept };
  writeFileSync(join(folder, 'explanation.json'), `${JSON.stringify(explanation, undefined, 1)}\n`);
  return weightsSha256;
}

function studyDesign(study: Study): object {
  return {
    outcome: 'first emergency, inpatient or observation encounter that starts in the 365 days after the index date',
    indexDates: 'per patient up to 5 random calendar dates and up to 5 days of random encounters; the index moment is the end of that day',
    firstIndex: study.firstIndex,
    lastIndex: study.lastIndex,
    endOfData: study.endOfData,
    censoring:
      'index dates without 365 days of follow-up in the data are not used; those followed by death without the outcome are left out',
    leftOutBecauseOfDeath: study.censored.diedWithoutOutcome,
    leakage:
      'only facts dated on or before the index date; clinical and request statuses, Claim, ExplanationOfBenefit and CarePlan are not read',
  };
}

function main(): void {
  const { values } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } });
  if (!values.data) {
    process.stderr.write('Say where the bundles are: --data DIR\n');
    process.exitCode = 1;
    return;
  }
  const out = values.out ?? fileURLToPath(new URL(`../models/acute-care-risk/${modelVersion}`, import.meta.url));
  const random = seeded(seed);
  const { people, digest, files } = loadPeople(values.data);
  const study = buildStudy(people, random);
  const { rows } = study;
  const examples = toExamples(rows);
  const positives = rows.filter((row) => row.y === 1).length;
  const figures = evaluate(rows, crossValidate(rows, penalty, repeats, random), bootstrapDraws, random);
  const model = fitLogistic(examples, featureNames.length, penalty);
  const baseRate = Math.round((positives / rows.length) * 10_000) / 10_000;
  const weightsSha256 = writeModel(out, model, baseRate);
  const evaluation = {
    model: 'acute-care-risk',
    version: modelVersion,
    warning: 'trained on synthetic patients, not for clinical use',
    weightsSha256,
    seed,
    data: {
      sha256: digest,
      files,
      patients: people.length,
      patientsWithRows: new Set(rows.map((row) => row.patient)).size,
      rows: rows.length,
      positives,
      baseRate,
    },
    design: studyDesign(study),
    method: `L2-regularised logistic regression (penalty ${penalty}), ${repeats} x 5-fold cross-validation split by patient, intervals from ${bootstrapDraws} bootstrap draws of patients; shipped weights fitted on all patients`,
    figures,
  };
  writeFileSync(join(out, 'evaluation.json'), `${JSON.stringify(evaluation, undefined, 1)}\n`);
  process.stdout.write(`${JSON.stringify(evaluation, undefined, 1)}\n`);
}

main();
