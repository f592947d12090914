// https://hl7.org/fhir/R4/search.html#prefix — the prefixes on ranges, once for SQL and once for values in memory; the two must say the same.
import type { DateTerm, NumberTerm } from './criterion.ts';

/** Columns (or any SQL expressions) of a resource's range and the parameters of the searched one. */
interface RangeSql {
  readonly lo: string;
  readonly hi: string;
  /** Called only where needed: a statement must not have a parameter that its text does not name. */
  readonly from: () => string;
  readonly to: () => string;
}

/** Dates: the ranges themselves are compared. gt and lt ask whether the resource's range reaches past the searched one. */
export function dateSql(prefix: DateTerm['prefix'], { lo, hi, from, to }: RangeSql): string {
  const contained = (): string => `(${lo} >= ${from()} and ${hi} <= ${to()})`;
  switch (prefix) {
    case 'eq':
      return contained();
    case 'ne':
      return `not ${contained()}`;
    case 'gt':
      return `${hi} > ${to()}`;
    case 'lt':
      return `${lo} < ${from()}`;
    case 'ge':
      return `(${hi} > ${to()} or ${contained()})`;
    case 'le':
      return `(${lo} < ${from()} or ${contained()})`;
    case 'sa':
      return `${lo} >= ${to()}`;
    case 'eb':
      return `${hi} <= ${from()}`;
    case 'ap':
      return `(${lo} < ${to()} and ${hi} > ${from()})`;
  }
}

/** The same in memory. */
export function dateMatches(term: DateTerm, lo: number, hi: number): boolean {
  const contained = lo >= term.lo && hi <= term.hi;
  switch (term.prefix) {
    case 'eq':
      return contained;
    case 'ne':
      return !contained;
    case 'gt':
      return hi > term.hi;
    case 'lt':
      return lo < term.lo;
    case 'ge':
      return hi > term.hi || contained;
    case 'le':
      return lo < term.lo || contained;
    case 'sa':
      return lo >= term.hi;
    case 'eb':
      return hi <= term.lo;
    case 'ap':
      return lo < term.hi && hi > term.lo;
  }
}

/**
 * Numbers: only eq and ne know implicit precision; the others take values as exact, which a stored range gives back as its middle.
 * The tolerance, far below any precision, takes up what doubles lose in halving. Half-open ranges (comparators) have no middle.
 */
const tolerance = 1e-6;

export function numberSql(prefix: NumberTerm['prefix'], { lo, hi, from, to, value }: RangeSql & { readonly value: () => string }): string {
  const contained = (): string => `(${lo} >= ${from()} and ${hi} <= ${to()})`;
  const margin = `(${hi} - ${lo}) * ${tolerance}`;
  const openLow = `${lo} = '-Infinity'`;
  const openHigh = `${hi} = 'Infinity'`;
  const open = `${openLow} or ${openHigh}`;
  switch (prefix) {
    case 'eq':
      return contained();
    case 'ne':
      return `not ${contained()}`;
    case 'gt':
      return `(${hi} > ${value()} and (${open} or ${lo} + ${hi} > 2 * ${value()} + ${margin}))`;
    case 'ge':
      return `(${hi} >= ${value()} and (${open} or ${lo} + ${hi} > 2 * ${value()} - ${margin}))`;
    case 'lt':
      return `(${lo} < ${value()} and (${open} or ${lo} + ${hi} < 2 * ${value()} - ${margin}))`;
    case 'le':
      return `(${lo} <= ${value()} and (${open} or ${lo} + ${hi} < 2 * ${value()} + ${margin}))`;
    case 'sa':
      return `(case when ${open} then ${lo} >= ${value()} else ${lo} + ${hi} > 2 * ${value()} + ${margin} end)`;
    case 'eb':
      return `(case when ${open} then ${hi} <= ${value()} else ${lo} + ${hi} < 2 * ${value()} - ${margin} end)`;
    case 'ap':
      return `(${lo} < ${to()} and ${hi} > ${from()})`;
  }
}

/** The same in memory. */
export function numberMatches(term: NumberTerm, lo: number, hi: number): boolean {
  const { value } = term;
  const contained = lo >= term.lo && hi <= term.hi;
  const margin = (hi - lo) * tolerance;
  const open = lo === Number.NEGATIVE_INFINITY || hi === Number.POSITIVE_INFINITY;
  switch (term.prefix) {
    case 'eq':
      return contained;
    case 'ne':
      return !contained;
    case 'gt':
      return hi > value && (open || lo + hi > 2 * value + margin);
    case 'ge':
      return hi >= value && (open || lo + hi > 2 * value - margin);
    case 'lt':
      return lo < value && (open || lo + hi < 2 * value - margin);
    case 'le':
      return lo <= value && (open || lo + hi < 2 * value + margin);
    case 'sa':
      return open ? lo >= value : lo + hi > 2 * value + margin;
    case 'eb':
      return open ? hi <= value : lo + hi < 2 * value - margin;
    case 'ap':
      return lo < term.hi && hi > term.lo;
  }
}
