// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obr-to-diagnosticreport.html — OBR[DiagnosticReport]
import { cweConcept, unknownConcept } from '../datatypes/codeable-concept.ts';
import { dateTime } from '../datatypes/dtm.ts';
import { eiIdentifier, unassignedSystem } from '../datatypes/identifier.ts';
import { periodOf } from '../datatypes/period.ts';
import type { ConversionContext } from '../message/context.ts';
import { first, isValued, repetitions, type Segment } from '../message/segment.ts';
import type { DiagnosticReport, Identifier } from '../resource-types.ts';
import { reportStatus } from '../tables/vocabulary.ts';
import { applyRows, type SegmentRow } from './rows.ts';

function orderIdentifier(field: number, type: string, kind: string) {
  return (obr: Segment, { channel, facility }: ConversionContext): Identifier | undefined =>
    eiIdentifier(repetitions(obr, field)[0], type, channel, unassignedSystem(facility, kind));
}

const placer = orderIdentifier(2, 'PLAC', 'placer');
const filler = orderIdentifier(3, 'FILL', 'filler');

const rows: readonly SegmentRow<DiagnosticReport>[] = [
  {
    ig: 'OBR-4 code',
    field: 4,
    set(report, segment) {
      const code = cweConcept(repetitions(segment, 4)[0]);
      if (code) report.code = code;
    },
  },
  {
    ig: 'OBR-7 effectiveDateTime (OBR-8 not valued)',
    field: 7,
    set(report, segment, { channel }) {
      const time = dateTime(segment, 7, channel.utcOffset);
      if (time && !isValued(segment, 8)) report.effectiveDateTime = time;
    },
  },
  {
    ig: 'OBR-7 effectivePeriod.start, OBR-8 effectivePeriod.end (OBR-8 valued)',
    field: 8,
    set(report, segment, { channel }) {
      const period = periodOf(dateTime(segment, 7, channel.utcOffset), dateTime(segment, 8, channel.utcOffset));
      if (period) report.effectivePeriod = period;
    },
  },
  {
    ig: 'OBR-24 category',
    field: 24,
    element: 'category',
    set(report, segment) {
      const category = cweConcept(repetitions(segment, 24)[0], 'http://terminology.hl7.org/CodeSystem/v2-0074');
      if (category) report.category = [category];
    },
  },
  {
    ig: 'OBR-25 status',
    field: 25,
    set(report, segment) {
      report.status = reportStatus[first(segment, 25)] ?? 'unknown';
    },
  },
];

/** OBR-3, else OBR-2: the number that finds the report again. */
export function orderKey(obr: Segment, context: ConversionContext): Identifier | undefined {
  return filler(obr, context) ?? placer(obr, context);
}

/** The DiagnosticReport of an OBR segment, without subject, encounter and results. */
export function obrReport(obr: Segment, context: ConversionContext): DiagnosticReport {
  const report: DiagnosticReport = { resourceType: 'DiagnosticReport', status: 'unknown', code: unknownConcept };
  const identifiers = [filler(obr, context), placer(obr, context)].filter((identifier) => identifier !== undefined);
  if (identifiers.length > 0) report.identifier = identifiers;
  applyRows(rows, report, obr, context);
  return report;
}
