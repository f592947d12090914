// A segment map as data: each row takes a field of a v2 segment to an element of a FHIR resource, as a row of HL7's v2-to-FHIR IG says.
import type { ConversionContext } from '../message/context.ts';
import { first, isDelete, isValued, part, type Repetition, repetitions, type Segment } from '../message/segment.ts';
import type { Extension, Reference } from '../resource-types.ts';
import { readers } from './readers.ts';
import { markDeleted } from './rows.ts';

/** A resource while it is made: what the rows set is checked by the server, as everything that comes in. */
export interface Draft {
  resourceType: string;
  extension?: Extension[];
  [element: string]: unknown;
}

/** Codes of a v2 table to FHIR codes; `*` is what every other code becomes. */
export type CodeMap = { readonly [code: string]: string };
/** Codes of a v2 table to codings. */
export type CodingMap = { readonly [code: string]: { readonly system: string; readonly code: string; readonly display?: string } };

/** When a row counts: other fields of the segment, or components of the value itself. */
interface RowCondition {
  readonly valued?: number;
  readonly empty?: number;
  readonly field?: number;
  /** Component of `field`, or of the row's own value; 1 when absent. */
  readonly component?: number;
  readonly is?: readonly string[];
  readonly not?: readonly string[];
}

export interface MapRow {
  readonly field: number;
  /** Where the value goes: `a.b` is a member, `a[]` a new item of a list, `a[0]` its first item. */
  readonly to: string;
  /** The data type map of the IG that reads the value. */
  readonly as: keyof typeof readers;
  /** The attribute of the IG's row where it is not `to`. */
  readonly ig?: string;
  /** Further attributes of IG rows of this field that this row implements. */
  readonly also?: readonly string[];
  readonly component?: number;
  readonly codes?: CodeMap;
  readonly codings?: CodingMap;
  /** The code system of a code whose field names none. */
  readonly system?: string;
  /** The identifier's type (HL70203), or the extension's address. */
  readonly type?: string;
  /** A value that the IG assigns, instead of what the field says. */
  readonly value?: unknown;
  readonly when?: RowCondition;
}

export interface SegmentMap {
  /** The IG sheet: `AL1[AllergyIntolerance]`. */
  readonly sheet: string;
  readonly segment: string;
  readonly resource: string;
  /** Elements that do not depend on a field; the IG's rows without a field. */
  readonly fixed?: { readonly [element: string]: unknown };
  readonly rows: readonly MapRow[];
}

/** What a row needs besides its value: where the people and places it names become resources. */
export interface MapEnvironment {
  readonly context: ConversionContext;
  readonly segment: Segment;
  /** Adds a resource that the value names. */
  add(draft: Draft, position: string): Reference | undefined;
}

type Step = { readonly name: string; readonly list: 'none' | 'new' | 'first' };

const compiled = new Map<string, readonly Step[]>();

function stepsOf(path: string): readonly Step[] {
  const known = compiled.get(path);
  if (known) return known;
  const steps = path.split('.').map((text): Step => {
    if (text.endsWith('[]')) return { name: text.slice(0, -2), list: 'new' };
    return text.endsWith('[0]') ? { name: text.slice(0, -3), list: 'first' } : { name: text, list: 'none' };
  });
  compiled.set(path, steps);
  return steps;
}

type Members = { [member: string]: unknown };

function listAt(target: Members, name: string): unknown[] {
  const list = Array.isArray(target[name]) ? (target[name] as unknown[]) : [];
  target[name] = list;
  return list;
}

/** Sets a value at a path; what is already said stays, so that the first of two rows for one element wins. */
function setAt(target: Members, [step, ...rest]: readonly Step[], value: unknown): void {
  if (!step) return;
  const { name, list } = step;
  if (rest.length === 0) {
    if (list === 'new') listAt(target, name).push(value);
    else if (list === 'first') {
      const items = listAt(target, name);
      if (items.length === 0) items.push(value);
    } else target[name] ??= value;
    return;
  }
  if (list === 'none') {
    target[name] ??= {};
    setAt(target[name] as Members, rest, value);
    return;
  }
  const items = listAt(target, name);
  if (list === 'new' || items.length === 0) items.push({});
  setAt(items.at(list === 'new' ? -1 : 0) as Members, rest, value);
}

function holds(condition: RowCondition | undefined, segment: Segment, value: Repetition | undefined): boolean {
  if (!condition) return true;
  const { valued, empty, field, component = 1, is, not } = condition;
  if (valued !== undefined && !isValued(segment, valued)) return false;
  if (empty !== undefined && isValued(segment, empty)) return false;
  const text = field === undefined ? part(value, component) : first(segment, field, component);
  return (!is || is.includes(text.toUpperCase())) && !not?.includes(text.toUpperCase());
}

function applyRow(row: MapRow, target: Draft, environment: MapEnvironment): void {
  const { segment } = environment;
  const steps = stepsOf(row.to);
  const isList = row.to.includes('[]');
  const values = repetitions(segment, row.field);
  for (const [index, value] of (isList ? values : values.slice(0, 1)).entries()) {
    if (!holds(row.when, segment, value)) continue;
    const read = row.value ?? readers[row.as](value, row, environment, index);
    if (read !== undefined) setAt(target, steps, read);
  }
}

/** Applies a map to a resource. An empty field says nothing; `""` deletes the element that the field alone feeds. */
export function applyMap(map: SegmentMap, target: Draft, environment: MapEnvironment): void {
  const deleted = new Set<string>();
  for (const row of map.rows) {
    if (isValued(environment.segment, row.field)) applyRow(row, target, environment);
    else if (isDelete(environment.segment, row.field) && /^[a-z]\w*(?:\[\d?\])?$/i.test(row.to)) deleted.add(row.to.replace(/\[\d?\]/, ''));
  }
  for (const [name, value] of Object.entries(map.fixed ?? {})) target[name] ??= value;
  markDeleted(
    target,
    [...deleted].filter((name) => target[name] === undefined),
  );
}
