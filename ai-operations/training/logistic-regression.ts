// L2-regularised logistic regression by Newton's method on standardised features; the intercept is not penalised.

export interface LogisticModel {
  readonly means: readonly number[];
  readonly standardDeviations: readonly number[];
  readonly coefficients: readonly number[];
  readonly intercept: number;
}

export interface Example {
  readonly x: ArrayLike<number>;
  readonly y: 0 | 1;
  readonly weight: number;
}

const maxSteps = 50;
const tolerance = 1e-9;

/** Solves a x = b for a symmetric positive definite matrix, by Cholesky. */
function solve(a: readonly Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  const lower = a.map((row) => Float64Array.from(row));
  const at = (i: number, j: number): number => lower[i]?.[j] ?? 0;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      (lower[i] as Float64Array)[j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - at(i, k) * (x[k] ?? 0);
    x[i] = (x[i] ?? 0) / at(i, i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] ?? 0) - at(k, i) * (x[k] ?? 0);
    x[i] = (x[i] ?? 0) / at(i, i);
  }
  return x;
}

function moments(examples: readonly Example[], width: number): { means: number[]; standardDeviations: number[] } {
  const total = examples.reduce((sum, e) => sum + e.weight, 0);
  const means = Array.from({ length: width }, (_, i) => examples.reduce((sum, e) => sum + e.weight * (e.x[i] ?? 0), 0) / total);
  const standardDeviations = means.map((mean, i) => {
    const sd = Math.sqrt(examples.reduce((sum, e) => sum + e.weight * ((e.x[i] ?? 0) - mean) ** 2, 0) / total);
    // A feature that never varies says nothing: any divisor will do, its coefficient is 0.
    return sd > 1e-9 ? sd : 1;
  });
  return { means, standardDeviations };
}

export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** One Newton step's gradient and Hessian of the penalised negative log-likelihood. */
function derivatives(
  rows: readonly Float64Array[],
  examples: readonly Example[],
  beta: Float64Array,
  penalty: number,
): { gradient: Float64Array; hessian: Float64Array[] } {
  const n = beta.length;
  const gradient = Float64Array.from(beta, (b, i) => (i === 0 ? 0 : penalty * b));
  const hessian = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_v, j) => (i === j ? (i === 0 ? 1e-9 : penalty) : 0)),
  );
  for (const [r, row] of rows.entries()) {
    const { y, weight } = examples[r] as Example;
    const p = sigmoid(row.reduce((sum, v, i) => sum + v * (beta[i] ?? 0), 0));
    const error = weight * (p - y);
    const curvature = weight * p * (1 - p);
    for (let i = 0; i < n; i++) {
      const v = row[i] ?? 0;
      gradient[i] = (gradient[i] ?? 0) + error * v;
      const line = hessian[i] as Float64Array;
      for (let j = 0; j < n; j++) line[j] = (line[j] ?? 0) + curvature * v * (row[j] ?? 0);
    }
  }
  return { gradient, hessian };
}

/** @param penalty weight of half the squared coefficients, in units of example weight */
export function fitLogistic(examples: readonly Example[], width: number, penalty: number): LogisticModel {
  const { means, standardDeviations } = moments(examples, width);
  const rows = examples.map((e) =>
    Float64Array.from({ length: width + 1 }, (_, i) =>
      i === 0 ? 1 : ((e.x[i - 1] ?? 0) - (means[i - 1] ?? 0)) / (standardDeviations[i - 1] ?? 1),
    ),
  );
  let beta = new Float64Array(width + 1);
  for (let step = 0; step < maxSteps; step++) {
    const { gradient, hessian } = derivatives(rows, examples, beta, penalty);
    const move = solve(hessian, gradient);
    beta = beta.map((b, i) => b - (move[i] ?? 0));
    if (Math.max(...move.map(Math.abs)) < tolerance) break;
  }
  return { means, standardDeviations, coefficients: [...beta.slice(1)], intercept: beta[0] ?? 0 };
}

export function predict(model: LogisticModel, x: ArrayLike<number>): number {
  const z = model.coefficients.reduce(
    (sum, c, i) => sum + (c * ((x[i] ?? 0) - (model.means[i] ?? 0))) / (model.standardDeviations[i] ?? 1),
    model.intercept,
  );
  return sigmoid(z);
}
