// Nothing leaks on any path: the short version of leak-matrix.ts, and the proof that it would notice.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openLeakWorld, paths, runLeakMatrix } from './leak-matrix.ts';
import type { World } from './leak-world.ts';
import type { WriteServer } from './writeServer.ts';

let server: WriteServer;
let world: World;

before(async () => {
  ({ server, world } = await openLeakWorld());
});
after(() => server?.stop());

test('generated requests of every level, letter and constraint on every path: no leak, and nothing open is withheld', async () => {
  const matrix = await runLeakMatrix(server, world, 20 * Object.keys(paths).length);
  assert.deepEqual(matrix.leaks, []);
  assert.deepEqual(matrix.missing, []);
  assert.ok(matrix.opened > matrix.requests / 10, `${matrix.opened} of ${matrix.requests} showed something`);
});

test('the matrix notices: for who is bound by no label and no consent it finds leaks on most paths', async () => {
  const matrix = await runLeakMatrix(server, world, 8 * Object.keys(paths).length, { purpose: 'BTG' });
  const leaking = new Set(matrix.leaks.map((leak) => leak.split(':')[0]));
  assert.ok(leaking.size >= 12, [...leaking].join());
});
