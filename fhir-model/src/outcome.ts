// https://hl7.org/fhir/R4/operationoutcome.html
import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';

/** Codes of http://hl7.org/fhir/issue-type that this product uses. */
export type IssueCode = OperationOutcomeIssue['code'];

export interface Issue {
  readonly severity?: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: IssueCode;
  /** A fixed sentence; never an input value. */
  readonly diagnostics?: string;
  /** FHIRPath of the element at fault, rooted at its resource type. */
  readonly expression?: string;
  /** A code of ours that a client can branch on. */
  readonly details?: string;
}

export function operationOutcome(...issues: Issue[]): OperationOutcome {
  return {
    resourceType: 'OperationOutcome',
    issue: issues.map((i) => ({
      severity: i.severity ?? 'error',
      code: i.code,
      ...(i.details ? { details: { text: i.details } } : {}),
      ...(i.diagnostics ? { diagnostics: i.diagnostics } : {}),
      ...(i.expression ? { expression: [i.expression] } : {}),
    })),
  };
}

/** An expected failure: HTTP status and what the client is told. Anything else thrown is a bug (500 without text). */
export class OperationOutcomeError extends Error {
  readonly status: number;
  readonly issues: readonly Issue[];
  readonly headers: { readonly [name: string]: string };

  constructor(status: number, issue: Issue | readonly Issue[], options: { cause?: unknown; headers?: { [name: string]: string } } = {}) {
    const issues = Array.isArray(issue) ? (issue as readonly Issue[]) : [issue as Issue];
    super(issues[0]?.diagnostics ?? issues[0]?.code ?? 'error', options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.issues = issues;
    this.headers = options.headers ?? {};
  }

  get outcome(): OperationOutcome {
    return operationOutcome(...this.issues);
  }
}
