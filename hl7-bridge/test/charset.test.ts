// MSH-18 decides how bytes become text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../src/message/refusal.ts';
import { decodeFrame, encodeAnswer } from '../src/mllp/charset.ts';

const message = (msh18: string, name: string): string =>
  `MSH|^~\\&|S|F|R|F|20240501||ADT^A01|C1|P|2.5.1||||||${msh18}\rPID|1||1||${name}\r`;
const utf8 = 'UNICODE UTF-8';

function refusal(bytes: Buffer, defaultCharset = utf8): string {
  try {
    decodeFrame(bytes, defaultCharset);
  } catch (error) {
    if (error instanceof Refusal) return `${error.ack} ${error.code} ${error.location?.segment}-${error.location?.field}`;
  }
  return 'accepted';
}

test('bytes that are not of the character set are refused, never replaced', () => {
  const latin1 = (msh18: string): Buffer => Buffer.from(message(msh18, 'MÜLLER'), 'latin1');
  for (const msh18 of ['', utf8, 'ASCII']) assert.equal(refusal(latin1(msh18)), 'AE 102 MSH-18');
  assert.equal(refusal(Buffer.from(message('ASCII', 'MÜLLER'), 'utf8')), 'AE 102 MSH-18');
});

test('an unknown character set is refused', () => {
  assert.equal(refusal(Buffer.from(message('KLINGON', 'X'))), 'AE 103 MSH-18');
});

test('each supported character set keeps the text', () => {
  const cases: readonly (readonly [string, string, (text: string) => Buffer])[] = [
    ['ASCII', 'MULLER', (text) => Buffer.from(text, 'latin1')],
    ['8859/1', 'MÜLLER \u0080', (text) => Buffer.from(text, 'latin1')],
    ['8859/15', 'MÜLLER €', (text) => encodeAnswer(text, Buffer.from(message('8859/15', '')))],
    [utf8, 'ŁUCJA 張', (text) => Buffer.from(text, 'utf8')],
    ['UTF-8~UNICODE', 'ŁUCJA', (text) => Buffer.from(text, 'utf8')],
    ['', 'ŁUCJA', (text) => Buffer.from(text, 'utf8')],
    ['', 'ŁUCJA', (text) => Buffer.from(`\ufeff${text}`, 'utf8')],
    ['UNICODE UTF-16', 'ŁUCJA 張', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UNICODE UTF-16', 'ŁUCJA 張', (text) => Buffer.from(text, 'utf16le')],
    ['UNICODE UTF-16', 'ŁUCJA 張', (text) => Buffer.from(text, 'utf16le').swap16()],
  ];
  for (const [msh18, name, encode] of cases) assert.equal(decodeFrame(encode(message(msh18, name)), utf8), message(msh18, name));
});

test('8859/15 puts the euro at A4', () => {
  assert.equal(encodeAnswer('€', Buffer.from(message('8859/15', ''))).toString('hex'), 'a4');
});

test('an empty MSH-18 is what the channel says', () => {
  assert.match(decodeFrame(Buffer.from(message('', 'MÜLLER'), 'latin1'), '8859/1'), /MÜLLER/);
});

test('the answer is in the character set of the message', () => {
  assert.equal(encodeAnswer('Ü', Buffer.from(message('8859/1', ''))).toString('hex'), 'dc');
  assert.equal(encodeAnswer('Ü', Buffer.from(message('', ''))).toString('hex'), 'c39c');
  const utf16 = Buffer.from(message('UNICODE UTF-16', ''), 'utf16le');
  assert.equal(encodeAnswer('Ü', utf16).toString('hex'), 'fffedc00');
});
