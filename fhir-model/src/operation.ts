// https://hl7.org/fhir/R4/operations.html — what an analysis gives the server's dispatch, and what it gets.
import type { OperationDefinition, Parameters, Resource } from '@medplum/fhirtypes';
import type { FhirClient } from './client.ts';
import type { Principal } from './principal.ts';

/** "Now" on the patient's stored timeline and where it came from (DECISIONS 2). */
export interface AsOf {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly basis: 'now' | 'last-encounter' | 'given';
}

export interface OperationContext {
  readonly principal: Principal;
  /** Reads with the caller's principal. */
  readonly client: FhirClient;
  /** Logical id of the instance, for `Patient/<id>/$...`. */
  readonly id?: string;
  /** Input, checked against the OperationDefinition. Inline resources are de-identified already. */
  readonly parameters: Parameters;
  /** asOf of a patient, from the pipeline; `given` when the caller sent one. */
  asOf(patientId: string): Promise<AsOf>;
  readonly signal: AbortSignal;
}

/** How a stored result came to be: becomes its Provenance. */
export interface ResultOrigin {
  /** Name and version of the rule set or model, e.g. "acute-care-risk 1". */
  readonly software: string;
  readonly version: string;
  /** sha256 of weights or knowledge tables. */
  readonly digest: string;
  /** Versioned references read: "Observation/1/_history/2". */
  readonly inputs: readonly string[];
  readonly asOf?: AsOf;
}

export interface OperationResult {
  /** Results to be stored unreviewed when the definition says affectsState and the caller used POST. */
  readonly results: readonly Resource[];
  readonly origin: ResultOrigin;
  /** Equal digest = equal inputs: a stored unreviewed result with it is returned instead (DECISIONS 22). Absent: nothing is stored. */
  readonly digest?: string;
  /** The answer, given the results as stored (or as computed, when nothing is stored). */
  output(results: readonly Resource[]): Resource;
}

export interface OperationProvider {
  readonly definition: OperationDefinition;
  handle(context: OperationContext): Promise<OperationResult>;
}

/** What an operation module exports; start.ts pairs it with the OperationDefinition of the implementation guide by code. */
export interface OperationHandler {
  readonly code: string;
  handle(context: OperationContext): Promise<OperationResult>;
}
