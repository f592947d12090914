// https://spec.graphql.org/October2021/#sec-Language — the query language as data; types and mutations are not part of it.
import { OperationOutcomeError } from '@limen/fhir-model';

export type Value =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean | null }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Value> };

export type Arguments = ReadonlyMap<string, Value>;

export interface Directive {
  readonly name: string;
  readonly args: Arguments;
}

export interface Field {
  readonly kind: 'field';
  readonly name: string;
  /** Name in the answer. */
  readonly alias: string;
  readonly args: Arguments;
  readonly directives: readonly Directive[];
  /** Undefined where none was written. */
  readonly selections: readonly Selection[] | undefined;
}

export interface Spread {
  readonly kind: 'spread';
  readonly fragment: string;
  readonly directives: readonly Directive[];
}

export interface Inline {
  readonly kind: 'inline';
  /** Undefined: of any type. */
  readonly type: string | undefined;
  readonly directives: readonly Directive[];
  readonly selections: readonly Selection[];
}

export type Selection = Field | Spread | Inline;

export interface VariableDefinition {
  readonly name: string;
  /** Name of the innermost type. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly isList: boolean;
  readonly fallback: Value | undefined;
}

export interface Operation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly name: string | undefined;
  readonly variables: readonly VariableDefinition[];
  readonly selections: readonly Selection[];
}

export interface Fragment {
  readonly type: string;
  readonly selections: readonly Selection[];
}

export interface Document {
  readonly operations: readonly Operation[];
  readonly fragments: ReadonlyMap<string, Fragment>;
}

/** A query that is refused as a whole: a fixed sentence, never a part of the query. */
export function queryFault(
  diagnostics: string,
  code: 'invalid' | 'not-supported' | 'too-costly' | 'required' | 'value' = 'invalid',
): OperationOutcomeError {
  return new OperationOutcomeError(code === 'too-costly' ? 422 : 400, { code, diagnostics });
}
