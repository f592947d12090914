// The groups that ADT and ORU share: PID -> Patient, PV1 -> Encounter with its people and place.
import { present } from '../datatypes/element.ts';
import type { ConversionContext } from '../message/context.ts';
import { isDelete, isValued, repetitions, type Segment } from '../message/segment.ts';
import type { Encounter, EncounterParticipant, Reference, VisitUpdate } from '../resource-types.ts';
import { pd1Patient, pv2Encounter } from '../segments/maps/people.ts';
import { patientKey, pidPatient } from '../segments/pid-patient.ts';
import { plLocation } from '../segments/pl-location.ts';
import { impliedClass, pv1Encounter, pv1Status, unknownClass } from '../segments/pv1-encounter.ts';
import { markDeleted } from '../segments/rows.ts';
import { xcnPractitioner } from '../segments/xcn-practitioner.ts';
import { extendWith } from './drafts.ts';
import type { TransactionEntries } from './entries.ts';

/** PV1-7, 8, 9 and 17: the roles of v3-ParticipationType that the IG gives them. */
const participantFields = [
  { field: 7, code: 'ATND', display: 'attender' },
  { field: 8, code: 'REF', display: 'referrer' },
  { field: 9, code: 'CON', display: 'consultant' },
  { field: 17, code: 'ADM', display: 'admitter' },
] as const;

const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

/** Adds the Patient of a PID: found by its identifier, or made anew when PID-3 is empty. */
export function addPatient(
  pid: Segment,
  context: ConversionContext,
  entries: TransactionEntries,
  others: readonly Segment[] = [],
): Reference {
  const patient = pidPatient(pid, context);
  for (const pd1 of others) if (pd1.name === 'PD1') extendWith(patient, pd1Patient, pd1, { context, entries });
  const key = patientKey(pid, context);
  const fullUrl = context.fullUrl(`PID.${pid.ordinal}`);
  return key ? entries.update(patient, key, fullUrl) : entries.create(patient, fullUrl);
}

/** Adds the Practitioners of an XCN field and refers to them. */
export function addPractitioners(segment: Segment, field: number, context: ConversionContext, entries: TransactionEntries): Reference[] {
  return repetitions(segment, field).flatMap((xcn, index) => {
    const practitioner = xcnPractitioner(xcn, context);
    const [key] = practitioner?.identifier ?? [];
    if (!practitioner || !key) return [];
    return [entries.createIfNone(practitioner, key, context.fullUrl(`${segment.name}.${segment.ordinal}.${field}.${index}`))];
  });
}

function participants(pv1: Segment, context: ConversionContext, entries: TransactionEntries): EncounterParticipant[] {
  return participantFields.flatMap(({ field, code, display }) =>
    addPractitioners(pv1, field, context, entries).map((individual) => ({
      type: [{ coding: [{ system: participationType, code, display }] }],
      individual,
    })),
  );
}

type Place = NonNullable<Encounter['location']>[number];

/** Where the state of the visit tells nothing of the place, nothing is said of it. */
const locationStatus: { readonly [status in Encounter['status']]?: NonNullable<Place['status']> } = {
  planned: 'planned',
  'in-progress': 'active',
  finished: 'completed',
};

/** PV1-3 is where the patient is (or was, or will be); with `prior`, PV1-6 is where the patient came from. */
function addLocations(pv1: Segment, encounter: VisitUpdate, prior: boolean, context: ConversionContext, entries: TransactionEntries): void {
  const here = encounter.status && locationStatus[encounter.status];
  const found = [place(pv1, 3, here, context, entries), ...(prior ? [place(pv1, 6, 'completed', context, entries)] : [])];
  const location = present(found);
  if (location.length > 0) encounter.location = location;
}

function place(
  pv1: Segment,
  field: number,
  status: Place['status'] | undefined,
  context: ConversionContext,
  entries: TransactionEntries,
): Place | undefined {
  const [pl] = repetitions(pv1, field);
  const location = pl && plLocation(pl, context);
  const [key] = location?.identifier ?? [];
  if (!location || !key) return undefined;
  const reference = entries.createIfNone(location, key, context.fullUrl(`PV1.${pv1.ordinal}.${field}`));
  return { location: reference, ...(status ? { status } : {}) };
}

