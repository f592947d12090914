// The HL7 v2 bridge of one channel: an MLLP listener in front of a FHIR client.
import { randomUUID } from 'node:crypto';
import type { FhirClient } from '@limen/fhir-model';
import { type ChannelCounts, createChannelFigures } from './channel-figures.ts';
import { type ChannelSettings, defaultSettings } from './channels/settings.ts';
import { type Channel, defaultChannel } from './channels.ts';
import { type Conversion, convertMessage } from './convert.ts';
import type { Inbox } from './inbox/inbox.ts';
import { createPatientOrder, type PatientOrder } from './inbox/patient-order.ts';
import type { MessageStore } from './inbox/store.ts';
import { type BridgeLog, silentLog } from './log.ts';
import type { MllpLimits } from './mllp/limits.ts';
import { createMllpServer } from './mllp/server.ts';
import type { MllpTls } from './mllp/tls.ts';
import { type ReceiveOptions, receiveFrame } from './receive.ts';
import { submit } from './submit.ts';

/** What the channels of a process share. */
export interface SharedIntake {
  readonly order: PatientOrder;
  readonly inbox: Inbox;
  readonly store: MessageStore;
}

export interface BridgeOptions {
  /** The channel's own client: identified plane, updateMode merge, the scopes of its resource types. */
  readonly client: FhirClient;
  readonly host: string;
  readonly port: number;
  readonly channel?: Channel;
  readonly settings?: Partial<ChannelSettings>;
  /** Absent: original mode only, nothing is kept. */
  readonly intake?: SharedIntake;
  readonly limits?: Partial<MllpLimits>;
  /** Absent: plain TCP. */
  readonly tls?: MllpTls;
  readonly requestTimeoutMs?: number;
  readonly log?: BridgeLog;
  readonly now?: () => Date;
  readonly controlId?: () => string;
}

export interface Bridge {
  /** Binds the listener. */
  start(): Promise<{ port: number }>;
  /** Answers what was received, then closes. */
  stop(): Promise<void>;
  /** The conversion of this channel, without sending anything. */
  convert(text: string): Conversion;
  /** One frame that came by another way than MLLP, for the same answer; undefined when none is due. */
  receive(frame: Buffer, client: FhirClient): Promise<Buffer | undefined>;
  /** What happened since the start. */
  figures(): ChannelCounts;
}

/** MSH-10 is at most 20 characters before v2.7. */
function randomControlId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 20);
}

function receiving(options: BridgeOptions): ReceiveOptions {
  const { client, channel = defaultChannel, log = silentLog, requestTimeoutMs = 30_000, intake } = options;
  return {
    client,
    channel,
    settings: { ...defaultSettings, ...options.settings },
    log,
    requestTimeoutMs,
    figures: createChannelFigures(),
    order: intake?.order ?? createPatientOrder(),
    ...(intake ? { inbox: intake.inbox, store: intake.store } : {}),
    now: options.now ?? (() => new Date()),
    controlId: options.controlId ?? randomControlId,
  };
}

/** Makes the bridge; it listens when started. */
export function createBridge(options: BridgeOptions): Bridge {
  const receive = receiving(options);
  const { channel, settings, figures, log } = receive;
  options.intake?.inbox.serve(settings.name, {
    deadLetterHours: settings.deadLetterHours,
    process: (text) => submit(text, receive),
    settled: (outcome, seconds) => figures.processed(outcome.result === 'AA', seconds),
  });
  const server = createMllpServer({
    host: options.host,
    port: options.port,
    limits: options.limits ?? {},
    log,
    ...(options.tls ? { tls: options.tls } : {}),
    handle: (frame, send) => receiveFrame(frame, receive, send),
  });
  return {
    start: server.start,
    stop: server.stop,
    convert: (text) => convertMessage(text, channel),
    receive: (frame, client) => receiveFrame(frame, { ...receive, client }),
    figures: () => figures.read(),
  };
}
