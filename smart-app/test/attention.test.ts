// A page that nobody touches stops asking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietAfterMs, watchAttention } from '../src/record/attention.ts';

test('without input attention ends, any input brings it back, and the watch can be ended', () => {
  const target = new EventTarget();
  let now = 0;
  const attention = watchAttention(target, () => now);
  now = quietAfterMs - 1;
  assert.equal(attention.present(), true);
  now = quietAfterMs;
  assert.equal(attention.present(), false);
  target.dispatchEvent(new Event('keydown'));
  assert.equal(attention.present(), true);
  now += quietAfterMs;
  assert.equal(attention.present(), false);
  attention.end();
  target.dispatchEvent(new Event('keydown'));
  assert.equal(attention.present(), false);
});
