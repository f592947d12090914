// Feeds as a hospital runs them: channels from a file, enhanced mode, HTTP, dead letters mended and replayed, figures for the operator.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '@limen/fhir-server';
import { readConfig } from '../../config.ts';
import { exchange, framed } from '../conformance/mllp.ts';
import { holdPort, type Product, startProduct } from '../product.ts';
import { entriesOf, type Rest, rest } from '../rest-client.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-channels-'));
const answerMs = 20_000;
let product: Product;
let fhir: Rest;
let lab: number;

function channelsFile(name: string, content: unknown): string {
  const file = path.join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

before(async () => {
  const ports = await Promise.all([holdPort(), holdPort()]);
  await Promise.all(ports.map(({ release }) => release()));
  const [ward, other] = ports.map(({ port }) => port);
  lab = other ?? 0;
  const channels = [
    { name: 'ward', port: ward },
    { name: 'lab', port: lab, acknowledgement: 'enhanced', charset: '8859/1', ignoreDeclaredCharset: true, deadLetterHours: 1 },
  ];
  product = await startProduct({ env: { HL7_CHANNELS: channelsFile('channels.json', channels) } });
  fhir = rest(product);
});
after(() => product?.stop());

const message = (id: string, born = '19800102', family = 'QUILLFEATHER', rest = ''): string =>
  [
    `MSH|^~\\&|SENDER|CLINIC|LIMEN|LIMEN|20240501120000||ADT^A28|${id}|P|2.5.1${rest}`,
    `PID|1||${id}^^^LIMEN^MR||${family}^TINA||${born}|F`,
    '',
  ].join('\r');

async function send(port: number, text: string, answers = 1): Promise<string[]> {
  return (await exchange(port, framed(Buffer.from(text, 'latin1')), answers, answerMs)).map(({ text: answer }) => answer);
}

async function patientOf(id: string): Promise<number> {
  const found = await fhir(`Patient?identifier=https://limen.example/mrn|${id}`);
  assert.equal(found.status, 200, found.text);
  return entriesOf(found).length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadlineMs = performance.now() + answerMs; performance.now() < deadlineMs; await sleep(50)) if (await condition()) return;
  assert.fail('it did not happen in time');
}

type Part = { readonly name: string; readonly part?: readonly Part[]; readonly [value: string]: unknown };
async function operation(
  name: string,
  parameter: readonly Part[],
): Promise<{ readonly status: number; readonly parts: readonly Part[]; readonly text: string }> {
  const { status, text } = await fhir(`$${name}`, { body: { resourceType: 'Parameters', parameter } });
  return { status, text, parts: (JSON.parse(text) as { parameter?: Part[] }).parameter ?? [] };
}

for (const [what, content, sentence] of [
  ['that is no JSON', '{', /HL7_CHANNELS names a file that is not JSON/],
  ['without a channel', [], /must hold a JSON list/],
  ['with a typing error', [{ name: 'a', port: 1, ackmode: 'x' }], /channel 1 has a setting that is not known/],
  ['with a wrong value', [{ name: 'a', port: 1, onFailure: 'drop' }], /onFailure of channel 1 cannot be used/],
  ['with a character set nobody reads', [{ name: 'a', port: 1, charset: 'EBCDIC' }], /charset of channel 1/],
  [
    'with two channels of one name',
    [
      { name: 'a', port: 1 },
      { name: 'a', port: 2 },
    ],
    /two channels have one name/,
  ],
  ['with a channel open to all', [{ name: 'a', port: 1, host: '0.0.0.0' }], /beyond loopback needs tls/],
  ['with half of TLS', [{ name: 'a', port: 1, tls: { key: 'k' } }], /tls of channel 1 takes key/],
] as const)
  test(`no start on a file ${what}`, () => {
    const file = channelsFile('wrong.json', content);
    assert.throws(
      () => readConfig({ HL7_CHANNELS: file }),
      (error) => error instanceof StartError && sentence.test(error.message),
    );
  });

test('enhanced mode: CA when it is stored, committed soon after, read in the character set of the channel', async () => {
  const [answer] = await send(lab, message('L1', '19800102', 'M\u00dcLLER', '||||||UNICODE UTF-8'));
  assert.match(answer ?? '', /MSA\|CA\|L1/);
  await until(async () => (await patientOf('L1')) === 1);
  const [duplicate] = await send(lab, message('L1', '19810102'));
  assert.match(duplicate ?? '', /MSA\|CE\|L1.*\|205\^/);
});

test('a message that fails can be listed, shown, mended and replayed, and is gone then', async () => {
  const [answer] = await send(lab, message('L2', 'never'));
  assert.match(answer ?? '', /MSA\|CA\|L2/);
  let id = '';
  await until(async () => {
    const { parts } = await operation('hl7v2-dead-letters', [{ name: 'channel', valueString: 'lab' }]);
    const values = Object.fromEntries((parts[0]?.part ?? []).map(({ name, ...value }) => [name, Object.values(value)[0]]));
    id = String(values.id ?? '');
    if (id) assert.deepEqual([values.type, values.code, values.segment, values.field], ['ADT^A28', '102', 'PID', 7]);
    return id !== '';
  });
  const listed = await operation('hl7v2-dead-letters', []);
  assert.doesNotMatch(listed.text, /QUILLFEATHER|never|L2/);
  const shown = await operation('hl7v2-show', [{ name: 'id', valueId: id }]);
  const text = String(shown.parts.find(({ name }) => name === 'text')?.valueString);
  assert.match(text, /QUILLFEATHER/);
  const mended = await operation('hl7v2-replay', [
    { name: 'id', valueId: id },
    { name: 'text', valueString: text.replace('never', '19800102') },
  ]);
  assert.equal(mended.parts[0]?.valueInteger, 1);
  await until(async () => (await patientOf('L2')) === 1);
  assert.equal((await operation('hl7v2-show', [{ name: 'id', valueId: id }])).status, 404);
  assert.equal((await operation('hl7v2-drop', [])).status, 400);
});

test('over HTTP the same answers; without a token none', async () => {
  const post = async (text: string, headers: { readonly [name: string]: string }) =>
    fetch(`${product.origin}/hl7v2`, { method: 'POST', body: text, headers: { 'content-type': 'x-application/hl7-v2+er7', ...headers } });
  assert.equal((await post(message('H1'), {})).status, 401);
  const authorization = `Bearer ${await product.backendToken()}`;
  assert.equal((await post(message('H1'), { authorization, 'content-type': 'text/plain' })).status, 415);
  const accepted = await post(message('H1'), { authorization });
  assert.equal(accepted.status, 200);
  assert.match(await accepted.text(), /MSA\|AA\|H1/);
  assert.equal(await patientOf('H1'), 1);
  assert.match(await (await post(message('H1', '19810102'), { authorization })).text(), /MSA\|AE\|H1\s+ERR.*\|205\^/);
  assert.match(await (await post('PID|1', { authorization })).text(), /MSA\|AR\|/);
});

test('the metrics tell of each channel', async () => {
  const text = await (await fetch(`http://127.0.0.1:${product.metricsPort}/metrics`)).text();
  assert.match(text, /limen_hl7v2_answers_total\{channel="lab",code="CA"\} [1-9]/);
  assert.match(text, /limen_hl7v2_answers_total\{channel="ward",code="AA"\} [1-9]/);
  assert.match(text, /limen_hl7v2_waiting\{channel="lab"\} 0/);
  assert.match(text, /limen_hl7v2_oldest_seconds\{channel="lab"\} 0/);
});
