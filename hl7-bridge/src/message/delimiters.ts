// HL7 v2.5.1 2.5.4: the message's own delimiters, from MSH-1 and MSH-2.
import { Refusal } from './refusal.ts';

export interface Delimiters {
  readonly field: string;
  readonly component: string;
  /** Empty when MSH-2 does not name it. */
  readonly repetition: string;
  readonly escape: string;
  readonly subcomponent: string;
}

export const standardDelimiters: Delimiters = { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };

/**
 * Reads the delimiters of a header segment (MSH, FHS or BHS).
 * @throws Refusal AR 101 without MSH-2, AR 102 when a delimiter cannot be one
 */
export function readDelimiters(header: string): Delimiters {
  const segment = header.slice(0, 3);
  const field = header.charAt(3);
  if (field === '' || /[A-Za-z0-9\s]/.test(field)) throw new Refusal('AR', '102', { segment, ordinal: 1, field: 1 });
  const encoding = header.slice(4).split(field, 1)[0] ?? '';
  if (encoding === '') throw new Refusal('AR', '101', { segment, ordinal: 1, field: 2 });
  // A doubled character is a sender that escaped its own backslash: `^~\\&`.
  const characters = [...new Set(encoding)];
  if (characters.length > 5 || characters.some((character) => /[A-Za-z0-9\s]/.test(character))) {
    throw new Refusal('AR', '102', { segment, ordinal: 1, field: 2 });
  }
  const [component = '', repetition = '', mark = '', subcomponent = ''] = characters;
  return { field, component, repetition, escape: mark, subcomponent };
}
