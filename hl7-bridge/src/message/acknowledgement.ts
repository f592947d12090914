// HL7 v2.5.1 2.9 and 2.15: accept and application acknowledgements. Nothing of the patient goes into them.
import { type Delimiters, readDelimiters, standardDelimiters } from './delimiters.ts';
import { type AcknowledgementCode, errorCodes, Refusal } from './refusal.ts';

export interface AcknowledgementContext {
  readonly now: () => Date;
  readonly controlId: () => string;
}

interface Header {
  readonly delimiters: Delimiters;
  /** Fields as sent: index = MSH field number. */
  readonly fields: readonly string[];
}

const echoedLength = 250;

function readHeader(line: string): Header {
  let delimiters = standardDelimiters;
  try {
    delimiters = readDelimiters(line);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  const fields = line.split(line.charAt(3) || '|');
  fields.splice(1, 0, delimiters.field);
  return { delimiters, fields };
}

/** YYYYMMDDHHMMSS+0000 */
export function timestamp(now: Date): string {
  return `${now.toISOString().slice(0, 19).replace(/[-T:]/g, '')}+0000`;
}

export function encodingCharacters({ component, repetition, escape: mark, subcomponent }: Delimiters): string {
  return component + repetition + mark + subcomponent;
}

function errorSegment(refusal: Refusal, { field, component }: Delimiters, detail: string): string {
  const { location } = refusal;
  const position = location
    ? [location.segment, String(location.ordinal), ...(location.field === undefined ? [] : [String(location.field)])].join(component)
    : '';
  const code = [refusal.code, errorCodes[refusal.code], 'HL70357'].join(component);
  return ['ERR', '', position, code, 'E', ...(detail ? [detail] : [])].join(field);
}

export type AcknowledgementKind = 'application' | 'accept' | 'deferred';
export type AnswerCode = AcknowledgementCode | 'CA' | 'CE' | 'CR';

/** MSA-1, table 0008. */
export function codeOf(result: 'AA' | Refusal, kind: AcknowledgementKind): AnswerCode {
  const code = result === 'AA' ? 'AA' : result.ack;
  return kind === 'accept' ? acceptCodes[code] : code;
}

const acceptCodes = { AA: 'CA', AE: 'CE', AR: 'CR' } as const;

/** MSH-13 to 18. */
function tailOf(charset: string, kind: AcknowledgementKind): string[] {
  if (kind !== 'deferred') return charset ? ['', '', '', '', '', charset] : [];
  return ['', '', 'NE', 'NE', ...(charset ? ['', charset] : [])];
}

/**
 * Builds the ACK for a message of which only the header line need be readable.
 * @param headerLine the MSH segment as sent, or an empty string when there is none
 * @param detail ERR-5: a code of ours or of FHIR's issue-type, never a value
 * @param kind accept: CA, CE, CR; deferred: an application acknowledgement that is a message of its own, which nobody answers
 */
export function acknowledge(
  headerLine: string,
  result: 'AA' | Refusal,
  context: AcknowledgementContext,
  detail = '',
  kind: AcknowledgementKind = 'application',
): string {
  const { delimiters, fields } = readHeader(headerLine);
  const sent = (field: number): string => (fields[field] ?? '').slice(0, echoedLength);
  const event = sent(9).split(delimiters.component)[1] ?? '';
  const type = ['ACK', ...(event ? [event, 'ACK'] : [])].join(delimiters.component);
  const code = codeOf(result, kind);
  const charset = sent(18);
  const msh = [
    'MSH',
    encodingCharacters(delimiters),
    sent(5),
    sent(6),
    sent(3),
    sent(4),
    timestamp(context.now()),
    '',
    type,
    context.controlId(),
    sent(11) || 'P',
    sent(12) || '2.5.1',
    ...tailOf(charset, kind),
  ].join(delimiters.field);
  const segments = [msh, ['MSA', code, sent(10)].join(delimiters.field)];
  if (result !== 'AA') segments.push(errorSegment(result, delimiters, detail));
  return `${segments.join('\r')}\r`;
}
