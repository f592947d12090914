// HL7 v2.5.1 2.10.3: FHS { BHS { MSH... } BTS } FTS. Each message is answered; a wrong count makes the whole batch doubtful.
import { type AcknowledgementContext, encodingCharacters, timestamp } from './acknowledgement.ts';
import { type Delimiters, readDelimiters, standardDelimiters } from './delimiters.ts';
import { Refusal } from './refusal.ts';

export interface Batch {
  readonly delimiters: Delimiters;
  /** The header segment as sent (FHS or BHS). */
  readonly header: string;
  readonly messages: readonly string[];
  /** Set when BTS-1 or FTS-1 does not agree with what is there. */
  readonly refusal: Refusal | undefined;
}

/** True when the frame is a batch or file rather than one message. */
export function isBatch(text: string): boolean {
  return /^[\s\ufeff]*(FHS|BHS)/.test(text);
}

function wrongCount(line: string, name: string, field: string, actual: number): boolean {
  const stated = line.startsWith(name) ? (line.split(field)[1] ?? '').trim() : '';
  return stated !== '' && Number(stated) !== actual;
}

/** Cuts a batch into its messages. */
export function splitBatch(text: string): Batch {
  const trimmed = text.replace(/^[\s\ufeff]+/, '');
  let delimiters = standardDelimiters;
  let refusal: Refusal | undefined;
  try {
    delimiters = readDelimiters(trimmed);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refusal = error;
  }
  const messages: string[] = [];
  let inBatch = 0;
  let batches = 0;
  for (const line of trimmed.split(/[\r\n]+/)) {
    if (wrongCount(line, 'BTS', delimiters.field, inBatch)) refusal ??= new Refusal('AE', '102', { segment: 'BTS', ordinal: 1, field: 1 });
    if (wrongCount(line, 'FTS', delimiters.field, batches)) refusal ??= new Refusal('AE', '102', { segment: 'FTS', ordinal: 1, field: 1 });
    if (line.startsWith('BHS')) {
      batches += 1;
      inBatch = 0;
    } else if (line.startsWith('MSH')) {
      inBatch += 1;
      messages.push(line);
    } else if (messages.length > 0 && !/^(BTS|FTS|FHS)/.test(line)) {
      messages[messages.length - 1] += `\r${line}`;
    }
  }
  return { delimiters, header: trimmed.split(/[\r\n]/, 1)[0] ?? '', messages, refusal };
}

/** BHS-3 to 6 swapped, BHS-12 = BHS-11 received, BTS-1 = the number of acknowledgements; a file is answered by a file. */
export function batchAnswer({ delimiters, header }: Batch, answers: readonly string[], context: AcknowledgementContext): string {
  const { field } = delimiters;
  const fields = header.split(field);
  const sent = (index: number): string => (fields[index - 1] ?? '').slice(0, 250);
  const head = (name: string): string =>
    [
      name,
      encodingCharacters(delimiters),
      ...[sent(5), sent(6), sent(3), sent(4)],
      timestamp(context.now()),
      ...['', '', ''],
      context.controlId(),
      sent(11),
    ].join(field);
  const batch = `${head('BHS')}\r${answers.join('')}BTS${field}${answers.length}\r`;
  return header.startsWith('FHS') ? `${head('FHS')}\r${batch}FTS${field}1\r` : batch;
}
