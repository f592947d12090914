// Patient/<id>/$acute-care-risk (implementation-guide): 12-month risk of an emergency or inpatient encounter -> RiskAssessment.
import { createHash } from 'node:crypto';
import {
  type AsOf,
  type FhirClient,
  type OperationContext,
  type OperationHandler,
  OperationOutcomeError,
  type OperationResult,
  type Patient,
  type Resource,
  read,
  searchAll,
} from '@limen/fhir-model';
import { loinc, observationCodes } from '../analyses/acute-care-features.ts';
import { patientHistory } from '../history/patient-history.ts';
import type { InferenceClient } from '../inference/client.ts';
import { acuteCareModel, acuteCareRiskFromHistory, acuteCareWeightsSha256 } from '../models/acute-care-risk.ts';
import { riskAssessment } from '../results/risk-assessment.ts';

/** More than this of one type is refused, never cut off: a silently shortened history would give a wrong risk. */
const maxPerType = 5_000;
const timeoutMs = 2_000;

async function searchWhole(client: FhirClient, query: string, signal: AbortSignal): Promise<Resource[]> {
  const found = await searchAll<Resource>(client, `${query}&_count=500`, maxPerType + 1, signal);
  if (found.length > maxPerType)
    throw new OperationOutcomeError(422, {
      code: 'too-costly',
      diagnostics: 'The record of this patient is too large for this operation.',
    });
  return found;
}

async function readRecord(client: FhirClient, id: string, signal: AbortSignal): Promise<{ patient: Patient; resources: Resource[] }> {
  const codes = observationCodes.map((code) => `${loinc}|${code}`).join(',');
  const queries = [
    `Encounter?patient=${id}`,
    `Condition?patient=${id}`,
    `MedicationRequest?patient=${id}`,
    `Observation?patient=${id}&code=${encodeURIComponent(codes)}`,
  ];
  const [patient, ...found] = await Promise.all([
    read<Patient>(client, `Patient/${id}`, signal),
    ...queries.map((query) => searchWhole(client, query, signal)),
  ]);
  return { patient, resources: found.flat() };
}

function versioned(resource: Resource): string {
  return `${resource.resourceType}/${resource.id ?? ''}/_history/${resource.meta?.versionId ?? ''}`;
}

/** Equal digest = equal inputs, model and day (DECISIONS 22). */
function inputDigest(versions: readonly string[], weights: string, asOf: AsOf): string {
  return createHash('sha256')
    .update(JSON.stringify([acuteCareModel.name, weights, asOf.date, asOf.basis, [...versions].sort()]))
    .digest('hex');
}

async function handle(inference: InferenceClient, context: OperationContext): Promise<OperationResult> {
  const { id, client, signal } = context;
  if (!id) throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'This operation is called on a Patient.' });
  const { patient, resources } = await readRecord(client, id, signal);
  const asOf = await context.asOf(id);
  const risk = await acuteCareRiskFromHistory(patientHistory(patient, resources), asOf.date, inference, timeoutMs, signal);
  const weights = acuteCareWeightsSha256();
  const versions = [patient, ...resources].map(versioned);
  const digest = inputDigest(versions, weights, asOf);
  const result = riskAssessment({ patientId: id, risk, asOf, digest });
  const used = new Set(result.basis?.map((basis) => basis.reference));
  return {
    results: [result],
    origin: {
      software: acuteCareModel.name,
      version: acuteCareModel.version,
      digest: weights,
      inputs: versions.filter((version) => used.has(version.slice(0, version.indexOf('/_history/')))),
      asOf,
    },
    // An answer that says "insufficient" is nothing to review: it isn't stored.
    ...(risk.status === 'computed' ? { digest } : {}),
    output: (stored) => stored[0] ?? result,
  };
}

/** The handler of `Patient/<id>/$acute-care-risk`. */
export function acuteCareRisk({ inference }: { readonly inference: InferenceClient }): OperationHandler {
  return { code: 'acute-care-risk', handle: (context) => handle(inference, context) };
}
