// HL7 v2.5.1 chapter 3: the structure that the ADT events built here share (PID, PV1, OBX with NTE).
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, type Segment } from '../message/segment.ts';
import type { Bundle, Reference } from '../resource-types.ts';
import { visitNumber } from '../segments/pv1-encounter.ts';
import { addClinical } from './clinical.ts';
import { type TransactionEntries, transactionEntries } from './entries.ts';
import { addObservations, distinctValues } from './observations.ts';
import { addEncounter, addPatient, type VisitRules } from './patient-visit.ts';

function onlyOne(segments: readonly Segment[], name: string): Segment | undefined {
  const [found, second] = segments.filter((segment) => segment.name === name);
  if (second) throw new Refusal('AE', '100', locationOf(second));
  return found;
}

function notesAfter(segments: readonly Segment[], index: number): Segment[] {
  const rest = segments.slice(index + 1);
  const end = rest.findIndex((segment) => segment.name !== 'NTE');
  return end < 0 ? rest : rest.slice(0, end);
}

interface Visit {
  readonly subject: Reference;
  readonly encounter: Reference | undefined;
  /** System and value of PV1-19: results of the visit are found again by it. */
  readonly key: readonly string[] | undefined;
}

function addVisitObservations(visit: Visit, context: ConversionContext, entries: TransactionEntries): void {
  const { segments } = context.message;
  const distinct = distinctValues();
  const group = { ...visit, effective: undefined, isReported: false };
  segments.forEach((segment, index) => {
    if (segment.name === 'OBX') addObservations(segment, notesAfter(segments, index), group, distinct, context, entries);
  });
}

/**
 * The transaction of an ADT message.
 * @param rules what the event says of the visit
 * @throws Refusal AE 101 without PID (PID-3 would say whose message it is), AE 100 for a second PID or PV1
 */
export function adtBundle(context: ConversionContext, rules: VisitRules): Bundle {
  const { segments } = context.message;
  const pid = onlyOne(segments, 'PID');
  const visitSegment = onlyOne(segments, 'PV1');
  // HL70004 N, not applicable: A28 and A31 must have a PV1 also where there is no visit.
  const pv1 = visitSegment && first(visitSegment, 2) === 'N' ? undefined : visitSegment;
  if (!pid) throw new Refusal('AE', '101', { segment: 'PID', ordinal: 1, field: 3 });
  const entries = transactionEntries();
  const subject = addPatient(pid, context, entries, segments);
  const encounter = pv1 && addEncounter(pv1, subject, rules, context, entries, segments);
  const visit = pv1 && visitNumber(pv1, context);
  const key = visit ? ['visit', visit.system ?? '', visit.value ?? ''] : undefined;
  addVisitObservations({ subject, encounter, key }, context, entries);
  addClinical(segments, { context, entries, subject, encounter, visit: visit?.value ?? '', distinct: distinctValues() });
  return entries.bundle();
}
