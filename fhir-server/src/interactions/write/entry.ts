// One requested change, whichever way it came: a single interaction or an entry of a transaction.
import type { Resource } from '@limen/fhir-model';

export interface WriteEntry {
  readonly kind: 'create' | 'update' | 'delete';
  readonly type: string;
  /** Logical id of an update or delete by id. */
  readonly id?: string;
  /** Search part of a conditional create, update or delete; "" never occurs. */
  readonly condition?: string;
  readonly ifMatch?: number;
  readonly resource?: Resource;
  readonly fullUrl?: string;
  /** Where issues point: "Observation" or "Bundle.entry[2].resource". */
  readonly expression: string;
}

export interface WriteResult {
  readonly status: 200 | 201 | 204;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  /** Stored text after the write; undefined for a delete. */
  readonly text: string | undefined;
}
