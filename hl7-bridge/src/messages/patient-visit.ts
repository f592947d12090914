// The groups that ADT and ORU share: PID -> Patient, PV1 -> Encounter with its people and place.
import type { ConversionContext } from '../message/context.ts';
import { isValued, repetitions, type Segment } from '../message/segment.ts';
import type { Encounter, EncounterParticipant, Reference } from '../resource-types.ts';
import { patientKey, pidPatient } from '../segments/pid-patient.ts';
import { plLocation } from '../segments/pl-location.ts';
import { pv1Encounter } from '../segments/pv1-encounter.ts';
import { xcnPractitioner } from '../segments/xcn-practitioner.ts';
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
export function addPatient(pid: Segment, context: ConversionContext, entries: TransactionEntries): Reference {
  const patient = pidPatient(pid, context);
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

function addLocation(pv1: Segment, encounter: Encounter, context: ConversionContext, entries: TransactionEntries): void {
  const [pl] = repetitions(pv1, 3);
  const location = pl && plLocation(pl, context);
  const [key] = location?.identifier ?? [];
  if (!location || !key) return;
  const reference = entries.createIfNone(location, key, context.fullUrl(`PV1.${pv1.ordinal}.3`));
  encounter.location = [{ location: reference, status: encounter.status === 'planned' ? 'planned' : 'active' }];
}

export interface VisitRules {
  readonly defaultClass: 'IMP' | 'AMB';
  /** What to do with a visit that is already stored: the message tells its state (ADT), or only mentions it (ORU). */
  readonly stored: 'update' | 'keep';
  /** A visit without PV1-19 cannot be found again: an admission makes one, other messages leave it out. */
  readonly unnumbered: 'create' | 'omit';
}

/** Adds the Encounter of a PV1 within its patient, and the Practitioners and the Location it names. */
export function addEncounter(
  pv1: Segment,
  subject: Reference,
  rules: VisitRules,
  context: ConversionContext,
  entries: TransactionEntries,
): Reference | undefined {
  const encounter = pv1Encounter(pv1, context, rules.defaultClass);
  const [key] = encounter.identifier ?? [];
  if (!key && rules.unnumbered === 'omit') return undefined;
  encounter.subject = subject;
  const found = participants(pv1, context, entries);
  if (found.length > 0) encounter.participant = found;
  if (isValued(pv1, 3)) addLocation(pv1, encounter, context, entries);
  const fullUrl = context.fullUrl(`PV1.${pv1.ordinal}`);
  if (!key) return entries.create(encounter, fullUrl);
  return rules.stored === 'update' ? entries.update(encounter, key, fullUrl) : entries.createIfNone(encounter, key, fullUrl);
}
