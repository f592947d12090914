// https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_configuration.md — the part of config.pbtxt this server honours.
import { messageOf, numberOf, type PbMessage, parsePbtxt, textOf } from './pbtxt.ts';

export interface ModelConfig {
  readonly name: string;
  /** 0: the model has no batch dimension. */
  readonly maxBatchSize: number;
  /** Absent: requests are never put together. */
  readonly dynamicBatching: { readonly maxQueueDelayUs: number } | undefined;
  /** Worker threads, each with a session of its own. */
  readonly instances: number;
  readonly kind: 'KIND_AUTO' | 'KIND_CPU' | 'KIND_GPU';
  readonly intraOpThreads: number | undefined;
  readonly versions: (available: readonly number[]) => readonly number[];
}

const knownKinds = new Set(['KIND_AUTO', 'KIND_CPU', 'KIND_GPU']);
const maxInstances = 16;

function versionPolicy(policy: PbMessage | undefined): ModelConfig['versions'] {
  if (policy?.has('all')) return (available) => available;
  const specific = messageOf(policy, 'specific');
  if (specific) {
    const wanted = new Set(specific.get('versions') ?? []);
    return (available) => available.filter((v) => wanted.has(v));
  }
  const latest = numberOf(messageOf(policy, 'latest'), 'num_versions') ?? 1;
  return (available) => available.slice(-latest);
}

function parameter(message: PbMessage, key: string): string | undefined {
  for (const entry of message.get('parameters') ?? []) {
    if (entry instanceof Map && textOf(entry, 'key') === key) return textOf(messageOf(entry, 'value'), 'string_value');
  }
  return undefined;
}

/**
 * Reads a model's config.pbtxt.
 * @throws Error with one sentence when a value can't be honoured
 */
export function parseModelConfig(text: string, folder: string): ModelConfig {
  const message = parsePbtxt(text);
  const name = textOf(message, 'name') ?? folder;
  if (name !== folder) throw new Error('config.pbtxt: name differs from the folder of the model.');
  const platform = textOf(message, 'platform') ?? textOf(message, 'backend') ?? 'onnxruntime';
  if (platform !== 'onnxruntime' && platform !== 'onnxruntime_onnx') throw new Error('config.pbtxt: only ONNX Runtime models are served.');
  const maxBatchSize = numberOf(message, 'max_batch_size') ?? 0;
  if (!Number.isInteger(maxBatchSize) || maxBatchSize < 0) throw new Error('config.pbtxt: max_batch_size must be a whole number.');
  const group = messageOf(message, 'instance_group');
  const instances = numberOf(group, 'count') ?? 1;
  if (!Number.isInteger(instances) || instances < 1 || instances > maxInstances)
    throw new Error(`config.pbtxt: instance_group.count must be 1 to ${maxInstances}.`);
  const kind = textOf(group, 'kind') ?? 'KIND_AUTO';
  if (!knownKinds.has(kind)) throw new Error('config.pbtxt: instance_group.kind must be KIND_AUTO, KIND_CPU or KIND_GPU.');
  const batching = messageOf(message, 'dynamic_batching');
  const threads = Number(parameter(message, 'intra_op_thread_count') ?? 0);
  return {
    name,
    maxBatchSize,
    dynamicBatching:
      batching && maxBatchSize > 0 ? { maxQueueDelayUs: numberOf(batching, 'max_queue_delay_microseconds') ?? 0 } : undefined,
    instances,
    kind: kind as ModelConfig['kind'],
    intraOpThreads: Number.isInteger(threads) && threads > 0 ? threads : undefined,
    versions: versionPolicy(messageOf(message, 'version_policy')),
  };
}
