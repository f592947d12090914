// config.pbtxt and settings: what can't be honoured is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../sidecar/config.ts';
import { parseModelConfig } from '../sidecar/model-config.ts';

test('a broken config.pbtxt is refused', () => {
  for (const text of ['name "', 'name: {', '{ }', 'name: "m" name2: }', 'a: [1, 2', '\u0000']) {
    assert.throws(() => parseModelConfig(text, 'm'), /config\.pbtxt/, text);
  }
  assert.throws(() => parseModelConfig('a {'.repeat(1000), 'm'), /deeply/);
});

test('what this server can not honour is refused', () => {
  assert.throws(() => parseModelConfig('name: "other"', 'm'), /folder/);
  assert.throws(() => parseModelConfig('platform: "tensorrt_plan"', 'm'), /ONNX/);
  assert.throws(() => parseModelConfig('max_batch_size: -1', 'm'), /max_batch_size/);
  assert.throws(() => parseModelConfig('instance_group [{ count: 1000 }]', 'm'), /count/);
  assert.throws(() => parseModelConfig('instance_group [{ kind: KIND_MODEL }]', 'm'), /kind/);
});

test('a Triton configuration is read', () => {
  const config = parseModelConfig(
    `# a comment
     name: "m"; backend: 'onnxruntime'
     max_batch_size: 8
     input [ { name: "x" dims: [ 3 ] }, { name: "z" dims: 1 } ]
     instance_group: [ { count: 2, kind: KIND_CPU } ]
     dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
     parameters { key: "intra_op_thread_count" value: { string_value: "3" } }
     version_policy: { specific { versions: [1, 3] } }`,
    'm',
  );
  assert.equal(config.maxBatchSize, 8);
  assert.equal(config.instances, 2);
  assert.equal(config.kind, 'KIND_CPU');
  assert.deepEqual(config.dynamicBatching, { maxQueueDelayUs: 100 });
  assert.equal(config.intraOpThreads, 3);
  assert.deepEqual(config.versions([1, 2, 3]), [1, 3]);
  assert.deepEqual(parseModelConfig('version_policy { latest { num_versions: 2 } }', 'm').versions([1, 2, 10]), [2, 10]);
  assert.deepEqual(parseModelConfig('', 'm').versions([1, 2, 10]), [10]);
  assert.equal(parseModelConfig('', 'm').dynamicBatching, undefined);
});

test('settings: nonsense and a bind beyond loopback are refused', () => {
  assert.throws(() => readConfig({ INFERENCE_PORT: 'x' }), /INFERENCE_PORT/);
  assert.throws(() => readConfig({ INFERENCE_PORT: '70000' }), /INFERENCE_PORT/);
  assert.throws(() => readConfig({ INFERENCE_HOST: '0.0.0.0' }), /ALLOW_BIND/);
  assert.equal(readConfig({ INFERENCE_HOST: '0.0.0.0', ALLOW_BIND: '1' }).host, '0.0.0.0');
  assert.equal(readConfig({}).port, 8090);
});
