// https://hl7.org/fhir/R4/search.html — a search as plain data: what was asked, checked against the definitions, with no SQL in it yet.

import type { Guard } from '../store/guard.ts';
import type { Statement } from '../store/pools.ts';
import type { WordQuery } from './word-query.ts';

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export interface TokenTerm {
  readonly kind: 'token';
  /** undefined: any system; empty: no system (`|code`). */
  readonly system: string | undefined;
  /** undefined: any code (`system|`). */
  readonly code: string | undefined;
}
/** `:of-type`: all three in the same identifier. */
export interface IdentifierTerm {
  readonly kind: 'identifier';
  readonly typeSystem: string;
  readonly typeCode: string;
  readonly value: string;
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
  /** Quantities: undefined = any unit. */
  readonly unit: QuantityUnit | undefined;
}
/** A code or label as written, or a unit by system and code: canonical where UCUM converts it, and then value, lo and hi are so too. */
type QuantityUnit = { readonly kind: 'written'; readonly text: string } | { readonly kind: 'exact'; readonly key: string };
export interface ReferenceTerm {
  readonly kind: 'reference';
  /** Any of these: "Type/id", or an absolute, canonical or urn text. */
  readonly targets: readonly string[];
}
/** `near`. */
export interface PlaceTerm {
  readonly kind: 'place';
  readonly latitude: number;
  readonly longitude: number;
  readonly kilometres: number;
}
/** `_text`, `_content`. */
export interface WordsTerm {
  readonly kind: 'words';
  readonly query: WordQuery;
}
export interface CompositeTerm {
  readonly kind: 'composite';
  readonly parts: readonly Term[];
}
export type Term = TokenTerm | IdentifierTerm | StringTerm | DateTerm | NumberTerm | ReferenceTerm | PlaceTerm | WordsTerm | CompositeTerm;

export type Modifier = 'missing' | 'exact' | 'contains' | 'not' | 'identifier' | 'text' | 'of-type' | 'in' | 'not-in' | 'above' | 'below';

/** One parameter with its values. */
export interface Criterion {
  /** The type searched. */
  readonly type: string;
  readonly param: string;
  /** Type of the search parameter. */
  readonly kind: 'token' | 'uri' | 'string' | 'date' | 'number' | 'quantity' | 'reference' | 'composite' | 'place' | 'words';
  readonly modifier: Modifier | undefined;
  /** Value of `:missing`. */
  readonly missing: boolean | undefined;
  /** Any of them (comma = OR); empty only with `:missing`. */
  readonly terms: readonly Term[];
  /** Parameters under which the values are indexed: more than one for `combo-code` and the like. */
  readonly indexedAs: readonly string[];
  /** Reference parameters whose patients are the own patient of the resource. */
  readonly ownPatient: boolean;
  /** Composite: see Group in parameter.ts. */
  readonly groups: readonly string[];
  /** What terms that need a look-up stand for (`:text :in :not-in :above :below`, see resolve.ts): token hashes, any of them. */
  readonly resolved?: readonly bigint[];
}

/** `subject:Patient.name=…`: a resource that the reference leads to meets the condition. */
export interface Chain {
  readonly kind: 'chain';
  readonly type: string;
  readonly param: string;
  readonly ownPatient: boolean;
  /** One a possible type of the target. */
  readonly alternatives: readonly ChainTarget[];
}

export interface ChainTarget {
  readonly type: string;
  readonly condition: Condition;
  /** All that meet the condition, when they are few (resolve.ts). */
  readonly few?: readonly { readonly self: bigint; readonly rid: bigint }[];
}

/** `_has:Observation:patient:code=…`: a resource that refers to this one meets the condition. */
export interface ReverseChain {
  readonly kind: 'has';
  /** The type searched, which the references lead to. */
  readonly type: string;
  readonly source: string;
  readonly param: string;
  readonly ownPatient: boolean;
  readonly condition: Condition;
  /** rids of all that are so referred to, when they are few (resolve.ts). */
  readonly few?: readonly bigint[];
}

/** `_filter`, and what is made of several conditions. */
export interface Combination {
  readonly kind: 'and' | 'or' | 'not';
  readonly type: string;
  readonly conditions: readonly Condition[];
}

export type Condition = Criterion | Chain | ReverseChain | Combination;

export function isCriterion(condition: Condition): condition is Criterion {
  return 'terms' in condition;
}

/** A condition and all inside it. */
export function* conditionsWithin(condition: Condition): Generator<Condition> {
  yield condition;
  if (isCriterion(condition)) return;
  const inner =
    condition.kind === 'chain'
      ? condition.alternatives.map((a) => a.condition)
      : condition.kind === 'has'
        ? [condition.condition]
        : condition.conditions;
  for (const each of inner) yield* conditionsWithin(each);
}

export interface SortKey {
  readonly param: string;
  readonly kind: 'date' | 'string' | 'number' | 'quantity' | 'token' | 'uri' | 'id' | 'lastUpdated' | 'clinicalDate';
  readonly descending: boolean;
}

/** `_include=Observation:patient:Patient`, or the same the other way round for `_revinclude`. */
export interface Include {
  /** `*` with the parameter `*`: every reference of every type. */
  readonly source: string;
  /** `*`: all reference parameters of the source. */
  readonly param: string;
  readonly target: string | undefined;
  /** Also from what was included. */
  readonly iterate: boolean;
}

export interface SearchQuery {
  readonly type: string;
  readonly criteria: readonly Condition[];
  readonly sort: readonly SortKey[];
  /** Resources a page; 0 asks for the count only, as `_summary=count` does. */
  readonly count: number;
  readonly total: 'none' | 'estimate' | 'accurate' | undefined;
  readonly summaryCount: boolean;
  readonly includes: readonly Include[];
  readonly revincludes: readonly Include[];
  /** Ids of List resources whose members are searched (`_list`). */
  readonly lists: readonly string[];
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
  /** What labels and consents hide all the same; of one caller it is the same in every grant. */
  readonly guard?: Guard;
}[];

/** Where a page ended: text of the sort keys of its last row, and its rid. */
export interface Cursor {
  readonly keys: readonly (string | null)[];
  readonly rid: string;
}

export interface PlanContext {
  readonly tenant: number;
  typeNumber(type: string): number;
  /** Access to the type searched, and to each type that a chain or `_has` visits. */
  access(type: string): AccessPredicate;
  /** Only resources dated before this, and undated ones of a patient that has one so dated. */
  readonly visibleBeforeMs?: number;
  /** rid of a patient; undefined: there is none. */
  patientRid(id: string): bigint | undefined;
  /** Continue after this row. */
  readonly cursor?: Cursor;
}

export type Plan = Statement;
