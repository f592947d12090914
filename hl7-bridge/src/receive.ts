// From a frame to its acknowledgement. AA only after the server has committed, CA only after the inbox has; nothing of the message is logged.
import { acknowledgementMode, isDue } from './acknowledgement/mode.ts';
import type { ChannelFigures } from './channel-figures.ts';
import type { ChannelSettings } from './channels/settings.ts';
import { checkedMessage } from './convert.ts';
import type { Accepted, Inbox, OutcomeListener } from './inbox/inbox.ts';
import { messageBody, messageType, patientKeys, senderKey } from './inbox/message-facts.ts';
import type { PatientOrder, Place } from './inbox/patient-order.ts';
import { reasonOf } from './inbox/reason.ts';
import type { KeptMessage, MessageStore } from './inbox/store.ts';
import type { BridgeLog } from './log.ts';
import { type AcknowledgementContext, type AcknowledgementKind, acknowledge, codeOf } from './message/acknowledgement.ts';
import { batchAnswer, isBatch, splitBatch } from './message/batch.ts';
import { Refusal } from './message/refusal.ts';
import { asciiCompatibleText, decodeFrame, encodeAnswer, headerLine } from './mllp/charset.ts';
import { type Outcome, type SubmitOptions, submit } from './submit.ts';

export interface ReceiveOptions extends AcknowledgementContext, SubmitOptions {
  readonly settings: ChannelSettings;
  readonly log: BridgeLog;
  readonly order: PatientOrder;
  readonly figures: ChannelFigures;
  /** Both or none: without them there is no enhanced mode, and a message that fails is not kept. */
  readonly inbox?: Inbox;
  readonly store?: MessageStore;
}

/** Writes a later message to whoever sent the frame. */
export type Send = (payload: Buffer) => boolean;

/** Bytes of a frame that tell its character set. */
const headBytes = 4096;
const unavailable: Outcome = { result: new Refusal('AE', '207'), again: 'yes' };
const otherBody = new Refusal('AE', '205', { segment: 'MSH', ordinal: 1, field: 10 });
const acceptances: { readonly [A in Accepted]: 'AA' | Refusal } = {
  accepted: 'AA',
  'other-body': otherBody,
  full: new Refusal('AE', '207'),
  unavailable: new Refusal('AE', '207'),
};

function report(outcome: Pick<Outcome, 'result' | 'detail'>, kind: AcknowledgementKind, { log, figures }: ReceiveOptions): void {
  const { result, detail } = outcome;
  const code = codeOf(result, kind);
  figures.answered(code);
  if (result === 'AA') return log('hl7-message', { acknowledgement: code });
  const { code: error, acknowledgement: _, ...position } = reasonOf(result, detail);
  log('hl7-message', { acknowledgement: code, error, ...position });
}

function keptMessage(text: string, { settings }: ReceiveOptions): KeptMessage {
  return { channel: settings.name, type: messageType(text), key: senderKey(text), body: messageBody(text), text };
}

/** Resolves to false when the turn does not come in time. */
async function comesWithin({ turn }: Place, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const came = await Promise.race([turn.then(() => true), late]);
  clearTimeout(timer);
  return came;
}

/** In its patients' order; while messages of theirs lie in the inbox a later one waits or joins them. */
async function commit(text: string, options: ReceiveOptions): Promise<Outcome> {
  const { inbox, settings, order, requestTimeoutMs } = options;
  const keys = patientKeys(text);
  if (inbox && (settings.onFailure === 'queue' ? inbox.isAhead(keys) : inbox.isBehind())) return unavailable;
  const place = order.reserve(keys);
  try {
    return (await comesWithin(place, requestTimeoutMs)) ? await submit(text, options) : unavailable;
  } finally {
    place.release();
  }
}

async function keepFailed(text: string, { result, detail, again }: Outcome, options: ReceiveOptions): Promise<void> {
  const { store, settings, log } = options;
  // What may succeed later is sent again: the sender has been told that nothing was taken.
  if (!store || result === 'AA' || again !== 'no' || settings.deadLetterHours === 0) return;
  try {
    await store.deadLetters.keep(keptMessage(text, options), reasonOf(result, detail), settings.deadLetterHours * 3600);
  } catch {
    log('hl7-dead-letter-lost', { error: result.code });
  }
}

