// HL7 v2.5.1 2.9: which acknowledgement, and what is in it. The client here is a recorder; the real one is used across packages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FhirClient, FhirRequest, FhirResponse } from '@limen/fhir-model';
import { createChannelFigures } from '../src/channel-figures.ts';
import { createPatientOrder, defaultChannel, defaultSettings } from '../src/index.ts';
import { receiveFrame } from '../src/receive.ts';
import { lines, msh, pid, pv1 } from './messages.ts';

const a01 = lines(msh('ADT^A01', 'C1'), pid, pv1);

function recorder(answer: () => FhirResponse | Promise<FhirResponse> = () => ({ status: 200, headers: {}, body: undefined })) {
  const requests: FhirRequest[] = [];
  const logged: string[] = [];
  const client: FhirClient = {
    async request(request) {
      requests.push(request);
      return answer();
    },
  };
  const options = {
    client,
    channel: defaultChannel,
    settings: defaultSettings,
    order: createPatientOrder(),
    figures: createChannelFigures(),
    log: (event: string, fields: object) => void logged.push(`${event} ${JSON.stringify(fields)}`),
    requestTimeoutMs: 1000,
    now: () => new Date('2024-05-01T12:30:00Z'),
    controlId: () => 'LIMEN1',
  };
  const receive = async (text: string): Promise<string> => String(await receiveFrame(Buffer.from(text), options));
  return { requests, logged, receive };
}

function outcome(status: number, code: 'invalid' | 'required' | 'processing' | 'conflict' | 'exception', details?: string): FhirResponse {
  return {
    status,
    headers: {},
    body: {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code, diagnostics: 'TESTER TINA', ...(details ? { details: { text: details } } : {}) }],
    },
  };
}

const codes = (answer: string): string =>
  [...answer.matchAll(/MSA\|(..)|ERR\|\|[^|]*\|(\d+)/g)].map(([, ack, error]) => ack ?? error).join(' ');

test('a visit that the server cannot complete is sent again whole, under a key of its own', async () => {
  const a08 = lines(msh('ADT^A08', 'C1'), pid, 'PV1|1||||||||||||||||||V77^^^CLINIC');
  const answers = [outcome(422, 'required'), { status: 200, headers: {}, body: undefined }];
  const { requests, receive } = recorder(() => answers.shift() ?? outcome(500, 'exception'));
  assert.equal(codes(await receive(a08)), 'AA');
  assert.deepEqual(
    requests.map(({ headers }) => headers?.['idempotency-key']),
    ['SENDER|CLINIC|C1', 'SENDER|CLINIC|C1|new'],
  );
  assert.equal(JSON.stringify(requests[0]?.body).includes('"status"'), false);
  assert.equal(JSON.stringify(requests[1]?.body).includes('"status":"in-progress"'), true);
});

test('another refusal, or a message that tells all, is not sent twice', async () => {
  const a08 = lines(msh('ADT^A08', 'C1'), pid, 'PV1|1||||||||||||||||||V77^^^CLINIC');
  for (const [text, answer] of [
    [a08, outcome(422, 'invalid')],
    [a08, outcome(500, 'exception')],
    [a01, outcome(422, 'required')],
  ] as const) {
    const { requests, receive } = recorder(() => answer);
    assert.match(codes(await receive(text)), /^AE/);
    assert.equal(requests.length, 1);
  }
});

test('a refused message is never sent', async () => {
  const { requests, receive } = recorder();
  assert.equal(codes(await receive(a01.replace('ADT^A01', 'ADT^Z99'))), 'AR 201');
  assert.equal(codes(await receive(a01.replace('19800102', 'soon'))), 'AE 102');
  assert.equal(requests.length, 0);
});

test('what the server says becomes AE and never AR', async () => {
  const cases: readonly (readonly [FhirResponse, string])[] = [
    [outcome(422, 'processing', 'idempotency'), 'AE 205'],
    [outcome(422, 'invalid'), 'AE 102'],
    [outcome(400, 'invalid'), 'AE 102'],
    [outcome(401, 'processing'), 'AE 207'],
    [outcome(409, 'conflict'), 'AE 207'],
    [outcome(429, 'processing'), 'AE 207'],
    [outcome(500, 'exception'), 'AE 207'],
    [{ status: 503, headers: {}, body: undefined }, 'AE 207'],
    [{ status: 302, headers: {}, body: undefined }, 'AE 207'],
  ];
  for (const [response, expected] of cases) assert.equal(codes(await recorder(() => response).receive(a01)), expected);
});

test('no answer from the server is transient', async () => {
  const { receive, logged } = recorder(() => Promise.reject(new Error('TESTER TINA')));
  assert.equal(codes(await receive(a01)), 'AE 207');
  assert.deepEqual(logged, ['hl7-message {"acknowledgement":"AE","error":"207"}']);
});

