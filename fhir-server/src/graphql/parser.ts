// https://spec.graphql.org/October2021/#sec-Document — queries and fragments; what defines types is refused.
import { type Token, tokensOf } from './lexer.ts';
import {
  type Arguments,
  type Directive,
  type Document,
  type Field,
  type Fragment,
  type Operation,
  queryFault,
  type Selection,
  type Value,
  type VariableDefinition,
} from './syntax.ts';

/** Brackets in brackets: no query needs more, and the stack has an end. */
const maximumNesting = 60;
const words: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const end: Token = { kind: 'end', text: '' };

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;
  private nesting = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  document(): Document {
    const operations: Operation[] = [];
    const fragments = new Map<string, Fragment>();
    while (this.peek().kind !== 'end') {
      if (this.peek().text !== 'fragment' || this.peek().kind !== 'name') {
        operations.push(this.operation());
        continue;
      }
      this.next();
      const name = this.name();
      if (name === 'on' || fragments.has(name)) throw queryFault('A fragment has a wrong name.');
      fragments.set(name, { type: this.condition(), selections: this.selections() });
    }
    return { operations, fragments };
  }

  private peek(): Token {
    return this.tokens[this.at] ?? end;
  }

  private next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }

  private isNext(punctuator: string): boolean {
    const { kind, text } = this.peek();
    return kind === 'punctuator' && text === punctuator;
  }

  private take(punctuator: string): boolean {
    const isThere = this.isNext(punctuator);
    if (isThere) this.at += 1;
    return isThere;
  }

  private expect(punctuator: string): void {
    if (!this.take(punctuator)) throw queryFault('The query is not GraphQL.');
  }

  private name(): string {
    const { kind, text } = this.next();
    if (kind !== 'name') throw queryFault('The query is not GraphQL.');
    return text;
  }

  /** Items between brackets. */
  private between<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    this.nesting += 1;
    if (this.nesting > maximumNesting) throw queryFault('The query nests too deeply.', 'too-costly');
    const items: T[] = [];
    while (!this.take(close)) items.push(item());
    this.nesting -= 1;
    return items;
  }

  private operation(): Operation {
    if (this.isNext('{')) return { kind: 'query', name: undefined, variables: [], selections: this.selections() };
    const kind = this.name();
    if (kind !== 'query' && kind !== 'mutation' && kind !== 'subscription') throw queryFault('The query is not GraphQL.');
    const name = this.peek().kind === 'name' ? this.name() : undefined;
    const variables = this.isNext('(') ? this.between('(', ')', () => this.variable()) : [];
    this.directives();
    return { kind, name, variables, selections: this.selections() };
  }

  private variable(): VariableDefinition {
    this.expect('$');
    const name = this.name();
    this.expect(':');
    const type = this.type();
    const fallback = this.take('=') ? this.value() : undefined;
    this.directives();
    return { name, ...type, fallback };
  }

  private type(): Pick<VariableDefinition, 'type' | 'isList' | 'isRequired'> {
    if (!this.isNext('[')) return { type: this.name(), isList: false, isRequired: this.take('!') };
    const [inner = { type: '' }] = this.between('[', ']', () => this.type());
    return { type: inner.type, isList: true, isRequired: this.take('!') };
  }

  private condition(): string {
    if (this.name() !== 'on') throw queryFault('The query is not GraphQL.');
    return this.name();
  }

  private selections(): readonly Selection[] {
    const selections = this.between('{', '}', () => this.selection());
    if (selections.length === 0) throw queryFault('A selection is empty.');
    return selections;
  }

  private selection(): Selection {
    if (!this.take('...')) return this.field();
    const isSpread = this.peek().kind === 'name' && this.peek().text !== 'on';
    if (isSpread) return { kind: 'spread', fragment: this.name(), directives: this.directives() };
    const type = this.peek().kind === 'name' ? this.condition() : undefined;
    return { kind: 'inline', type, directives: this.directives(), selections: this.selections() };
  }

  private field(): Field {
    const first = this.name();
    const name = this.take(':') ? this.name() : first;
    const args = this.arguments();
    const directives = this.directives();
    return { kind: 'field', name, alias: first, args, directives, selections: this.isNext('{') ? this.selections() : undefined };
  }

  private arguments(): Arguments {
    if (!this.isNext('(')) return new Map();
    return this.entries('(', ')');
  }

  private entries(open: string, close: string): Arguments {
    const entries = this.between(open, close, (): [string, Value] => {
      const name = this.name();
      this.expect(':');
      return [name, this.value()];
    });
    const map = new Map(entries);
    if (map.size !== entries.length) throw queryFault('An argument is given twice.');
    return map;
  }

  private directives(): readonly Directive[] {
    const directives: Directive[] = [];
    while (this.take('@')) directives.push({ name: this.name(), args: this.arguments() });
    return directives;
  }

  private value(): Value {
    if (this.isNext('[')) return { kind: 'list', items: this.between('[', ']', () => this.value()) };
    if (this.isNext('{')) return { kind: 'object', fields: this.entries('{', '}') };
    if (this.take('$')) return { kind: 'variable', name: this.name() };
    const { kind, text } = this.next();
    if (kind === 'string') return { kind: 'scalar', value: text };
    if (kind === 'number') return { kind: 'scalar', value: Number(text) };
    if (kind !== 'name') throw queryFault('The query is not GraphQL.');
    // Codes may be written without quotes, as an enumeration's.
    return { kind: 'scalar', value: words.has(text) ? (words.get(text) ?? null) : text };
  }
}

/** @throws OperationOutcomeError 400 when it is not GraphQL, 422 when it is too large */
export function parseQuery(text: string): Document {
  return new Parser(text).document();
}
