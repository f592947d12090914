// IG data type maps DTM[dateTime], DTM[date], TM[time]; HL7 v2.5.1 2.A.22: YYYY[MM[DD[HH[MM[SS[.S]]]]]][+/-ZZZZ]
import { parseDate } from '@limen/fhir-model';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, type Segment } from '../message/segment.ts';

const pattern = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?$/;
const timePattern = /^(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?([+-]\d{4})?$/;

/** The FHIR dateTime of a v2 timestamp, or undefined when it is none. Hours without minutes are read as the full hour. */
export function dateTimeOf(text: string, utcOffset: string): string | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute = '00', second = '00', fraction, zone] = match;
  const date = [year, month, day].filter((s) => s !== undefined).join('-');
  const offset = zone ? `${zone.slice(0, 3)}:${zone.slice(3)}` : utcOffset;
  const result = hour === undefined ? date : `${date}T${hour}:${minute}:${second}${fraction ? `.${fraction}` : ''}${offset}`;
  return parseDate(result) ? result : undefined;
}

/** The FHIR time of a v2 TM; its zone, which FHIR time has not, is left out. */
export function timeOf(text: string): string | undefined {
  const [, hour, minute = '00', second = '00', fraction] = timePattern.exec(text) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return `${hour}:${minute}:${second}${fraction ? `.${fraction}` : ''}`;
}

function refused(segment: Segment, field: number): never {
  throw new Refusal('AE', '102', locationOf(segment, field));
}

/** The first value of a timestamp field. @throws Refusal AE 102 when it is valued with no date */
export function dateTime(segment: Segment, field: number, utcOffset: string): string | undefined {
  const text = first(segment, field);
  // Zeros are how some senders say that they do not know.
  if (/^0*$/.test(text)) return undefined;
  return dateTimeOf(text, utcOffset) ?? refused(segment, field);
}

/** The day (or less) of a timestamp field. @throws Refusal AE 102 when it is valued with no date */
export function date(segment: Segment, field: number): string | undefined {
  return dateTime(segment, field, 'Z')?.slice(0, 10);
}
