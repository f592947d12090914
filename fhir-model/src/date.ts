// https://hl7.org/fhir/R4/datatypes.html#dateTime — partial dates and the intervals they stand for.
export type Precision = 'year' | 'month' | 'day' | 'minute' | 'second' | 'fraction';

export interface DateInterval {
  readonly precision: Precision;
  /** Milliseconds since 1970 UTC, inclusive start and exclusive end of what the text can mean. */
  readonly startMs: number;
  readonly endMs: number;
}

const pattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;
const dayMs = 86_400_000;

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/**
 * A FHIR date, dateTime or instant. Times without a zone count as UTC (the server's stated zone).
 * @returns undefined when the text is no real calendar date
 */
export function parseDate(text: string): DateInterval | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, y, mo, d, h, mi, s, fraction, zone] = match;
  const year = Number(y);
  const month = Number(mo ?? 1);
  const day = Number(d ?? 1);
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (Number(h ?? 0) > 23 || Number(mi ?? 0) > 59 || Number(s ?? 0) > 60) return undefined;
  const at = (yy: number, mm: number, dd: number): number => new Date(0).setUTCFullYear(yy, mm - 1, dd);
  if (mo === undefined) return { precision: 'year', startMs: at(year, 1, 1), endMs: at(year + 1, 1, 1) };
  if (d === undefined) return { precision: 'month', startMs: at(year, month, 1), endMs: at(year, month + 1, 1) };
  const start = at(year, month, day);
  if (h === undefined) return { precision: 'day', startMs: start, endMs: start + dayMs };
  const sign = zone?.startsWith('-') ? -1 : 1;
  const offsetMinutes = zone && zone !== 'Z' ? sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) : 0;
  const minuteStart = start + (Number(h) * 60 + Number(mi) - offsetMinutes) * 60_000;
  if (s === undefined) return { precision: 'minute', startMs: minuteStart, endMs: minuteStart + 60_000 };
  const secondStart = minuteStart + Number(s) * 1000;
  if (fraction === undefined) return { precision: 'second', startMs: secondStart, endMs: secondStart + 1000 };
  const ms = Number(`0.${fraction}`) * 1000;
  return { precision: 'fraction', startMs: secondStart + ms, endMs: secondStart + ms + Math.max(1, 1000 / 10 ** fraction.length) };
}

function shiftDay(text: string, days: number): string {
  const year = Number(text.slice(0, 4));
  const moved = new Date(new Date(0).setUTCFullYear(year, Number(text.slice(5, 7)) - 1, Number(text.slice(8, 10))) + days * dayMs);
  return `${String(moved.getUTCFullYear()).padStart(4, '0')}-${String(moved.getUTCMonth() + 1).padStart(2, '0')}-${String(moved.getUTCDate()).padStart(2, '0')}`;
}

/** Moves a date by whole days, keeping precision, time of day and zone. Partial dates move from mid-interval and truncate. */
export function shiftDate(text: string, days: number): string {
  if (text.length === 4) return shiftDay(`${text}-07-02`, days).slice(0, 4);
  if (text.length === 7) return shiftDay(`${text}-15`, days).slice(0, 7);
  return shiftDay(text.slice(0, 10), days) + text.slice(10);
}
