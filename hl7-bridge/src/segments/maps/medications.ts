// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — RXO, RXE, RXD, RXA, RXR, TQ1; RXE, RXD and RXG, which the IG has no sheet for, follow RXO and v2.5.1 chapter 4.
import { completionStatus, orderControl, orderPriority, orderStatus } from '../../tables/order-vocabulary.ts';
import type { CodeMap, MapRow, SegmentMap } from '../map.ts';
import { orderNumbers } from './orders.ts';

const table = (number: string): string => `http://terminology.hl7.org/CodeSystem/v2-${number}`;

/** MedicationRequest says cancelled or stopped where an order says revoked. */
function medicationWords(codes: CodeMap): CodeMap {
  return Object.fromEntries(Object.entries(codes).map(([code, status]) => [code, status === 'revoked' ? 'cancelled' : status]));
}

export const orcMedicationRequest: SegmentMap = {
  sheet: 'ORC[MedicationRequest]',
  segment: 'ORC',
  resource: 'MedicationRequest',
  rows: [
    ...orderNumbers,
    { field: 5, to: 'status', as: 'code', codes: medicationWords(orderStatus) },
    { field: 1, to: 'status', as: 'code', codes: medicationWords(orderControl) },
    { field: 4, to: 'groupIdentifier', as: 'eip', type: 'PGN', system: 'placer-group' },
    { field: 9, to: 'authoredOn', as: 'dateTime' },
    { field: 12, to: 'requester', as: 'practitioner' },
  ],
};

const substitution: CodeMap = { N: 'N', G: 'G', T: 'T', '0': 'N', '1': 'N', '2': 'E', '3': 'E' };
const substitutionSystem = 'http://terminology.hl7.org/CodeSystem/v3-substanceAdminSubstitution';

function substitutionRow(field: number): MapRow {
  const codings = Object.fromEntries(Object.entries(substitution).map(([from, code]) => [from, { system: substitutionSystem, code }]));
  return { field, to: 'substitution.allowedCodeableConcept', as: 'concept', codings };
}

/** Dose, unit and form stand at other fields of RXO and RXE. */
function dose(low: number, high: number, unit: number): MapRow[] {
  const range = 'dosageInstruction[0].doseAndRate[0].doseRange';
  const ig = 'dosageInstruction.doseAndRate[1].doseRange';
  return [
    { field: low, to: `${range}.low.value`, ig: `${ig}.low.value`, as: 'decimal' },
    { field: high, to: `${range}.high.value`, ig: `${ig}.high.value`, as: 'decimal' },
    { field: unit, to: `${range}.low.unit`, ig: `${ig}.low.unit`, as: 'unit', when: { valued: low } },
    { field: unit, to: `${range}.low.system`, as: 'unitSystem', when: { valued: low } },
    { field: unit, to: `${range}.low.code`, ig: `${ig}.low.code`, as: 'unitCode', when: { valued: low } },
    { field: unit, to: `${range}.high.unit`, ig: `${ig}.high.unit`, as: 'unit', when: { valued: high } },
    { field: unit, to: `${range}.high.system`, as: 'unitSystem', when: { valued: high } },
    { field: unit, to: `${range}.high.code`, ig: `${ig}.high.code`, as: 'unitCode', when: { valued: high } },
  ];
}

function dispense(quantity: number, unit: number, refills: number): MapRow[] {
  const to = 'dispenseRequest.quantity';
  return [
    { field: quantity, to: `${to}.value`, as: 'decimal' },
    { field: unit, to: `${to}.unit`, as: 'unit', when: { valued: quantity } },
    { field: unit, to: `${to}.system`, as: 'unitSystem', when: { valued: quantity } },
    { field: unit, to: `${to}.code`, as: 'unitCode', when: { valued: quantity } },
    { field: refills, to: 'dispenseRequest.numberOfRepeatsAllowed', as: 'unsignedInt' },
  ];
}

