// Expressions that users write run in threads that can be ended: none of them holds up the server, whatever `matches()` makes of its pattern.
import { Worker } from 'node:worker_threads';
import { type Issue, OperationOutcomeError } from '@limen/fhir-model';
import type { Task, TaskResults } from './task.ts';

export interface PoolLimits {
  readonly workers: number;
  /** Of one task, from when a thread begins with it. */
  readonly taskMs: number;
  readonly queued: number;
  /** A thread without work is ended. */
  readonly idleMs: number;
  readonly heapMegabytes: number;
}

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly issues: readonly Issue[] }
  | { readonly kind: 'failed' };

interface Job {
  readonly task: Task;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  isReady: boolean;
  job: Job | undefined;
  timer: NodeJS.Timeout | undefined;
}

const shippedLimits: PoolLimits = { workers: 2, taskMs: 2000, queued: 64, idleMs: 30_000, heapMegabytes: 256 };

const tooCostly = (): OperationOutcomeError =>
  new OperationOutcomeError(422, { code: 'too-costly', diagnostics: 'The expressions take too long or too much memory.' });

/** A few threads; tasks wait in one queue. */
export class ExpressionPool {
  private readonly limits: PoolLimits;
  private readonly threads = new Set<Thread>();
  private readonly queue: Job[] = [];

  constructor(limits: Partial<PoolLimits> = {}) {
    this.limits = { ...shippedLimits, ...limits };
  }

  /**
   * What the task gives.
   * @throws OperationOutcomeError 422 when an expression is at fault or the limit is over, 503 when too many wait
   */
  async run<K extends Task['kind']>(task: Extract<Task, { kind: K }>): Promise<TaskResults[K]> {
    if (this.queue.length >= this.limits.queued)
      throw new OperationOutcomeError(
        503,
        { code: 'throttled', diagnostics: 'Too many expressions wait to be evaluated.' },
        { headers: { 'retry-after': '2' } },
      );
    const result = new Promise<unknown>((resolve, reject) => this.queue.push({ task, resolve, reject }));
    this.distribute();
    return (await result) as TaskResults[K];
  }

  private distribute(): void {
    for (const thread of this.threads) if (thread.isReady && !thread.job) this.begin(thread);
    const starting = [...this.threads].filter(({ isReady }) => !isReady).length;
    if (this.queue.length > starting && this.threads.size < this.limits.workers) this.start();
  }

  private begin(thread: Thread): void {
    const job = this.queue.shift();
    clearTimeout(thread.timer);
    if (!job) {
      thread.timer = setTimeout(() => this.end(thread), this.limits.idleMs).unref();
      thread.worker.unref();
      return;
    }
    thread.job = job;
    thread.worker.ref();
    thread.timer = setTimeout(() => this.end(thread, tooCostly()), this.limits.taskMs);
    thread.worker.postMessage(job.task);
  }

  private start(): void {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: this.limits.heapMegabytes },
    });
    const thread: Thread = { worker, isReady: false, job: undefined, timer: undefined };
    this.threads.add(thread);
    worker.on('message', (reply: WorkerReply) => this.answered(thread, reply));
    worker.on('error', (cause) => this.end(thread, isOutOfMemory(cause) ? tooCostly() : cause));
  }

  private answered(thread: Thread, reply: WorkerReply): void {
    const { job } = thread;
    thread.isReady = true;
    thread.job = undefined;
    if (reply.kind === 'done') job?.resolve(reply.result);
    else if (reply.kind === 'refused') job?.reject(new OperationOutcomeError(reply.status, reply.issues));
    else if (reply.kind === 'failed') job?.reject(new Error('An expression task failed.'));
    this.begin(thread);
  }

  /** @param error what its task is told */
  private end(thread: Thread, error: unknown = new Error('The thread ended.')): void {
    if (!this.threads.delete(thread)) return;
    clearTimeout(thread.timer);
    void thread.worker.terminate();
    thread.job?.reject(error as Error);
    // A thread that never became ready would be started again and again for the same task.
    if (!thread.isReady) this.queue.shift()?.reject(error as Error);
    this.distribute();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

/** The process has one. */
export const expressionPool = new ExpressionPool();
