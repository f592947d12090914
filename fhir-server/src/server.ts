// What every interaction works with: the compiled specifications, the store, the vault. Built once by open.ts; nothing here is ambient.
import type { Door, Policy, TextClassifier } from '@limen/deidentification';
import type { OperationProvider } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { AuditLog } from './audit/log.ts';
import type { Jobs, People } from './jobs/index.ts';
import type { Codes, Indexer, Plan, SearchParameters, SearchRow } from './search/index.ts';
import type { Codec } from './store/codec.ts';
import type { Committer } from './store/commit.ts';
import type { TypeNumbers } from './store/ids.ts';
import type { Reader } from './store/read.ts';
import type { Subscriptions } from './subscriptions/index.ts';
import type { TerminologyService } from './terminology/index.ts';
import type { Profiles, Validator } from './validation/index.ts';
import type { Vault, VaultMessages } from './vault/index.ts';

export interface Server {
  readonly tenant: number;
  /** Absolute URL of the FHIR base, no trailing slash. */
  readonly base: string;
  readonly definitions: Definitions;
  readonly types: TypeNumbers;
  readonly policy: Policy;
  /** Policies that a caller of $deidentify may choose beside it. */
  readonly deidentifyPolicies: readonly string[];
  /** A line of NDJSON as JSON values. @throws OperationOutcomeError */
  readonly parseLine: (bytes: Buffer) => unknown;
  /** Clients choose ids (update-as-create): only under `synthetic`. */
  readonly clientIds: boolean;
  /** Whether a conditional delete may delete more than one resource. */
  readonly conditionalDelete: 'single' | 'multiple';
  readonly door: Door;
  /** Reads longer texts beside the rules; absent: rules alone. */
  readonly textClassifier?: TextClassifier | undefined;
  readonly vault: Vault;
  /** HL7 v2 messages that wait or have failed. */
  readonly messages: VaultMessages;
  readonly tenantPseudonym: (type: string, system: string, value: string) => string;
  readonly validator: Validator;
  /** Profiles as stored here, compiled. */
  readonly profiles: Profiles;
  readonly terminology: TerminologyService;
  readonly indexer: Indexer;
  /** Those in use: R4's and users'. */
  readonly searchParameters: SearchParameters;
  readonly pool: Pool;
  /** Value sets and code hierarchies of searches. */
  readonly codes: Codes;
  /** Runs the statement of a search. */
  readonly runPlan: (plan: Plan) => Promise<{ rows: SearchRow[] }>;
  readonly codec: Codec;
  readonly reader: Reader;
  readonly committer: Committer;
  readonly audit: AuditLog;
  readonly nextRid: () => Promise<bigint>;
  readonly keyedHash: (text: string) => Buffer;
  readonly cursorKey: Buffer;
  readonly operations: readonly OperationProvider[];
  readonly jobs: Jobs;
  /** Merges and erasures. */
  readonly people: People;
  /** Absent: Subscription resources are stored like others and do nothing. */
  readonly subscriptions: Subscriptions | undefined;
  readonly now: () => Date;
  readonly log: Logger;
}
