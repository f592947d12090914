// https://hl7.org/fhir/R4/search.html — a search as plain data: what was asked, checked against the definitions, with no SQL in it yet.
export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export interface TokenTerm {
  readonly kind: 'token';
  /** undefined: any system; empty: no system (`|code`). */
  readonly system: string | undefined;
  /** undefined: any code (`system|`). */
  readonly code: string | undefined;
}
export interface StringTerm {
  readonly kind: 'string';
  readonly text: string;
}
/** lo inclusive, hi exclusive: what the value means by its precision; for `ap` already widened. */
export interface DateTerm {
  readonly kind: 'date';
  readonly prefix: Prefix;
  readonly lo: number;
  readonly hi: number;
}
export interface NumberTerm {
  readonly kind: 'number' | 'quantity';
  readonly prefix: Prefix;
  readonly value: number;
  readonly lo: number;
  readonly hi: number;
  /** Quantities: undefined = any unit; system empty = a bare code or unit. */
  readonly unit: { readonly system: string; readonly code: string } | undefined;
}
export interface ReferenceTerm {
  readonly kind: 'reference';
  /** Any of these: "Type/id", or an absolute, canonical or urn text. */
  readonly targets: readonly string[];
}
export interface CompositeTerm {
  readonly kind: 'composite';
  readonly parts: readonly Term[];
}
export type Term = TokenTerm | StringTerm | DateTerm | NumberTerm | ReferenceTerm | CompositeTerm;

export type Modifier = 'missing' | 'exact' | 'contains' | 'not' | 'identifier';

export interface Criterion {
  /** The type searched. */
  readonly type: string;
  readonly param: string;
  /** Type of the search parameter. */
  readonly kind: 'token' | 'uri' | 'string' | 'date' | 'number' | 'quantity' | 'reference' | 'composite';
  readonly modifier: Modifier | undefined;
  /** Value of `:missing`. */
  readonly missing: boolean | undefined;
  /** Any of them (comma = OR); empty only with `:missing`. */
  readonly terms: readonly Term[];
  /** Reference parameters whose patients are the own patient of the resource. */
  readonly ownPatient: boolean;
  /** Composite: see Group in parameter.ts. */
  readonly groups: readonly string[];
}

export interface SortKey {
  readonly param: string;
  readonly kind: 'date' | 'string' | 'number' | 'quantity' | 'id' | 'lastUpdated' | 'clinicalDate';
  readonly descending: boolean;
}

/** `_include=Observation:patient:Patient`, or the same the other way round for `_revinclude`. */
export interface Include {
  readonly source: string;
  readonly param: string;
  readonly target: string | undefined;
}

export interface SearchQuery {
  readonly type: string;
  readonly criteria: readonly Criterion[];
  readonly sort: readonly SortKey[];
  /** Resources a page; 0 asks for the count only, as `_summary=count` does. */
  readonly count: number;
  readonly total: 'none' | 'estimate' | 'accurate' | undefined;
  readonly summaryCount: boolean;
  readonly includes: readonly Include[];
  readonly revincludes: readonly Include[];
  /** `_cursor` as it came. */
  readonly cursor: string | undefined;
  /** Unknown parameters that lenient handling left out. */
  readonly ignored: readonly string[];
  /** Name and value of all parameters that were used, in order: the self link. */
  readonly used: readonly (readonly [string, string])[];
}

/** Union of grants: what the caller may see. An empty list opens nothing. */
export type AccessPredicate = readonly {
  /** Only resources of this own patient. */
  readonly patientRid?: bigint;
  readonly criteria: readonly Criterion[];
}[];

/** Where a page ended: text of the sort keys of its last row, and its rid. */
export interface Cursor {
  readonly keys: readonly (string | null)[];
  readonly rid: string;
}

export interface PlanContext {
  readonly tenant: number;
  typeNumber(type: string): number;
  readonly access: AccessPredicate;
  /** Only resources dated before this, and undated ones of a patient that has one so dated. */
  readonly visibleBeforeMs?: number;
  /** rid of a patient's current resource; what it does not know is looked up among the references. */
  patientRid(id: string): bigint | undefined;
  /** Continue after this row. */
  readonly cursor?: Cursor;
}

export interface Plan {
  readonly text: string;
  readonly values: unknown[];
  /** The access path is one patient's part of an index whatever the values are: the database need not plan it anew each time. */
  readonly pinned?: boolean;
}
