// A piece of long work as the client and its runner see it (FHIR asynchronous pattern: https://hl7.org/fhir/R4/async.html).
import type { TallyCounts } from '@limen/deidentification';
import type { OperationOutcome, Principal } from '@limen/fhir-model';

export type JobKind = 'export' | 'import';
type JobState = 'accepted' | 'in-progress' | 'completed' | 'failed';

/** A principal as it can be written down; its scopes as text. */
type StoredPrincipal = Omit<Principal, 'scopes'> & { readonly scope: string };

/** What a job was asked, sealed in its row. */
export interface Order<T> {
  readonly principal: StoredPrincipal;
  /** The address of the kick-off request. */
  readonly url: string;
  readonly request: T;
}

export interface OutputFile {
  /** Resource type of its lines. */
  readonly type: string;
  readonly name: string;
  readonly count: number;
  readonly inputUrl?: string;
}

/** What the manifest is made of. */
export interface JobResult {
  readonly output: readonly OutputFile[];
  readonly deleted?: readonly OutputFile[];
  readonly error: readonly OutputFile[];
  /** Of an import: resources stored, by type. */
  readonly stored?: { readonly [type: string]: number };
  /** Of an import that was asked for it: what the door removed, changed and kept, in counts. */
  readonly deidentification?: TallyCounts;
  /** Why the job failed. */
  readonly outcome?: OperationOutcome;
}

export interface JobRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly client: string;
  readonly account: string | null;
  readonly state: JobState;
  readonly direct: boolean;
  readonly sealed: Buffer;
  readonly snapshot: string;
  readonly transactionTime: Date;
  readonly progress: { readonly [name: string]: unknown };
  readonly result: JobResult | null;
  readonly attempt: number;
  readonly expiresAt: Date | null;
}

/** What a running job gives account to. */
export interface Run {
  readonly job: JobRow;
  /** Writes down how far the work has come. @throws JobLost when the job is no longer this run's */
  checkpoint(progress: object): Promise<void>;
  /** @throws JobStopped when the process is about to end */
  proceed(): void;
}

/** The job was cancelled or taken over: this run ends without a trace. */
export class JobLost extends Error {}

/** The process ends; the next start goes on from the last checkpoint. */
export class JobStopped extends Error {}
