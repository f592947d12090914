// https://hl7.org/fhir/R4/datatypes.html#dateTime — what happens to dates: moved with their patient, or reduced to the year.
import { parseDate, shiftDate } from '@limen/fhir-model';

const dateTime = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** By syntax and calendar: 2021-02-30 is none. */
export function isDateTime(text: string): boolean {
  return dateTime.test(text) && parseDate(text) !== undefined;
}

/** Years in which a shift can't leave the range of four-digit years. */
export function movedDate(text: string, offsetDays: number): string | undefined {
  return text.length >= 4 && text >= '0002' ? shiftDate(text, offsetDays) : undefined;
}

export function yearOf(text: string): string {
  return text.slice(0, 4);
}

/** Completed years between two dates; partial dates count from their start. */
export function ageYears(birthDate: string, at: string): number {
  const years = Number(yearOf(at)) - Number(yearOf(birthDate));
  const birthday = birthDate.length >= 10 ? birthDate.slice(5, 10) : birthDate.length >= 7 ? `${birthDate.slice(5, 7)}-01` : '01-01';
  const day = at.length >= 10 ? at.slice(5, 10) : '12-31';
  return day < birthday ? years - 1 : years;
}
