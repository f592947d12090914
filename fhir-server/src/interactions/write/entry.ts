// One requested change, whichever way it came: a single interaction or an entry of a transaction.
import type { Resource } from '@limen/fhir-model';
import type { Patch, Patched } from '../../patch/index.ts';

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
  /** The resource came of a patch of this version: stored form with new values in it (ADR 0010). */
  readonly patched?: Omit<Patched, 'resource'> & { readonly base: number };
  /** Where issues point: "Observation" or "Bundle.entry[2].resource". */
  readonly expression: string;
}

/** A patch, which becomes an update when the version that it is made on has been read. */
export interface PatchEntry extends Omit<WriteEntry, 'kind' | 'resource' | 'patched'> {
  readonly kind: 'patch';
  readonly resource?: undefined;
  readonly patch: Patch;
}

/** What a request asks for. */
export type RequestedEntry = WriteEntry | PatchEntry;

export interface WriteResult {
  readonly status: 200 | 201 | 204;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  /** Stored text after the write; undefined for a delete. */
  readonly text: string | undefined;
}
