// One ONNX Runtime session in a process of its own: run() blocks it, and what native code breaks is this process, not the HTTP server.
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Datatype, Tensor, TensorData } from '../src/inference/datatypes.ts';
import type { ModelConfig } from './model-config.ts';

export interface WorkerInput {
  readonly path: string;
  readonly kind: ModelConfig['kind'];
  readonly intraOpThreads: number | undefined;
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1: any length. */
  readonly shape: readonly number[];
}

export interface SessionMetadata {
  readonly executionProvider: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export type WorkerMessage =
  | { readonly event: 'loaded'; readonly metadata: SessionMetadata }
  | { readonly event: 'failed' }
  | { readonly event: 'done'; readonly job: number; readonly outputs: readonly Tensor[] }
  | { readonly event: 'refused'; readonly job: number };

export interface WorkerJob {
  readonly job: number;
  readonly inputs: readonly Tensor[];
}

const datatypes: { readonly [onnx: string]: Datatype } = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};
const onnxTypes = Object.fromEntries(Object.entries(datatypes).map(([onnx, datatype]) => [datatype, onnx]));

function metadataOf(values: InferenceSession['inputMetadata']): TensorMetadata[] {
  return values.map((value) => {
    const datatype = value.isTensor ? datatypes[value.type] : undefined;
    if (!value.isTensor || !datatype) throw new Error('a value of the model has a type that the protocol lacks');
    return { name: value.name, datatype, shape: value.shape.map((n) => (typeof n === 'number' && n >= 0 ? n : -1)) };
  });
}

/** The package lists cuda as supported on every Linux; whether its library was installed is another question. */
function hasCudaLibrary(): boolean {
  const packageRoot = dirname(dirname(fileURLToPath(import.meta.resolve('onnxruntime-node'))));
  return globSync(join(packageRoot, `bin/napi-v*/${process.platform}/${process.arch}/*onnxruntime_providers_cuda.*`)).length > 0;
}

/** Chosen here and reported: naming a provider whose library is missing makes ONNX Runtime throw, not fall back. */
async function openSession(input: WorkerInput): Promise<{ session: InferenceSession; provider: string }> {
  const gpu = hasCudaLibrary();
  const providers = input.kind === 'KIND_CPU' || !gpu ? ['cpu'] : ['cuda', 'cpu'];
  if (input.kind === 'KIND_GPU' && !gpu) throw new Error('no GPU provider');
  const options = input.intraOpThreads === undefined ? {} : { intraOpNumThreads: input.intraOpThreads, interOpNumThreads: 1 };
  for (const provider of providers) {
    try {
      return { session: await InferenceSession.create(input.path, { ...options, executionProviders: [provider] }), provider };
    } catch (error) {
      if (provider === providers.at(-1) || input.kind === 'KIND_GPU') throw error;
    }
  }
  throw new Error('no provider');
}

function toOrt(tensor: Tensor): OrtTensor {
  // The constructor's overloads are one per type; the pairing is the table above.
  const Construct = OrtTensor as new (type: string, data: TensorData, dims: readonly number[]) => OrtTensor;
  return new Construct(onnxTypes[tensor.datatype] ?? 'float32', tensor.data, tensor.shape);
}

function fromOrt(name: string, value: OrtTensor): Tensor {
  const datatype = datatypes[value.type] ?? 'FP32';
  const data = value.data as TensorData;
  return {
    name,
    datatype,
    shape: value.dims,
    data: datatype === 'FP16' && !Array.isArray(data) ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
  };
}

async function run(session: InferenceSession, inputs: readonly Tensor[]): Promise<Tensor[]> {
  const results = await session.run(Object.fromEntries(inputs.map((tensor) => [tensor.name, toOrt(tensor)])));
  return session.outputNames.map((name) => {
    const value = results[name];
    if (!value) throw new Error('an output is missing');
    return fromOrt(name, value as OrtTensor);
  });
}

/** The server ends this process; a signal to the whole group must not cut a batch that the server lets finish. */
function leaveWithServer(): void {
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.once('disconnect', () => process.exit(0));
}

async function main(input: WorkerInput): Promise<void> {
  const send = (message: WorkerMessage): void => void process.send?.(message, () => undefined);
  leaveWithServer();
  try {
    const { session, provider } = await openSession(input);
    const metadata = {
      executionProvider: provider,
      inputs: metadataOf(session.inputMetadata),
      outputs: metadataOf(session.outputMetadata),
    };
    process.on('message', ({ job, inputs }: WorkerJob) => {
      run(session, inputs).then(
        (outputs) => send({ event: 'done', job, outputs }),
        () => send({ event: 'refused', job }),
      );
    });
    send({ event: 'loaded', metadata });
  } catch {
    process.send?.({ event: 'failed' } satisfies WorkerMessage, () => process.exit(1));
  }
}

const [, , argument] = process.argv;
if (process.send && argument) await main(JSON.parse(argument) as WorkerInput);
