// Writers that go on while faults happen: creates, transactions and updates, each with its own Idempotency-Key and its own mark.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Callable, call, type Reached } from './fhir-caller.ts';
import type { Intent, Ledger, Reply, Version } from './ledger.ts';

export const markSystem = 'https://limen.example/drill';
export const mrnSystem = 'https://limen.example/mrn';

const observationsPerTransaction = 9;
const pauseMs = 15;
const pauseAfterFaultMs = 1000;

function observation(mark: string, subject?: string): object {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: markSystem, code: mark }] },
    ...(subject ? { subject: { reference: subject } } : {}),
  };
}

function createIntent(key: string): Intent {
  return { key, kind: 'create', method: 'POST', target: 'Observation', body: observation(key), marked: 1 };
}

function transactionIntent(key: string): Intent {
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const patient = { resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01', identifier: [{ system: mrnSystem, value: key }] };
  const entry = [
    { fullUrl, resource: patient, request: { method: 'POST', url: 'Patient' } },
    ...Array.from({ length: observationsPerTransaction }, () => ({
      resource: observation(key, fullUrl),
      request: { method: 'POST', url: 'Observation' },
    })),
  ];
  return {
    key,
    kind: 'transaction',
    method: 'POST',
    target: '',
    body: { resourceType: 'Bundle', type: 'transaction', entry },
    marked: observationsPerTransaction,
  };
}

function updateIntent(key: string, id: string): Intent {
  return {
    key,
    kind: 'update',
    method: 'PUT',
    target: `Observation/${id}`,
    body: { ...observation(key), id },
    marked: 1,
  };
}

const versionPath = /[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+\/_history\/\d+$/;

/** The versions that an answer names. */
export function versionsOf(intent: Intent, answer: Reached): Version[] {
  if (intent.kind === 'transaction') {
    const bundle = JSON.parse(answer.text) as { entry?: readonly { response?: { location?: string } }[] };
    return (bundle.entry ?? []).map((each) => versionPath.exec(each.response?.location ?? '')?.[0] ?? '');
  }
  if (intent.kind === 'create') return [versionPath.exec(answer.headers.get('location') ?? '')?.[0] ?? ''];
  const version = /\d+/.exec(answer.headers.get('etag') ?? '')?.[0] ?? '';
  return [`${intent.target}/_history/${version}`];
}

export function replyOf(intent: Intent, answer: Reached | undefined): Reply {
  if (answer && answer.status >= 200 && answer.status < 300) return { outcome: 'acknowledged', versions: versionsOf(intent, answer) };
  return { outcome: 'unknown', status: answer?.status };
}

/** One that this writer alone updates; undefined when it can't be made now. */
async function ownResource(product: Callable): Promise<string | undefined> {
  const answer = await call(product, 'Observation', { body: observation('own') });
  return versionPath.exec(answer?.headers.get('location') ?? '')?.[0].split('/')[1];
}

export interface Load {
  /** Ends when every request that was sent has its answer or none. */
  stop(): Promise<void>;
}

/** @param product asked for before each request: a server that was started again has another address */
export function startLoad(product: () => Callable, ledger: Ledger, writers: number): Load {
  let running = true;
  const writer = async (): Promise<void> => {
    let own: string | undefined;
    for (let turn = 0; running; turn += 1) {
      own ??= await ownResource(product());
      const key = `drill-${randomUUID()}`;
      const intent = turn % 3 === 1 ? transactionIntent(key) : turn % 3 === 2 && own ? updateIntent(key, own) : createIntent(key);
      const entry = ledger.intend(intent);
      const answer = await call(product(), intent.target, { method: intent.method, body: intent.body, key });
      ledger.answer(entry, replyOf(intent, answer));
      await sleep(entry.reply?.outcome === 'acknowledged' ? pauseMs : pauseAfterFaultMs);
    }
  };
  const all = Promise.all(Array.from({ length: writers }, writer));
  return {
    async stop() {
      running = false;
      await all;
    },
  };
}
