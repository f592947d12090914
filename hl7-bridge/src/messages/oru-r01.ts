// HL7 v2.5.1 7.3.1 — ORU^R01: unsolicited observations: { [PID [PV1]] { OBR {OBX} } }
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, type Segment } from '../message/segment.ts';
import type { Bundle, DiagnosticReport, Identifier, Reference } from '../resource-types.ts';
import { obrReport, orderKey } from '../segments/obr-report.ts';
import { obxDocuments } from '../segments/obx-value.ts';
import { type TransactionEntries, transactionEntries } from './entries.ts';
import { addObservations, compositeValue, distinctValues, noteText, type ObservationGroup, reportSystem } from './observations.ts';
import { addEncounter, addPatient, addPractitioners, mentionedVisit } from './patient-visit.ts';

/** Cross-version extension of R5's DiagnosticReport.note, which R4 has not. */
const reportNoteUrl = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note';

interface OrderGroup {
  readonly obr: Segment;
  readonly notes: Segment[];
  readonly results: { readonly obx: Segment; readonly notes: Segment[] }[];
}

interface PatientGroup {
  /** Undefined when the message names no patient at all: a result of an environment, an animal, a control. */
  readonly pid: Segment | undefined;
  pv1: Segment | undefined;
  /** OBX before the first OBR: observations about the patient (PATIENT_OBSERVATION of later versions), which senders of all versions make. */
  readonly results: { readonly obx: Segment; readonly notes: Segment[] }[];
  readonly orders: OrderGroup[];
}

/** Whose results these are is not said: PID-3 is what would say it. */
const noPatient = new Refusal('AE', '101', { segment: 'PID', ordinal: 1, field: 3 });

function patientGroups(segments: readonly Segment[]): PatientGroup[] {
  // A PID after its results is a mistake of the sender: guessing whose they are would be one of ours.
  const anonymous = segments.some(({ name }) => name === 'OBR') && !segments.some(({ name }) => name === 'PID' || name === 'PV1');
  const groups: PatientGroup[] = anonymous ? [{ pid: undefined, pv1: undefined, results: [], orders: [] }] : [];
  let notes: Segment[] = [];
  for (const segment of segments) {
    const group = groups.at(-1);
    const order = group?.orders.at(-1);
    if (segment.name === 'PID') {
      groups.push({ pid: segment, pv1: undefined, results: [], orders: [] });
      notes = [];
    } else if (segment.name === 'NTE') {
      notes.push(segment);
    } else if (segment.name === 'PV1' || segment.name === 'OBR' || segment.name === 'OBX') {
      if (!group) throw noPatient;
      notes = [];
      if (segment.name === 'PV1') group.pv1 ??= segment;
      else if (segment.name === 'OBR') group.orders.push({ obr: segment, notes, results: [] });
      else (order ?? group).results.push({ obx: segment, notes });
    } else if (segment.name !== 'PRT') {
      // Notes of segments that are not mapped must not fall to the result before them.
      notes = [];
    }
  }
  return groups;
}

function checkStructure(groups: readonly PatientGroup[]): void {
  if (groups.length === 0) throw noPatient;
  for (const { results, orders } of groups) {
    const [early] = results;
    if (early && orders.length === 0) throw new Refusal('AE', '100', locationOf(early.obx));
  }
}

type Distinct = (value: string) => string;

/** The first report of an order number is found by it; a further OBR with the same number needs OBR-4 to be told apart. */
function reportKey(report: DiagnosticReport, order: Identifier, code: string, used: Set<string>, distinct: Distinct): Identifier {
  const orderValue = JSON.stringify([order.system, order.value]);
  if (!used.has(orderValue)) {
    used.add(orderValue);
    return order;
  }
  const own = { system: reportSystem, value: distinct(compositeValue([order.value ?? '', code])) };
  report.identifier = [own];
  return own;
}

/**
 * The transaction of an ORU message.
 * Without any PID the results are stored without a patient, as FHIR allows; they are found by no later message.
 * @throws Refusal AE 101 for a PV1 or an OBX without PID, AE 100 for an OBX without OBR
 */
export function oruR01(context: ConversionContext): Bundle {
  const groups = patientGroups(context.message.segments);
  checkStructure(groups);
  const entries = transactionEntries();
  const distinct = distinctValues();
  const used = new Set<string>();
  for (const group of groups) {
    const subject = group.pid && addPatient(group.pid, context, entries);
    const encounter = group.pv1 && subject && addEncounter(group.pv1, subject, mentionedVisit, context, entries);
    addResults(group.results, { subject, encounter, key: undefined, effective: undefined, isReported: false }, distinct, context, entries);
    for (const order of group.orders) addReport(order, { subject, encounter }, { used, distinct }, context, entries);
  }
  return entries.bundle();
}

function addResults(
  results: OrderGroup['results'],
  group: ObservationGroup,
  distinct: Distinct,
  context: ConversionContext,
  entries: TransactionEntries,
): Reference[] {
  return results.flatMap(({ obx, notes }) => addObservations(obx, notes, group, distinct, context, entries));
}

function addReport(
  { obr, notes, results }: OrderGroup,
  { subject, encounter }: Pick<ObservationGroup, 'subject' | 'encounter'>,
  { used, distinct }: { used: Set<string>; distinct: Distinct },
  context: ConversionContext,
  entries: TransactionEntries,
): void {
  const report = obrReport(obr, context);
  const order = orderKey(obr, context);
  const code = first(obr, 4) || first(obr, 4, 2);
  const key = order && [order.value ?? '', code];
  const effective = report.effectiveDateTime ?? report.effectivePeriod?.start;
  if (subject) report.subject = subject;
  if (encounter) report.encounter = encounter;
  const references = addResults(results, { subject, encounter, key, effective, isReported: true }, distinct, context, entries);
  if (references.length > 0) report.result = references;
  const documents = results.flatMap(({ obx }) => obxDocuments(obx));
  if (documents.length > 0) report.presentedForm = documents;
  const interpreters = addPractitioners(obr, 32, context, entries);
  if (interpreters.length > 0) report.resultsInterpreter = interpreters;
  const text = noteText(notes);
  if (text) report.extension = [...(report.extension ?? []), { url: reportNoteUrl, valueAnnotation: { text } }];
  const fullUrl = context.fullUrl(`OBR.${obr.ordinal}`);
  if (order) entries.update(report, reportKey(report, order, code, used, distinct), fullUrl);
  else entries.create(report, fullUrl);
}
