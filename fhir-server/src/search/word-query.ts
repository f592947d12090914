// https://hl7.org/fhir/R4/search.html#content — values of `_text` and `_content`: words, "phrases", and, or, not (or -), parentheses.
import { malformed, unsupported } from './term.ts';
import { splitWords, type Words } from './words.ts';

export type WordQuery =
  | { readonly kind: 'phrase'; readonly words: readonly string[] }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly WordQuery[] }
  | { readonly kind: 'not'; readonly part: WordQuery };

const token = /\s*(?:([()])|"([^"]*)"|(-)(?=\S)|([^\s()"]+))/y;
const maximumTokens = 100;
const maximumDepth = 20;

interface Token {
  readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'text';
  readonly text: string;
}

function tokensOf(value: string): Token[] {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (value.slice(token.lastIndex).trim() !== '') {
    const match = token.exec(value);
    if (!match) throw malformed('A value of _text or _content has an open quotation mark.');
    const [, bracket, quoted, minus, bare] = match;
    const operator = bare !== undefined && /^(?:and|or|not)$/i.test(bare) ? (bare.toLowerCase() as 'and' | 'or' | 'not') : undefined;
    if (bracket) found.push({ kind: bracket === '(' ? 'open' : 'close', text: bracket });
    else if (minus) found.push({ kind: 'not', text: minus });
    else if (operator) found.push({ kind: operator, text: operator });
    else found.push({ kind: 'text', text: quoted ?? bare ?? '' });
  }
  if (found.length > maximumTokens) throw unsupported('A value of _text or _content has more than a hundred words: shorten it.');
  return found;
}

class QueryParser {
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;

  constructor(value: string) {
    this.tokens = tokensOf(value);
  }

  whole(): WordQuery {
    const query = this.either();
    if (this.at < this.tokens.length) throw malformed('A parenthesis of _text or _content was not opened.');
    return query;
  }

  private get next(): Token['kind'] | undefined {
    return this.tokens[this.at]?.kind;
  }

  private accept(kind: Token['kind']): boolean {
    if (this.next !== kind) return false;
    this.at += 1;
    return true;
  }

  private either(): WordQuery {
    const parts = [this.all()];
    while (this.accept('or')) parts.push(this.all());
    return joined('or', parts);
  }

  private all(): WordQuery {
    const parts = [this.one()];
    while (this.accept('and') || this.next === 'text' || this.next === 'not' || this.next === 'open') parts.push(this.one());
    return joined('and', parts);
  }

  private one(): WordQuery {
    this.depth += 1;
    if (this.depth > maximumDepth) throw unsupported('A value of _text or _content is nested too deeply.');
    const found = this.unit();
    this.depth -= 1;
    return found;
  }

  private unit(): WordQuery {
    if (this.accept('not')) return { kind: 'not', part: this.one() };
    if (this.accept('open')) {
      const inner = this.either();
      if (!this.accept('close')) throw malformed('A parenthesis of _text or _content is not closed.');
      return inner;
    }
    const words = this.next === 'text' ? splitWords(this.tokens[this.at]?.text ?? '') : [];
    this.at += 1;
    if (words.length === 0) throw malformed('A value of _text or _content lacks a word where one is expected.');
    return { kind: 'phrase', words };
  }
}

function joined(kind: 'and' | 'or', parts: readonly WordQuery[]): WordQuery {
  return parts.length === 1 && parts[0] ? parts[0] : { kind, parts };
}

/** @throws OperationOutcomeError 400 */
export function parseWords(value: string): WordQuery {
  return new QueryParser(value).whole();
}

/** As PostgreSQL reads a tsquery: words are letters and digits only. */
export function queryText(query: WordQuery): string {
  switch (query.kind) {
    case 'phrase':
      return `(${query.words.join(' <-> ')})`;
    case 'not':
      return `!(${queryText(query.part)})`;
    default:
      return `(${query.parts.map(queryText).join(query.kind === 'and' ? ' & ' : ' | ')})`;
  }
}

/** The same in memory. */
export function wordsMatch(query: WordQuery, words: Words): boolean {
  switch (query.kind) {
    case 'phrase': {
      const [first = '', ...rest] = query.words;
      return (words.get(first) ?? []).some((at) => rest.every((word, n) => words.get(word)?.includes(at + n + 1)));
    }
    case 'not':
      return !wordsMatch(query.part, words);
    case 'and':
      return query.parts.every((part) => wordsMatch(part, words));
    case 'or':
      return query.parts.some((part) => wordsMatch(part, words));
  }
}
