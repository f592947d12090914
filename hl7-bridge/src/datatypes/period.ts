// https://hl7.org/fhir/R4/datatypes.html#Period — per-1: the start is not after the end.
import { parseDate } from '@limen/fhir-model';
import type { Extension, Period } from '../resource-types.ts';
import { element } from './element.ts';

type MarkedPeriod = Period & { _end?: { extension: Extension[] } };

/** True when both say a time and the end lies before the start. */
function isReversed(start: string, end: string): boolean {
  const [from, to] = [parseDate(start), parseDate(end)];
  return from !== undefined && to !== undefined && to.endMs <= from.startMs;
}

/** The Period of two times; an end that lies before the start is marked as an error: nobody here knows which of the two is wrong. */
export function periodOf(start: string | undefined, end: string | undefined): Period | undefined {
  if (!start || !end || !isReversed(start, end)) return element<Period>({ start, end });
  const marked: MarkedPeriod = {
    start,
    _end: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' }] },
  };
  return marked;
}
