// https://hl7.org/fhir/R4/search.html#composite — one row per combination of values inside one repetition.
import { groupHash, partHash } from './hash.ts';
import type { Group } from './parameter.ts';
import type { IndexRows } from './rows.ts';
import type { Value } from './value.ts';

type Row = IndexRows['composites'][number];

/** Texts under which a token or reference is found, inside groups; a part of the query has exactly one of them. */
function partKeys(value: Value): string[] {
  if (value.kind === 'token') {
    const keys: string[] = [];
    if (value.code !== '') keys.push(codeKey(value.code), value.system === '' ? bareKey(value.code) : bothKey(value.system, value.code));
    return keys;
  }
  return value.kind === 'reference' ? value.targets.map(referenceKey) : [];
}

export const codeKey = (code: string): string => `code\u0001${code}`;
export const bareKey = (code: string): string => `bare\u0001${code}`;
export const bothKey = (system: string, code: string): string => `both\u0001${system}\u0001${code}`;
export const referenceKey = (target: string): string => `reference\u0001${target}`;
export const unitKey = (system: string, code: string): string => `${system}\u0001${code}`;

const rowsMaximum = 2000;

/** The rows of the groups of one resource. An equal row may come twice where a code does; it changes no answer. */
export function compositeRows(groups: Iterable<readonly Group[]>): Row[] {
  const rows: Row[] = [];
  for (const list of groups) {
    for (const group of list) {
      for (const combination of combinations(group.parts)) addCombination(group.name, combination, rows);
    }
  }
  return rows;
}

function combinations(group: readonly (readonly Value[])[]): Value[][] {
  let found: Value[][] = [[]];
  for (const values of group) found = found.flatMap((start) => values.map((value) => [...start, value]));
  return found;
}

function addCombination(name: string, combination: readonly Value[], rows: Row[]): void {
  const [first, ...rest] = combination;
  if (!first || rows.length >= rowsMaximum) return;
  const second = rest.find((v) => v.kind === 'token' || v.kind === 'reference');
  const ranges = rest.filter((v) => v.kind === 'range');
  const s = rest.find((v) => v.kind === 'string')?.norm ?? null;
  const units = ranges.flatMap((r) => r.units.map(([system, code]) => unitKey(system, code)));
  const [lo, hi, lo2, hi2] = [ranges[0]?.lo ?? 0, ranges[0]?.hi ?? 0, ranges[1]?.lo ?? 0, ranges[1]?.hi ?? 0];
  const ks = second ? partKeys(second).map(partHash) : [0n];
  for (const key of partKeys(first)) {
    for (const unit of units.length > 0 ? units : ['']) {
      const grp = groupHash(name, key, unit);
      for (const k of ks) rows.push({ grp, k, lo, hi, lo2, hi2, s });
    }
  }
}
