// The client against servers that fail in every way, then against ours.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { type InferenceClient, inferenceClient } from '../src/inference/client.ts';
import { serve } from './fixtures/serve.ts';

const input = { name: 'features', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) } as const;

async function against(listener: RequestListener, check: (client: InferenceClient) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await check(inferenceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function fails(status: number, promise: Promise<unknown>): Promise<void> {
  return assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof OperationOutcomeError);
    assert.equal(error.status, status);
    assert.doesNotMatch(JSON.stringify(error.outcome), /secret/);
    return true;
  });
}

test('nobody there is 503', async () => {
  const client = inferenceClient('http://127.0.0.1:9');
  assert.equal(await client.ready(), false);
  await fails(503, client.infer('two', [input]));
  await fails(503, client.metadata('two'));
});

test('error statuses: 503 and 404 are 503, 504 is 504, anything else 502, and no foreign text gets through', async () => {
  for (const [status, expected] of [
    [503, 503],
    [404, 503],
    [429, 503],
    [504, 504],
    [400, 502],
    [500, 502],
    [302, 502],
  ] as const) {
    await against(
      (_, response) => response.writeHead(status).end('{"error":"secret"}'),
      (client) => fails(expected, client.infer('two', [input])),
    );
  }
});

test('no answer in time is 504, an abort of the caller ends the call', async () => {
  await against(
    () => undefined,
    async (client) => {
      await fails(504, client.infer('two', [input], { timeoutMs: 30 }));
      await fails(504, client.infer('two', [input], { signal: AbortSignal.abort() }));
    },
  );
});

test('a connection cut in the middle is 503', async () => {
  await against(
    (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"out');
      setImmediate(() => response.destroy());
    },
    (client) => fails(503, client.infer('two', [input])),
  );
});

test('garbage, wrong shapes and numbers that are none are 502', async () => {
  const output = { name: 'risk', datatype: 'FP32', shape: [1, 1], data: [0.5] };
  const bodies = [
    'secret',
    '[]',
    '{}',
    '{"outputs":7}',
    ...[
      { shape: [2, 1] },
      { shape: [-1] },
      { shape: 'x' },
      { data: ['0.5'] },
      { data: [null] },
      { data: undefined },
      { datatype: 'secret' },
      { name: 7 },
    ].map((wrong) => JSON.stringify({ outputs: [{ ...output, ...wrong }] })),
    '{"outputs":[{"name":"risk","datatype":"FP32","shape":[1],"data":[NaN]}]}',
    '{"outputs":[{"name":"risk","datatype":"FP32","shape":[1],"data":[1e999]}]}',
  ];
  for (const body of bodies)
    await against(
      (_, response) => response.end(body),
      (client) => fails(502, client.infer('two', [input])),
    );
  await against(
    (_, response) => response.end(Buffer.alloc(17 * 1024 * 1024, 'a')),
    (client) => fails(502, client.infer('two', [input])),
  );
});

test('our own server: ready, metadata, infer', async () => {
  const serving = await serve('max_batch_size: 4 instance_group { kind: KIND_CPU }');
  try {
    const client = inferenceClient(`${serving.url}/v2`);
    assert.equal(await client.ready(), true);
    const metadata = await client.metadata('two');
    assert.deepEqual([metadata.name, metadata.versions, metadata.executionProvider], ['two', ['1'], 'cpu']);
    const result = await client.infer('two', [input], { version: '1', timeoutMs: 5_000 });
    assert.equal(result.weightsSha256, metadata.weightsSha256);
    assert.deepEqual(result.outputs.risk?.shape, [1, 1]);
    assert.ok(Math.abs((result.outputs.risk?.data[0] ?? 0) - 1 / (1 + Math.exp(2.5))) < 1e-6);
    await fails(502, client.infer('two', [{ ...input, shape: [1, 3] }]));
    await fails(503, client.infer('none', [input]));
  } finally {
    await serving.close();
  }
});
