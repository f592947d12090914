// https://hl7.org/fhir/R4/search.html#ptypes — what a search parameter compares, taken from the datatypes of the elements it selects.
import { parseDate } from '@limen/fhir-model';
import type { SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { type NumberRange, numberRange, numberText } from './number.ts';
import type { Path } from './path.ts';
import { normalize } from './string.ts';
import { canonicalQuantity, ucumSystem } from './ucum.ts';

export interface TokenValue {
  readonly kind: 'token';
  /** Empty when the element has none. */
  readonly system: string;
  readonly code: string;
  /** A code of a vocabulary, not an identifier: there are few, and an order by them means something. */
  readonly sortable?: true;
  /** Identifier.type, for `:of-type`. */
  readonly types?: readonly { readonly system: string; readonly code: string }[];
}
/** A text of a token, for `:text`: display, text of the concept or of the identifier's type. */
interface TextValue {
  readonly kind: 'text';
  readonly norm: string;
}
interface StringValue {
  readonly kind: 'string';
  readonly norm: string;
  readonly raw: string;
}
/** lo inclusive, hi exclusive. */
export interface RangeValue {
  readonly kind: 'range';
  readonly lo: number;
  readonly hi: number;
  /** Of quantities only. */
  readonly unit?: Unit;
}
/** What a quantity's unit answers to. */
interface Unit {
  readonly code: string | undefined;
  /** Quantity.unit, where it is not the code. */
  readonly label: string | undefined;
  /** The same range by system and code: in base units where UCUM can convert it. */
  readonly exact: { readonly key: string; readonly lo: number; readonly hi: number } | undefined;
}
interface ReferenceValue {
  readonly kind: 'reference';
  /** "Type/id" without version, or an absolute, canonical or urn text (a canonical also without its version). */
  readonly targets: readonly string[];
  /** Reference.identifier. */
  readonly identifier: TokenValue | undefined;
}
export type Value = TokenValue | TextValue | StringValue | RangeValue | ReferenceValue;

export type ValueKind = SearchParameterDefinition['type'];

type Node = { readonly [name: string]: unknown };

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

type Adder = (path: Path, element: unknown, out: Value[]) => void;

const adders: { readonly [kind: string]: Adder | undefined } = {
  token: addTokens,
  uri: addUri,
  string: addStrings,
  date: addDates,
  number: addNumbers,
  quantity: addQuantities,
  reference: addReferences,
};

/** Adds the values of one selected element; `path` tells its datatype. */
export function addValues(kind: ValueKind, path: Path, element: unknown, out: Value[]): void {
  adders[kind]?.(path, element, out);
}

const ofVocabulary = { sortable: true } as const;

/** A code bound to one of HL7's closed value sets implies the code system of the same name. */
function impliedSystem(valueSet: string | undefined): string {
  return valueSet?.startsWith('http://hl7.org/fhir/ValueSet/') ? valueSet.replace('/ValueSet/', '/') : '';
}

function addTokens(path: Path, element: unknown, out: Value[]): void {
  const add = (system: unknown, code: unknown, more: Pick<TokenValue, 'types' | 'sortable'> = {}): void => {
    const token: TokenValue = { kind: 'token', system: text(system) ?? '', code: text(code) ?? '', ...more };
    if (token.system !== '' || token.code !== '') out.push(token);
  };
  const say = (raw: unknown): void => {
    const found = text(raw);
    if (found !== undefined) out.push({ kind: 'text', norm: normalize(found) });
  };
  const primitive = typeof element === 'string' ? element : typeof element === 'boolean' ? String(element) : numberText(element);
  if (primitive !== undefined) {
    const isCode = path.type === 'code' || path.type === 'boolean' ? ofVocabulary : {};
    add('', primitive, isCode);
    if (path.type === 'code' && path.valueSet) add(impliedSystem(path.valueSet), primitive, isCode);
    return;
  }
  const node = element as Node;
  if (path.type === 'CodeableConcept') {
    say(node['text']);
    for (const coding of list(node['coding']) as (Node | null)[]) {
      add(coding?.['system'], coding?.['code'], ofVocabulary);
      if (coding?.['display'] !== node['text']) say(coding?.['display']);
    }
  } else if (path.type === 'Coding') {
    add(node['system'], node['code'], ofVocabulary);
    say(node['display']);
  } else if (path.type === 'Identifier') {
    const type = node['type'] as Node | undefined;
    const types = (list(type?.['coding']) as (Node | null)[]).flatMap((coding) => {
      const code = text(coding?.['code']);
      return code === undefined ? [] : [{ system: text(coding?.['system']) ?? '', code }];
    });
    add(node['system'], node['value'], types.length > 0 ? { types } : {});
    say(type?.['text']);
  } else if (path.type === 'ContactPoint') add(node['system'], node['value']);
}

function addUri(_path: Path, element: unknown, out: Value[]): void {
  const uri = text(element);
  if (uri === undefined) return;
  out.push({ kind: 'token', system: '', code: uri });
  const bar = uri.indexOf('|');
  if (bar > 0) out.push({ kind: 'token', system: '', code: uri.slice(0, bar) });
}

const stringParts: { readonly [type: string]: readonly string[] | undefined } = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
  CodeableConcept: ['text'],
  ContactPoint: ['value'],
  Annotation: ['text'],
};

