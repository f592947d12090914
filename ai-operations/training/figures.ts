// Figures of a risk model: AUROC, Brier score, calibration; intervals by bootstrap over patients.
import { fitLogistic } from './logistic-regression.ts';
import type { Random } from './random.ts';

export interface Scored {
  readonly patient: string;
  readonly y: 0 | 1;
  readonly score: number;
}

/** Probability that a random positive scores above a random negative; ties count half. NaN without both classes. */
export function auroc(rows: readonly Pick<Scored, 'y' | 'score'>[]): number {
  const sorted = [...rows].sort((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to < sorted.length && sorted[to]?.score === sorted[from]?.score) to++;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) rankSum += sorted[i]?.y === 1 ? rank : 0;
    from = to;
  }
  const positives = sorted.reduce((sum, r) => sum + r.y, 0);
  const negatives = sorted.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

export function brier(rows: readonly Scored[]): number {
  return rows.reduce((sum, r) => sum + (r.score - r.y) ** 2, 0) / rows.length;
}

/** Slope and intercept of the outcome on the log-odds of the score: 1 and 0 when calibrated. */
export function calibration(rows: readonly Scored[]): { slope: number; intercept: number } {
  const logit = (p: number): number => Math.log(p / (1 - p));
  const model = fitLogistic(
    rows.map((r) => ({ x: [logit(r.score)], y: r.y, weight: 1 })),
    1,
    1e-6,
  );
  const slope = (model.coefficients[0] ?? 0) / (model.standardDeviations[0] ?? 1);
  return { slope, intercept: model.intercept - slope * (model.means[0] ?? 0) };
}

export interface Bin {
  readonly rows: number;
  readonly meanPredicted: number;
  readonly observed: number;
}

/** Bins of equal size by score. */
export function calibrationBins(rows: readonly Scored[], count: number): Bin[] {
  const sorted = [...rows].sort((a, b) => a.score - b.score);
  return Array.from({ length: count }, (_, i) => {
    const bin = sorted.slice(Math.floor((i * sorted.length) / count), Math.floor(((i + 1) * sorted.length) / count));
    const mean = (of: (r: Scored) => number): number => bin.reduce((sum, r) => sum + of(r), 0) / bin.length;
    return { rows: bin.length, meanPredicted: mean((r) => r.score), observed: mean((r) => r.y) };
  });
}

export type Interval = readonly [number, number];

/** 95 % percentile interval of a figure when whole patients are drawn with replacement. */
export function bootstrapInterval<T extends { readonly patient: string }>(
  rows: readonly T[],
  figure: (rows: readonly T[]) => number,
  draws: number,
  random: Random,
): Interval {
  const byPatient = [...Map.groupBy(rows, (row) => row.patient).values()];
  const values = Array.from({ length: draws }, () =>
    figure(byPatient.flatMap(() => byPatient[Math.floor(random() * byPatient.length)] ?? [])),
  )
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}
