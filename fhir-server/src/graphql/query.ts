// https://spec.graphql.org/October2021/#sec-Executing-Requests — one operation of a document with its variables: checked, bounded, ready to run.
import { parseQuery } from './parser.ts';
import {
  type Arguments,
  type Directive,
  type Document,
  type Fragment,
  type Operation,
  queryFault,
  type Selection,
  type Value,
  type VariableDefinition,
} from './syntax.ts';

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

export interface Request {
  readonly query: string;
  readonly variables: { readonly [name: string]: unknown };
  readonly operationName: string | undefined;
}

/** Fields in fields; a search, its resource and a reference in it take four. */
const maximumDepth = 20;
/** Fields after all fragments are put in. */
const maximumFields = 400;

/** A query that can be run: its fragments exist, end, and are few. */
export class Query {
  readonly selections: readonly Selection[];
  private readonly fragments: ReadonlyMap<string, Fragment>;
  private readonly variables: ReadonlyMap<string, Plain>;

  /** @throws OperationOutcomeError 400 or 422 */
  constructor({ query, variables, operationName }: Request) {
    const document = parseQuery(query);
    const operation = chosen(document, operationName);
    this.fragments = document.fragments;
    this.selections = operation.selections;
    this.variables = variablesOf(operation.variables, variables);
    let fields = 0;
    const visit = (selections: readonly Selection[], depth: number): void => {
      if (depth > maximumDepth) throw queryFault('The query nests too deeply.', 'too-costly');
      for (const selection of selections) {
        if (selection.kind !== 'field') {
          visit(this.fragmentOf(selection).selections, depth + 1);
          continue;
        }
        if (/^__(?!typename$)/.test(selection.name) || /^__(?!typename$)/.test(selection.alias))
          throw queryFault('The types of this server are those of FHIR R4: they are not told by introspection.', 'not-supported');
        fields += 1;
        if (fields > maximumFields) throw queryFault('The query has too many fields.', 'too-costly');
        visit(selection.selections ?? [], depth + 1);
      }
    };
    visit(this.selections, 1);
  }

  /** What a spread or an inline fragment selects, and of which type; undefined: of any. */
  fragmentOf(selection: Exclude<Selection, { kind: 'field' }>): {
    readonly type: string | undefined;
    readonly selections: readonly Selection[];
  } {
    if (selection.kind === 'inline') return selection;
    const fragment = this.fragments.get(selection.fragment);
    if (!fragment) throw queryFault('The query names a fragment that it does not define.');
    return fragment;
  }

  value(value: Value): Plain {
    if (value.kind === 'scalar') return value.value;
    if (value.kind === 'list') return value.items.map((each) => this.value(each));
    if (value.kind === 'object') return Object.fromEntries([...value.fields].map(([name, each]) => [name, this.value(each)]));
    const given = this.variables.get(value.name);
    if (given === undefined) throw queryFault('The query uses a variable that has no value.', 'required');
    return given;
  }

  /** A variable without a value is an argument that is not there. */
  args(args: Arguments): ReadonlyMap<string, Plain> {
    const present = [...args].filter(([, value]) => value.kind !== 'variable' || this.variables.has(value.name));
    return new Map(present.map(([name, value]) => [name, this.value(value)]));
  }

  /** https://spec.graphql.org/October2021/#sec--skip, #sec--include */
  isIncluded(directives: readonly Directive[]): boolean {
    return directives.every(({ name, args }) => {
      if (name !== 'skip' && name !== 'include') return true;
      const condition = this.args(args).get('if');
      if (typeof condition !== 'boolean') throw queryFault('@skip and @include take a condition: true or false.', 'value');
      return condition === (name === 'include');
    });
  }
}

function chosen({ operations }: Document, name: string | undefined): Operation {
  const found = name === undefined ? operations : operations.filter((each) => each.name === name);
  const [operation] = found;
  if (!operation || found.length > 1) throw queryFault('There must be one query, or operationName names one.', 'required');
  if (operation.kind !== 'query') throw queryFault('Only queries are supported.', 'not-supported');
  return operation;
}

const scalars: { readonly [type: string]: ((value: unknown) => boolean) | undefined } = {
  Int: Number.isInteger,
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string' || typeof value === 'number',
};

function isPlain(value: unknown): value is Plain {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function variablesOf(definitions: readonly VariableDefinition[], given: Request['variables']): ReadonlyMap<string, Plain> {
  const values = new Map<string, Plain>();
  for (const { name, type, isList, isRequired, fallback } of definitions) {
    const value = given[name] ?? (fallback ? constantOf(fallback) : undefined);
    if (value === undefined || value === null) {
      if (isRequired) throw queryFault('A variable that the query needs has no value.', 'required');
      continue;
    }
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isOfType = scalars[type] ?? isPlain;
    if ((Array.isArray(value) && !isList) || !items.every((each) => isPlain(each) && isOfType(each)))
      throw queryFault('A variable has a value of another type.', 'value');
    values.set(name, value as Plain);
  }
  return values;
}

function constantOf(value: Value): Plain {
  if (value.kind === 'variable') throw queryFault('The query is not GraphQL.');
  if (value.kind === 'list') return value.items.map(constantOf);
  if (value.kind === 'object') return Object.fromEntries([...value.fields].map(([name, each]) => [name, constantOf(each)]));
  return value.value;
}
