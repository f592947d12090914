// Any way the network cuts the bytes gives the same frames.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFrameDecoder, encodeFrame } from '../src/mllp/frame-decoder.ts';

const limitBytes = 1000;

function decode(chunks: readonly Buffer[], maxFrameBytes = limitBytes) {
  const decoder = createFrameDecoder(maxFrameBytes);
  const decoded = chunks.map((chunk) => decoder.push(chunk));
  return {
    frames: decoded.flatMap(({ frames }) => frames.map((frame) => frame.toString('latin1'))),
    overflow: decoded.some(({ overflow }) => overflow),
    noiseBytes: decoded.reduce((sum, { noiseBytes }) => sum + noiseBytes, 0),
    abandonedFrames: decoded.reduce((sum, { abandonedFrames }) => sum + abandonedFrames, 0),
    inFrame: decoder.inFrame(),
  };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

test('a frame longer than the limit overflows, whatever the packets', () => {
  const bytes = encodeFrame(Buffer.alloc(limitBytes + 1, 'a'));
  assert.equal(decode([bytes]).overflow, true);
  assert.equal(decode(cut(bytes, [10, 500, 999])).overflow, true);
  assert.equal(decode([encodeFrame(Buffer.alloc(limitBytes, 'a'))]).overflow, false);
});

test('an end block that is data counts towards the limit', () => {
  assert.equal(decode([Buffer.from('\x0babc\x1cd')], 3).overflow, true);
});

test('bytes before a start block are noise, and the frame after them is read', () => {
  const { frames, noiseBytes } = decode([Buffer.from('MSH|noise\x1c\r'), Buffer.from('\x0bgood\x1c\r')]);
  assert.deepEqual(frames, ['good']);
  assert.equal(noiseBytes, 11);
});

test('an end block without carriage return is data', () => {
  assert.deepEqual(decode([Buffer.from('\x0ba\x1cb\x1c\x1c\r')]).frames, ['a\x1cb\x1c']);
});

test('a start block inside a field is data', () => {
  assert.deepEqual(decode([Buffer.from('\x0ba\x0bb\x1c\r')]).frames, ['a\x0bb']);
});

test('a start block where a segment would begin starts a new frame: the message after a lost end block is not lost', () => {
  const { frames, abandonedFrames } = decode([Buffer.from('\x0bMSH|1\r\x0bMSH|2\r\x1c\r')]);
  assert.deepEqual(frames, ['MSH|2\r']);
  assert.equal(abandonedFrames, 1);
});

test('any split of any frames and noise between them gives the same frames', () => {
  const payload = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes.filter((byte) => ![0x0b, 0x0d].includes(byte))));
  const noise = fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0b)));
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, payload), { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (parts, places) => {
      const bytes = Buffer.concat(parts.flatMap(([before, content]) => [before, encodeFrame(content)]));
      const expected = parts.map(([, content]) => content.toString('latin1'));
      assert.deepEqual(decode(cut(bytes, places)).frames, expected);
      assert.deepEqual(decode(Array.from(bytes, (byte) => Buffer.from([byte]))).frames, expected);
    }),
  );
});
