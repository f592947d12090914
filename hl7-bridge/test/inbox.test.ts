// Accepted is not lost: enhanced mode, the durable queue, the order of each patient, repeats and failures. The server is a function, time is short.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FhirClient, FhirResponse } from '@limen/fhir-model';
import { type ChannelSettings, createBridge, createInbox, createPatientOrder } from '../src/index.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { lines, msh, pid } from './messages.ts';
import { frame, openSender } from './sender.ts';

const ok: FhirResponse = { status: 200, headers: {}, body: undefined };
const down: FhirResponse = { status: 503, headers: {}, body: undefined };
const asks = (accept: string, application: string): string => `|P|2.5.1|||${accept}|${application}`;
const adt = (id: string, rest = asks('AL', 'AL'), event = 'A01', patient = '77001'): string =>
  lines(msh(`ADT^${event}`, id, rest), pid.replace('77001^^^LIMEN^MR~900-1^^^CLINIC^PI', `${patient}^^^LIMEN^MR`));
const code = (answer: string): string => /MSA.(..)/.exec(answer)?.[1] ?? '';
const error = (answer: string): string => /ERR\|\|[^|]*\|(\d+)/.exec(answer)?.[1] ?? '';

interface World {
  readonly store: MemoryStore;
  readonly port: number;
  /** Idempotency keys in the order in which the server was asked. */
  readonly keys: string[];
  stop(): Promise<void>;
}

type Answer = (key: string) => FhirResponse | Promise<FhirResponse>;

async function opened(
  t: TestContext,
  answer: Answer = () => ok,
  settings: Partial<ChannelSettings> = {},
  store = memoryStore(),
): Promise<World> {
  const keys: string[] = [];
  const client: FhirClient = {
    async request({ headers }) {
      const key = headers?.['idempotency-key']?.split('|')[2] ?? '';
      keys.push(key);
      return answer(key);
    },
  };
  const order = createPatientOrder();
  const log = (): void => undefined;
  const inbox = createInbox({ store, order, log, pollMs: 5, retryMs: () => 2 });
  const bridge = createBridge({ client, host: '127.0.0.1', port: 0, intake: { store, order, inbox }, settings, requestTimeoutMs: 500 });
  await inbox.start();
  const { port } = await bridge.start();
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= bridge.stop().then(() => inbox.stop());
    return stopping;
  };
  t.after(stop);
  return { store, port, keys, stop };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('what cannot work is refused by CR or CE before anything is stored', async (t) => {
  const { port, store } = await opened(t);
  const sender = await openSender(port);
  await sender.write(frame(adt('C1').replace('ADT^A01', 'XYZ^Z99')));
  await sender.write(frame(adt('C2', asks('AL', 'AL')).replace('2.5.1', '9.9')));
  await sender.write(frame(adt('C3').replace('TINA', 'TI\x1cNA')));
  const answers = [await sender.answer(), await sender.answer(), await sender.answer()];
  assert.deepEqual(
    answers.map((each) => `${code(each)} ${error(each)}`),
    ['CR 200', 'CR 203', 'CE 102'],
  );
  assert.equal(store.rows.length, 0);
  sender.socket.destroy();
});

test('no CA when the message is not on disk, nor above the limit of the channel', async (t) => {
  const { port, store } = await opened(t, () => down, { maxWaiting: 1 });
  const sender = await openSender(port);
  store.isDown = true;
  await sender.write(frame(adt('C1')));
  assert.equal(code(await sender.answer()), 'CE');
  store.isDown = false;
  await sender.write(frame(adt('C1')));
  assert.equal(code(await sender.answer()), 'CA');
  await sender.write(frame(adt('C2')));
  const full = await sender.answer();
  assert.deepEqual([code(full), error(full)], ['CE', '207']);
  sender.socket.destroy();
});

