// Workers that die, hang or refuse: only the request at fault notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Serving, serve } from './fixtures/serve.ts';

const worker = new URL('./fixtures/worker-with-faults.ts', import.meta.url);

async function infer(
  serving: Serving,
  value: number,
  headers: { [name: string]: string } = {},
  parameters: object = {},
): Promise<Response> {
  const body = JSON.stringify({ parameters, inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [value] }] });
  return fetch(`${serving.url}/v2/models/two/infer`, { method: 'POST', headers, body });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a worker that dies fails its own request with 503 and is replaced', async () => {
  const serving = await serve('max_batch_size: 4', { worker });
  try {
    const response = await infer(serving, 666);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '1');
    await until(() => serving.models.ready);
    const again = (await (await infer(serving, 21)).json()) as { outputs: { data: number[] }[] };
    assert.deepEqual(again.outputs[0]?.data, [42]);
  } finally {
    await serving.close();
  }
});

test('deadlines are kept, a full queue is 503 with Retry-After', async () => {
  const serving = await serve('max_batch_size: 4', { worker, maxQueue: 1 });
  try {
    const model = serving.models.find('two', undefined);
    const hanging = infer(serving, 777, { 'x-request-timeout-ms': '60000' });
    await until(() => model.counts.executions === 1);
    assert.equal((await infer(serving, 1, { 'x-request-timeout-ms': '20' })).status, 504);
    assert.equal((await infer(serving, 1, {}, { timeout: 20_000 })).status, 504);
    const waiting = infer(serving, 2, { 'x-request-timeout-ms': '60000' });
    await until(() => model.counts.requests === 4);
    const full = await infer(serving, 3);
    assert.equal(full.status, 503);
    assert.equal(full.headers.get('retry-after'), '1');
    await serving.models.close();
    assert.deepEqual(await Promise.all([hanging, waiting].map(async (r) => (await r).status)), [503, 503]);
  } finally {
    await serving.close();
  }
});

test('a refused input is 400', async () => {
  const serving = await serve('max_batch_size: 4 dynamic_batching { }', { worker });
  try {
    assert.equal((await infer(serving, 555)).status, 400);
    assert.equal((await infer(serving, 1)).status, 200);
  } finally {
    await serving.close();
  }
});
