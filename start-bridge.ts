// The HL7 v2 channels of the product: their listeners, one inbox for all of them, HL7 v2 over HTTP, and what the operator's metrics say of them.
import type { OpenServer } from '@limen/fhir-server';
import { type Bridge, type ChannelCounts, createBridge, createInbox, createPatientOrder, type SharedIntake } from '@limen/hl7-bridge';
import type { Config } from './config.ts';
import type { MllpListener } from './config-channels.ts';

interface Running {
  readonly listener: MllpListener;
  readonly bridge: Bridge;
}

type Figures = Awaited<ReturnType<Parameters<OpenServer['addFigures']>[0]>>;

export interface MessageChannels {
  start(): Promise<void>;
  /** Answers what was received, finishes what is being processed. */
  stop(): Promise<void>;
}

async function createdBridges({ mllp }: Config, server: OpenServer, intake: SharedIntake): Promise<Running[]> {
  const log = (event: string, fields: object): void => server.log.info({ event, ...fields });
  const running: Running[] = [];
  for (const listener of mllp) {
    const client = server.clientFor(await server.principalForClient(listener.clientId));
    const { host, port, channel, settings, limits, tls } = listener;
    const bridge = createBridge({ client, host, port, channel, settings, limits, intake, log, ...(tls ? { tls } : {}) });
    running.push({ listener, bridge });
  }
  return running;
}

/** To be called before the server listens; it takes messages when started. */
export async function messageChannels(config: Config, server: OpenServer): Promise<MessageChannels> {
  const { messages: store } = server;
  const order = createPatientOrder();
  const inbox = createInbox({ store, order, log: (event, fields) => server.log.info({ event, ...fields }) });
  const running = await createdBridges(config, server, { store, order, inbox });
  // The first channel of the client, else the first of all: the settings are a channel's, the rights are the token's.
  server.mountMessages(async (message, principal) => {
    const { bridge } = running.find(({ listener }) => listener.clientId === principal.clientId) ?? running[0] ?? {};
    return bridge?.receive(message, server.clientFor({ ...principal, updateMode: 'merge' }));
  });
  server.addFigures(() => figuresOf(running, store));
  return {
    async start() {
      await inbox.start();
      for (const { bridge } of running) await bridge.start();
    },
    async stop() {
      await Promise.all(running.map(({ bridge }) => bridge.stop()));
      await inbox.stop();
    },
  };
}

type Store = OpenServer['messages'];

/** By channel, as they are known without reading a message. */
async function figuresOf(running: readonly Running[], store: Store): Promise<Figures> {
  const backlog = new Map((await store.backlog().catch(() => [])).map((each) => [each.channel, each]));
  const counts = running.map(({ listener, bridge }) => ({ channel: listener.settings.name, ...bridge.figures() }));
  const each = (value: (count: (typeof counts)[number]) => number): Figures[number]['samples'] =>
    counts.map((count) => ({ labels: { channel: count.channel }, value: value(count) }));
  return [
    { name: 'limen_hl7v2_received_total', help: 'Messages received', type: 'counter', samples: each(({ received }) => received) },
    { name: 'limen_hl7v2_answers_total', help: 'Acknowledgements by code', type: 'counter', samples: counts.flatMap(answerSamples) },
    { name: 'limen_hl7v2_committed_total', help: 'Messages committed', type: 'counter', samples: each(({ succeeded }) => succeeded) },
    { name: 'limen_hl7v2_failed_total', help: 'Messages that failed', type: 'counter', samples: each(({ failed }) => failed) },
    {
      name: 'limen_hl7v2_lag_seconds_total',
      help: 'Time from receipt to commit or failure, summed over messages',
      type: 'counter',
      samples: each(({ seconds }) => seconds),
    },
    {
      name: 'limen_hl7v2_waiting',
      help: 'Messages in the inbox',
      type: 'gauge',
      samples: each(({ channel }) => backlog.get(channel)?.waiting ?? 0),
    },
    {
      name: 'limen_hl7v2_oldest_seconds',
      help: 'Age of the oldest message in the inbox',
      type: 'gauge',
      samples: each(({ channel }) => backlog.get(channel)?.oldestSeconds ?? 0),
    },
  ];
}

function answerSamples({ channel, answers }: ChannelCounts & { readonly channel: string }): Figures[number]['samples'] {
  return [...answers].map(([code, value]) => ({ labels: { channel, code }, value }));
}