export const rxoMedicationRequest: SegmentMap = {
  sheet: 'RXO[MedicationRequest]',
  segment: 'RXO',
  resource: 'MedicationRequest',
  fixed: { intent: 'original-order', status: 'unknown' },
  rows: [
    { field: 1, to: 'medicationCodeableConcept', ig: 'medication(Medication.code)', as: 'concept' },
    ...dose(2, 3, 4),
    { field: 7, to: 'dosageInstruction[0].text', as: 'text' },
    substitutionRow(9),
    ...dispense(11, 12, 13),
    { field: 14, to: 'requester', ig: 'requester(Practitioner)', as: 'practitioner' },
    { field: 20, to: 'reasonCode[]', as: 'concept' },
  ],
};

export const rxeMedicationRequest: SegmentMap = {
  sheet: 'RXE[MedicationRequest]',
  segment: 'RXE',
  resource: 'MedicationRequest',
  fixed: { intent: 'order', status: 'active' },
  rows: [
    { field: 2, to: 'medicationCodeableConcept', as: 'concept' },
    ...dose(3, 4, 5),
    { field: 7, to: 'dosageInstruction[0].text', as: 'text' },
    substitutionRow(9),
    ...dispense(10, 11, 12),
    { field: 13, to: 'requester', as: 'practitioner' },
    { field: 15, to: 'identifier[]', as: 'cweIdentifier', system: 'prescription' },
    {
      field: 19,
      to: 'dosageInstruction[0].maxDosePerPeriod',
      ig: 'dosageInstruction.maxDosePerPeriod.numerator',
      as: 'quantityPerDay',
    },
    { field: 27, to: 'reasonCode[]', as: 'concept' },
    { field: 32, to: 'authoredOn', as: 'dateTime' },
  ],
};

export const rxrMedicationRequest: SegmentMap = {
  sheet: 'RXR[MedicationRequest]',
  segment: 'RXR',
  resource: 'MedicationRequest',
  rows: [
    { field: 1, to: 'dosageInstruction[0].route', ig: 'dosageInstruction.route', as: 'concept', system: table('0162') },
    { field: 2, to: 'dosageInstruction[0].site', ig: 'dosageInstruction.site', as: 'concept', system: table('0163') },
    { field: 4, to: 'dosageInstruction[0].method', ig: 'dosageInstruction.method', as: 'concept', system: table('0165') },
    { field: 5, to: 'dosageInstruction[0].additionalInstruction[]', ig: 'dosageInstruction.additionalInstruction', as: 'concept' },
  ],
};

export const tq1MedicationRequest: SegmentMap = {
  sheet: 'TQ1[MedicationRequest]',
  segment: 'TQ1',
  resource: 'MedicationRequest',
  rows: [
    {
      field: 2,
      to: 'dosageInstruction[0].doseAndRate[0].doseQuantity',
      ig: 'dosageInstruction.doseAndRate.doseQuantity',
      as: 'quantity',
    },
    {
      field: 7,
      to: 'dosageInstruction[0].timing.repeat.boundsPeriod.start',
      ig: 'dosageInstruction.timing.repeat.boundsPeriod.start',
      as: 'dateTime',
    },
    {
      field: 8,
      to: 'dosageInstruction[0].timing.repeat.boundsPeriod.end',
      ig: 'dosageInstruction.timing.repeat.boundsPeriod.end',
      as: 'dateTime',
    },
    { field: 9, to: 'priority', as: 'code', codes: orderPriority },
    { field: 10, to: 'dosageInstruction[0].additionalInstruction[].text', ig: 'dosageInstruction.additionalInstruction.text', as: 'text' },
    { field: 11, to: 'dosageInstruction[0].text', ig: 'text', as: 'text' },
    { field: 14, to: 'dosageInstruction[0].timing.repeat.count', ig: 'dosageInstruction.timing.repeat.countMax', as: 'positiveInt' },
  ],
};

export const rxdMedicationDispense: SegmentMap = {
  sheet: 'RXD[MedicationDispense]',
  segment: 'RXD',
  resource: 'MedicationDispense',
  fixed: { status: 'completed' },
  rows: [
    { field: 2, to: 'medicationCodeableConcept', as: 'concept' },
    { field: 3, to: 'whenHandedOver', as: 'dateTime' },
    { field: 4, to: 'quantity.value', as: 'decimal' },
    { field: 5, to: 'quantity.unit', as: 'unit', when: { valued: 4 } },
    { field: 7, to: 'identifier[]', as: 'cweIdentifier', system: 'dispense' },
    { field: 9, to: 'note[]', as: 'note' },
  ],
};

