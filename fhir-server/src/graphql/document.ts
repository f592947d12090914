// https://spec.graphql.org/October2021/#sec-Document — queries and fragments by the reference library; what defines types is refused.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { ASTVisitor, DocumentNode, FragmentDefinitionNode, Lexer, NameNode, OperationDefinitionNode } from 'graphql/language';
import { queryFault } from './fault.ts';

export interface Document {
  readonly operations: readonly OperationDefinitionNode[];
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

const maximumLength = 50_000;
const maximumTokens = 5000;
/** Brackets in brackets: no query needs more. */
const maximumNesting = 60;

/** @throws OperationOutcomeError 400 when it is not GraphQL, 422 when it is too large */
export async function parseDocument(text: string): Promise<Document> {
  if (text.length > maximumLength) throw queryFault('The query is too long.', 'too-costly');
  // Loaded with the first query: most servers are never asked one, and a start does not wait for it.
  const { Lexer, parse, Source, visit } = await import('graphql/language');
  const source = new Source(text);
  const document = refusing(() => {
    bound(new Lexer(source));
    return parse(source, { noLocation: true, maxLexicalTokens: maximumTokens });
  });
  visit(document, rules);
  return partsOf(document);
}

/** The library's messages repeat parts of the query: they are not passed on, nor is their cause. */
function refusing(parse: () => DocumentNode): DocumentNode {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OperationOutcomeError) throw error;
    throw queryFault('The query is not GraphQL.');
  }
}

/** Before the library's parser calls itself for each bracket in a bracket, and says of a limit only that it is an error. */
function bound(lexer: Lexer): void {
  let nesting = 0;
  for (let tokens = 0; tokens <= maximumTokens; tokens++) {
    const { kind } = lexer.advance();
    if (kind === '<EOF>') return;
    if (kind === '{' || kind === '[' || kind === '(') nesting += 1;
    if (kind === '}' || kind === ']' || kind === ')') nesting -= 1;
    if (nesting > maximumNesting) throw queryFault('The query nests too deeply.', 'too-costly');
  }
  throw queryFault('The query is too long.', 'too-costly');
}

function partsOf({ definitions }: DocumentNode): Document {
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === 'OperationDefinition') operations.push(definition);
    else if (definition.kind !== 'FragmentDefinition') throw queryFault('The query is one that defines types.', 'not-supported');
    else if (fragments.has(definition.name.value)) throw queryFault('Two fragments have one name.');
    else fragments.set(definition.name.value, definition);
  }
  return { operations, fragments };
}

function distinct(named: readonly { readonly name: NameNode }[] | undefined): void {
  if (named && new Set(named.map(({ name }) => name.value)).size !== named.length)
    throw queryFault('An argument or a variable is given twice.');
}

/** What the grammar of the library lets pass. */
const rules: ASTVisitor = {
  SelectionSet({ selections }) {
    if (selections.length === 0) throw queryFault('A selection is empty.');
  },
  OperationDefinition: ({ variableDefinitions }) => distinct(variableDefinitions?.map(({ variable }) => variable)),
  ObjectValue: ({ fields }) => distinct(fields),
  Field: (field) => distinct(field.arguments),
  Directive: (directive) => distinct(directive.arguments),
};
