// https://hl7.org/fhir/R4/search.html#composite — one row per combination of values inside one repetition.

import type { IndexRows } from '../store/index-rows.ts';
import { groupHash, partHash } from './hash.ts';
import type { Group } from './parameter.ts';
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
/** A quantity as written, whatever its unit. */
export const anyUnit = '';
/** Code and label of a quantity as written, in the text column of its row. */
const unitText = (code: string | undefined, label: string | undefined): string => `${code ?? ''}\u0001${label ?? ''}`;

const rowsMaximum = 2000;

/** The rows of the groups of one resource. An equal row may come twice where a code does; it changes no answer. */
export function compositeRows(groups: Iterable<readonly Group[]>, tenant: number): Row[] {
  const rows: Row[] = [];
  for (const list of groups) {
    for (const group of list) {
      for (const combination of combinations(group.parts)) addCombination(group.name, combination, tenant, rows);
    }
  }
  return rows;
}

function combinations(group: readonly (readonly Value[])[]): Value[][] {
  let found: Value[][] = [[]];
  for (const values of group) {
    const searchable = values.filter((value) => value.kind !== 'text');
    found = found.flatMap((start) => searchable.map((value) => [...start, value]));
  }
  return found;
}

type Ranges = Pick<Row, 'lo' | 'hi' | 'lo2' | 'hi2' | 's'> & { readonly unit: string };

/** Ranges and text of a combination; a quantity with a comparable unit has them twice: as written and in that unit. */
function rangesOf(rest: readonly Value[]): Ranges[] {
  const ranges = rest.filter((v) => v.kind === 'range');
  const s = rest.find((v) => v.kind === 'string')?.norm ?? null;
  const second = { lo2: ranges[1]?.lo ?? null, hi2: ranges[1]?.hi ?? null };
  const [first] = ranges;
  if (!first) return [{ unit: anyUnit, lo: null, hi: null, lo2: null, hi2: null, s }];
  const { unit } = first;
  const written: Ranges = {
    unit: anyUnit,
    lo: first.lo,
    hi: first.hi,
    ...second,
    s: s ?? (unit && (unit.code ?? unit.label) !== undefined ? unitText(unit.code, unit.label) : null),
  };
  return unit?.exact ? [written, { unit: unit.exact.key, lo: unit.exact.lo, hi: unit.exact.hi, ...second, s }] : [written];
}

function addCombination(name: string, combination: readonly Value[], tenant: number, rows: Row[]): void {
  const [first, ...rest] = combination;
  if (!first || rows.length >= rowsMaximum) return;
  const second = rest.find((v) => v.kind === 'token' || v.kind === 'reference');
  const ks = second ? partKeys(second).map(partHash) : [0n];
  for (const { unit, ...ranges } of rangesOf(rest)) {
    for (const key of partKeys(first)) {
      const grp = groupHash(tenant, name, key, unit);
      for (const k of ks) rows.push({ grp, k, ...ranges });
    }
  }
}
