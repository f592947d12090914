// One page of resources through a view. Runs in a thread for users' expressions: texts in, text out.
import type { Bundle, Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { parseKeepingDecimals } from './decimals.ts';
import { tableHead, tableRows, type ViewFormat } from './formats.ts';
import { type CompiledView, compileView, type Row } from './rows.ts';

export interface ViewTask {
  readonly kind: 'view';
  /** JSON of the ViewDefinition. */
  readonly view: string;
  /** JSON of a Bundle; without one the view is only checked. */
  readonly bundle?: string;
  readonly format: ViewFormat;
  /** Rows that stand before. */
  readonly before: number;
  /** Rows that may still come. */
  readonly limit: number;
}

export interface ViewTaskResult {
  readonly resource: string;
  /** The page's rows as text; of a check what stands before the first row. */
  readonly text: string;
  readonly rows: number;
  /** Address of the next page. */
  readonly next: string | undefined;
}

let last: { readonly text: string; readonly view: CompiledView } | undefined;

const isType = (name: string): boolean => loadDefinitions().types[name]?.kind === 'resource';

function compiled(text: string): CompiledView {
  if (last?.text !== text) last = { text, view: compileView(JSON.parse(text), isType) };
  return last.view;
}

function rowsOf(view: CompiledView, resources: readonly Resource[], limit: number): readonly Row[] {
  const rows: Row[] = [];
  for (const resource of resources) {
    if (rows.length >= limit) break;
    if (resource.resourceType === view.resource) rows.push(...view.rowsOf(resource));
  }
  return rows.slice(0, limit);
}

/** @throws OperationOutcomeError 422 when the view, or a path of it on a resource, is at fault */
export function runViewTask(task: ViewTask): ViewTaskResult {
  const view = compiled(task.view);
  const { resource, names } = view;
  if (task.bundle === undefined) return { resource, text: tableHead(task.format, names), rows: 0, next: undefined };
  const { entry = [], link = [] } = (view.needsDecimals ? parseKeepingDecimals(task.bundle) : JSON.parse(task.bundle)) as Bundle;
  const matches = entry.flatMap((each) => (each.resource && each.search?.mode !== 'outcome' ? [each.resource] : []));
  const rows = rowsOf(view, matches, task.limit);
  return {
    resource,
    text: tableRows(task.format, names, rows, task.before === 0),
    rows: rows.length,
    next: link.find(({ relation }) => relation === 'next')?.url,
  };
}
