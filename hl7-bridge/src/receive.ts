// From a frame to its acknowledgement. AA only after the server has committed; nothing of the message is kept or logged.
import { createHash } from 'node:crypto';
import type { FhirClient, FhirResponse } from '@limen/fhir-model';
import type { Channel } from './channels.ts';
import { convertMessage } from './convert.ts';
import type { BridgeLog } from './log.ts';
import { type AcknowledgementContext, acknowledge, encodingCharacters, timestamp } from './message/acknowledgement.ts';
import { isBatch, splitBatch } from './message/batch.ts';
import { Refusal } from './message/refusal.ts';
import { asciiCompatibleText, decodeFrame, encodeAnswer, headerLine } from './mllp/charset.ts';
import type { Bundle } from './resource-types.ts';

const maxKeyLength = 255;

export interface ReceiveOptions extends AcknowledgementContext {
  readonly client: FhirClient;
  readonly channel: Channel;
  readonly log: BridgeLog;
  /** How long the server may take for one message. */
  readonly requestTimeoutMs: number;
}

interface Outcome {
  readonly result: 'AA' | Refusal;
  /** ERR-5: an issue code of FHIR. */
  readonly detail?: string;
}

/** What the server's answer means to the sender. Never AR: the message was well formed, so a resend may help. */
function outcomeOf(response: FhirResponse): Outcome {
  const { status, body } = response;
  if (status >= 200 && status < 300) return { result: 'AA' };
  const issues = body?.resourceType === 'OperationOutcome' ? body.issue : [];
  const duplicate = issues.some(
    ({ details }) => details?.text === 'idempotency' || details?.coding?.some(({ code }) => code === 'idempotency'),
  );
  if (status === 422 && duplicate) return { result: new Refusal('AE', '205', { segment: 'MSH', ordinal: 1, field: 10 }) };
  // issue.code is a closed list of FHIR; only its shape is trusted, so that nothing else can reach the wire.
  const code = issues[0]?.code ?? '';
  const detail = /^[a-z-]{1,32}$/.test(code) ? code : '';
  return { result: new Refusal('AE', status === 400 || status === 422 ? '102' : '207'), detail };
}

/** A header value is printable ASCII of bounded length: other characters of MSH-3, 4 or 10 are URL-encoded, and a longer key is its digest. */
function headerValue(key: string): string {
  const printable = key.replace(/[^ -~]/gu, encodeURIComponent);
  return printable.length <= maxKeyLength ? printable : createHash('sha256').update(printable).digest('hex');
}

async function submit(text: string, options: ReceiveOptions): Promise<Outcome> {
  const conversion = convertMessage(text, options.channel);
  if (conversion.refusal) return { result: conversion.refusal };
  const { bundle, whenVisitUnknown, idempotencyKey } = conversion;
  const response = await post(bundle, idempotencyKey, options);
  if (!whenVisitUnknown || !isIncomplete(response)) return outcomeOf(response);
  // A key of its own: a resend asks with the first bundle again, which then finds the visit.
  return outcomeOf(await post(whenVisitUnknown, `${idempotencyKey}|new`, options));
}

function post(bundle: Bundle, idempotencyKey: string, options: ReceiveOptions): Promise<FhirResponse> {
  return options.client.request({
    method: 'POST',
    path: '',
    body: bundle,
    headers: { 'idempotency-key': headerValue(idempotencyKey) },
    signal: AbortSignal.timeout(options.requestTimeoutMs),
  });
}

/** The server had no stored resource to take the missing elements from, or takes none. */
function isIncomplete({ status, body }: FhirResponse): boolean {
  return status >= 400 && status < 500 && body?.resourceType === 'OperationOutcome' && body.issue.some(({ code }) => code === 'required');
}

function reported({ result, detail }: Outcome, log: BridgeLog): Outcome {
  if (result === 'AA') {
    log('hl7-message', { acknowledgement: 'AA' });
    return { result };
  }
  const { location } = result;
  log('hl7-message', {
    acknowledgement: result.ack,
    error: result.code,
    ...(location && /^[A-Z][A-Z0-9]{2}$/.test(location.segment) ? { segment: location.segment, ordinal: location.ordinal } : {}),
    ...(location?.field === undefined ? {} : { field: location.field }),
    ...(detail ? { detail } : {}),
  });
  return { result, ...(detail ? { detail } : {}) };
}

async function answerMessage(text: string, options: ReceiveOptions): Promise<string> {
  let outcome: Outcome;
  try {
    outcome = await submit(text, options);
  } catch {
    // No answer from the server, or a bug of ours: transient to the sender either way. The error may quote the message, so it is not logged.
    outcome = { result: new Refusal('AE', '207') };
  }
  const { result, detail } = reported(outcome, options.log);
  return acknowledge(headerLine(text), result, options, detail);
}

/** BHS-3 to 6 swapped, BHS-12 = BHS-11 received; an acknowledgement for each message; BTS-1 = their number. */
async function answerBatch(text: string, options: ReceiveOptions): Promise<string> {
  const { delimiters, header, messages, refusal } = splitBatch(text);
  const fields = header.split(delimiters.field);
  const sent = (field: number): string => (fields[field - 1] ?? '').slice(0, 250);
  const answers: string[] = [];
  for (const message of messages) {
    if (!refusal) answers.push(await answerMessage(message, options));
    else {
      const { result } = reported({ result: refusal }, options.log);
      answers.push(acknowledge(headerLine(message), result, options));
    }
  }
  const characters = encodingCharacters(delimiters);
  const tail = [timestamp(options.now()), '', '', '', options.controlId(), sent(11)];
  const bhs = ['BHS', characters, sent(5), sent(6), sent(3), sent(4), ...tail].join(delimiters.field);
  return `${bhs}\r${answers.join('')}BTS${delimiters.field}${answers.length}\r`;
}

/**
 * Answers one frame (a message or a batch).
 * @returns the bytes of the acknowledgement, in the character set of the frame
 */
export async function receiveFrame(frame: Buffer, options: ReceiveOptions): Promise<Buffer> {
  let text: string;
  try {
    text = decodeFrame(frame, options.channel.defaultCharset);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal('AE', '207');
    const { result } = reported({ result: refusal }, options.log);
    return encodeAnswer(acknowledge(headerLine(asciiCompatibleText(frame)), result, options), frame);
  }
  const answer = isBatch(text) ? await answerBatch(text, options) : await answerMessage(text, options);
  return encodeAnswer(answer, frame);
}
