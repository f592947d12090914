// MLLP over TLS as a setting of the product: what is refused at the start, and that a hospital's certificate opens the way to the store.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlainly } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { StartError } from '@limen/fhir-server';
import { readConfig } from '../../config.ts';
import { framed } from '../conformance/mllp.ts';
import { startProduct } from '../product.ts';
import { entriesOf, rest } from '../rest-client.ts';
import { selfSigned } from '../self-signed.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
}

const listener = selfSigned('listener');
const hospital = selfSigned('hospital');
const stranger = selfSigned('stranger');
const key = file('key.pem', listener.key);
const certificate = file('certificate.pem', listener.certificate);
const authorities = file('authorities.pem', hospital.certificate);
const tls = { MLLP_TLS_KEY: key, MLLP_TLS_CERT: certificate };

describe('a start is refused', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['with a certificate without its key', { MLLP_TLS_CERT: certificate }, /both MLLP_TLS_KEY and MLLP_TLS_CERT/],
    ['with authorities for clients without a certificate', { MLLP_TLS_CLIENT_CA: authorities }, /both MLLP_TLS_KEY and MLLP_TLS_CERT/],
    [
      'with a file that is not there',
      { ...tls, MLLP_TLS_KEY: path.join(folder, 'none') },
      /^MLLP_TLS_KEY names a file that cannot be read/,
    ],
    ['with the key of another certificate', { ...tls, MLLP_TLS_KEY: file('other.pem', stranger.key) }, /the key that of the certificate/],
    ['with authorities that hold no certificate', { ...tls, MLLP_TLS_CLIENT_CA: file('empty.pem', 'none') }, /MLLP_TLS_CLIENT_CA/],
    ['for MLLP beyond loopback without TLS', { MLLP_HOST: '0.0.0.0' }, /^MLLP_HOST beyond loopback needs/],
    ['for MLLP beyond loopback that any client could write to', { MLLP_HOST: '0.0.0.0', ...tls }, /^MLLP_HOST beyond loopback needs/],
  ];
  for (const [name, env, message] of cases)
    test(name, () => {
      assert.throws(() => readConfig(env), { name: StartError.name, message });
    });
});

test('MLLP beyond loopback is for known clients over TLS, or for who says that the network keeps others out', () => {
  const mutual = { ...tls, MLLP_TLS_CLIENT_CA: authorities };
  assert.equal(readConfig({ MLLP_HOST: '0.0.0.0', ...mutual }).mllp[0]?.host, '0.0.0.0');
  assert.equal(readConfig({ MLLP_HOST: '0.0.0.0', ALLOW_BIND: '1' }).mllp[0]?.host, '0.0.0.0');
  assert.throws(() => readConfig({ MLLP_HOST: '0.0.0.0', DEIDENTIFICATION_POLICY: 'synthetic', ...mutual }), { name: StartError.name });
});

const message = [
  'MSH|^~\\&|WARD|CLINIC|LIMEN|LIMEN|20240501120000||ADT^A04^ADT_A01|TLS1|P|2.5.1',
  'PID|1||77009^^^CLINIC^MR||TESTER^TINA||19800102|F',
  'PV1|1|O',
  '',
].join('\r');

/** What comes back for the message; "" when the connection is closed without an answer. */
async function answerTo(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: listener.certificate, ...options });
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    answer += String(chunk);
    if (answer.includes('\x1c\r')) socket.end();
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(framed(Buffer.from(message)));
  await closed;
  return answer;
}

test('only a client of a known authority is heard; its message is stored', async () => {
  const product = await startProduct({ env: { ...tls, MLLP_TLS_CLIENT_CA: authorities } });
  try {
    const stored = async () => entriesOf(await rest(product)('Patient?identifier=urn:id:CLINIC|77009')).length;
    assert.equal(await answerTo(product.mllpPort, {}), '');
    assert.equal(await answerTo(product.mllpPort, { key: stranger.key, cert: stranger.certificate }), '');
    const plain = connectPlainly(product.mllpPort, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.resume().write(framed(Buffer.from(message)));
    await once(plain, 'close');
    assert.equal(await stored(), 0);
    assert.match(await answerTo(product.mllpPort, { key: hospital.key, cert: hospital.certificate }), /MSA\|AA\|TLS1/);
    assert.equal(await stored(), 1);
    assert.match(product.stdout(), /HL7v2 \(MLLP\) +127\.0\.0\.1:\d+ \(TLS\)/);
  } finally {
    await product.stop();
  }
});
