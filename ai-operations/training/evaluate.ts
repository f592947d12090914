// Repeated 5-fold cross-validation, split by patient: every row is scored by models that never saw its patient.
import type { Row } from './dataset.ts';
import { auroc, bootstrapInterval, brier, calibration, calibrationBins, type Scored } from './figures.ts';
import { type Example, fitLogistic, predict } from './logistic-regression.ts';
import { type Random, shuffled } from './random.ts';

const folds = 5;

/** Each patient counts the same, however many index dates were found. */
export function toExamples(rows: readonly Row[]): Example[] {
  const perPatient = new Map<string, number>();
  for (const row of rows) perPatient.set(row.patient, (perPatient.get(row.patient) ?? 0) + 1);
  return rows.map((row) => ({ x: row.x, y: row.y, weight: 1 / (perPatient.get(row.patient) ?? 1) }));
}

interface Score {
  readonly model: number;
  readonly baseline: number;
}

const baselineExamples = (rows: readonly Row[]): Example[] =>
  toExamples(rows).map((e, i) => ({ ...e, x: [Math.log1p(rows[i]?.earlierEncounters ?? 0)] }));

/** Mean out-of-fold probability of each row over the repeats, of the model and of the one-feature baseline. */
export function crossValidate(rows: readonly Row[], penalty: number, repeats: number, random: Random): Score[] {
  const width = rows[0]?.x.length ?? 0;
  const sums = rows.map(() => ({ model: 0, baseline: 0 }));
  const patients = [...new Set(rows.map((row) => row.patient))];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const foldOf = new Map(shuffled(patients, random).map((patient, i) => [patient, i % folds]));
    for (let fold = 0; fold < folds; fold++) {
      const train = rows.filter((row) => foldOf.get(row.patient) !== fold);
      const model = fitLogistic(toExamples(train), width, penalty);
      const baseline = fitLogistic(baselineExamples(train), 1, 1e-6);
      for (const [i, row] of rows.entries()) {
        const sum = sums[i];
        if (!sum || foldOf.get(row.patient) !== fold) continue;
        sum.model += predict(model, row.x) / repeats;
        sum.baseline += predict(baseline, [Math.log1p(row.earlierEncounters)]) / repeats;
      }
    }
  }
  return sums;
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

function figuresOf(rows: readonly Scored[], draws: number, random: Random): object {
  const { slope, intercept } = calibration(rows);
  return {
    auroc: round(auroc(rows)),
    aurocInterval95: bootstrapInterval(rows, auroc, draws, random).map(round),
    brier: round(brier(rows)),
    calibrationSlope: round(slope),
    calibrationIntercept: round(intercept),
  };
}

/** What evaluation.json says of patients not trained on. */
export function evaluate(rows: readonly Row[], scores: readonly Score[], draws: number, random: Random): object {
  const scored = (of: (score: Score) => number, kind?: Row['kind']): Scored[] =>
    rows.flatMap((row, i) => (kind && row.kind !== kind ? [] : [{ patient: row.patient, y: row.y, score: of(scores[i] as Score) }]));
  const model = scored((s) => s.model);
  const both = rows.map((row, i) => ({ patient: row.patient, y: row.y, ...(scores[i] as Score) }));
  const gain = (sample: typeof both): number =>
    auroc(sample.map((r) => ({ y: r.y, score: r.model }))) - auroc(sample.map((r) => ({ y: r.y, score: r.baseline })));
  const brierGain = (sample: typeof both): number =>
    sample.reduce((sum, r) => sum + (r.baseline - r.y) ** 2 - (r.model - r.y) ** 2, 0) / sample.length;
  return {
    model: figuresOf(model, draws, random),
    modelByIndexKind: Object.fromEntries(
      (['calendar', 'encounter'] as const).map((kind) => [
        kind,
        figuresOf(
          scored((s) => s.model, kind),
          draws,
          random,
        ),
      ]),
    ),
    baseline: {
      feature: 'count of earlier encounters',
      ...figuresOf(
        scored((s) => s.baseline),
        draws,
        random,
      ),
    },
    aurocGainOverBaseline: {
      value: round(gain(both)),
      interval95: bootstrapInterval(both, (sample) => gain(sample as typeof both), draws, random).map(round),
    },
    brierGainOverBaseline: {
      value: round(brierGain(both)),
      interval95: bootstrapInterval(both, (sample) => brierGain(sample as typeof both), draws, random).map(round),
    },
    calibrationBins: calibrationBins(model, 10).map((bin) => ({
      rows: bin.rows,
      meanPredicted: round(bin.meanPredicted),
      observed: round(bin.observed),
    })),
  };
}
