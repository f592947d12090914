// A thread for users' expressions: one task after the other. It has no connection, no settings and no data but the task's.
import { parentPort } from 'node:worker_threads';
import { OperationOutcomeError } from '@limen/fhir-model';
import { runViewTask } from '../sql-on-fhir/task.ts';
import { runFilterTask } from './filter.ts';
import type { WorkerReply } from './pool.ts';
import type { Task } from './task.ts';

function reply(task: Task): WorkerReply {
  try {
    return { kind: 'done', result: task.kind === 'view' ? runViewTask(task) : runFilterTask(task) };
  } catch (error) {
    if (error instanceof OperationOutcomeError) return { kind: 'refused', status: error.status, issues: error.issues };
    return { kind: 'failed' };
  }
}

const port = parentPort;
// The engine is loaded before the clock of the first task runs.
runFilterTask({ kind: 'filter', expression: 'active', type: 'Patient', values: [{ resourceType: 'Patient' }] });
port?.on('message', (task: Task) => port.postMessage(reply(task)));
port?.postMessage({ kind: 'ready' } satisfies WorkerReply);
