// https://hl7.org/fhir/R4/search.html#prefix — values of search parameters in a query, checked and typed.
import { OperationOutcomeError, parseDate } from '@limen/fhir-model';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';
import type { DateTerm, IdentifierTerm, Modifier, NumberTerm, PlaceTerm, Prefix, ReferenceTerm, Term, TokenTerm } from './criterion.ts';
import { type NumberRange, numberRange } from './number.ts';
import { canonicalQuantity, ucumSystem } from './ucum.ts';
import { exactUnitKey, type ValueKind } from './value.ts';

export function malformed(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'invalid', diagnostics });
}

export function unsupported(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'not-supported', diagnostics });
}

/** Splits at each separator that is not escaped; the parts keep their escapes. */
export function splitEscaped(text: string, separator: ',' | '$' | '|'): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** Resolves the escapes `\,` `\|` `\$` `\\`. */
function unescapeValue(text: string): string {
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) throw malformed('A search value ends inside an escape.');
  return text.replace(/\\([\\,$|])/g, '$1');
}

const prefixes: ReadonlySet<string> = new Set(['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']);

function splitPrefix(text: string): { prefix: Prefix; rest: string } {
  const start = text.slice(0, 2);
  return prefixes.has(start) ? { prefix: start as Prefix, rest: text.slice(2) } : { prefix: 'eq', rest: text };
}

function tokenTerm(text: string): TokenTerm {
  const parts = splitEscaped(text, '|');
  if (parts.length > 2) throw malformed('A token value has more than one unescaped bar.');
  const [first = '', second] = parts.map(unescapeValue);
  if (second === undefined) {
    if (first === '') throw malformed('A token value is empty.');
    return { kind: 'token', system: undefined, code: first };
  }
  if (first === '' && second === '') throw malformed('A token value is empty.');
  return { kind: 'token', system: first, code: second === '' ? undefined : second };
}

/** `ap`: a tenth of the distance to now on both sides. */
function dateTerm(text: string, nowMs: number): DateTerm {
  const { prefix, rest } = splitPrefix(unescapeValue(text));
  // A plus sign of a zone that was not percent-encoded arrives as a space.
  const interval = parseDate(rest.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (!interval) throw malformed('A date value is not a FHIR date, dateTime or instant with an optional prefix.');
  const lo = Math.floor(interval.startMs);
  const hi = Math.ceil(interval.endMs);
  if (prefix !== 'ap') return { kind: 'date', prefix, lo, hi };
  const margin = Math.ceil(Math.abs(nowMs - lo) / 10);
  return { kind: 'date', prefix, lo: lo - margin, hi: hi + margin };
}

function parseNumber(text: string): { prefix: Prefix; range: NumberRange } {
  const { prefix, rest } = splitPrefix(text);
  const range = numberRange(rest);
  if (!range) throw malformed('A number value is not a decimal with an optional prefix.');
  if (prefix !== 'ap') return { prefix, range };
  const margin = Math.abs(range.value) / 10;
  const lo = Math.min(range.lo, range.value - margin);
  return { prefix, range: { value: range.value, lo, hi: Math.max(range.hi, range.value + margin) } };
}

function numberTerm(text: string): NumberTerm {
  const { prefix, range } = parseNumber(text);
  return { kind: 'number', prefix, ...range, unit: undefined };
}

/** `number`, `number|system|code`, `number||code`. */
function quantityTerm(text: string): NumberTerm {
  const parts = splitEscaped(text, '|').map(unescapeValue);
  const [number = '', system, code] = parts;
  const { prefix, range } = parseNumber(number);
  if (parts.length === 1) return { kind: 'quantity', prefix, ...range, unit: undefined };
  if (parts.length !== 3 || !code) throw malformed('A quantity value is not a number, or number|system|code.');
  if (!system) return { kind: 'quantity', prefix, ...range, unit: { kind: 'written', text: code } };
  const canonical = system === ucumSystem ? canonicalQuantity(code, range) : undefined;
  if (!canonical) return { kind: 'quantity', prefix, ...range, unit: { kind: 'exact', key: exactUnitKey(system, code) } };
  const { key, ...base } = canonical;
  return { kind: 'quantity', prefix, ...base, unit: { kind: 'exact', key } };
}

/** `system|code|value` of an identifier with its type. */
function identifierTerm(text: string): IdentifierTerm {
  const [typeSystem = '', typeCode = '', value = '', ...more] = splitEscaped(text, '|').map(unescapeValue);
  if (typeCode === '' || value === '' || more.length > 0) throw malformed('A value of :of-type is not system|code|value.');
  return { kind: 'identifier', typeSystem, typeCode, value };
}

const kilometresPerUnit: { readonly [unit: string]: number | undefined } = {
  '': 1,
  km: 1,
  m: 0.001,
  cm: 0.000_01,
  '[mi_i]': 1.609_344,
  '[mi_us]': 1.609_347_219,
  mi_us: 1.609_347_219,
  '[ft_i]': 0.000_304_8,
};
const defaultKilometres = 50;

/** `latitude|longitude|distance|unit`: https://hl7.org/fhir/R4/location.html#positional */
export function placeTerm(text: string): PlaceTerm {
  const [lat = '', lon = '', distance, unit = '', ...more] = splitEscaped(text, '|').map(unescapeValue);
  const latitude = lat === '' ? Number.NaN : Number(lat);
  const longitude = lon === '' ? Number.NaN : Number(lon);
  const factor = kilometresPerUnit[unit];
  const kilometres = distance === undefined || distance === '' ? defaultKilometres : Number(distance) * (factor ?? Number.NaN);
  const known = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && kilometres >= 0 && kilometres < 20_100;
  if (!known || more.length > 0) throw malformed('A value of near is not latitude|longitude|distance|unit, with a unit of length of UCUM.');
  return { kind: 'place', latitude, longitude, kilometres };
}

export interface TermContext {
  readonly definitions: Definitions;
  readonly nowMs: number;
  /** Own base URL: absolute references below it are local. */
  readonly base: string | undefined;
  /** See SearchOptions. */
  readonly texts?: 'kept' | 'removed' | undefined;
  /** Conditions that the query may still make: a chain over ambiguous references multiplies with each step, so it is counted while it grows. */
  readonly budget?: { conditions: number };
}

export function tooMuch(): OperationOutcomeError {
  return unsupported(
    'The search has too many values: ask in several searches of at most 2,000 values and 100 conditions, and name the targets of chains as reference:Type.parameter.',
  );
}

const id = /^[A-Za-z0-9\-.]{1,64}$/;
const local = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** @param types that a bare id may belong to */
function referenceTerm(text: string, types: readonly string[], context: TermContext): ReferenceTerm {
  let plain = unescapeValue(text);
  const base = context.base?.replace(/\/$/, '');
  if (base && plain.startsWith(`${base}/`)) plain = plain.slice(base.length + 1);
  const [, type, logicalId] = local.exec(plain) ?? [];
  if (type && logicalId) return { kind: 'reference', targets: [`${type}/${logicalId}`] };
  if (id.test(plain)) {
    const possible = types.length > 0 ? types : resourceTypes(context.definitions);
    return { kind: 'reference', targets: possible.map((t) => `${t}/${plain}`) };
  }
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(plain)) throw malformed('A reference value is neither an id, nor Type/id, nor an absolute URL.');
  return { kind: 'reference', targets: [plain.replace(/\/_history\/[A-Za-z0-9\-.]{1,64}$/, '')] };
}

