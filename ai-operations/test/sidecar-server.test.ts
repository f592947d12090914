// The protocol over HTTP on a real ONNX Runtime session: refusals first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Serving, serve } from './fixtures/serve.ts';

let serving: Serving;
const inferPath = '/v2/models/two/infer';
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

before(async () => {
  serving = await serve('max_batch_size: 4 dynamic_batching { }', { maxBodyBytes: 20_000 });
});
after(() => serving.close());

interface Answer {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

async function call(path: string, body?: unknown, headers: { [name: string]: string } = {}): Promise<Answer> {
  const init = body === undefined ? {} : { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(serving.url + path, init);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const input = (more: object = {}): object => ({ inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 2], data: [1, 2], ...more }] });

function risks(answer: Answer): number[] {
  const [output] = answer.body.outputs as { data: number[] }[];
  return output?.data ?? [];
}

test('bad requests are 400 with an error text', async () => {
  const bad: unknown[] = [
    '{',
    '[]',
    {},
    { inputs: [] },
    { inputs: [{ datatype: 'FP32', shape: [1, 2], data: [1, 2] }] },
    { ...input(), id: 7 },
    { ...input(), parameters: { timeout: -1 } },
    { ...input(), outputs: [{ name: 'other' }] },
    { inputs: [...(input() as { inputs: object[] }).inputs, ...(input() as { inputs: object[] }).inputs] },
    input({ name: 'other' }),
    input({ datatype: 'FP99' }),
    input({ datatype: 'FP64' }),
    input({ shape: [1, 3] }),
    input({ shape: [1, 3], data: [1, 2, 3] }),
    input({ shape: [-1, 2] }),
    input({ shape: [2], data: [1, 2] }),
    input({ data: [1] }),
    input({ data: [1, 'x'] }),
    input({ data: [1, null] }),
    input({ data: [[1], [2]] }),
    input({ shape: [0, 2], data: [] }),
    input({ shape: [5, 2], data: Array(10).fill(0) }),
    input({ shape: [1_000_000, 1_000_000] }),
    input({ parameters: { binary_data_size: 8 } }),
  ];
  for (const body of bad) {
    const answer = await call(inferPath, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(typeof answer.body.error, 'string');
  }
});

test('an unknown model, version or path is 404, a body too large 413', async () => {
  for (const path of ['/', '/v2/models/nope', '/v2/models/two/versions/9', '/v2/models/two/versions/9/ready', '/v2/other']) {
    const answer = await call(path);
    assert.equal(answer.status, 404, path);
    assert.equal(typeof answer.body.error, 'string');
  }
  assert.equal((await call('/v2/models/nope/infer', input())).status, 404);
  assert.equal((await call(inferPath)).status, 404);
  assert.equal((await call('/v2/models/%E0%A4%A/ready')).status, 400);
  assert.equal((await call(inferPath, ' '.repeat(30_000))).status, 413);
});

test('a wrong timeout header and a wrong header length are 400', async () => {
  assert.equal((await call(inferPath, input(), { 'x-request-timeout-ms': 'soon' })).status, 400);
  for (const length of ['-1', 'x', '99999'])
    assert.equal((await call(inferPath, input(), { 'inference-header-content-length': length })).status, 400);
});

test('server and model metadata, health', async () => {
  assert.deepEqual((await call('/v2')).body.extensions, ['binary_tensor_data']);
  assert.equal((await call('/v2/health/live')).status, 200);
  assert.equal((await call('/v2/health/ready')).status, 200);
  assert.equal((await call('/v2/models/two/versions/1/ready')).status, 200);
  const { body } = await call('/v2/models/two');
  assert.deepEqual(body.inputs, [{ name: 'features', datatype: 'FP32', shape: [-1, 2] }]);
  assert.deepEqual(body.outputs, [{ name: 'risk', datatype: 'FP32', shape: [-1, 1] }]);
  assert.match((body.parameters as { weights_sha256: string }).weights_sha256, /^[0-9a-f]{64}$/);
  assert.equal((body.parameters as { execution_provider: string }).execution_provider, 'cpu');
});

test('flat and nested JSON give the same answer, the one of the formula', async () => {
  const flat = await call(inferPath, { id: 'a', ...input({ shape: [2, 2], data: [1, 2, 3, 4] }) });
  const nested = await call(
    '/v2/models/two/versions/1/infer',
    input({
      shape: [2, 2],
      data: [
        [1, 2],
        [3, 4],
      ],
    }),
  );
  assert.equal(flat.status, 200);
  assert.equal(flat.body.id, 'a');
  assert.equal(flat.body.model_version, '1');
  assert.deepEqual(risks(flat), risks(nested));
  for (const [i, z] of [-2.5, -4.5].entries()) assert.ok(Math.abs((risks(flat)[i] ?? 0) - sigmoid(z)) < 1e-6);
});

test('binary tensors in and out, NaN included', async () => {
  const header = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [{ name: 'features', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } }],
    }),
  );
  const body = Buffer.concat([header, Buffer.from(Float32Array.of(1, 2, Number.NaN, 0).buffer)]);
  const send = (bytes: Buffer, length: number): Promise<Response> =>
    fetch(serving.url + inferPath, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(length) },
      body: new Uint8Array(bytes),
    });
  const response = await send(body, header.length);
  assert.equal(response.status, 200);
  const length = Number(response.headers.get('inference-header-content-length'));
  const bytes = Buffer.from(await response.arrayBuffer());
  const json = JSON.parse(bytes.toString('utf8', 0, length)) as { outputs: { parameters: { binary_data_size: number } }[] };
  assert.equal(json.outputs[0]?.parameters.binary_data_size, 8);
  assert.ok(Math.abs(bytes.readFloatLE(length) - sigmoid(-2.5)) < 1e-6);
  assert.ok(Number.isNaN(bytes.readFloatLE(length + 4)));
  assert.equal((await send(body.subarray(0, -4), header.length)).status, 400);
  assert.equal((await send(Buffer.concat([body, Buffer.alloc(4)]), header.length)).status, 400);
});

test('a NaN has no JSON form: said so, not sent as null', async () => {
  const header = Buffer.from(
    JSON.stringify({ inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }] }),
  );
  const body = Buffer.concat([header, Buffer.from(Float32Array.of(Number.NaN, 0).buffer)]);
  const response = await fetch(serving.url + inferPath, {
    method: 'POST',
    headers: { 'inference-header-content-length': String(header.length) },
    body: new Uint8Array(body),
  });
  assert.equal(response.status, 500);
  assert.match(((await response.json()) as { error: string }).error, /binary_data/);
});

test('parallel requests get their own answers', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => call(inferPath, input({ data: [i, 0] }))));
  for (const [i, answer] of answers.entries()) assert.ok(Math.abs((risks(answer)[0] ?? 0) - sigmoid(i + 0.5)) < 1e-6);
});
