// One worker process of a model: runs one batch at a time, is replaced when it dies. A process, because a crash of native code ends the whole of it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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

export interface InstanceHealth {
  readonly state: 'loading' | 'ready' | 'failed';
  /** Of the process that serves now; absent while there is none. */
  readonly pid?: number;
  /** How often a worker died and was replaced. */
  readonly restarts: number;
}

const firstRespawnMs = 10;
const lastRespawnMs = 2_000;
/** A model under which every worker dies before it has loaded is given up, not tried for ever. */
const triesToLoad = 5;

export class Instance {
  readonly #script: URL;
  readonly #input: WorkerInput;
  readonly #onChange: () => void;
  #worker: ChildProcess | undefined;
  #pending: Pending | undefined;
  #jobs = 0;
  #restarts = 0;
  #respawnMs = firstRespawnMs;
  #respawn: NodeJS.Timeout | undefined;
  #closed = false;
  metadata: SessionMetadata | undefined;
  state: InstanceHealth['state'] = 'loading';

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

  get health(): InstanceHealth {
    const pid = this.#worker?.pid;
    return { state: this.state, ...(pid === undefined ? {} : { pid }), restarts: this.#restarts };
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
      // A channel that is closed is followed by the exit, which settles the batch.
      worker.send({ job, inputs }, () => undefined);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#respawn);
    this.#pending?.reject(new ProtocolError(503, 'the server is stopping', 1));
    this.#pending = undefined;
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker?.pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
    // Not asked but ended: native code that runs does not listen.
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  }

  #start(): void {
    this.state = 'loading';
    const worker = fork(this.#script, [JSON.stringify(this.#input)], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => {
      if (this.#worker === worker) this.#receive(message);
    });
    // An error is a process that could not be made; it has no exit.
    worker.once('error', () => this.#exited(worker));
    worker.once('exit', () => this.#exited(worker));
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

  #exited(worker: ChildProcess): void {
    if (this.#closed || this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.state === 'failed') return;
    this.#pending?.reject(new ProtocolError(503, 'the worker of the model died, it is being started again', 1));
    this.#pending = undefined;
    this.#restarts++;
    if (!this.metadata && this.#restarts >= triesToLoad) {
      this.state = 'failed';
      return this.#onChange();
    }
    this.state = 'loading';
    this.#respawn = setTimeout(() => this.#start(), this.#respawnMs);
    this.#respawnMs = Math.min(this.#respawnMs * 4, lastRespawnMs);
  }
}
