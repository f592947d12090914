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

interface Readiness {
  readonly ready: boolean;
  readonly models: readonly { readonly name: string; readonly instances: readonly { state: string; pid?: number; restarts: number }[] }[];
}

async function instancesOf(serving: Serving): Promise<Readiness['models'][number]['instances']> {
  const { models } = (await (await fetch(`${serving.url}/v2/health/ready`)).json()) as Readiness;
  return models[0]?.instances ?? [];
}

test('a model under which every worker dies before it has loaded is given up, and health says so', async () => {
  const serving = await serve('max_batch_size: 4', { worker: new URL('./fixtures/worker-that-crashes.ts', import.meta.url) });
  try {
    const response = await fetch(`${serving.url}/v2/health/ready`);
    assert.equal(response.status, 503);
    const { ready, models } = (await response.json()) as Readiness;
    assert.equal(ready, false);
    assert.deepEqual(models[0]?.instances, [{ state: 'failed', restarts: 5 }]);
    assert.equal((await infer(serving, 1)).status, 503);
  } finally {
    await serving.close();
  }
});

test('kill -9 of a worker fails the batch it has; what waits is answered by the next worker, and health counts it', async () => {
  const serving = await serve('max_batch_size: 4 dynamic_batching { }', { worker });
  try {
    const hanging = infer(serving, 777);
    await until(() => serving.models.find('two', undefined).counts.executions === 1);
    const waiting = [infer(serving, 2), infer(serving, 3)];
    await until(() => serving.models.find('two', undefined).counts.requests === 3);
    const [before] = await instancesOf(serving);
    assert.ok(before?.pid);
    process.kill(before.pid, 'SIGKILL');
    assert.equal((await hanging).status, 503);
    for (const answer of waiting) assert.equal((await answer).status, 200);
    const [after] = await instancesOf(serving);
    assert.deepEqual([after?.state, after?.restarts], ['ready', 1]);
    assert.notEqual(after?.pid, before.pid);
  } finally {
    await serving.close();
  }
});

test('kill -9 of a worker under load of the real model: no more than its batch fails, with 503, the rest is right', async () => {
  const serving = await serve('max_batch_size: 8 dynamic_batching { } instance_group [ { count: 2 kind: KIND_CPU } ]');
  try {
    const body = JSON.stringify({ inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 2], data: [1, 1] }] });
    const { counts } = serving.models.find('two', undefined);
    let failed = 0;
    const loop = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        const response = await fetch(`${serving.url}/v2/models/two/infer`, { method: 'POST', body });
        const { outputs } = (await response.json()) as { outputs?: { data: number[] }[] };
        if (response.status !== 200) failed++;
        else assert.ok(Math.abs((outputs?.[0]?.data[0] ?? 0) - 1 / (1 + Math.exp(0.5))) < 1e-5);
        if (response.status !== 200) assert.equal(response.status, 503);
      }
    };
    const load = Promise.all(Array.from({ length: 8 }, loop));
    await until(() => counts.requests > 40);
    const [victim] = await instancesOf(serving);
    assert.ok(victim?.pid);
    process.kill(victim.pid, 'SIGKILL');
    await load;
    assert.ok(failed <= 8, `${failed} requests failed`);
    await until(() => serving.models.find('two', undefined).health.every(({ state }) => state === 'ready'));
    assert.deepEqual(
      (await instancesOf(serving)).map(({ restarts }) => restarts),
      [1, 0],
    );
  } finally {
    await serving.close();
  }
});

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
