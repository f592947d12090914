// What every conformance suite gives back: one result a case. A capability that is not built is "not yet", never passed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Json } from '../rest-client.ts';

export type Outcome = 'passed' | 'failed' | 'not-yet';

export interface CaseResult {
  readonly id: string;
  readonly outcome: Outcome;
  /** What was expected and what came; of a failure only. */
  readonly detail?: string;
}

/** Collects the cases of one suite. */
export class Tally {
  readonly cases: CaseResult[] = [];
  /** Figures that are no cases, shown beside the result. */
  readonly figures: { [name: string]: number } = {};

  /** Passed when `problem` is undefined. */
  add(id: string, problem: string | undefined): void {
    this.cases.push(problem === undefined ? { id, outcome: 'passed' } : { id, outcome: 'failed', detail: problem });
  }

  notYet(id: string): void {
    this.cases.push({ id, outcome: 'not-yet' });
  }

  count(outcome: Outcome): number {
    return this.cases.filter((each) => each.outcome === outcome).length;
  }
}

export interface Suite {
  readonly name: string;
  /** Folder under the data folder that it needs. */
  readonly folder: string;
  run(folder: string, tally: Tally): Promise<void>;
}

export function readJson(...parts: string[]): Json {
  return JSON.parse(readFileSync(path.join(...parts), 'utf8')) as Json;
}

export function has(...parts: string[]): boolean {
  return existsSync(path.join(...parts));
}

/** Every text in a JSON value, however deep; keys are not values. */
export function textsIn(value: unknown, without: ReadonlySet<string> = new Set(), found: string[] = []): string[] {
  if (typeof value === 'string') found.push(value);
  else if (Array.isArray(value)) for (const each of value) textsIn(each, without, found);
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value)) if (!without.has(name)) textsIn(each, without, found);
  return found;
}

/** Whether a name or number occurs in a text as words: "Ann" is not in "annual", and "Test" is no name in "lab test". */
export function occursIn(text: string, words: string): boolean {
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu'));
  const lower = words === words.toLowerCase();
  return [...found].some(([match]) => lower || match !== match.toLowerCase());
}
