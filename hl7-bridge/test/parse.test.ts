// Delimiters, segment ends and escapes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { standardDelimiters } from '../src/message/delimiters.ts';
import { decodeEscapes } from '../src/message/escape.ts';
import { parseMessage } from '../src/message/parse.ts';
import { first, isDelete, part, repetitions } from '../src/message/segment.ts';
import { lines, msh, pid } from './messages.ts';

const header = msh('ADT^A01', 'C1');

function obx5(value: string): string {
  const { segments } = parseMessage(lines(header, `OBX|1|ST|X||${value}`));
  const obx = segments.at(-1);
  return obx ? first(obx, 5) : '';
}

test('fields, repetitions, components and sub-components', () => {
  const segment = parseMessage(lines(header, 'PID|1||1^^^A&1.2&ISO~2^^^B')).segments.at(-1);
  assert.ok(segment);
  const [one, two] = repetitions(segment, 3);
  assert.deepEqual(
    [part(one, 1), part(one, 4, 1), part(one, 4, 2), part(two, 1), part(two, 4), part(two, 9)],
    ['1', 'A', '1.2', '2', 'B', ''],
  );
});

test('MSH fields are counted from the separator', () => {
  const { header: segment } = parseMessage(lines(header));
  assert.deepEqual([first(segment, 3), first(segment, 9, 2), first(segment, 10)], ['SENDER', 'A01', 'C1']);
});

test('delimiters come from the message', () => {
  const { segments } = parseMessage('MSH#$%?*#S#F#R#F#20240501##ADT$A01#C1#P#2.5.1\rPID#1##1$$$A*1.2*ISO%2##DOE$J?F?X\r');
  const segment = segments.at(-1);
  assert.ok(segment);
  assert.equal(repetitions(segment, 3).length, 2);
  assert.equal(part(repetitions(segment, 3)[0], 4, 2), '1.2');
  assert.equal(first(segment, 5, 2), 'J#X');
});

test('CR, LF and CRLF end segments', () => {
  for (const end of ['\r', '\n', '\r\n'])
    assert.deepEqual(
      parseMessage([header, pid, 'PV1|1|I'].join(end)).segments.map(({ name }) => name),
      ['MSH', 'PID', 'PV1'],
    );
});

test('a line feed inside a text is text; before a segment it ends one', () => {
  const { segments } = parseMessage(`${header}\rOBX|1|TX|X||first line\nsecond line\nOBX|2|TX|Y||other\r`);
  assert.deepEqual(
    segments.slice(1).map((segment) => first(segment, 5)),
    ['first line\nsecond line', 'other'],
  );
});

test('an escaped delimiter does not split', () => {
  assert.equal(obx5('a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f'), 'a|b^c&d~e\\f');
});

test('hexadecimal bytes are UTF-8, else Latin-1; a line break is one', () => {
  assert.equal(obx5('M\\XC39C\\LLER M\\XDC\\LLER a\\.br\\b'), 'MÜLLER MÜLLER a\nb');
});

test('an unknown escape is kept as it was sent', () => {
  for (const text of ['A \\Q\\ B', 'A \\X0\\ B', 'A \\XZZ\\ B', 'a \\ b', '\\X00\\', 'C:\\temp']) assert.equal(obx5(text), text);
});

test('decoding undoes escaping for any text', () => {
  const names: { readonly [character: string]: string } = { '|': 'F', '^': 'S', '&': 'T', '~': 'R', '\\': 'E' };
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = text.replace(/[|^&~\\]/g, (character) => `\\${names[character]}\\`);
      assert.equal(decodeEscapes(escaped, standardDelimiters), text);
    }),
  );
});

test('"" is a deletion and no value', () => {
  const segment = parseMessage(lines(header, 'PID|1||1||""')).segments.at(-1);
  assert.ok(segment);
  assert.equal(isDelete(segment, 5), true);
  assert.deepEqual(repetitions(segment, 5), []);
});

test('no text crashes the parser in another way than a refusal', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('|', '^', '~', '\\', '&', '\r', '\n', 'M', 'S', 'H', 'A', '1', '\0') }), (text) => {
      try {
        parseMessage(`MSH|^~\\&|${text}`);
      } catch (error) {
        assert.equal(error instanceof Error && error.constructor.name, 'Refusal');
      }
    }),
  );
});