test('AA comes only after the server has answered', async () => {
  let commit = (): void => undefined;
  const committed = new Promise<FhirResponse>((resolve) => {
    commit = () => resolve({ status: 200, headers: {}, body: undefined });
  });
  const { receive, requests } = recorder(() => committed);
  let answered = false;
  const answer = receive(a01).then((text) => {
    answered = true;
    return text;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([requests.length, answered], [1, false]);
  commit();
  assert.equal(codes(await answer), 'AA');
});

test('one transaction with the idempotency key MSH-3|MSH-4|MSH-10; a resend is equal', async () => {
  const { receive, requests } = recorder();
  await receive(a01);
  await receive(a01.replace('20240501120000', '20240501120100'));
  const [first, second] = requests;
  assert.deepEqual([first?.method, first?.path, first?.headers], ['POST', '', { 'idempotency-key': 'SENDER|CLINIC|C1' }]);
  assert.deepEqual(first?.body, second?.body);
});

test('a key with characters that no header can carry is encoded', async () => {
  const { receive, requests } = recorder();
  await receive(a01.replace('SENDER', 'SÜD'));
  assert.deepEqual(requests[0]?.headers, { 'idempotency-key': 'S%C3%9CD|CLINIC|C1' });
});

test('a key longer than a header may be is its digest, another one for another message', async () => {
  const { receive, requests } = recorder();
  for (const controlId of ['C1', 'C2']) await receive(a01.replace('SENDER', 'S'.repeat(300)).replace('|C1|', `|${controlId}|`));
  const [first, second] = requests.map(({ headers }) => headers?.['idempotency-key'] ?? '');
  assert.match(first ?? '', /^[0-9a-f]{64}$/);
  assert.notEqual(first, second);
});

test('the acknowledgement answers the sender: names swapped, own control id, ACK^event', async () => {
  const { receive } = recorder();
  const [header, msa] = (await receive(a01.replace('|LIMEN|LIMEN|', '|TO|THERE|'))).split('\r');
  assert.equal(header, 'MSH|^~\\&|TO|THERE|SENDER|CLINIC|20240501123000+0000||ACK^A01^ACK|LIMEN1|P|2.5.1');
  assert.equal(msa, 'MSA|AA|C1');
});

test('ERR names segment, field and code', async () => {
  const answer = await recorder().receive(a01.replace('19800102', 'soon'));
  assert.equal(answer.split('\r')[2], 'ERR||PID^1^7|102^Data type error^HL70357|E');
});

test('ERR-5 carries the issue code of the server and nothing else of it', async () => {
  const answer = await recorder(() => outcome(422, 'invalid')).receive(a01);
  assert.equal(answer.split('\r')[2], 'ERR|||102^Data type error^HL70357|E|invalid');
});

test('the delimiters of the answer are the sender’s', async () => {
  const answer = await recorder().receive('MSH#$%?*#S#F#R#F#20240501##ADT$A01#C9#P#2.5.1\rPID#1##7$$$LIMEN\r');
  assert.deepEqual(answer.split('\r').slice(0, 2), ['MSH#$%?*#R#F#S#F#20240501123000+0000##ACK$A01$ACK#LIMEN1#P#2.5.1', 'MSA#AA#C9']);
});

test('a frame without MSH is rejected with what can be said', async () => {
  const answer = await recorder().receive('PID|1||7\r');
  assert.match(answer, /^MSH\|\^~\\&\|/);
  assert.equal(codes(answer), 'AR 100');
});

test('bytes that are not of their character set are refused by their header', async () => {
  const { receive, requests } = recorder();
  const answer = await receive(a01.replace('|2.5.1', '|2.5.1||||||ASCII').replace('TINA', 'TÏNA'));
  assert.match(answer, /MSA\|AE\|C1\rERR\|\|MSH\^1\^18\|102/);
  assert.equal(requests.length, 0);
});

test('nothing of the patient is in an answer or in the log', async () => {
  const broken = [
    a01,
    a01.replace('19800102', '1980TESTER'),
    a01.replace('|1|I|', '|1|I|\0TESTER'),
    a01.replace(/\rPV1/, '\rTESTER TINA\rPV1'),
  ];
  for (const text of broken) {
    const { receive, logged } = recorder(() => outcome(422, 'invalid'));
    assert.doesNotMatch(`${await receive(text)}${logged.join()}`, /TESTER|TINA|77001|MAIN ST/);
  }
});

test('a batch is answered message by message', async () => {
  const { receive, requests } = recorder();
  const batch = lines('BHS|^~\\&|S|F|R|G|20240501||||B3', msh('ADT^A01', 'C1'), pid, msh('ADT^Z99', 'C2'), pid, 'BTS|2');
  const answer = await receive(batch);
  assert.match(answer, /^BHS\|\^~\\&\|R\|G\|S\|F\|20240501123000\+0000\|\|\|\|LIMEN1\|B3\r/);
  assert.match(answer, /\rBTS\|2\r$/);
  assert.equal(codes(answer), 'AA AR 201');
  assert.equal(requests.length, 1);
});

test('a batch with a wrong count is not processed', async () => {
  const { receive, requests } = recorder();
  const wrong = lines('FHS|^~\\&|S', 'BHS|^~\\&|S', msh('ADT^A01', 'C1'), pid, 'BTS|2', 'FTS|1');
  assert.equal(codes(await receive(wrong)), 'AE 102');
  assert.equal(codes(await receive(wrong.replace('BTS|2', 'BTS|1').replace('FTS|1', 'FTS|3'))), 'AE 102');
  assert.equal(requests.length, 0);
  assert.equal(codes(await receive(wrong.replace('BTS|2', 'BTS|1'))), 'AA');
});