export interface VisitRules {
  /** The state that the event tells; undefined when it tells none and the stored one stays. */
  readonly status: Encounter['status'] | undefined;
  /** PV1-2 and PV1-45 cannot tell another state than the event. */
  readonly isFinal?: boolean;
  /** A discharge did not happen: its time and its disposition go. */
  readonly reopens?: boolean;
  /** The class of the event when PV1-2 is empty. */
  readonly defaultClass: 'IMP' | 'AMB' | 'PRENC' | undefined;
  readonly priorLocation?: boolean;
  /** What to do with a visit that is already stored: the message tells its state (ADT), or only mentions it (ORU). */
  readonly stored: 'update' | 'keep';
  /** A visit without PV1-19 cannot be found again: an admission, an order or a result makes one, other messages leave it out. */
  readonly unnumbered: 'create' | 'omit';
}

/** A result mentions the visit; what it says of the state is used only when nobody knows the visit yet. */
export const mentionedVisit: VisitRules = { status: 'in-progress', defaultClass: 'AMB', stored: 'keep', unnumbered: 'create' };

/** The message tells the state of the visit; otherwise a stored one stays. */
function tellsState(pv1: Segment, rules: VisitRules): boolean {
  return rules.status !== undefined || isValued(pv1, 45);
}

/** The state and the class; elements that a stored Encounter has better are left out, so that the merge keeps them. */
function setState(encounter: VisitUpdate, pv1: Segment, rules: VisitRules, isNew: boolean): void {
  const told = rules.isFinal ? rules.status : (pv1Status(pv1) ?? rules.status);
  const status = isNew || tellsState(pv1, rules) ? (told ?? 'in-progress') : undefined;
  if (status) encounter.status = status;
  const implied = rules.defaultClass ? impliedClass(rules.defaultClass) : isNew ? unknownClass : undefined;
  if (!encounter.class && implied) encounter.class = implied;
}

/** A visit that goes on has no end, also where an earlier message told one. */
function endOpen(encounter: VisitUpdate, pv1: Segment): void {
  const goesOn = encounter.status === 'in-progress' || encounter.status === 'planned';
  if (goesOn && !isDelete(pv1, 45) && !encounter.period?.end) markDeleted(encounter, ['period.end']);
}

function cancelDischarge(encounter: VisitUpdate): void {
  const { start } = encounter.period ?? {};
  delete encounter.period;
  if (start) encounter.period = { start };
  delete encounter.hospitalization?.dischargeDisposition;
  if (Object.keys(encounter.hospitalization ?? {}).length > 0) return;
  delete encounter.hospitalization;
  markDeleted(encounter, ['hospitalization']);
}

function visitOf(pv1: Segment, rules: VisitRules, context: ConversionContext): VisitUpdate {
  const encounter = pv1Encounter(pv1, context);
  const isNew = context.visit === 'new' || rules.stored === 'keep' || !encounter.identifier;
  setState(encounter, pv1, rules, isNew);
  if (rules.reopens) cancelDischarge(encounter);
  if (!isNew) endOpen(encounter, pv1);
  return encounter;
}

/** Adds the Encounter of a PV1 within its patient, and the Practitioners and the Locations it names. */
export function addEncounter(
  pv1: Segment,
  subject: Reference | undefined,
  rules: VisitRules,
  context: ConversionContext,
  entries: TransactionEntries,
  others: readonly Segment[] = [],
): Reference | undefined {
  const encounter = visitOf(pv1, rules, context);
  const [key] = encounter.identifier ?? [];
  if (!key && rules.unnumbered === 'omit') return undefined;
  if (subject) encounter.subject = subject;
  const found = participants(pv1, context, entries);
  if (found.length > 0) encounter.participant = found;
  addLocations(pv1, encounter, rules.priorLocation === true, context, entries);
  for (const pv2 of others) if (pv2.name === 'PV2') extendWith(encounter, pv2Encounter, pv2, { context, entries });
  const fullUrl = context.fullUrl(`PV1.${pv1.ordinal}`);
  if (!key) return entries.create(encounter, fullUrl);
  // A whole Encounter with a state that nobody told must not fall on a stored one.
  const keeps = rules.stored === 'keep' || (context.visit === 'new' && !tellsState(pv1, rules));
  return keeps ? entries.createIfNone(encounter, key, fullUrl) : entries.update(encounter, key, fullUrl);
}
