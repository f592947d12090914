// HL7 v2.5.1 chapter 10 — SCH with its resources (AIS, AIP, AIL, AIG) -> Appointment.
import { first, type Segment } from '../message/segment.ts';
import type { Identifier, Reference } from '../resource-types.ts';
import { aisAppointment, participantMaps, schAppointment, tq1Appointment } from '../segments/maps/scheduling.ts';
import { laterBy } from './clinical.ts';
import { addNew, addUnder, draftOf, type PatientScope } from './drafts.ts';
import { noteText } from './observations.ts';

/** The event alone says that an appointment does not take place; the others leave it to SCH-25. */
const eventStatus: { readonly [event: string]: string } = { S15: 'cancelled', S16: 'cancelled', S17: 'entered-in-error', S26: 'noshow' };

interface Participant {
  readonly actor?: Reference;
  readonly type?: unknown[];
  readonly status: string;
}

function participants(segments: readonly Segment[], scope: PatientScope): Participant[] {
  return segments.flatMap((segment) => {
    const map = participantMaps[segment.name];
    if (!map) return [];
    const { resourceType: _type, ...found } = draftOf([[map, segment]], scope);
    // app-1: a type or an actor
    return found['actor'] || found['type'] ? [{ ...found, status: 'accepted' } as Participant] : [];
  });
}

/** Adds the Appointment of a message: `segments` are all of them, in their order. */
export function addAppointment(sch: Segment, segments: readonly Segment[], event: string, scope: PatientScope): void {
  const named = (name: string): Segment[] => segments.filter((segment) => segment.name === name);
  const maps = [
    [schAppointment, sch] as const,
    ...named('TQ1').map((tq1) => [tq1Appointment, tq1] as const),
    ...named('AIS').map((ais) => [aisAppointment, ais] as const),
  ];
  const draft = draftOf(maps, scope, eventStatus[event] ? { status: eventStatus[event] } : {});
  draft['status'] ??= 'booked';
  const minutes = Number(draft['minutesDuration'] ?? first(named('AIS')[0] ?? sch, 7));
  const start = draft['start'];
  if (typeof start === 'string' && !draft['end'] && Number.isInteger(minutes) && minutes > 0) draft['end'] = laterBy(start, minutes);
  settleTimes(draft);
  const patient = scope.subject ? [{ actor: scope.subject, status: 'accepted' }] : [];
  const all = [...patient, ...participants(segments, scope)];
  draft['participant'] = all.length > 0 ? all : [{ type: [{ text: 'unknown' }], status: 'needs-action' }];
  const text = noteText(named('NTE'));
  if (text) draft['comment'] = text;
  const [key] = (draft['identifier'] as Identifier[] | undefined) ?? [];
  if (key) addUnder(draft, key, `SCH.${sch.ordinal}`, scope);
  else addNew(draft, `SCH.${sch.ordinal}`, scope);
}

/** app-2 and app-3: both times or none, and none only where nothing is fixed yet or any more. */
function settleTimes(draft: { [element: string]: unknown }): void {
  const { start, end } = draft;
  const isOrdered = typeof start === 'string' && typeof end === 'string' && Date.parse(start) <= Date.parse(end);
  if (isOrdered) return;
  delete draft['start'];
  delete draft['end'];
  if (draft['status'] !== 'cancelled') draft['status'] = 'proposed';
}
