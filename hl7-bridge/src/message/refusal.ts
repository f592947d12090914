// HL7 v2.5.1 2.15.5 (ERR) and table 0357: why a message is not accepted, in codes and positions, never in values.
export type AcknowledgementCode = 'AA' | 'AE' | 'AR';

/** HL7 table 0357, the codes in use. */
export const errorCodes = {
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '200': 'Unsupported message type',
  '201': 'Unsupported event code',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '205': 'Duplicate key identifier',
  '207': 'Application internal error',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorLocation {
  readonly segment: string;
  /** Which segment of that name, from 1. */
  readonly ordinal: number;
  readonly field?: number;
}

/** A message that is answered AE (resend may help) or AR (it can never work). */
export class Refusal extends Error {
  readonly ack: 'AE' | 'AR';
  readonly code: ErrorCode;
  readonly location: ErrorLocation | undefined;

  constructor(ack: 'AE' | 'AR', code: ErrorCode, location?: ErrorLocation) {
    super(errorCodes[code]);
    this.ack = ack;
    this.code = code;
    this.location = location;
  }
}
