// HL7 v2.5.1 2.7: escape sequences, decoded after the splitting so that an escaped delimiter never splits.
import type { Delimiters } from './delimiters.ts';

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** True when the text has a control character that FHIR strings (and PostgreSQL text) cannot hold. */
export function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < space && code !== tab && code !== lineFeed && code !== carriageReturn) return true;
  }
  return false;
}

function hexadecimal(digits: string): string | undefined {
  if (digits.length === 0 || digits.length % 2 === 1 || /[^0-9A-Fa-f]/.test(digits)) return undefined;
  const bytes = Buffer.from(digits, 'hex');
  const utf8 = bytes.toString('utf8');
  const text = utf8.includes('\ufffd') ? bytes.toString('latin1') : utf8;
  return hasControlCharacter(text) ? undefined : text;
}

function sequence(name: string, delimiters: Delimiters): string | undefined {
  switch (name) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'T':
      return delimiters.subcomponent;
    case 'R':
      return delimiters.repetition;
    case 'E':
      return delimiters.escape;
    case '.br':
      return '\n';
    default:
      return name.startsWith('X') ? hexadecimal(name.slice(1)) : undefined;
  }
}

/** Decodes the escapes of one sub-component; what is not known stays as it was sent. */
export function decodeEscapes(text: string, delimiters: Delimiters): string {
  const mark = delimiters.escape;
  if (mark === '' || !text.includes(mark)) return text;
  let decoded = '';
  let from = 0;
  while (from < text.length) {
    const open = text.indexOf(mark, from);
    const close = open < 0 ? -1 : text.indexOf(mark, open + 1);
    if (close < 0) break;
    const replacement = sequence(text.slice(open + 1, close), delimiters);
    // An unknown sequence keeps its opening character only: its closing one may open the next sequence.
    decoded += text.slice(from, open) + (replacement ?? text.slice(open, close));
    from = replacement === undefined ? close : close + 1;
  }
  return decoded + text.slice(from);
}
