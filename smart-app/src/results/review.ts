// https://hl7.org/fhir/R4/provenance.html — a clinician's review: the result's new status and who gave it, in one transaction.
import type { Bundle, Provenance } from '@limen/fhir-model';
import type { DetectedIssue, RiskAssessment } from '../fhir/resource-of.ts';

export type Reviewable = RiskAssessment | DetectedIssue;

export const rejectReasons = [
  { code: 'not-applicable', display: 'Does not apply to this patient' },
  { code: 'input-wrong', display: 'Based on wrong or outdated data' },
  { code: 'known-and-managed', display: 'Known and already managed' },
  { code: 'implausible', display: 'Not plausible clinically' },
] as const;
export type RejectReason = (typeof rejectReasons)[number]['code'];

export type Decision = { readonly accept: true } | { readonly accept: false; readonly reason: RejectReason };

export interface Reviewer {
  /** Reference of the signed-in user. */
  readonly fhirUser: string;
  readonly at: Date;
}

function provenance(reference: string, decision: Decision, { fhirUser, at }: Reviewer): Provenance {
  const reason = decision.accept ? undefined : rejectReasons.find((r) => r.code === decision.reason);
  return {
    resourceType: 'Provenance',
    target: [{ reference }],
    // Required; the server puts its own time here.
    recorded: at.toISOString(),
    activity: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: 'UPDATE', display: 'revise' }] },
    ...(reason ? { reason: [{ coding: [{ system: 'https://limen.example/CodeSystem/review-reason', ...reason }] }] } : {}),
    agent: [
      {
        type: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'verifier', display: 'Verifier' }],
        },
        who: { reference: fhirUser },
      },
    ],
  };
}

/** True while nobody has judged it, and it is stored, so that somebody can. */
export function isOpen(result: Reviewable): boolean {
  return result.id !== undefined && result.status === 'preliminary';
}

/**
 * The transaction of a review. If-Match names the version that was looked at: what changed meanwhile is never judged unseen.
 * @throws when the result is not stored
 */
export function reviewTransaction(result: Reviewable, decision: Decision, reviewer: Reviewer): Bundle {
  const { id, meta } = result;
  if (!id || !meta?.versionId) throw new Error('Only a stored result can be reviewed.');
  const url = `${result.resourceType}/${id}`;
  const reviewed: Reviewable = { ...result, status: decision.accept ? 'final' : 'entered-in-error' };
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl: `urn:uuid:${crypto.randomUUID()}`, resource: reviewed, request: { method: 'PUT', url, ifMatch: `W/"${meta.versionId}"` } },
      {
        fullUrl: `urn:uuid:${crypto.randomUUID()}`,
        resource: provenance(url, decision, reviewer),
        request: { method: 'POST', url: 'Provenance' },
      },
    ],
  };
}

/** Newest first: by server time, else by version. */
export function newestFirst<T extends Reviewable>(results: readonly T[]): T[] {
  return [...results].sort((a, b) => (b.meta?.lastUpdated ?? '').localeCompare(a.meta?.lastUpdated ?? ''));
}

export function statusText(status: string | undefined): string {
  if (status === 'preliminary') return 'Not reviewed';
  if (status === 'final') return 'Accepted';
  if (status === 'entered-in-error') return 'Rejected';
  return status ?? 'no status';
}
