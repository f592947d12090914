// A message becomes a transaction of the server; what the server's answer means to whoever sent the message.
import { createHash } from 'node:crypto';
import type { FhirClient, FhirResponse } from '@limen/fhir-model';
import type { Channel } from './channels.ts';
import { type Conversion, convertMessage } from './convert.ts';
import { messageBody } from './inbox/message-facts.ts';
import { Refusal } from './message/refusal.ts';
import { linkBundle, mergeParameters, type PatientMerge } from './messages/merge.ts';
import type { Bundle } from './resource-types.ts';

const maxKeyLength = 255;
type Accepted = Extract<Conversion, { refusal?: undefined }>;

export interface SubmitOptions {
  readonly client: FhirClient;
  readonly channel: Channel;
  /** How long the server may take for one message. */
  readonly requestTimeoutMs: number;
}

export interface Outcome {
  readonly result: 'AA' | Refusal;
  /** ERR-5: an issue code of FHIR. */
  readonly detail?: string;
  /** Whether the same message may succeed later; `doubtful`: a fault of ours or a conflict, which may never end. */
  readonly again: 'no' | 'doubtful' | 'yes';
}

const accepted: Outcome = { result: 'AA', again: 'no' };
const noAnswer: Outcome = { result: new Refusal('AE', '207'), again: 'yes' };
const faultOfOurs: Outcome = { ...noAnswer, again: 'doubtful' };

/** Never AR: the message was well formed, so a resend may help. */
function outcomeOf(response: FhirResponse): Outcome {
  const { status, body } = response;
  if (status >= 200 && status < 300) return accepted;
  const issues = body?.resourceType === 'OperationOutcome' ? body.issue : [];
  const duplicate = issues.some(
    ({ details }) => details?.text === 'idempotency' || details?.coding?.some(({ code }) => code === 'idempotency'),
  );
  if (status === 422 && duplicate) return { result: new Refusal('AE', '205', { segment: 'MSH', ordinal: 1, field: 10 }), again: 'no' };
  // issue.code is a closed list of FHIR; only its shape is trusted, so that nothing else can reach the wire.
  const code = issues[0]?.code ?? '';
  const detail = /^[a-z-]{1,32}$/.test(code) ? { detail: code } : {};
  if (status === 400 || status === 422) return { result: new Refusal('AE', '102'), ...detail, again: 'no' };
  const isPassing = status === 503 || status === 429 || status === 408;
  const again = isPassing ? 'yes' : status === 409 || status >= 500 ? 'doubtful' : 'no';
  return { result: new Refusal('AE', '207'), ...detail, again };
}

/** A header value is printable ASCII of bounded length: other characters of MSH-3, 4 or 10 are URL-encoded, and a longer key is its digest. */
function headerValue(key: string): string {
  const printable = key.replace(/[^ -~]/gu, encodeURIComponent);
  return printable.length <= maxKeyLength ? printable : createHash('sha256').update(printable).digest('hex');
}

function post(bundle: Bundle, idempotencyKey: string, options: SubmitOptions): Promise<FhirResponse> {
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

/** The server knows a repeat by its body: fields that are not mapped count, too. A digest, and never stored as such. */
function withDigest(bundle: Bundle, text: string): Bundle {
  const value = createHash('sha256').update(messageBody(text)).digest('hex');
  return { ...bundle, identifier: { system: 'urn:limen:hl7v2:body', value } };
}

async function send(conversion: Accepted, text: string, options: SubmitOptions): Promise<Outcome> {
  const { bundle, whenVisitUnknown, idempotencyKey, merges } = conversion;
  let response = await post(withDigest(bundle, text), idempotencyKey, options);
  // A key of its own: a resend asks with the first bundle again, which then finds the visit.
  if (whenVisitUnknown && isIncomplete(response))
    response = await post(withDigest(whenVisitUnknown, text), `${idempotencyKey}|new`, options);
  const outcome = outcomeOf(response);
  return outcome.result === 'AA' ? mergeAll(merges, options) : outcome;
}

/** What the server merges; a resend finds it done. */
async function mergeAll(merges: readonly PatientMerge[], options: SubmitOptions): Promise<Outcome> {
  for (const merge of merges) {
    const outcome = await mergeOne(merge, options);
    if (outcome.result !== 'AA') return outcome;
  }
  return accepted;
}

async function mergeOne(merge: PatientMerge, options: SubmitOptions): Promise<Outcome> {
  const signal = AbortSignal.timeout(options.requestTimeoutMs);
  const response = await options.client.request({ method: 'POST', path: 'Patient/$merge', body: mergeParameters(merge), signal });
  const says = (code: string): boolean =>
    response.body?.resourceType === 'OperationOutcome' && response.body.issue.some((issue) => issue.code === code);
  // One patient already: an earlier message, or this one, was the merge.
  if (response.status === 422 && says('business-rule')) return accepted;
  // A server that keeps no register of persons has the records refer to each other.
  if (response.status !== 400 || !says('not-supported')) return outcomeOf(response);
  return outcomeOf(await options.client.request({ method: 'POST', path: '', body: linkBundle(merge), signal }));
}

/** Resolves always: without an answer of the server, or with a fault of ours, the outcome is AE 207. */
export async function submit(text: string, options: SubmitOptions): Promise<Outcome> {
  let conversion: Conversion;
  // Errors may quote the message, so they are not told.
  try {
    conversion = convertMessage(text, options.channel);
  } catch {
    return faultOfOurs;
  }
  if (conversion.refusal) return { result: conversion.refusal, again: 'no' };
  try {
    return await send(conversion, text, options);
  } catch {
    return noAnswer;
  }
}
