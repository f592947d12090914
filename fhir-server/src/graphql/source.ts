// Where a query's resources come from: the store with the caller's rights, or a test's.
import type { Resource } from '@limen/fhir-model';

interface Edge {
  readonly mode?: string;
  readonly score?: number;
  readonly resource: Resource;
}

/** https://hl7.org/fhir/R4/graphql.html#searching: a page of a search, and how to ask for the others. */
export interface Connection {
  readonly count?: number;
  readonly offset?: number;
  readonly pagesize: number;
  readonly edges: readonly Edge[];
  readonly first?: string;
  readonly previous?: string;
  readonly next?: string;
  readonly last?: string;
}

export interface Source {
  /** @param reference relative: "Patient/1", "Patient/1/_history/2"; undefined for what is not there or may not be seen */
  read(reference: string): Promise<Resource | undefined>;
  /** @throws OperationOutcomeError when the search is refused */
  search(type: string, params: readonly (readonly [string, string])[], wantsCount: boolean): Promise<Connection>;
  /** Which values meet a FHIRPath condition. @throws OperationOutcomeError when it is none */
  filter(expression: string, type: string, values: readonly unknown[]): Promise<readonly boolean[]>;
}
