// What a thread for users' expressions can be asked, and what it gives.
import type { ViewTask, ViewTaskResult } from '../sql-on-fhir/task.ts';
import type { FilterTask } from './filter.ts';

export type Task = ViewTask | FilterTask;

export interface TaskResults {
  readonly view: ViewTaskResult;
  readonly filter: readonly boolean[];
}
