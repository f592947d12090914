// Users' expressions: what is too costly is ended, and the server goes on meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExpressionPool } from '../src/expressions/index.ts';

/** Takes as long as it is let: a pattern that backtracks. */
const endless = (at: string): { kind: 'filter'; expression: string; type: string; values: unknown[] } => ({
  kind: 'filter',
  expression: `${at}.matches('^(a+)+$')`,
  type: 'Patient',
  values: [{ resourceType: 'Patient', id: `${'a'.repeat(60)}!` }],
});

describe('expressions in threads', () => {
  test('a pattern without end is ended, while the event loop goes on and the tasks behind it are done', async () => {
    const pool = new ExpressionPool({ workers: 1, taskMs: 300 });
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 10);
    const first = assert.rejects(pool.run(endless('id')), { status: 422 });
    const second = pool.run({ kind: 'filter', expression: "family = 'B'", type: 'HumanName', values: [{ family: 'A' }, { family: 'B' }] });
    await first;
    clearInterval(ticking);
    assert.ok(ticks > 1);
    assert.deepEqual(await second, [false, true]);
  });

  test('what is no condition is refused, and the thread lives on', async () => {
    const pool = new ExpressionPool({ workers: 1 });
    await assert.rejects(pool.run({ kind: 'filter', expression: 'family.(', type: 'HumanName', values: [{}] }), { status: 422 });
    await assert.rejects(pool.run({ kind: 'filter', expression: 'noSuchFunction()', type: 'HumanName', values: [{}] }), { status: 422 });
    assert.deepEqual(await pool.run({ kind: 'filter', expression: 'family.exists()', type: 'HumanName', values: [{}] }), [false]);
  });

  test('who comes when too many wait is told to come later', async () => {
    const pool = new ExpressionPool({ workers: 1, queued: 1, taskMs: 300 });
    const waiting = assert.rejects(pool.run(endless('id')), { status: 422 });
    await assert.rejects(pool.run(endless('id')), { status: 503 });
    await waiting;
  });
});
