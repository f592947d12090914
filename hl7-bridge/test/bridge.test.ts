// The bridge from socket to acknowledgement, with a sender nobody here wrote and with a raw one. The FHIR client is a recorder.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FhirClient, FhirRequest } from '@limen/fhir-model';
import { Client, HL7_2_5 } from 'node-hl7-client';
import { createBridge } from '../src/index.ts';
import { lines, msh, pid, pv1 } from './messages.ts';
import { frame, openSender } from './sender.ts';

async function bridging(t: TestContext) {
  const requests: FhirRequest[] = [];
  const client: FhirClient = {
    async request(request) {
      requests.push(request);
      return { status: 200, headers: {}, body: undefined };
    },
  };
  const bridge = createBridge({ client, host: '127.0.0.1', port: 0, controlId: () => 'LIMEN1' });
  const { port } = await bridge.start();
  t.after(() => bridge.stop());
  return { bridge, port, requests };
}

const familyOf = (request: FhirRequest | undefined): unknown =>
  (request?.body as { entry: { resource: { name?: { family?: string }[] } }[] } | undefined)?.entry[0]?.resource.name?.[0]?.family;

test('a frame without MSH is rejected and the good one after it is handled', async (t) => {
  const { port, requests } = await bridging(t);
  const sender = await openSender(port);
  await sender.write(Buffer.concat([frame(lines(pid)), frame(lines(msh('ADT^A01', 'C1'), pid, pv1))]));
  assert.match(await sender.answer(), /MSA\|AR\|/);
  assert.match(await sender.answer(), /MSA\|AA\|C1/);
  assert.equal(requests.length, 1);
  sender.socket.destroy();
});

test('an end block inside a text is refused and the next message is handled', async (t) => {
  const { port } = await bridging(t);
  const sender = await openSender(port);
  await sender.write(
    Buffer.concat([frame(lines(msh('ADT^A01', 'C1'), pid.replace('TINA', 'TI\x1cNA'))), frame(lines(msh('ADT^A01', 'C2'), pid))]),
  );
  assert.match(await sender.answer(), /MSA\|AE\|C1/);
  assert.match(await sender.answer(), /MSA\|AA\|C2/);
  sender.socket.destroy();
});

test('a character cut between packets and Latin-1 by MSH-18 arrive whole', async (t) => {
  const { port, requests } = await bridging(t);
  const sender = await openSender(port);
  const utf8 = frame(lines(msh('ADT^A01', 'C1'), pid.replace('TESTER', 'MÜLLER')));
  const cut = utf8.indexOf(0xc3) + 1;
  await sender.write(utf8.subarray(0, cut));
  await sender.write(utf8.subarray(cut));
  await sender.answer();
  const latin1 = lines(msh('ADT^A01', 'C2', '|P|2.5.1||||||8859/1'), pid.replace('TESTER', 'MÜLLER'));
  await sender.write(Buffer.from(`\x0b${latin1}\x1c\r`, 'latin1'));
  assert.match(await sender.answer(), /MSA\|AA\|C2/);
  assert.deepEqual(requests.map(familyOf), ['MÜLLER', 'MÜLLER']);
  sender.socket.destroy();
});

test('a message of three megabytes is accepted', async (t) => {
  const { port, requests } = await bridging(t);
  const sender = await openSender(port);
  const text = 'result '.repeat(430_000);
  await sender.write(frame(lines(msh('ORU^R01', 'C1'), pid, 'OBR|1||F1|X^Y', `OBX|1|TX|X^Y||${text}||||||F`)));
  assert.match(await sender.answer(), /MSA\|AA\|C1/);
  assert.equal(requests.length, 1);
  sender.socket.destroy();
});

test('the bridge converts a text without sending it', async (t) => {
  const { bridge, requests } = await bridging(t);
  assert.equal(bridge.convert(lines(msh('ADT^A01', 'C1'), pid)).bundle?.type, 'transaction');
  assert.equal(requests.length, 0);
});

test('node-hl7-client sends and reads the acknowledgement', async (t) => {
  const { port, requests } = await bridging(t);
  const message = new HL7_2_5()
    .buildMSH({
      msh_3: 'INTEROP',
      msh_4: 'CLINIC',
      msh_5: 'LIMEN',
      msh_6: 'LIMEN',
      msh_9_1: 'ADT',
      msh_9_2: 'A01',
      msh_10: 'N1',
      msh_11_1: 'P',
    })
    .buildPID({ pid_3: '77001^^^LIMEN^MR', pid_5: 'TESTER^TINA' })
    .toMessage();
  const acknowledged = Promise.withResolvers<string>();
  const connection = new Client({ host: '127.0.0.1', version: '2.5' }).createConnection({ port, version: '2.5' }, async (response) => {
    const ack = response.getMessage();
    acknowledged.resolve([ack.get('MSA.1'), ack.get('MSA.2'), ack.get('MSH.5')].map(String).join(' '));
  });
  await connection.sendMessage(message);
  assert.equal(await acknowledged.promise, 'AA N1 INTEROP');
  await connection.close();
  assert.equal(familyOf(requests[0]), 'TESTER');
  assert.deepEqual(requests[0]?.headers, { 'idempotency-key': 'INTEROP|CLINIC|N1' });
});
