// Rows of the v2-to-FHIR guide that are implemented by code instead of a row of a table, and those that are left out, with the reason.
export interface CodedRows {
  readonly sheet: string;
  /** Field names, or `*`. */
  readonly fields: string;
  /** Only the rows of this attribute. */
  readonly attribute?: string;
  readonly where: string;
}

export interface LeftRows {
  /** Sheet names. */
  readonly sheet: string;
  readonly fields: string;
  readonly reason: string;
}

export const rowsInCode: readonly CodedRows[] = [
  {
    sheet: 'PID[Patient]',
    fields:
      'PID-2 PID-3 PID-4 PID-5 PID-6 PID-7 PID-8 PID-9 PID-11 PID-12 PID-13 PID-14 PID-15 PID-16 PID-17 PID-19 PID-20 PID-23 PID-24 PID-25 PID-26 PID-28 PID-29 PID-30 PID-40',
    where: 'pid-patient.ts',
  },
  {
    sheet: 'PV1[Encounter]',
    fields: 'PV1-2 PV1-3 PV1-4 PV1-5 PV1-6 PV1-7 PV1-8 PV1-9 PV1-10 PV1-13 PV1-14 PV1-15 PV1-16 PV1-17 PV1-36 PV1-38 PV1-44 PV1-45',
    where: 'pv1-encounter.ts, patient-visit.ts',
  },
  { sheet: 'OBX[Observation]', fields: 'OBX-3 OBX-7 OBX-8 OBX-14 OBX-17 OBX-20', where: 'obx-observation.ts' },
  ...['valueQuantity', 'valueString', 'valueCodeableConcept', 'valuePeriod', 'valueDateTime', 'valueRange', 'valueTime', 'valueRatio'].map(
    (attribute) => ({ sheet: 'OBX[Observation]', fields: 'OBX-5', attribute, where: 'obx-value.ts' }),
  ),
  { sheet: 'OBX[Observation]', fields: 'OBX-6', attribute: 'valueQuantity', where: 'obx-value.ts' },
  { sheet: 'OBX[Observation]', fields: 'OBX-6', attribute: 'valueRange', where: 'obx-value.ts' },
  { sheet: 'OBX[DocumentReference]', fields: 'OBX-5', where: 'documents.ts' },
  { sheet: 'OBR[DiagnosticReport]', fields: 'OBR-2 OBR-3 OBR-4 OBR-7 OBR-8 OBR-24 OBR-25 OBR-32', where: 'obr-report.ts, reports.ts' },
  { sheet: 'ORC[DiagnosticReport]', fields: 'ORC-2', attribute: 'basedOn', where: 'reports.ts' },
  { sheet: 'NTE[Observation]', fields: 'NTE-3', where: 'observations.ts' },
  { sheet: 'NTE[ServiceRequest]', fields: 'NTE-3', where: 'orders.ts' },
  { sheet: 'RXA[Immunization]', fields: 'RXA-10', where: 'orders.ts' },
  { sheet: 'ORC[Immunization]', fields: 'ORC-12', where: 'orders.ts' },
  { sheet: 'IN1[Coverage]', fields: 'IN1-16', where: 'clinical.ts' },
  { sheet: 'PR1[Procedure]', fields: 'PR1-7 PR1-8 PR1-11 PR1-12', where: 'clinical.ts' },
];

const messageOnly =
  'A transaction has no message header and makes no Provenance: where a message came from is told by the audit trail, without values of the message.';

export const rowsLeft: readonly LeftRows[] = [
  {
    sheet:
      'MSH[Bundle] MSH[MessageHeader] MSH[Provenance-Operator] MSH[Provenance-Source] MSH[Provenance-Transformation] MSA[MessageHeader] SFT[Device] SFT[MessageHeader] EVN[Provenance] ORC[Provenance] PID[Provenance-Patient] SCH[Provenance] TXA[Provenance]',
    fields: '*',
    reason: messageOnly,
  },
  {
    sheet: 'OBX[Observation-Component]',
    fields: '*',
    reason:
      'Every OBX is an Observation of its own, so that a later message finds and corrects it; the guide leaves the choice to the receiver.',
  },
  {
    sheet: 'NK1[Patient]',
    fields: '*',
    reason: 'The guide offers Patient.contact or RelatedPerson; the bridge makes the RelatedPerson (NK1[RelatedPerson]).',
  },
  {
    sheet: 'DG1[Encounter] DG1[EpisodeOfCare]',
    fields: '*',
    reason: 'The diagnosis is a Condition that refers to the Encounter (DG1[Condition]); no Encounter.diagnosis and no EpisodeOfCare yet.',
  },
  { sheet: 'PV1[Basic-EncounterHistory]', fields: '*', reason: 'The history of an Encounter is the history of the resource.' },
];