function addStrings({ type }: Pick<Path, 'type'>, element: unknown, out: Value[]): void {
  const add = (raw: unknown): void => {
    const found = text(raw);
    if (found !== undefined) out.push({ kind: 'string', norm: normalize(found), raw: found });
  };
  if (typeof element !== 'object') {
    add(element);
    return;
  }
  for (const part of stringParts[type] ?? []) for (const item of list((element as Node)[part])) add(item);
  if (type !== 'CodeableConcept') return;
  for (const coding of list((element as Node)['coding'])) add((coding as Node | null)?.['display']);
}

function addRange(lo: number, hi: number, out: Value[], unit?: Unit): void {
  if (lo === Number.NEGATIVE_INFINITY && hi === Number.POSITIVE_INFINITY) return;
  if (lo <= hi) out.push(unit ? { kind: 'range', lo, hi, unit } : { kind: 'range', lo, hi });
}

function addPeriod(period: Node, out: Value[]): void {
  const start = parseDate(text(period['start']) ?? '');
  const end = parseDate(text(period['end']) ?? '');
  addRange(Math.floor(start?.startMs ?? Number.NEGATIVE_INFINITY), Math.ceil(end?.endMs ?? Number.POSITIVE_INFINITY), out);
}

function addDates({ type }: Pick<Path, 'type'>, element: unknown, out: Value[]): void {
  if (typeof element === 'string') {
    const interval = parseDate(element);
    // Time stamps are kept in whole milliseconds; a finer fraction widens to the next ones.
    if (interval) addRange(Math.floor(interval.startMs), Math.ceil(interval.endMs), out);
  } else if (type === 'Period') {
    addPeriod(element as Node, out);
  } else if (type === 'Timing') {
    for (const event of list((element as Node)['event'])) addDates({ type: 'dateTime' }, event, out);
    const bounds = ((element as Node)['repeat'] as Node | undefined)?.['boundsPeriod'];
    if (bounds) addPeriod(bounds as Node, out);
  }
}

function addNumbers({ type }: Pick<Path, 'type'>, element: unknown, out: Value[]): void {
  const number = numberRange(numberText(element) ?? '');
  if (number) addRange(number.lo, number.hi, out);
  else if (type === 'Range') addRangeElement(element as Node, out);
  else if (type in quantityTypes) {
    const value = numberRange(numberText((element as Node)['value']) ?? '');
    if (value) addRange(value.lo, value.hi, out);
  }
}

const quantityTypes: { readonly [type: string]: true | undefined } = {
  Quantity: true,
  Age: true,
  Count: true,
  Distance: true,
  Duration: true,
};
const currencies = 'urn:iso:std:iso:4217';

