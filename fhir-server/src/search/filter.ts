// https://hl7.org/fhir/R4/search_filter.html — `_filter`: comparisons of search parameters, joined by and, or, not and parentheses.
import type { Combination, Condition } from './criterion.ts';
import { conditionOf } from './parse-condition.ts';
import { malformed, type TermContext, unsupported } from './term.ts';

const maximumDepth = 20;
const maximumLength = 10_000;
const token = /\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"]+))/y;

interface Word {
  readonly kind: 'open' | 'close' | 'text' | 'word';
  readonly text: string;
}

function words(text: string): Word[] {
  if (text.length > maximumLength) throw malformed('A _filter is too long.');
  const found: Word[] = [];
  token.lastIndex = 0;
  while (text.slice(token.lastIndex).trim() !== '') {
    const match = token.exec(text);
    if (!match) throw malformed('A _filter cannot be read: a quotation mark is open.');
    const [, bracket, quoted, bare] = match;
    if (bracket) found.push({ kind: bracket === '(' ? 'open' : 'close', text: bracket });
    else if (quoted !== undefined) found.push({ kind: 'text', text: quoted.replace(/\\(.)/g, '$1') });
    else found.push({ kind: 'word', text: bare ?? '' });
  }
  return found;
}

/** Value of a comparison in the escapes of an ordinary search value. */
function searchValue({ kind, text }: Word): string {
  return kind === 'text' ? text.replace(/[\\,$|]/g, '\\$&') : text.replace(/[\\,$]/g, '\\$&');
}

/** How an operator is said as modifier and prefix; what is not here is not supported (ew, pr and ne apart). */
const operators: { readonly [operator: string]: { readonly modifier?: string; readonly prefix?: string } | undefined } = {
  eq: {},
  re: {},
  sw: {},
  co: { modifier: ':contains' },
  in: { modifier: ':in' },
  ni: { modifier: ':not-in' },
  ss: { modifier: ':below' },
  sb: { modifier: ':above' },
  gt: { prefix: 'gt' },
  lt: { prefix: 'lt' },
  ge: { prefix: 'ge' },
  le: { prefix: 'le' },
  ap: { prefix: 'ap' },
  sa: { prefix: 'sa' },
  eb: { prefix: 'eb' },
  po: { prefix: 'ap' },
};

class FilterParser {
  private readonly type: string;
  private readonly context: TermContext;
  private readonly words: readonly Word[];
  private at = 0;
  private depth = 0;

  constructor(type: string, text: string, context: TermContext) {
    this.type = type;
    this.context = context;
    this.words = words(text);
  }

  whole(): Condition {
    const condition = this.either();
    if (this.at < this.words.length) throw malformed('A _filter does not end where it should.');
    return condition;
  }

  private isWord(text: string): boolean {
    const word = this.words[this.at];
    return word?.kind === 'word' && word.text === text;
  }

  private next(): Word {
    const word = this.words[this.at];
    if (!word) throw malformed('A _filter ends too early.');
    this.at += 1;
    return word;
  }

  private joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const first = part();
    const conditions = [first];
    while (this.isWord(kind)) {
      this.at += 1;
      conditions.push(part());
    }
    return conditions.length === 1 ? first : this.combination(kind, conditions);
  }

  private combination(kind: Combination['kind'], conditions: readonly Condition[]): Combination {
    return { kind, type: this.type, conditions };
  }

  private either(): Condition {
    return this.joined('or', () => this.joined('and', () => this.one()));
  }

  private one(): Condition {
    if (this.isWord('not')) {
      this.at += 1;
      return this.combination('not', [this.one()]);
    }
    if (this.words[this.at]?.kind !== 'open') return this.comparison();
    this.depth += 1;
    if (this.depth > maximumDepth) throw unsupported('A _filter has more than 20 parentheses inside each other: write it flatter.');
    this.at += 1;
    const inner = this.either();
    if (this.next().kind !== 'close') throw malformed('A parenthesis of a _filter is not closed.');
    this.depth -= 1;
    return inner;
  }

  private comparison(): Condition {
    const name = this.next();
    const operator = this.next();
    const value = this.next();
    if (name.kind !== 'word' || operator.kind !== 'word' || value.kind === 'open' || value.kind === 'close')
      throw malformed('A comparison of a _filter is not parameter, operator and value.');
    if (operator.text === 'ne') return this.combination('not', [this.compared(name.text, {}, searchValue(value))]);
    if (operator.text === 'pr') return this.compared(name.text, { modifier: ':missing' }, value.text === 'true' ? 'false' : 'true');
    const said = Object.hasOwn(operators, operator.text) ? operators[operator.text] : undefined;
    if (!said)
      throw unsupported(
        'An operator of a _filter is not supported: eq, ne, gt, lt, ge, le, sa, eb, ap, co, sw, re, in, ni, ss, sb, po and pr are.',
      );
    return this.compared(name.text, said, searchValue(value));
  }

  private compared(name: string, said: { readonly modifier?: string; readonly prefix?: string }, value: string): Condition {
    const condition = conditionOf(this.type, `${name}${said.modifier ?? ''}`, `${said.prefix ?? ''}${value}`, this.context);
    if (!condition)
      throw unsupported(
        'A search parameter of a _filter is unknown for this resource type: the CapabilityStatement lists those that are known.',
      );
    return condition;
  }
}

/** @throws OperationOutcomeError 400 */
export function parseFilter(type: string, text: string, context: TermContext): Condition {
  return new FilterParser(type, text, context).whole();
}
