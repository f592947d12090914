// Dynamic batching with a runner that the test holds in its hand: no clock decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batcher } from '../sidecar/batcher.ts';
import { ModelRefusal } from '../sidecar/instance.ts';
import { ProtocolError } from '../sidecar/protocol-error.ts';
import type { Tensor } from '../src/inference/datatypes.ts';

const never = new AbortController().signal;

function rows(...values: number[]): Tensor[] {
  return [{ name: 'x', datatype: 'FP32', shape: [values.length, 1], data: Float32Array.from(values) }];
}

/** Answers only when told to; remembers the batches. */
function heldRunner(): {
  free: boolean;
  batches: number[][];
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  answer(error?: Error): void;
} {
  let settle: ((error?: Error) => void) | undefined;
  const runner = {
    free: true,
    batches: [] as number[][],
    run(inputs: readonly Tensor[]): Promise<Tensor[]> {
      const [input] = inputs;
      assert.ok(input && runner.free);
      runner.free = false;
      runner.batches.push(Array.from(input.data as Float32Array));
      return new Promise((resolve, reject) => {
        settle = (error) => {
          runner.free = true;
          if (error) reject(error);
          else resolve([{ ...input, name: 'y', data: (input.data as Float32Array).map((v) => v * 10) }]);
        };
      });
    },
    answer: (error?: Error) => settle?.(error),
  };
  return runner;
}

function valuesOf(outputs: readonly Tensor[]): number[] {
  return Array.from(outputs[0]?.data as Float32Array);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a full queue is 503 and an aborted request leaves its place', async () => {
  const runner = heldRunner();
  const batcher = new Batcher({ maxBatchSize: 8, maxQueueDelayUs: 0, maxQueue: 1 }, [runner]);
  const first = batcher.infer(rows(1), never);
  const leaving = new AbortController();
  const second = batcher.infer(rows(2), leaving.signal);
  await assert.rejects(batcher.infer(rows(3), never), (e: ProtocolError) => e.status === 503 && e.retryAfterS === 1);
  leaving.abort();
  await assert.rejects(second, (e: ProtocolError) => e.status === 504);
  const third = batcher.infer(rows(4), never);
  runner.answer();
  assert.deepEqual(valuesOf(await first), [10]);
  await turn();
  runner.answer();
  assert.deepEqual(valuesOf(await third), [40]);
  assert.deepEqual(runner.batches, [[1], [4]]);
});

test('what waits becomes one batch up to max_batch_size, and each gets its own rows back', async () => {
  const runner = heldRunner();
  const batcher = new Batcher({ maxBatchSize: 4, maxQueueDelayUs: 0, maxQueue: 100 }, [runner]);
  const all = [
    batcher.infer(rows(1), never),
    batcher.infer(rows(2, 3), never),
    batcher.infer(rows(4, 5, 6), never),
    batcher.infer(rows(7), never),
  ];
  for (let i = 0; i < 3; i++) {
    runner.answer();
    await turn();
  }
  assert.deepEqual((await Promise.all(all)).map(valuesOf), [[10], [20, 30], [40, 50, 60], [70]]);
  assert.deepEqual(runner.batches, [[1], [2, 3, 7], [4, 5, 6]]);
  assert.deepEqual(batcher.counts, { requests: 4, executions: 3 });
});

test('without dynamic_batching, and for other inner shapes, requests run alone', async () => {
  const runner = heldRunner();
  const plain = new Batcher({ maxBatchSize: 4, maxQueueDelayUs: undefined, maxQueue: 100 }, [runner]);
  void Promise.all([plain.infer(rows(1), never), plain.infer(rows(2), never), plain.infer(rows(3), never)]);
  for (let i = 0; i < 3; i++) {
    runner.answer();
    await turn();
  }
  assert.deepEqual(runner.batches, [[1], [2], [3]]);

  const mixed = heldRunner();
  const batcher = new Batcher({ maxBatchSize: 4, maxQueueDelayUs: 0, maxQueue: 100 }, [mixed]);
  const wide: Tensor[] = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(8, 9) }];
  void Promise.all([batcher.infer(rows(1), never), batcher.infer(wide, never), batcher.infer(rows(2), never)]);
  for (let i = 0; i < 3; i++) {
    mixed.answer();
    await turn();
  }
  assert.deepEqual(mixed.batches, [[1], [8, 9], [2]]);
});

test('an input that the model refuses does not fail its batch mates', async () => {
  const runner = heldRunner();
  const batcher = new Batcher({ maxBatchSize: 8, maxQueueDelayUs: 0, maxQueue: 100 }, [runner]);
  const first = batcher.infer(rows(0), never);
  const good = batcher.infer(rows(1), never);
  const bad = batcher.infer(rows(2), never);
  const refused = assert.rejects(bad, (e: ProtocolError) => e.status === 400);
  runner.answer();
  await turn();
  runner.answer(new ModelRefusal('no'));
  await turn();
  runner.answer();
  await turn();
  runner.answer(new ModelRefusal('no'));
  await refused;
  assert.deepEqual(valuesOf(await first), [0]);
  assert.deepEqual(valuesOf(await good), [10]);
  assert.deepEqual(runner.batches, [[0], [1, 2], [1], [2]]);
});

test('a dead worker fails the batch it had, nothing else', async () => {
  const runner = heldRunner();
  const batcher = new Batcher({ maxBatchSize: 8, maxQueueDelayUs: 0, maxQueue: 100 }, [runner]);
  const first = batcher.infer(rows(1), never);
  const second = batcher.infer(rows(2), never);
  const dead = assert.rejects(first, (e: ProtocolError) => e.status === 503);
  runner.answer(new ProtocolError(503, 'the worker of the model died', 1));
  await dead;
  await turn();
  runner.answer();
  assert.deepEqual(valuesOf(await second), [20]);
});
