// HL7 v2.5.1 2.5 and 2.6: text of one message into segments. Unknown segments are kept and break nothing.
import { type Delimiters, readDelimiters } from './delimiters.ts';
import { hasControlCharacter } from './escape.ts';
import { Refusal } from './refusal.ts';
import type { Segment } from './segment.ts';

export interface Message {
  readonly delimiters: Delimiters;
  readonly header: Segment;
  readonly segments: readonly Segment[];
}

const segmentName = /^[A-Z][A-Z0-9]{2}$/;

/**
 * Segments end with CR; CRLF and LF are tolerated. When the message uses CR, a lone LF ends a segment only where the next
 * one visibly begins: elsewhere it is part of a text.
 */
function splitSegments(text: string, field: string): string[] {
  const lines = text.includes('\r') ? text.split(/\r\n?/) : text.split('\n');
  const next = new RegExp(`\\n+(?=[A-Z][A-Z0-9]{2}(?:${RegExp.escape(field)}|$))`);
  return lines.flatMap((line) => line.split(next)).filter((line) => line.trim() !== '');
}

function fieldsOf(line: string, field: string): string[] {
  const fields = line.split(field);
  // MSH-1 is the field separator itself, so that MSH-2 is what stands between the first two.
  if (/^(MSH|FHS|BHS)/.test(line)) fields.splice(1, 0, field);
  return fields;
}

/**
 * Parses one message.
 * @throws Refusal AR 100 when it does not begin with MSH, AE 102 for characters that cannot be stored, AE 100 for a second
 * MSH or a line that is no segment
 */
export function parseMessage(text: string): Message {
  const trimmed = text.replace(/^[\s\ufeff]+/, '');
  if (!trimmed.startsWith('MSH')) throw new Refusal('AR', '100', { segment: 'MSH', ordinal: 1 });
  const delimiters = readDelimiters(trimmed);
  const ordinals = new Map<string, number>();
  let previous = 'MSH';
  const segments = splitSegments(trimmed, delimiters.field).map((line): Segment => {
    const fields = fieldsOf(line.replace(/^\n+/, ''), delimiters.field);
    const name = fields[0] ?? '';
    const ordinal = (ordinals.get(name) ?? 0) + 1;
    ordinals.set(name, ordinal);
    // A line that is no segment is the rest of a broken text: dropping it, or joining it on, would change what was said.
    if (!segmentName.test(name)) throw new Refusal('AE', '100', { segment: previous, ordinal: ordinals.get(previous) ?? 1 });
    previous = name;
    if (hasControlCharacter(line)) {
      const position = fields.findIndex(hasControlCharacter);
      throw new Refusal('AE', '102', position > 0 ? { segment: name, ordinal, field: position } : undefined);
    }
    return { name, ordinal, fields, delimiters };
  });
  const [header, ...others] = segments;
  if (!header) throw new Refusal('AR', '100', { segment: 'MSH', ordinal: 1 });
  if (others.some((segment) => segment.name === 'MSH')) throw new Refusal('AE', '100', { segment: 'MSH', ordinal: 2 });
  return { delimiters, header, segments };
}
