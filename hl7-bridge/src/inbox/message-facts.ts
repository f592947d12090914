// What is known of a message without converting it: whose it is, who sent it under which number, what it says. In memory only.
import { headerLine } from '../mllp/charset.ts';

interface Header {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  /** Index = MSH field number. */
  readonly fields: readonly string[];
}

function readHeader(text: string): Header {
  const line = headerLine(text);
  const field = line.charAt(3) || '|';
  const fields = line.split(field);
  fields.splice(1, 0, field);
  const [component = '^', repetition = '~'] = fields[2] ?? '';
  return { field, component, repetition, fields };
}

/** Fields that name a patient: PID-2, 3 and 4 are identifiers of the subject, MRG-1 and 4 those of who is merged away. */
const patientFields: readonly { readonly segment: string; readonly fields: readonly number[] }[] = [
  { segment: 'PID', fields: [2, 3, 4] },
  { segment: 'MRG', fields: [1, 4] },
];

/** Keys of the patients that the message is about: identifier and authority. */
export function patientKeys(text: string): string[] {
  const { field, component, repetition } = readHeader(text);
  const keys = new Set<string>();
  for (const line of text.split(/[\r\n]+/)) {
    const named = patientFields.find(({ segment }) => line.startsWith(segment + field));
    if (!named) continue;
    const values = line.split(field);
    for (const each of named.fields.flatMap((index) => (values[index] ?? '').split(repetition))) {
      const [id = '', , , authority = ''] = each.split(component);
      if (id.trim() !== '') keys.add(`${id.trim()}|${authority.trim()}`);
    }
  }
  return [...keys];
}

/** MSH-3|MSH-4|MSH-10 as sent. */
export function senderKey(text: string): string {
  const { fields } = readHeader(text);
  return [3, 4, 10].map((index) => fields[index] ?? '').join('|');
}

/** Type and all segments but the header: its times, sequence numbers and acknowledgement conditions may differ in a repeat. */
export function messageBody(text: string): string {
  const { fields } = readHeader(text);
  const start = text.search(/MSH/);
  const end = text.slice(Math.max(start, 0)).search(/[\r\n]/);
  return `${fields[9] ?? ''}\r${end < 0 ? '' : text.slice(Math.max(start, 0) + end).trim()}`;
}

/** MSH-9 where it is a code; what is none may be anything. */
export function messageType(text: string): string {
  const { fields, component } = readHeader(text);
  const type = (fields[9] ?? '').split(component).slice(0, 2).join('^');
  return /^[A-Z]{3}(\^[A-Z]\d{2})?$/.test(type) ? type : '';
}
