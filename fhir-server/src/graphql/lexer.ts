// https://spec.graphql.org/October2021/#sec-Source-Text — the text of a query as tokens.
import { queryFault } from './syntax.ts';

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'punctuator' | 'end';
  /** Of a string its value. */
  readonly text: string;
}

const maximumLength = 50_000;
const ignored = /(?:[\s,\ufeff]+|#[^\n\r]*)+/y;
const punctuator = /\.\.\.|[!$&()[\]{}:=@|]/y;
const name = /[_A-Za-z][_0-9A-Za-z]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\d.A-Za-z_])/y;
const block = /"""((?:\\"""|[^"]|"(?!""))*)"""/y;
const string = /"((?:\\.|[^"\\\n\r])*)"/y;
const escapeSequence = /\\(?:u([0-9A-Fa-f]{4})|(.))/g;
const escaped: { readonly [character: string]: string | undefined } = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function unescaped(text: string): string {
  return text.replace(escapeSequence, (_whole, code: string | undefined, character: string) => {
    const value = code === undefined ? escaped[character] : String.fromCharCode(Number.parseInt(code, 16));
    if (value === undefined) throw queryFault('A string of the query has an unknown escape.');
    return value;
  });
}

/** https://spec.graphql.org/October2021/#BlockStringValue(): without the indentation that its lines share. */
function blockValue(raw: string): string {
  const lines = raw.replaceAll('\\"""', '"""').split(/\r\n|\n|\r/);
  const indents = lines.slice(1).flatMap((line) => (/\S/.test(line) ? [line.search(/\S/)] : []));
  const indent = indents.length > 0 ? Math.min(...indents) : 0;
  const shifted = lines.map((line, i) => (i === 0 ? line : line.slice(indent)));
  while (shifted.length > 0 && !/\S/.test(shifted[0] ?? '')) shifted.shift();
  while (shifted.length > 0 && !/\S/.test(shifted.at(-1) ?? '')) shifted.pop();
  return shifted.join('\n');
}

const kinds: readonly (readonly [RegExp, Token['kind'], (match: RegExpExecArray) => string])[] = [
  [punctuator, 'punctuator', ([text]) => text],
  [name, 'name', ([text]) => text],
  [number, 'number', ([text]) => text],
  [block, 'string', ([, text = '']) => blockValue(text)],
  [string, 'string', ([, text = '']) => unescaped(text)],
];

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** The tokens, with one for the end. @throws OperationOutcomeError 400 for what is none */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > maximumLength) throw queryFault('The query is too long.', 'too-costly');
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(ignored, text, at)?.[0].length ?? 0;
    if (at >= text.length) return [...tokens, { kind: 'end', text: '' }];
    let length = 0;
    for (const [pattern, kind, textOf] of kinds) {
      const match = matchAt(pattern, text, at);
      if (!match) continue;
      tokens.push({ kind, text: textOf(match) });
      length = match[0].length;
      break;
    }
    if (length === 0) throw queryFault('The query has a character that is no part of the language.');
    at += length;
  }
}
