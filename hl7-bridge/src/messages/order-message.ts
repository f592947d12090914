// The messages that are made of patients with orders, results, documents or appointments: ORU, ORM, OML, RDE, VXU, MDM, SIU, DFT, PPR ...
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, type Segment } from '../message/segment.ts';
import type { Bundle } from '../resource-types.ts';
import { visitNumber } from '../segments/pv1-encounter.ts';
import { addAppointment } from './appointments.ts';
import { addClinical } from './clinical.ts';
import { addDocument, isDocumentPart, isResult } from './documents.ts';
import type { PatientScope } from './drafts.ts';
import { type TransactionEntries, transactionEntries } from './entries.ts';
import { noPatient, type OrderGroup, type PatientGroup, patientGroups, type ResultSegments } from './groups.ts';
import { distinctValues } from './observations.ts';
import { addDrugs, addServiceRequest, addSpecimens, type UsedNumbers } from './orders.ts';
import { addEncounter, addPatient, mentionedVisit } from './patient-visit.ts';
import { addReport, addResults, resultKey } from './reports.ts';

export interface OrderMessageRules {
  /** ORU and OUL: an OBR is a report, and a result has to stand under one. */
  readonly isReport?: boolean;
  /** VXU: RXA is a vaccine. */
  readonly isVaccination?: boolean;
  /** What has to be there: the message is nothing without it. */
  readonly needs?: string;
}

function checkStructure(groups: readonly PatientGroup[], segments: readonly Segment[], rules: OrderMessageRules): void {
  if (groups.length === 0) throw noPatient;
  if (rules.needs && !segments.some(({ name }) => name === rules.needs))
    throw new Refusal('AE', '100', { segment: rules.needs, ordinal: 1 });
  if (!rules.isReport) return;
  for (const { results, orders } of groups) {
    const early = results[0] ?? orders.find(({ obr }) => !obr)?.results[0];
    if (early && !orders.some(({ obr }) => obr)) throw new Refusal('AE', '100', locationOf(early.obx));
  }
}

interface MessageState {
  readonly rules: OrderMessageRules;
  readonly reports: Set<string>;
  readonly used: UsedNumbers;
  readonly event: string;
}

function addOrderGroup(order: OrderGroup, isOfDocument: boolean, { rules, reports, used }: MessageState, scope: PatientScope) {
  const drugs = addDrugs(order, rules.isVaccination === true, used, scope);
  const { obr } = order;
  // An ORC beside drugs is the order of these drugs.
  const request = obr || (order.drugs.length === 0 && order.orc) ? addServiceRequest(order, used, scope) : undefined;
  const specimens = addSpecimens(order, request, used, scope);
  if (obr && rules.isReport) addReport(obr, order, { request, specimens }, reports, scope);
  else {
    const results = isOfDocument ? order.results.filter(({ obx }) => isResult(obx)) : order.results;
    const { subject, encounter } = scope;
    const key = obr && resultKey(obr, scope.context);
    addResults(results, { subject, encounter, key, effective: undefined, isReported: false }, scope);
  }
  return request ? [request] : drugs;
}

function addGroup(
  group: PatientGroup,
  segments: readonly Segment[],
  state: MessageState,
  context: ConversionContext,
  entries: TransactionEntries,
  distinct: PatientScope['distinct'],
): void {
  const subject = group.pid && addPatient(group.pid, context, entries, group.others);
  const encounter =
    group.pv1 && first(group.pv1, 2) !== 'N' ? addEncounter(group.pv1, subject, mentionedVisit, context, entries, group.others) : undefined;
  const number = group.pv1 && visitNumber(group.pv1, context);
  const scope: PatientScope = { context, entries, subject, encounter, visit: number?.value ?? '', distinct };
  const txa = group.others.find(({ name }) => name === 'TXA');
  const parts: ResultSegments[] = [...group.results, ...group.orders.flatMap(({ results }) => results)];
  const own = txa ? group.results.filter(({ obx }) => isResult(obx)) : group.results;
  addResults(own, { subject, encounter, key: undefined, effective: undefined, isReported: false }, scope);
  const requests = group.orders.flatMap((order) => addOrderGroup(order, txa !== undefined, state, scope));
  addClinical(group.others, scope);
  if (txa)
    addDocument(
      txa,
      parts.filter(({ obx }) => isDocumentPart(obx)),
      state.event,
      requests,
      scope,
    );
  const sch = segments.find(({ name }) => name === 'SCH');
  if (sch) addAppointment(sch, segments, state.event, scope);
}

/**
 * The transaction of a message of orders, results, documents or appointments.
 * Without any PID results are stored without a patient, as FHIR allows; they are found by no later message.
 * @throws Refusal AE 101 without a patient, AE 100 for a report's OBX without OBR or a message without its main segment
 */
export function orderMessage(context: ConversionContext, rules: OrderMessageRules): Bundle {
  const { segments, header } = context.message;
  const groups = patientGroups(segments);
  checkStructure(groups, segments, rules);
  const entries = transactionEntries();
  const distinct = distinctValues();
  const state: MessageState = { rules, reports: new Set(), used: new Set(), event: first(header, 9, 2) };
  for (const group of groups) addGroup(group, segments, state, context, entries, distinct);
  return entries.bundle();
}
