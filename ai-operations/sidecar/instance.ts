// One worker thread of a model: runs one batch at a time, is replaced when it dies.
import { Worker } from 'node:worker_threads';
import type { Tensor } from '../src/inference/datatypes.ts';
import { ProtocolError } from './protocol-error.ts';
import type { SessionMetadata, WorkerInput, WorkerMessage } from './worker.ts';

/** The model said no to this input; the worker lives. */
export class ModelRefusal extends Error {}

interface Pending {
  readonly job: number;
  resolve(outputs: readonly Tensor[]): void;
  reject(error: Error): void;
}

const firstRespawnMs = 10;
const lastRespawnMs = 5_000;

export class Instance {
  readonly #script: URL;
  readonly #input: WorkerInput;
  readonly #onChange: () => void;
  #worker: Worker | undefined;
  #pending: Pending | undefined;
  #jobs = 0;
  #respawnMs = firstRespawnMs;
  #respawn: NodeJS.Timeout | undefined;
  #closed = false;
  metadata: SessionMetadata | undefined;
  state: 'loading' | 'ready' | 'failed' = 'loading';

  /** @param onChange called when the instance became free, ready or failed */
  constructor(script: URL, input: WorkerInput, onChange: () => void) {
    this.#script = script;
    this.#input = input;
    this.#onChange = onChange;
    this.#start();
  }

  get free(): boolean {
    return this.state === 'ready' && !this.#pending;
  }

  /**
   * Runs one batch.
   * @throws ModelRefusal when the model refuses it, ProtocolError 503 when the worker dies under it
   */
  run(inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
    const worker = this.#worker;
    if (!worker || !this.free) return Promise.reject(new ProtocolError(503, 'the model is not ready', 1));
    const job = ++this.#jobs;
    return new Promise((resolve, reject) => {
      this.#pending = { job, resolve, reject };
      worker.postMessage({ job, inputs });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#respawn);
    this.#pending?.reject(new ProtocolError(503, 'the server is stopping', 1));
    this.#pending = undefined;
    await this.#worker?.terminate();
  }

  #start(): void {
    this.state = 'loading';
    const worker = new Worker(this.#script, { workerData: this.#input });
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => this.#receive(message));
    // An 'exit' always follows; without a listener an 'error' would end the whole server.
    worker.on('error', () => undefined);
    worker.once('exit', () => this.#exited());
  }

  #receive(message: WorkerMessage): void {
    if (message.event === 'loaded') {
      this.metadata = message.metadata;
      this.state = 'ready';
    } else if (message.event === 'failed') {
      this.state = 'failed';
    } else {
      const pending = this.#pending;
      if (pending?.job !== message.job) return;
      this.#pending = undefined;
      this.#respawnMs = firstRespawnMs;
      if (message.event === 'done') pending.resolve(message.outputs);
      else pending.reject(new ModelRefusal('the model refused the input'));
    }
    this.#onChange();
  }

  #exited(): void {
    if (this.#closed || this.state === 'failed') return;
    this.#worker = undefined;
    this.state = 'loading';
    this.#pending?.reject(new ProtocolError(503, 'the worker of the model died', 1));
    this.#pending = undefined;
    this.#respawn = setTimeout(() => this.#start(), this.#respawnMs);
    this.#respawnMs = Math.min(this.#respawnMs * 4, lastRespawnMs);
  }
}
