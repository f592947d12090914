// One served version of a model: its instances, its batcher, what it accepts.
import type { Tensor } from '../src/inference/datatypes.ts';
import { Batcher } from './batcher.ts';
import { Instance, type InstanceHealth } from './instance.ts';
import type { ModelConfig } from './model-config.ts';
import { ProtocolError } from './protocol-error.ts';
import type { ModelFile } from './repository.ts';
import type { TensorMetadata } from './worker.ts';

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: 'onnxruntime_onnx';
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
  readonly parameters: { readonly weights_sha256: string; readonly execution_provider: string };
}

const workerScript = new URL('./worker.ts', import.meta.url);

export class ServedModel {
  readonly config: ModelConfig;
  readonly file: ModelFile;
  readonly #instances: readonly Instance[];
  readonly #batcher: Batcher;
  #waiters: (() => void)[] = [];

  /** @param script the worker; another one only in tests */
  constructor(config: ModelConfig, file: ModelFile, maxQueue: number, script: URL = workerScript) {
    this.config = config;
    this.file = file;
    const input = { path: file.path, kind: config.kind, intraOpThreads: config.intraOpThreads };
    this.#instances = Array.from({ length: config.instances }, () => new Instance(script, input, () => this.#changed()));
    const options = { maxBatchSize: config.maxBatchSize, maxQueueDelayUs: config.dynamicBatching?.maxQueueDelayUs, maxQueue };
    this.#batcher = new Batcher(options, this.#instances);
  }

  get ready(): boolean {
    return this.#instances.some((i) => i.state === 'ready');
  }

  get failed(): boolean {
    return this.#instances.every((i) => i.state === 'failed');
  }

  get health(): readonly InstanceHealth[] {
    return this.#instances.map((i) => i.health);
  }

  /** Requests taken and batches run so far. */
  get counts(): { readonly requests: number; readonly executions: number } {
    return this.#batcher.counts;
  }

  /** Resolves when the model answers or has failed to load. */
  async loaded(): Promise<void> {
    while (!this.ready && !this.failed) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  metadata(versions: readonly string[]): ModelMetadata {
    const session = this.#session();
    return {
      name: this.config.name,
      versions,
      platform: 'onnxruntime_onnx',
      inputs: session.inputs,
      outputs: session.outputs,
      parameters: { weights_sha256: this.file.weightsSha256, execution_provider: session.executionProvider },
    };
  }

  /**
   * Answers one request, perhaps together with others.
   * @throws ProtocolError 400 (input), 503 (queue full, worker died, not loaded), 504 (signal)
   */
  infer(inputs: readonly Tensor[], signal: AbortSignal): Promise<readonly Tensor[]> {
    const expected = this.#session().inputs;
    if (inputs.length !== expected.length) throw new ProtocolError(400, 'the model takes another number of inputs');
    for (const metadata of expected) this.#check(metadata, inputs);
    return this.#batcher.infer(inputs, signal);
  }

  async close(): Promise<void> {
    this.#batcher.drain(new ProtocolError(503, 'the server is stopping', 1));
    await Promise.all(this.#instances.map((i) => i.close()));
  }

  #session(): NonNullable<Instance['metadata']> {
    const session = this.#instances.find((i) => i.metadata)?.metadata;
    if (!session || this.failed) throw new ProtocolError(503, 'the model is not loaded', 1);
    return session;
  }

  #check(expected: TensorMetadata, inputs: readonly Tensor[]): void {
    const input = inputs.find((t) => t.name === expected.name);
    if (!input) throw new ProtocolError(400, 'an input of the model is missing');
    if (input.datatype !== expected.datatype) throw new ProtocolError(400, 'an input has another datatype than the model takes');
    const fits = input.shape.length === expected.shape.length && expected.shape.every((n, i) => n === -1 || n === input.shape[i]);
    if (!fits) throw new ProtocolError(400, 'an input has another shape than the model takes');
    if (this.config.maxBatchSize === 0) return;
    const rows = input.shape[0] ?? 0;
    if (rows < 1 || rows > this.config.maxBatchSize) throw new ProtocolError(400, 'the batch size must be from 1 to max_batch_size');
    if (inputs.some((t) => t.shape[0] !== rows)) throw new ProtocolError(400, 'the inputs have different batch sizes');
  }

  #changed(): void {
    this.#batcher.dispatch();
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
