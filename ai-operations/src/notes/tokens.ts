// Words, numbers, single signs and line ends of a note: what the token classifier reads. One pass over the characters, no expressions.

/** Columns of a tokenised text; arrays, because there are many and they live shortly. */
export interface Tokens {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** What stands before: 0 nothing, 1 a space, 2 the end of a line, 3 an empty line. */
  readonly gaps: Uint8Array;
}

const letter = 1;
const digit = 2;
const space = 3;
const line = 4;
const sign = 5;
const letters = /[\p{L}\p{M}]/u;

function kindOf(code: number): number {
  if (code < 128) {
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) return letter;
    if (code >= 48 && code <= 57) return digit;
    if (code === 10) return line;
    return code <= 32 ? space : sign;
  }
  if (code === 0xa0 || (code >= 0x2000 && code <= 0x200b)) return space;
  return letters.test(String.fromCharCode(code)) ? letter : sign;
}

const kinds = new Uint8Array(0x10000);

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const known = kinds[code] ?? 0;
  if (known !== 0) return known;
  const kind = kindOf(code);
  kinds[code] = kind;
  return kind;
}

/** A word longer than this is cut: nobody's name is longer. */
const longest = 40;

/** Tokens between two places of a text. */
export function tokenized(text: string, from = 0, to = text.length): Tokens {
  const starts = new Int32Array(to - from);
  const ends = new Int32Array(to - from);
  const gaps = new Uint8Array(to - from);
  let count = 0;
  let gap = 0;
  let at = from;
  while (at < to) {
    const kind = kindAt(text, at);
    if (kind === space) gap = Math.max(gap, 1);
    if (kind === line) gap = gap >= 2 ? 3 : 2;
    if (kind === space || kind === line) {
      at += 1;
      continue;
    }
    let end = at + 1;
    if (kind !== sign) while (end < to && end - at < longest && kindAt(text, end) === kind) end += 1;
    starts[count] = at;
    ends[count] = end;
    gaps[count] = gap;
    count += 1;
    gap = 0;
    at = end;
  }
  return { count, starts, ends, gaps };
}
