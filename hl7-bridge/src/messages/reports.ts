// OBR with its results -> DiagnosticReport.
import type { ConversionContext } from '../message/context.ts';
import { first, type Segment } from '../message/segment.ts';
import type { DiagnosticReport, Identifier, Reference } from '../resource-types.ts';
import { orcDiagnosticReport } from '../segments/maps/orders.ts';
import { obrReport, orderKey } from '../segments/obr-report.ts';
import { obxDocuments } from '../segments/obx-value.ts';
import { extendWith, type PatientScope } from './drafts.ts';
import type { OrderGroup, ResultSegments } from './groups.ts';
import { addObservations, compositeValue, noteText, type ObservationGroup, reportSystem } from './observations.ts';
import { addPractitioners } from './patient-visit.ts';

/** Cross-version extension of R5's DiagnosticReport.note, which R4 has not. */
const reportNoteUrl = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note';

/** The first report of an order number is found by it; a further OBR with the same number needs OBR-4 to be told apart. */
function reportKey(
  report: DiagnosticReport,
  order: Identifier,
  code: string,
  used: Set<string>,
  distinct: PatientScope['distinct'],
): Identifier {
  const orderValue = JSON.stringify([order.system, order.value]);
  if (!used.has(orderValue)) {
    used.add(orderValue);
    return order;
  }
  const own = { system: reportSystem, value: distinct(compositeValue([order.value ?? '', code])) };
  report.identifier = [own];
  return own;
}

/** Adds the Observations of some results and refers to them. */
export function addResults(
  results: readonly ResultSegments[],
  group: ObservationGroup,
  { distinct, context, entries }: PatientScope,
): Reference[] {
  return results.flatMap(({ obx, notes }) => addObservations(obx, notes, group, distinct, context, entries));
}

/** What names the results of an OBR across messages. */
export function resultKey(obr: Segment, context: ConversionContext): readonly string[] | undefined {
  const order = orderKey(obr, context);
  return order && [order.value ?? '', first(obr, 4) || first(obr, 4, 2)];
}

/** Adds the DiagnosticReport of an OBR with its Observations. */
export function addReport(
  obr: Segment,
  { orc, notes, results }: OrderGroup,
  linked: { readonly request: Reference | undefined; readonly specimens: readonly Reference[] },
  used: Set<string>,
  scope: PatientScope,
): void {
  const { subject, encounter, context, entries, distinct } = scope;
  const report = obrReport(obr, context);
  const order = orderKey(obr, context);
  const code = first(obr, 4) || first(obr, 4, 2);
  const effective = report.effectiveDateTime ?? report.effectivePeriod?.start;
  if (orc) extendWith(report, orcDiagnosticReport, orc, scope);
  if (subject) report.subject = subject;
  if (encounter) report.encounter = encounter;
  if (linked.request) report.basedOn = [linked.request];
  if (linked.specimens.length > 0) report.specimen = [...linked.specimens];
  const references = addResults(results, { subject, encounter, key: resultKey(obr, context), effective, isReported: true }, scope);
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
