// The model acute-care-risk as a whole: features here, weights in the inference service, explanation from the file shipped beside the weights.
import { readFileSync } from 'node:fs';
import { OperationOutcomeError } from '@limen/fhir-model';
import { featureNames } from '../analyses/acute-care-features.ts';
import { type Contribution, explain, features, type LinearExplanation, missingFor, probabilityOf } from '../analyses/acute-care-risk.ts';
import type { PatientHistory } from '../analyses/patient-history.ts';
import type { InferenceClient } from '../inference/client.ts';

interface Explanation extends LinearExplanation {
  readonly weightsSha256: string;
  /** Share of index dates with the outcome in the training data. */
  readonly baseRate: number;
}

export type AcuteCareRisk =
  | {
      readonly status: 'computed';
      readonly probability: number;
      /** Largest first; with the intercept they add up to the log-odds of the probability. */
      readonly contributions: readonly Contribution[];
      readonly intercept: number;
      readonly baseRate: number;
    }
  | { readonly status: 'insufficient'; readonly missing: readonly string[] };

export const acuteCareModel = { name: 'acute-care-risk', version: '1' } as const;
export const notForClinicalUse =
  'Trained on synthetic patients, not for clinical use. The contributing codes are statistical shares, not causes. Decision support, not a diagnosis.';
const explanationUrl = new URL('../../models/acute-care-risk/1/explanation.json', import.meta.url);
/** Single precision in the service against double precision here. */
const agreement = 1e-4;
const defaultTimeoutMs = 2_000;

let loaded: Explanation | undefined;

function explanation(): Explanation {
  if (loaded) return loaded;
  const read = JSON.parse(readFileSync(explanationUrl, 'utf8')) as Explanation;
  if (read.features.join() !== featureNames.join()) throw new Error('the shipped model was trained on other features than this code makes');
  loaded = read;
  return read;
}

/** sha256 of the shipped weights: part of an input digest and of Provenance. */
export function acuteCareWeightsSha256(): string {
  return explanation().weightsSha256;
}

const unexplained = (): OperationOutcomeError =>
  new OperationOutcomeError(502, {
    code: 'exception',
    diagnostics: 'The inference service runs other weights than the ones this version can explain.',
  });

/**
 * The 12-month risk of an emergency or inpatient encounter. Only numbers go to the inference service.
 * @param asOf YYYY-MM-DD on the history's own timeline
 * @throws OperationOutcomeError 502, 503 or 504 from the inference service
 */
export async function acuteCareRiskFromHistory(
  history: PatientHistory,
  asOf: string,
  inference: InferenceClient,
  timeoutMs: number = defaultTimeoutMs,
  signal?: AbortSignal,
): Promise<AcuteCareRisk> {
  const missing = missingFor(history, asOf);
  if (missing.length > 0) return { status: 'insufficient', missing };
  const model = explanation();
  const found = features(history, asOf);
  const input = { name: 'features', datatype: 'FP32', shape: [1, found.vector.length], data: found.vector } as const;
  const options = { version: acuteCareModel.version, timeoutMs, ...(signal ? { signal } : {}) };
  const answer = await inference.infer(acuteCareModel.name, [input], options);
  if (answer.weightsSha256 !== undefined && answer.weightsSha256 !== model.weightsSha256) throw unexplained();
  const probability = answer.outputs.risk?.data[0];
  const contributions = explain(found, model);
  // A server that does not tell its weights (Triton) still has to agree with the explanation.
  if (probability === undefined || Math.abs(probability - probabilityOf(contributions, model.intercept)) > agreement) throw unexplained();
  return { status: 'computed', probability, contributions, intercept: model.intercept, baseRate: model.baseRate };
}
