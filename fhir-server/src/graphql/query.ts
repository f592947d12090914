// https://spec.graphql.org/October2021/#sec-Executing-Requests — one operation of a document with its variables: checked, bounded, ready to run.
import type {
  ArgumentNode,
  DirectiveNode,
  FieldNode,
  FragmentDefinitionNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  TypeNode,
  ValueNode,
  VariableDefinitionNode,
} from 'graphql/language';
import { type Document, parseDocument } from './document.ts';
import { queryFault } from './fault.ts';

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

/** Fields of the language itself, but the name of a type. */
const introspection = /^__(?!typename$)/;

/** The name that a field has in the answer. */
export function answerName({ alias, name }: FieldNode): string {
  return (alias ?? name).value;
}

/** A query that can be run: its fragments exist, end, and are few. */
export class Query {
  readonly selections: readonly SelectionNode[];
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly variables: ReadonlyMap<string, Plain>;

  /** @throws OperationOutcomeError 400 or 422 */
  static async parse({ query, variables, operationName }: Request): Promise<Query> {
    const document = await parseDocument(query);
    return new Query(chosen(document, operationName), document.fragments, variables);
  }

  private constructor(operation: OperationDefinitionNode, fragments: Document['fragments'], variables: Request['variables']) {
    this.fragments = fragments;
    this.selections = operation.selectionSet.selections;
    this.variables = variablesOf(operation.variableDefinitions ?? [], variables);
    this.check();
  }

  /** What a spread or an inline fragment selects, and of which type; undefined: of any. */
  fragmentOf(selection: FragmentSpreadNode | InlineFragmentNode): {
    readonly type: string | undefined;
    readonly selections: readonly SelectionNode[];
  } {
    const fragment = selection.kind === 'InlineFragment' ? selection : this.fragments.get(selection.name.value);
    if (!fragment) throw queryFault('The query names a fragment that it does not define.');
    return { type: fragment.typeCondition?.name.value, selections: fragment.selectionSet.selections };
  }

  /** A variable without a value is an argument that is not there. */
  args(args: readonly ArgumentNode[] = []): ReadonlyMap<string, Plain> {
    const present = args.filter(({ value }) => value.kind !== 'Variable' || this.variables.has(value.name.value));
    return new Map(present.map(({ name, value }) => [name.value, plainOf(value, this.variables)]));
  }

  /** https://spec.graphql.org/October2021/#sec--skip, #sec--include */
  isIncluded(directives: readonly DirectiveNode[] = []): boolean {
    return directives.every((directive) => {
      const name = directive.name.value;
      if (name !== 'skip' && name !== 'include') return true;
      const condition = this.args(directive.arguments).get('if');
      if (typeof condition !== 'boolean') throw queryFault('@skip and @include take a condition: true or false.', 'value');
      return condition === (name === 'include');
    });
  }

  /** Fragments that spread themselves nest too deeply. */
  private check(): void {
    let fields = 0;
    const visit = (selections: readonly SelectionNode[], depth: number): void => {
      if (depth > maximumDepth) throw queryFault('The query nests too deeply.', 'too-costly');
      for (const selection of selections) {
        if (selection.kind !== 'Field') {
          visit(this.fragmentOf(selection).selections, depth + 1);
          continue;
        }
        if (introspection.test(selection.name.value) || introspection.test(answerName(selection)))
          throw queryFault('The types of this server are those of FHIR R4: they are not told by introspection.', 'not-supported');
        fields += 1;
        if (fields > maximumFields) throw queryFault('The query has too many fields.', 'too-costly');
        visit(selection.selectionSet?.selections ?? [], depth + 1);
      }
    };
    visit(this.selections, 1);
  }
}

function chosen({ operations }: Document, name: string | undefined): OperationDefinitionNode {
  const found = name === undefined ? operations : operations.filter((each) => each.name?.value === name);
  const [operation] = found;
  if (!operation || found.length > 1) throw queryFault('There must be one query, or operationName names one.', 'required');
  if (operation.operation !== 'query') throw queryFault('Only queries are supported.', 'not-supported');
  return operation;
}

const scalars: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['Int', Number.isInteger],
  ['Float', (value: unknown) => typeof value === 'number'],
  ['Boolean', (value: unknown) => typeof value === 'boolean'],
  ['String', (value: unknown) => typeof value === 'string'],
  ['ID', (value: unknown) => typeof value === 'string' || typeof value === 'number'],
]);

function isPlain(value: unknown): value is Plain {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** The innermost type of a variable, and what stands around it. */
function shapeOf(type: TypeNode): { readonly type: string; readonly isList: boolean; readonly isRequired: boolean } {
  const isRequired = type.kind === 'NonNullType';
  const outer = type.kind === 'NonNullType' ? type.type : type;
  let inner: TypeNode = outer;
  while (inner.kind !== 'NamedType') inner = inner.type;
  return { type: inner.name.value, isList: outer.kind === 'ListType', isRequired };
}

function variablesOf(definitions: readonly VariableDefinitionNode[], given: Request['variables']): ReadonlyMap<string, Plain> {
  const values = new Map<string, Plain>();
  for (const { variable, type: written, defaultValue } of definitions) {
    const name = variable.name.value;
    const { type, isList, isRequired } = shapeOf(written);
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) ?? (defaultValue && plainOf(defaultValue, new Map()));
    if (value === undefined || value === null) {
      if (isRequired) throw queryFault('A variable that the query needs has no value.', 'required');
      continue;
    }
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isOfType = scalars.get(type) ?? isPlain;
    if ((Array.isArray(value) && !isList) || !items.every((each) => isPlain(each) && isOfType(each)))
      throw queryFault('A variable has a value of another type.', 'value');
    values.set(name, value as Plain);
  }
  return values;
}

function plainOf(value: ValueNode, variables: ReadonlyMap<string, Plain>): Plain {
  switch (value.kind) {
    case 'Variable': {
      const given = variables.get(value.name.value);
      if (given === undefined) throw queryFault('The query uses a variable that has no value.', 'required');
      return given;
    }
    case 'ListValue':
      return value.values.map((each) => plainOf(each, variables));
    case 'ObjectValue':
      return Object.fromEntries(value.fields.map((field) => [field.name.value, plainOf(field.value, variables)]));
    case 'NullValue':
      return null;
    case 'IntValue':
    case 'FloatValue':
      return Number(value.value);
    default:
      // Codes may be written without quotes, as an enumeration's.
      return value.value;
  }
}
