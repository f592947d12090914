// https://hl7.org/fhirpath/ — the part of it that R4's SearchParameter expressions use, as a syntax tree.
export type Expression =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'resource' }
  | { readonly kind: 'literal'; readonly value: string | boolean }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: number }
  | { readonly kind: 'call'; readonly of: Expression | undefined; readonly name: string; readonly argument: Expression | undefined }
  | { readonly kind: 'type'; readonly of: Expression; readonly operator: 'is' | 'as'; readonly type: string }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

type Operator = '|' | '=' | '!=' | 'and' | 'or';

const token = /\s*(?:('(?:[^'\\]|\\.)*')|(\d+)|(%?[A-Za-z_][A-Za-z0-9_]*)|(!=|[|=.()[\],]))/y;

function tokens(text: string): string[] {
  const found: string[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (!match) throw new SyntaxError('A search expression has a character outside of the supported grammar.');
    found.push(match[0].trim());
  }
  return found;
}

/** Operators by binding strength, weakest first. */
const levels: readonly (readonly Operator[])[] = [['or'], ['and'], ['=', '!='], ['|']];

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokens(text);
  }

  parse(): Expression {
    const tree = this.binary(0);
    if (this.at < this.tokens.length) throw new SyntaxError('A search expression goes on after its end.');
    return tree;
  }

  private take(expected?: string): string {
    const next = this.tokens[this.at];
    if (next === undefined || (expected !== undefined && next !== expected))
      throw new SyntaxError('A search expression ends or turns unexpectedly.');
    this.at++;
    return next;
  }

  private accept(text: string): boolean {
    if (this.tokens[this.at] !== text) return false;
    this.at++;
    return true;
  }

  private binary(level: number): Expression {
    const operators = levels[level];
    if (!operators) return this.typed();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((o) => this.accept(o));
      if (!operator) return left;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
  }

  private typed(): Expression {
    let left = this.path();
    for (;;) {
      const operator = this.accept('is') ? 'is' : this.accept('as') ? 'as' : undefined;
      if (!operator) return left;
      left = { kind: 'type', of: left, operator, type: this.typeName() };
    }
  }

  private typeName(): string {
    let name = this.take();
    while (this.accept('.')) name = this.take();
    return name;
  }

  private path(): Expression {
    let left = this.primary();
    for (;;) {
      if (this.accept('[')) {
        left = { kind: 'index', of: left, index: Number(this.take()) };
        this.take(']');
      } else if (this.accept('.')) {
        left = this.invocation(left);
      } else return left;
    }
  }

  private primary(): Expression {
    if (this.accept('(')) {
      const inner = this.binary(0);
      this.take(')');
      return inner;
    }
    const next = this.tokens[this.at] ?? '';
    if (next.startsWith("'")) return { kind: 'literal', value: this.take().slice(1, -1).replace(/\\(.)/g, '$1') };
    if (next === 'true' || next === 'false') return { kind: 'literal', value: this.take() === 'true' };
    if (next === '%resource') {
      this.take();
      return { kind: 'resource' };
    }
    return this.invocation(undefined);
  }

  private invocation(of: Expression | undefined): Expression {
    const name = this.take();
    if (!/^[A-Za-z_]/.test(name)) throw new SyntaxError('A search expression lacks a name.');
    if (!this.accept('(')) return of ? { kind: 'member', of, name } : { kind: 'name', name };
    if (this.accept(')')) return { kind: 'call', of, name, argument: undefined };
    const argument = this.binary(0);
    this.take(')');
    return { kind: 'call', of, name, argument };
  }
}

/** @throws SyntaxError for what lies outside of the supported grammar */
export function parseExpression(text: string): Expression {
  return new Parser(text).parse();
}