/** @param range the quantity's value with its precision, already widened by a comparator */
function unitOf(quantity: Node | undefined, range: NumberRange): Unit {
  const system = text(quantity?.['system']);
  const code = text(quantity?.['code']);
  const label = text(quantity?.['unit']);
  const canonical = system === ucumSystem && code !== undefined ? canonicalQuantity(code, range) : undefined;
  const exact = canonical ?? (system !== undefined && code !== undefined ? { key: exactUnitKey(system, code), ...range } : undefined);
  return { code, label: label === code ? undefined : label, exact };
}

/** Unit of a quantity that nothing converts. */
export function exactUnitKey(system: string, code: string): string {
  return `${system}|${code}`;
}

function addQuantities({ type }: Pick<Path, 'type'>, element: unknown, out: Value[]): void {
  const node = element as Node;
  if (type === 'Range') addRangeElement(node, out, (node['low'] ?? node['high']) as Node | undefined);
  if (type === 'SampledData') addSamples(node, out);
  const number = numberRange(numberText(node['value']) ?? '');
  if (!number) return;
  const quantity = type === 'Money' ? { system: currencies, code: node['currency'] } : node;
  const [lo, hi] = comparatorRange(text(node['comparator']), number);
  addRange(lo, hi, out, unitOf(quantity, { value: number.value, lo, hi }));
}

function comparatorRange(comparator: string | undefined, number: { value: number; lo: number; hi: number }): [number, number] {
  if (comparator === '<' || comparator === '<=') return [Number.NEGATIVE_INFINITY, number.value];
  if (comparator === '>' || comparator === '>=') return [number.value, Number.POSITIVE_INFINITY];
  return [number.lo, number.hi];
}

/** @param quantity whose unit the range has; absent: a range of numbers */
function addRangeElement(range: Node, out: Value[], quantity?: Node): void {
  const low = numberRange(numberText((range['low'] as Node | undefined)?.['value']) ?? '');
  const high = numberRange(numberText((range['high'] as Node | undefined)?.['value']) ?? '');
  const lo = low?.lo ?? Number.NEGATIVE_INFINITY;
  const hi = high?.hi ?? Number.POSITIVE_INFINITY;
  addRange(lo, hi, out, quantity && unitOf(quantity, { value: low?.value ?? high?.value ?? 0, lo, hi }));
}

/** The samples' span in the origin's unit. */
function addSamples(sampled: Node, out: Value[]): void {
  const origin = sampled['origin'] as Node | undefined;
  const zero = Number(numberText(origin?.['value']) ?? 0);
  const factor = Number(numberText(sampled['factor']) ?? 1);
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const sample of (text(sampled['data']) ?? '').split(/\s+/)) {
    const value = sample === '' ? Number.NaN : Number(sample) * factor + zero;
    if (Number.isNaN(value)) continue;
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  addRange(lo, hi, out, unitOf(origin, { value: lo, lo, hi }));
}

const version = /\/_history\/[A-Za-z0-9\-.]{1,64}$/;

function withoutVersion(target: string): readonly string[] {
  const bar = target.indexOf('|');
  return bar > 0 ? [target, target.slice(0, bar)] : [target.replace(version, '')];
}

function addReferences({ type }: Pick<Path, 'type'>, element: unknown, out: Value[]): void {
  if (typeof element === 'string') {
    if (element !== '') out.push({ kind: 'reference', targets: withoutVersion(element), identifier: undefined });
    return;
  }
  const node = element as Node;
  if (type !== 'Reference') {
    // Bundle.entry[0].resource: the entry itself is what is referred to.
    const { resourceType, id } = node;
    if (typeof resourceType === 'string' && typeof id === 'string')
      out.push({ kind: 'reference', targets: [`${resourceType}/${id}`], identifier: undefined });
    return;
  }
  const reference = text(node['reference']);
  const identifier = node['identifier'] as Node | undefined;
  const token: TokenValue | undefined = identifier
    ? { kind: 'token', system: text(identifier['system']) ?? '', code: text(identifier['value']) ?? '' }
    : undefined;
  // A reference into `contained` has no target outside of its resource, but it is there (`:missing`).
  const targets = reference === undefined || reference.startsWith('#') ? [] : withoutVersion(reference);
  if (reference !== undefined || token) out.push({ kind: 'reference', targets, identifier: token });
}
