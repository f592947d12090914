// https://hl7.org/fhir/R4/datatypes.html#invs — the invariants of datatypes as functions; the FHIRPath text of the definitions is their oracle.
import { isObject, type JsonObject } from './elements.ts';
import { numberOf, numberText } from './exactNumber.ts';
import { has, hasChoice, isBefore } from './presence.ts';

/** Whether the invariant holds for a value of the type that it is about; `owner` is `%resource`. */
export type Invariant = (value: JsonObject, owner: JsonObject) => boolean;
export interface InvariantTable {
  /** By key, or by path and key where two paths use one key for different things. */
  readonly [key: string]: Invariant | undefined;
}

export const ucum = 'http://unitsofmeasure.org';
const cycle = new Set<unknown>(['C', 'CM', 'CD', 'CV']);

const isUcum = (value: JsonObject): boolean => !has(value, 'system') || value['system'] === ucum;
const number = (value: JsonObject, name: string): number | undefined => numberOf(value[name]);
const isNegative = (value: JsonObject, name: string): boolean => (number(value, name) ?? 0) < 0;
export const needs = (value: JsonObject, name: string, other: string): boolean => !has(value, name) || has(value, other);
export const oneOf = (value: JsonObject, name: string, other: string): boolean => has(value, name) !== has(value, other);

/** Quantities of different units can't be compared here, so they are let pass. */
function isRangeOrdered(value: JsonObject): boolean {
  const { low, high } = value;
  if (!isObject(low) || !isObject(high) || low['code'] !== high['code'] || low['unit'] !== high['unit']) return true;
  const [from, to] = [number(low, 'value'), number(high, 'value')];
  return from === undefined || to === undefined || from <= to;
}

function areEventsWithoutMeals(value: JsonObject): boolean {
  const { when } = value;
  return Array.isArray(when) && !when.some((event) => cycle.has(event));
}

function hasTriggerParts(value: JsonObject): boolean {
  const type = value['type'];
  if (type === 'named-event') return has(value, 'name');
  if (type === 'periodic') return hasChoice(value, 'timing');
  return typeof type !== 'string' || !type.startsWith('data-') || has(value, 'data');
}

export const typeInvariants: InvariantTable = {
  'age-1': (v) => needs(v, 'value', 'code') && isUcum(v) && (number(v, 'value') ?? 1) > 0,
  'att-1': (v) => needs(v, 'data', 'contentType'),
  'cnt-3': (v) =>
    needs(v, 'value', 'code') && isUcum(v) && (!has(v, 'code') || v['code'] === '1') && !(numberText(v['value']) ?? '').includes('.'),
  'cpt-2': (v) => needs(v, 'value', 'system'),
  'dis-1': (v) => needs(v, 'value', 'code') && isUcum(v),
  'drq-1': (v) => oneOf(v, 'path', 'searchParam'),
  'drq-2': (v) => oneOf(v, 'path', 'searchParam'),
  'drt-1': (v) => !has(v, 'code') || (v['system'] === ucum && has(v, 'value')),
  'exp-1': (v) => has(v, 'expression') || has(v, 'reference'),
  'per-1': (v) => !isBefore(v['end'], v['start']),
  'qty-3': (v) => needs(v, 'code', 'system'),
  'rat-1': (v) => has(v, 'numerator') === has(v, 'denominator') && (has(v, 'numerator') || has(v, 'extension')),
  'rng-2': isRangeOrdered,
  'tim-1': (v) => needs(v, 'duration', 'durationUnit'),
  'tim-10': (v) => !has(v, 'timeOfDay') || !has(v, 'when'),
  'tim-2': (v) => needs(v, 'period', 'periodUnit'),
  'tim-4': (v) => !isNegative(v, 'duration'),
  'tim-5': (v) => !isNegative(v, 'period'),
  'tim-6': (v) => needs(v, 'periodMax', 'period'),
  'tim-7': (v) => needs(v, 'durationMax', 'duration'),
  'tim-8': (v) => needs(v, 'countMax', 'count'),
  'tim-9': (v) => !has(v, 'offset') || areEventsWithoutMeals(v),
  'trd-1': (v) => !has(v, 'data') || !hasChoice(v, 'timing'),
  'trd-2': (v) => needs(v, 'condition', 'data'),
  'trd-3': hasTriggerParts,
};