test('the same control id with another body is refused, in the inbox and after it', async (t) => {
  const { port, store } = await opened(t);
  const sender = await openSender(port);
  await sender.write(frame(adt('C1', asks('AL', 'NE'))));
  assert.equal(code(await sender.answer()), 'CA');
  await until(() => store.rows.length === 0);
  await sender.write(frame(adt('C1', asks('AL', 'NE')).replace('TINA', 'OTHER')));
  const answer = await sender.answer();
  assert.deepEqual([code(answer), error(answer)], ['CE', '205']);
  sender.socket.destroy();
});

test('CA, then the application acknowledgement as a message of its own that asks for none', async (t) => {
  const { port, keys } = await opened(t);
  const sender = await openSender(port);
  await sender.write(frame(adt('C1')));
  assert.match(await sender.answer(), /MSA\|CA\|C1/);
  const application = await sender.answer();
  assert.match(application, /MSA\|AA\|C1/);
  assert.deepEqual(application.split('\r')[0]?.split('|').slice(14, 16), ['NE', 'NE']);
  // What the sender says of it is not answered.
  await sender.write(frame(lines(msh('ACK', 'R1'), 'MSA|CA|X')));
  await sender.write(frame(adt('C1')));
  assert.match(await sender.answer(), /MSA\|CA\|C1/);
  assert.match(await sender.answer(), /MSA\|AA\|C1/);
  assert.deepEqual(keys, ['C1']);
  sender.socket.destroy();
});

const table0155: readonly (readonly [accept: string, application: string, succeeds: string, fails: string])[] = [
  ['AL', 'NE', 'CA', 'CA'],
  ['AL', 'AL', 'CA AA', 'CA AE'],
  ['NE', 'ER', '', 'AE'],
  ['NE', 'SU', 'AA', ''],
  ['ER', 'AL', 'AA', 'AE'],
  ['SU', '', 'CA', 'CA'],
];
for (const [accept, application, succeeds, fails] of table0155)
  test(`MSH-15 ${accept}, MSH-16 ${application || 'empty'}: "${succeeds}" when it succeeds, "${fails}" when it fails`, async (t) => {
    const refused: FhirResponse = { status: 422, headers: {}, body: undefined };
    const { port, store } = await opened(t, (key) => (key === 'BAD' ? refused : ok));
    for (const [id, expected] of [
      ['GOOD', succeeds],
      ['BAD', fails],
    ] as const) {
      const sender = await openSender(port);
      await sender.write(frame(adt(id, asks(accept, application))));
      const codes: string[] = [];
      for (const _ of expected.split(' ').filter(Boolean)) codes.push(code(await sender.answer()));
      await until(() => store.rows.length === 0 && (id === 'GOOD' || store.letters.some(({ message }) => message.key.endsWith(id))));
      // Whatever else came would be read before the answer to this one.
      await sender.write(frame(lines(msh('XYZ', 'LAST'), pid)));
      codes.push(code(await sender.answer()));
      assert.equal(codes.join(' '), `${expected} AR`.trim());
      sender.socket.destroy();
    }
  });

test('while the server is away messages wait, and come in order of each patient when it is back', async (t) => {
  let isDown = true;
  const { port, keys, store } = await opened(t, () => (isDown ? down : ok));
  const senders = await Promise.all([openSender(port), openSender(port)]);
  for (let n = 0; n < 6; n += 1) {
    const sender = senders[n % 2];
    await sender?.write(frame(adt(`A${n}`, asks('AL', 'NE'), 'A08', 'patient-a')));
    assert.equal(code((await sender?.answer()) ?? ''), 'CA');
  }
  await until(() => keys.length > 3);
  assert.deepEqual([...new Set(keys)], ['A0']);
  isDown = false;
  await until(() => store.rows.length === 0);
  assert.deepEqual([...new Set(keys)], ['A0', 'A1', 'A2', 'A3', 'A4', 'A5']);
  for (const sender of senders) sender.socket.destroy();
});

