// https://github.com/triton-inference-server/server/blob/main/docs/user_guide/batcher.md#dynamic-batcher — requests to one model become batches.
import { allocate, type Tensor, type TensorData } from '../src/inference/datatypes.ts';
import { ModelRefusal } from './instance.ts';
import { ProtocolError } from './protocol-error.ts';

export interface Runner {
  readonly free: boolean;
  run(inputs: readonly Tensor[]): Promise<readonly Tensor[]>;
}

export interface BatcherOptions {
  /** 0: no batch dimension, never put together. */
  readonly maxBatchSize: number;
  /** Absent: one request per run. */
  readonly maxQueueDelayUs: number | undefined;
  readonly maxQueue: number;
}

interface Waiting {
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  /** Only requests with the same key may share a batch: same names, types and inner shapes. */
  readonly key: string;
  readonly sinceMs: number;
  /** Was in a batch that the model refused: runs by itself, so that only the bad one fails. */
  alone: boolean;
  settled: boolean;
  resolve(outputs: readonly Tensor[]): void;
  reject(error: unknown): void;
}

function keyOf(inputs: readonly Tensor[]): string {
  return inputs.map((t) => `${t.name}:${t.datatype}:${t.shape.slice(1).join('x')}`).join('|');
}

function concatenate(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new Error('an empty batch');
  const length = parts.reduce((sum, t) => sum + t.data.length, 0);
  const data = allocate(first.datatype, length);
  let at = 0;
  for (const part of parts) {
    if (Array.isArray(data)) for (const [i, text] of (part.data as string[]).entries()) data[at + i] = text;
    else (data as Float32Array).set(part.data as Float32Array, at);
    at += part.data.length;
  }
  return { ...first, shape: [parts.reduce((sum, t) => sum + (t.shape[0] ?? 0), 0), ...first.shape.slice(1)], data };
}

/** Rows [from, from + rows) of a batched output. */
function slice(tensor: Tensor, from: number, rows: number, batchRows: number): Tensor {
  if (tensor.shape[0] !== batchRows) throw new ModelRefusal('an output has no batch dimension');
  const width = tensor.data.length / batchRows;
  const data = (tensor.data as Float32Array).slice(from * width, (from + rows) * width) as TensorData;
  return { ...tensor, shape: [rows, ...tensor.shape.slice(1)], data };
}

export class Batcher {
  readonly #options: BatcherOptions;
  readonly #runners: readonly Runner[];
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Figures for metrics and tests. */
  readonly counts = { requests: 0, executions: 0 };

  constructor(options: BatcherOptions, runners: readonly Runner[]) {
    this.#options = options;
    this.#runners = runners;
  }

  /**
   * Queues one request.
   * @throws ProtocolError 503 when the queue is full; 504 when the signal fires before a result
   */
  infer(inputs: readonly Tensor[], signal: AbortSignal): Promise<readonly Tensor[]> {
    if (this.#queue.length >= this.#options.maxQueue) return Promise.reject(new ProtocolError(503, 'too many requests are waiting', 1));
    if (signal.aborted) return Promise.reject(new ProtocolError(504, 'the deadline passed'));
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiting.settled = true;
        this.#queue = this.#queue.filter((w) => w !== waiting);
        reject(new ProtocolError(504, 'the deadline passed'));
      };
      const done = (): boolean => {
        signal.removeEventListener('abort', giveUp);
        const first = !waiting.settled;
        waiting.settled = true;
        return first;
      };
      const waiting: Waiting = {
        inputs,
        rows: inputs[0]?.shape[0] ?? 1,
        key: keyOf(inputs),
        sinceMs: performance.now(),
        alone: false,
        settled: false,
        resolve: (outputs) => done() && resolve(outputs),
        reject: (error) => done() && reject(error),
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.counts.requests++;
      this.#queue.push(waiting);
      this.dispatch();
    });
  }

  /** Gives free runners what waits; called for each new request and whenever a runner becomes free. */
  dispatch(): void {
    for (const runner of this.#runners) {
      if (!runner.free) continue;
      const batch = this.#take();
      if (batch.length === 0) return;
      void this.#run(runner, batch);
    }
  }

  /** Refuses everything that waits. */
  drain(error: ProtocolError): void {
    clearTimeout(this.#timer);
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
  }

  /** The oldest request and those that fit beside it, or nothing while waiting for more pays. */
  #take(): Waiting[] {
    const [oldest] = this.#queue;
    if (!oldest) return [];
    const { maxBatchSize, maxQueueDelayUs } = this.#options;
    const batch = [oldest];
    let rows = oldest.rows;
    if (maxQueueDelayUs !== undefined && maxBatchSize > 0 && !oldest.alone) {
      for (const other of this.#queue.slice(1)) {
        if (other.alone || other.key !== oldest.key || rows + other.rows > maxBatchSize) continue;
        batch.push(other);
        rows += other.rows;
      }
      const restMs = oldest.sinceMs + maxQueueDelayUs / 1000 - performance.now();
      if (rows < maxBatchSize && restMs > 0) {
        this.#timer ??= setTimeout(() => this.#wake(), Math.ceil(restMs));
        return [];
      }
    }
    const taken = new Set(batch);
    this.#queue = this.#queue.filter((w) => !taken.has(w));
    return batch;
  }

  #wake(): void {
    this.#timer = undefined;
    this.dispatch();
  }

  async #run(runner: Runner, batch: readonly Waiting[]): Promise<void> {
    this.counts.executions++;
    try {
      const [only] = batch;
      if (only && batch.length === 1) only.resolve(await runner.run(only.inputs));
      else await this.#runTogether(runner, batch);
    } catch (error) {
      if (error instanceof ModelRefusal && batch.length > 1) this.#separate(batch);
      else for (const waiting of batch) waiting.reject(error instanceof ModelRefusal ? new ProtocolError(400, error.message) : error);
    }
    this.dispatch();
  }

  async #runTogether(runner: Runner, batch: readonly Waiting[]): Promise<void> {
    const names = batch[0]?.inputs.length ?? 0;
    const inputs = Array.from({ length: names }, (_, i) => concatenate(batch.flatMap((w) => w.inputs[i] ?? [])));
    const rows = batch.reduce((sum, w) => sum + w.rows, 0);
    const outputs = await runner.run(inputs);
    let from = 0;
    const parts = batch.map((w) => {
      const own = outputs.map((tensor) => slice(tensor, from, w.rows, rows));
      from += w.rows;
      return own;
    });
    for (const [i, waiting] of batch.entries()) waiting.resolve(parts[i] ?? []);
  }

  /** One bad input must not fail its batch mates: each gets a run of its own. */
  #separate(batch: readonly Waiting[]): void {
    const again = batch.filter((w) => !w.settled);
    for (const waiting of again) waiting.alone = true;
    this.#queue.unshift(...again);
  }
}