async function answerOriginal(text: string, options: ReceiveOptions): Promise<string> {
  const { inbox, settings, figures } = options;
  const began = performance.now();
  let outcome = await commit(text, options);
  if (outcome.again !== 'no' && inbox && settings.onFailure === 'queue') {
    const accepted = await inbox.accept(keptMessage(text, options), settings.maxWaiting);
    outcome = { result: acceptances[accepted], again: 'yes' };
  } else {
    await keepFailed(text, outcome, options);
    figures.processed(outcome.result === 'AA', (performance.now() - began) / 1000);
  }
  report(outcome, 'application', options);
  return acknowledge(headerLine(text), outcome.result, options, outcome.detail);
}

/** Accepts into the inbox; the application acknowledgement follows by `send` when it is settled. */
async function answerEnhanced(text: string, inbox: Inbox, options: ReceiveOptions, told: OutcomeListener): Promise<string> {
  const mode = acknowledgementMode(headerLine(text), options.settings.acknowledgement);
  const listener: OutcomeListener | undefined =
    mode.application === 'NE' ? undefined : (outcome) => (isDue(mode.application, outcome.result === 'AA') ? told(outcome) : undefined);
  const { refusal } = checkedMessage(text, options.channel);
  const result = refusal ?? acceptances[await inbox.accept(keptMessage(text, options), options.settings.maxWaiting, listener)];
  report({ result }, 'accept', options);
  return isDue(mode.accept, result === 'AA') ? acknowledge(headerLine(text), result, options, '', 'accept') : '';
}

/** What a peer says of an acknowledgement of ours is not answered: two that acknowledge acknowledgements never end. */
function isAcceptAcknowledgement(text: string): boolean {
  return messageType(text).startsWith('ACK') && /[\r\n]MSA.C[AER]/.test(text.slice(0, headBytes));
}

async function answerMessage(text: string, options: ReceiveOptions, later: (text: string) => void): Promise<string> {
  if (isAcceptAcknowledgement(text)) return '';
  options.figures.received();
  const { inbox, settings } = options;
  const header = headerLine(text);
  if (!inbox || !acknowledgementMode(header, settings.acknowledgement).isEnhanced) return answerOriginal(text, options);
  return answerEnhanced(text, inbox, options, (outcome) => {
    report(outcome, 'deferred', options);
    later(acknowledge(header, outcome.result, options, outcome.detail, 'deferred'));
  });
}

async function answerBatch(text: string, options: ReceiveOptions, later: (text: string) => void): Promise<string> {
  const batch = splitBatch(text);
  const answers: string[] = [];
  for (const message of batch.messages) {
    if (!batch.refusal) answers.push(await answerMessage(message, options, later));
    else {
      report({ result: batch.refusal }, 'application', options);
      answers.push(acknowledge(headerLine(message), batch.refusal, options));
    }
  }
  return batchAnswer(batch, answers.filter(Boolean), options);
}

/**
 * Answers one frame (a message or a batch).
 * @param send for application acknowledgements of the enhanced mode, which come later; without it none are sent
 * @returns the bytes of the acknowledgement, in the character set of the frame; undefined when none is due
 */
export async function receiveFrame(frame: Buffer, options: ReceiveOptions, send?: Send): Promise<Buffer | undefined> {
  const { channel, settings, log } = options;
  const actual = settings.ignoresDeclaredCharset ? channel.defaultCharset : undefined;
  let text: string;
  try {
    text = decodeFrame(frame, channel.defaultCharset, settings.ignoresDeclaredCharset);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal('AE', '207');
    report({ result: refusal }, 'application', options);
    return encodeAnswer(acknowledge(headerLine(asciiCompatibleText(frame)), refusal, options), frame, actual);
  }
  // A copy: the frame itself is not held until the application acknowledgement.
  const head = Buffer.from(frame.subarray(0, headBytes));
  const later = (answer: string): void => {
    if (!send?.(encodeAnswer(answer, head, actual))) log('hl7-acknowledgement-unsent', {});
  };
  const answer = isBatch(text) ? await answerBatch(text, options, later) : await answerMessage(text, options, later);
  return answer === '' ? undefined : encodeAnswer(answer, frame, actual);
}
