// DA, DT and TM by policy: moved with the patient, or reduced to the year (PS3.15 E.3.6, 45 CFR 164.514(b)(2)(i)(C)).
import { movedDate } from '../dates.ts';
import type { DicomContext } from './context.ts';

/** YYYYMMDD moved; undefined for a date that can't be. */
function movedDay(text: string, offsetDays: number): string | undefined {
  const moved = movedDate(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`, offsetDays);
  return moved?.replaceAll('-', '').slice(0, 8);
}

const isDay = (text: string): boolean => /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/.test(text);

function dateOf(text: string, context: DicomContext): string | undefined {
  const plain = text.replaceAll('.', '');
  if (!isDay(plain)) return undefined;
  return context.dates === 'year' ? `${plain.slice(0, 4)}0101` : movedDay(plain, context.offsetDays);
}

/** Partial date-times lose what can't be moved: their year or month stands for them. */
function dateTimeOf(text: string, context: DicomContext): string | undefined {
  const plain = text.trim();
  if (context.dates === 'year') return plain.slice(0, 4);
  const partial = /^(\d{4})(\d\d)?(?:[+-]\d{4})?$/.exec(plain);
  if (partial)
    return movedDate(partial[2] === undefined ? String(partial[1]) : `${partial[1]}-${partial[2]}`, context.offsetDays)?.replace('-', '');
  const day = isDay(plain.slice(0, 8)) ? movedDay(plain, context.offsetDays) : undefined;
  return day === undefined ? undefined : `${day}${plain.slice(8)}`;
}

/** One value of DA, DT or TM by the policy; undefined when nothing of it may stay. The time of day stays where dates are moved by whole weeks. */
export function cleanTemporal(vr: string, text: string, context: DicomContext): string | undefined {
  if (text.trim() === '') return '';
  if (vr === 'TM') return context.dates === 'year' ? undefined : text;
  if (context.plane === 'stored' && context.dates === 'moved') return text;
  return vr === 'DA' ? dateOf(text.trim(), context) : dateTimeOf(text, context);
}

/** An age of 90 or more is 90 (45 CFR 164.514(b)(2)(i)(C)). */
export function cleanAge(text: string): string {
  const match = /^(\d{3})([DWMY])$/.exec(text.trim());
  if (!match) return '';
  const years = Number(match[1]) / ({ D: 365.25, W: 52.18, M: 12, Y: 1 }[match[2] ?? 'Y'] ?? 1);
  return years >= 90 ? '090Y' : match[0];
}
