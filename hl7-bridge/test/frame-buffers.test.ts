// The memory that all connections share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrameBuffers } from '../src/mllp/frame-buffers.ts';

test('at the limit a connection waits, and is woken when another gives back', () => {
  const buffers = createFrameBuffers(100);
  const woken: string[] = [];
  const a = buffers.open(() => void woken.push('a'));
  const b = buffers.open(() => void woken.push('b'));
  assert.equal(a.hold(60, false), true);
  assert.equal(b.hold(40, false), false);
  assert.deepEqual(woken, []);
  a.hold(0, false);
  assert.deepEqual(woken, ['b']);
  assert.equal(buffers.heldBytes(), 40);
});

test('the frame that began first always grows; when it has ended, the next one does', () => {
  const buffers = createFrameBuffers(100);
  const woken: string[] = [];
  const a = buffers.open(() => void woken.push('a'));
  const b = buffers.open(() => void woken.push('b'));
  const c = buffers.open(() => void woken.push('c'));
  assert.equal(a.hold(50, true), true);
  assert.equal(b.hold(50, true), false);
  assert.equal(c.hold(10, true), false);
  assert.equal(a.hold(500, true), true);
  // The first frame is complete and still held: now b's is the oldest that must end.
  a.hold(500, false);
  assert.deepEqual(woken, ['b']);
  b.close();
  assert.deepEqual(woken, ['b', 'c']);
});

test('a closed connection holds nothing and is not woken', () => {
  const buffers = createFrameBuffers(10);
  const woken: string[] = [];
  const a = buffers.open(() => void woken.push('a'));
  const b = buffers.open(() => undefined);
  b.hold(10, true);
  a.hold(10, true);
  a.close();
  b.close();
  assert.deepEqual([woken, buffers.heldBytes()], [[], 0]);
});
