// The HL7 v2 bridge of one channel: an MLLP listener in front of a FHIR client.
import { randomUUID } from 'node:crypto';
import type { FhirClient } from '@limen/fhir-model';
import { type Channel, defaultChannel } from './channels.ts';
import { type Conversion, convertMessage } from './convert.ts';
import { type BridgeLog, silentLog } from './log.ts';
import type { MllpLimits } from './mllp/limits.ts';
import { createMllpServer } from './mllp/server.ts';
import type { MllpTls } from './mllp/tls.ts';
import { receiveFrame } from './receive.ts';

export interface BridgeOptions {
  /** The channel's own client: identified plane, updateMode merge, the scopes of its resource types. */
  readonly client: FhirClient;
  readonly host: string;
  readonly port: number;
  readonly channel?: Channel;
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
}

/** MSH-10 is at most 20 characters before v2.7. */
function randomControlId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 20);
}

/** Makes the bridge; it listens when started. */
export function createBridge(options: BridgeOptions): Bridge {
  const { client, host, port, channel = defaultChannel, log = silentLog, limits = {}, requestTimeoutMs = 30_000 } = options;
  const receive = {
    client,
    channel,
    log,
    requestTimeoutMs,
    now: options.now ?? (() => new Date()),
    controlId: options.controlId ?? randomControlId,
  };
  const server = createMllpServer({
    host,
    port,
    limits,
    log,
    ...(options.tls ? { tls: options.tls } : {}),
    handle: (frame) => receiveFrame(frame, receive),
  });
  return { start: server.start, stop: server.stop, convert: (text) => convertMessage(text, channel) };
}