/** Modifiers whose values are texts or addresses, whatever the parameter's kind. */
const textual: ReadonlySet<Modifier | undefined> = new Set<Modifier>(['text', 'in', 'not-in', 'contains', 'exact']);

/** One value (no comma in it) of a parameter of this kind. */
export function parseTerm(kind: ValueKind, text: string, targets: readonly string[], context: TermContext, modifier?: Modifier): Term {
  if (textual.has(modifier) || (kind === 'uri' && (modifier === 'above' || modifier === 'below'))) {
    if (text === '') throw malformed('A search value is empty.');
    return { kind: 'string', text: unescapeValue(text) };
  }
  if (modifier === 'of-type') return identifierTerm(text);
  switch (kind) {
    case 'token':
      return tokenTerm(text);
    case 'uri':
      if (text === '') throw malformed('A uri value is empty.');
      return { kind: 'token', system: undefined, code: unescapeValue(text) };
    case 'string':
      if (text === '') throw malformed('A string value is empty.');
      return { kind: 'string', text: unescapeValue(text) };
    case 'date':
      return dateTerm(text, context.nowMs);
    case 'number':
      return numberTerm(unescapeValue(text));
    case 'quantity':
      return quantityTerm(text);
    case 'reference':
      return referenceTerm(text, targets, context);
    default:
      throw unsupported('This search parameter is not supported.');
  }
}

/** `$`-joined parts of a composite, each typed by its component. */
export function parseComposite(
  text: string,
  components: readonly { readonly type: ValueKind; readonly target?: readonly string[] }[],
  context: TermContext,
): Term {
  const parts = splitEscaped(text, '$');
  if (parts.length !== components.length) throw malformed('A composite value has not as many parts as the parameter has components.');
  const terms = components.map((component, i) => parseTerm(component.type, parts[i] ?? '', component.target ?? [], context));
  if (terms.some((t) => t.kind === 'token' && t.code === undefined))
    throw unsupported('A system without a code is not supported inside a composite value.');
  return { kind: 'composite', parts: terms };
}