test('what one run has accepted the next one processes', async (t) => {
  const store = memoryStore();
  const first = await opened(t, () => down, {}, store);
  const sender = await openSender(first.port);
  for (const id of ['C1', 'C2']) {
    await sender.write(frame(adt(id, asks('AL', 'NE'))));
    assert.equal(code(await sender.answer()), 'CA');
  }
  sender.socket.destroy();
  await first.stop();
  assert.equal(store.rows.length, 2);
  const second = await opened(t, () => ok, {}, store);
  await until(() => store.rows.length === 0);
  assert.deepEqual(second.keys, ['C1', 'C2']);
});

test('a fault that never ends becomes a dead letter and holds up nobody', async (t) => {
  const { port, store, keys } = await opened(t, (key) => (key === 'BAD' ? { status: 500, headers: {}, body: undefined } : ok));
  const sender = await openSender(port);
  for (const id of ['BAD', 'C2']) await sender.write(frame(adt(id, asks('AL', 'NE'))));
  await until(() => store.letters.length === 1 && store.rows.length === 0);
  assert.equal(store.letters[0]?.code, '207');
  assert.equal(keys.at(-1), 'C2');
  sender.socket.destroy();
});

test('original mode: AE by default, AA from the queue where the channel says so, and nothing overtakes the queue', async (t) => {
  let isDown = true;
  const refusing = await opened(t, () => down);
  const queueing = await opened(t, () => (isDown ? down : ok), { onFailure: 'queue' });
  const plain = await openSender(refusing.port);
  await plain.write(frame(adt('C1', '|P|2.5.1')));
  assert.equal(code(await plain.answer()), 'AE');
  assert.equal(refusing.store.letters.length, 0);
  const sender = await openSender(queueing.port);
  await sender.write(frame(adt('C1', '|P|2.5.1')));
  assert.equal(code(await sender.answer()), 'AA');
  isDown = false;
  await sender.write(frame(adt('C2', '|P|2.5.1', 'A08')));
  assert.equal(code(await sender.answer()), 'AA');
  await until(() => queueing.store.rows.length === 0);
  assert.deepEqual([...new Set(queueing.keys)], ['C1', 'C2']);
  plain.socket.destroy();
  sender.socket.destroy();
});

test('original mode: a refused message is a dead letter, unless the channel keeps none', async (t) => {
  for (const [deadLetterHours, kept] of [
    [72, ['102']],
    [0, []],
  ] as const) {
    const { port, store } = await opened(t, () => ok, { deadLetterHours });
    const sender = await openSender(port);
    await sender.write(frame(adt('C1', '|P|2.5.1').replace('19800102', 'never')));
    assert.equal(code(await sender.answer()), 'AE');
    assert.deepEqual(
      store.letters.map((letter) => letter.code),
      kept,
    );
    sender.socket.destroy();
  }
});

test('a message of the same patient on another connection waits for the first, others do not', async (t) => {
  const first = Promise.withResolvers<FhirResponse>();
  const { port, keys } = await opened(t, (key) => (key === 'A1' ? first.promise : ok));
  const [one, two] = await Promise.all([openSender(port), openSender(port)]);
  await one.write(frame(adt('A1', '|P|2.5.1')));
  await until(() => keys.length === 1);
  await two.write(frame(adt('B1', '|P|2.5.1', 'A01', 'other')));
  assert.equal(code(await two.answer()), 'AA');
  await two.write(frame(adt('A2', '|P|2.5.1', 'A08')));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(keys, ['A1', 'B1']);
  first.resolve(ok);
  assert.equal(code(await two.answer()), 'AA');
  assert.deepEqual(keys, ['A1', 'B1', 'A2']);
  one.socket.destroy();
  two.socket.destroy();
});

test('messages that come into the inbox by another way are processed', async (t) => {
  const { store, keys } = await opened(t);
  store.arrive({ channel: 'default', type: 'ADT^A01', key: 'k', body: 'b', text: adt('R1') });
  await until(() => store.rows.length === 0);
  assert.deepEqual(keys, ['R1']);
});