/** RXA of an administration order (RAS). */
export const rxaMedicationAdministration: SegmentMap = {
  sheet: 'RXA[MedicationAdministration]',
  segment: 'RXA',
  resource: 'MedicationAdministration',
  fixed: { status: 'completed' },
  rows: [
    { field: 3, to: 'effectivePeriod.start', as: 'dateTime', when: { valued: 4 } },
    { field: 4, to: 'effectivePeriod.end', as: 'dateTime' },
    { field: 3, to: 'effectiveDateTime', as: 'dateTime', when: { empty: 4 } },
    { field: 5, to: 'medicationCodeableConcept', as: 'concept' },
    { field: 6, to: 'dosage.dose.value', as: 'decimal' },
    { field: 7, to: 'dosage.dose.unit', as: 'unit', when: { valued: 6 } },
    { field: 19, to: 'reasonCode[]', as: 'concept' },
    { field: 20, to: 'status', as: 'code', codes: { CP: 'completed', RE: 'not-done', NA: 'not-done', PA: 'completed' } },
  ],
};

/** RXG: what is given, once the pharmacy has prepared it; an administration that is still to come. */
export const rxgMedicationRequest: SegmentMap = {
  sheet: 'RXG[MedicationRequest]',
  segment: 'RXG',
  resource: 'MedicationRequest',
  fixed: { intent: 'instance-order', status: 'active' },
  rows: [
    { field: 4, to: 'medicationCodeableConcept', as: 'concept' },
    ...dose(5, 6, 7),
    { field: 9, to: 'dosageInstruction[0].text', as: 'text', component: 2 },
  ],
};

export const rxaImmunization: SegmentMap = {
  sheet: 'RXA[Immunization]',
  segment: 'RXA',
  resource: 'Immunization',
  rows: [
    { field: 3, to: 'occurrenceDateTime', as: 'dateTime' },
    { field: 5, to: 'vaccineCode', as: 'concept' },
    { field: 6, to: 'doseQuantity.value', as: 'decimal', when: { field: 6, not: ['999'] } },
    { field: 7, to: 'doseQuantity.unit', ig: 'doseQuantity', as: 'unit', when: { field: 6, not: ['999', ''] } },
    { field: 7, to: 'doseQuantity.system', as: 'unitSystem', when: { field: 6, not: ['999', ''] } },
    { field: 7, to: 'doseQuantity.code', as: 'unitCode', when: { field: 6, not: ['999', ''] } },
    { field: 15, to: 'lotNumber', as: 'text' },
    { field: 16, to: 'expirationDate', as: 'date' },
    { field: 17, to: 'manufacturer', ig: 'manufacturer(Organization)', as: 'organization', component: 2 },
    { field: 18, to: 'statusReason', as: 'concept' },
    { field: 19, to: 'reasonCode[]', as: 'concept' },
    { field: 21, to: 'status', as: 'code', codes: { D: 'entered-in-error' } },
    { field: 20, to: 'status', as: 'code', codes: completionStatus },
    { field: 22, to: 'recorded', as: 'dateTime', when: { field: 21, is: ['A', ''] } },
    { field: 27, to: 'location', ig: 'location[1](Location)', as: 'location' },
    { field: 9, to: 'reportOrigin', as: 'concept', when: { field: 9, is: ['01', '02', '03', '04', '05', '06', '07', '08'] } },
  ],
  fixed: { status: 'completed' },
};

export const orcImmunization: SegmentMap = {
  sheet: 'ORC[Immunization]',
  segment: 'ORC',
  resource: 'Immunization',
  rows: [...orderNumbers, { field: 9, to: 'recorded', as: 'dateTime' }],
};

export const rxrImmunization: SegmentMap = {
  sheet: 'RXR[Immunization]',
  segment: 'RXR',
  resource: 'Immunization',
  rows: [
    { field: 1, to: 'route', as: 'concept', system: table('0162') },
    { field: 2, to: 'site', as: 'concept', system: table('0163') },
  ],
};
