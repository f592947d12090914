import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentBodies } from '../src/store/recent-bodies.ts';

test('a version is made once; the oldest go, what is read again stays, large ones are never kept', () => {
  const recent = new RecentBodies(160);
  let made = 0;
  const of = (rid: string, length = 10): string =>
    recent.of(rid, 1, () => {
      made += 1;
      return rid.padEnd(length, 'x');
    });
  assert.equal(of('a'), of('a'));
  assert.equal(made, 1);
  assert.notEqual(
    recent.of('a', 2, () => 'other'),
    of('a'),
  );
  for (let n = 0; n < 14; n++) of(`f${n}`);
  assert.equal(of('a'), of('a'));
  assert.equal(made, 15);
  for (let n = 14; n < 20; n++) of(`f${n}`);
  of('a');
  assert.equal(made, 21);
  of('f0');
  assert.equal(made, 22);
  of('large', 11);
  of('large', 11);
  assert.equal(made, 24);
});
