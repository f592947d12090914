// https://protobuf.dev/reference/protobuf/textformat-spec/ — reader of the text format that config.pbtxt is written in.

export type PbScalar = string | number;
export type PbValue = PbScalar | PbMessage;
/** Every field is a list: the text format doesn't tell repeated from singular. */
export type PbMessage = Map<string, PbValue[]>;

const token =
  /\s+|#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z_][A-Za-z0-9_.]*)|(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?f?)|([{}[\]<>:,;])/y;
const maxDepth = 32;

type Token = { readonly kind: 'string' | 'name' | 'number' | 'mark'; readonly text: string };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new Error(`config.pbtxt: unexpected character at offset ${at}.`);
    const [, string, name, number, mark] = match;
    if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1).replace(/\\(.)/g, '$1') });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number.replace(/f$/, '') });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Consumes the mark when it is next. */
  #skip(mark: string): boolean {
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'mark' || next.text !== mark) return false;
    this.#at++;
    return true;
  }

  message(end: string | undefined, depth: number): PbMessage {
    if (depth > maxDepth) throw new Error('config.pbtxt: nested too deeply.');
    const fields: PbMessage = new Map();
    while (end === undefined ? this.#at < this.#tokens.length : !this.#skip(end)) {
      const name = this.#tokens[this.#at++];
      if (name?.kind !== 'name') throw new Error('config.pbtxt: a field name was expected.');
      const values = fields.get(name.text) ?? [];
      fields.set(name.text, values);
      this.#skip(':');
      this.#values(values, depth);
      if (!this.#skip(',')) this.#skip(';');
    }
    return fields;
  }

  #values(into: PbValue[], depth: number): void {
    if (!this.#skip('[')) {
      into.push(this.#value(depth));
      return;
    }
    while (!this.#skip(']')) {
      into.push(this.#value(depth));
      this.#skip(',');
    }
  }

  #value(depth: number): PbValue {
    if (this.#skip('{')) return this.message('}', depth + 1);
    if (this.#skip('<')) return this.message('>', depth + 1);
    const next = this.#tokens[this.#at++];
    if (!next || next.kind === 'mark') throw new Error('config.pbtxt: a value was expected.');
    if (next.kind === 'number') return Number(next.text);
    return next.text;
  }
}

/**
 * Parses protobuf text format into a tree.
 * @throws Error naming the offset or what was expected
 */
export function parsePbtxt(text: string): PbMessage {
  return new Reader(tokenize(text)).message(undefined, 0);
}

/** First value of a field when it is a message. */
export function messageOf(message: PbMessage | undefined, name: string): PbMessage | undefined {
  const value = message?.get(name)?.[0];
  return value instanceof Map ? value : undefined;
}

/** Last number of a field (the last one wins for singular fields). */
export function numberOf(message: PbMessage | undefined, name: string): number | undefined {
  const value = message?.get(name)?.at(-1);
  return typeof value === 'number' ? value : undefined;
}

/** Last string or enum name of a field. */
export function textOf(message: PbMessage | undefined, name: string): string | undefined {
  const value = message?.get(name)?.at(-1);
  return typeof value === 'string' ? value : undefined;
}
