// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — ORC[ServiceRequest], OBR[ServiceRequest], TQ1[ServiceRequest], SPM[Specimen], OBR[Specimen]
import { availability, confidentialityCode, orderControl, orderPriority, orderStatus } from '../../tables/order-vocabulary.ts';
import type { MapRow, SegmentMap } from '../map.ts';

const core = 'http://hl7.org/fhir/StructureDefinition';
const table = (number: string): string => `http://terminology.hl7.org/CodeSystem/v2-${number}`;
const subFields: readonly string[] = ['identifier.type.coding.code', 'identifier.type.coding.system'];

/** ORC-2, 3 and 4 name an order in every resource that it becomes. */
export const orderNumbers: readonly MapRow[] = [
  { field: 2, to: 'identifier[]', as: 'ei', type: 'PLAC', also: subFields },
  { field: 3, to: 'identifier[]', as: 'ei', type: 'FILL', also: subFields },
  { field: 33, to: 'identifier[]', as: 'cx', type: 'PLAC', also: subFields },
];

export const orcServiceRequest: SegmentMap = {
  sheet: 'ORC[ServiceRequest]',
  segment: 'ORC',
  resource: 'ServiceRequest',
  fixed: { intent: 'order' },
  rows: [
    ...orderNumbers,
    { field: 5, to: 'status', as: 'code', codes: orderStatus },
    { field: 1, to: 'status', as: 'code', codes: orderControl },
    {
      field: 4,
      to: 'requisition',
      as: 'eip',
      type: 'PGN',
      system: 'placer-group',
      also: ['requisition.value', 'requisition.type.coding.code', 'requisition.type.coding.system'],
    },
    { field: 38, to: 'identifier[]', as: 'ei', type: 'FGN', system: 'filler-group', also: ['identifier.value', ...subFields] },
    { field: 9, to: 'authoredOn', as: 'dateTime' },
    { field: 12, to: 'requester', ig: 'requester(PractitionerRole.practitioner)', as: 'practitioner' },
    {
      field: 14,
      to: 'extension[]',
      ig: 'extension[3]',
      as: 'contactExtension',
      type: `${core}/servicerequest-order-callback-phone-number`,
    },
    { field: 16, to: 'extension[]', ig: 'extension[3]', as: 'conceptExtension', type: `${core}/request-statusReason`, when: { empty: 5 } },
    { field: 28, to: 'meta.security[]', as: 'coding', codings: confidentialityCode, system: table('0177') },
    { field: 29, to: 'locationCode[]', as: 'concept', system: table('0482') },
  ],
};

export const obrServiceRequest: SegmentMap = {
  sheet: 'OBR[ServiceRequest]',
  segment: 'OBR',
  resource: 'ServiceRequest',
  fixed: { intent: 'order', status: 'unknown' },
  rows: [
    { field: 2, to: 'identifier[]', as: 'ei', type: 'PLAC', also: subFields },
    { field: 3, to: 'identifier[]', as: 'ei', type: 'FILL', also: subFields },
    { field: 53, to: 'identifier[]', as: 'cx', type: 'PLAC', also: subFields },
    { field: 4, to: 'code', as: 'concept' },
    { field: 5, to: 'priority', as: 'code', codes: orderPriority },
    { field: 6, to: 'occurrenceDateTime', as: 'dateTime' },
    { field: 11, to: 'intent', as: 'code', codes: { G: 'reflex-order', '*': 'order' } },
    { field: 16, to: 'requester', ig: 'requester(Practitioner)', as: 'practitioner' },
    { field: 31, to: 'reasonCode[]', as: 'concept' },
    { field: 46, to: 'orderDetail[]', as: 'concept' },
    { field: 47, to: 'orderDetail[]', as: 'concept' },
  ],
};

export const tq1ServiceRequest: SegmentMap = {
  sheet: 'TQ1[ServiceRequest]',
  segment: 'TQ1',
  resource: 'ServiceRequest',
  rows: [
    { field: 2, to: 'quantityQuantity', as: 'quantity' },
    { field: 9, to: 'priority', as: 'code', codes: orderPriority },
    { field: 7, to: 'occurrenceTiming.repeat.boundsPeriod.start', as: 'dateTime' },
    { field: 8, to: 'occurrenceTiming.repeat.boundsPeriod.end', as: 'dateTime' },
    { field: 14, to: 'occurrenceTiming.repeat.count', ig: 'occurrenceTiming.repeat.countMax', as: 'positiveInt' },
    { field: 11, to: 'note[]', ig: 'note(Annotation.text)', as: 'note' },
  ],
};

export const spmSpecimen: SegmentMap = {
  sheet: 'SPM[Specimen]',
  segment: 'SPM',
  resource: 'Specimen',
  rows: [
    { field: 2, to: 'identifier[]', as: 'eip', type: 'PLAC', component: 1, system: 'specimen-placer' },
    { field: 2, to: 'identifier[]', as: 'eip', type: 'FILL', component: 2, system: 'specimen-filler' },
    { field: 31, to: 'identifier[]', as: 'cx', system: 'specimen' },
    { field: 32, to: 'identifier[]', as: 'ei', system: 'specimen', also: subFields },
    { field: 30, to: 'accessionIdentifier', as: 'cx', system: 'accession' },
    { field: 4, to: 'type', as: 'concept', system: table('0487') },
    { field: 6, to: 'container[0].additiveCodeableConcept', ig: 'container.additiveCodeableConcept', as: 'concept', system: table('0371') },
    { field: 27, to: 'container[0].type', ig: 'container.type', as: 'concept' },
    { field: 7, to: 'collection.method', as: 'concept', system: table('0488') },
    { field: 8, to: 'collection.bodySite', as: 'concept' },
    { field: 12, to: 'collection.quantity', as: 'quantity' },
    { field: 14, to: 'note[]', ig: 'note(Annotation.text)', as: 'note' },
    { field: 17, to: 'collection.collectedPeriod', as: 'period', when: { component: 2, not: [''] } },
    { field: 17, to: 'collection.collectedDateTime', as: 'dateTime', when: { component: 2, is: [''] } },
    { field: 18, to: 'receivedTime', as: 'dateTime' },
    { field: 20, to: 'status', as: 'code', codes: availability },
    { field: 24, to: 'condition[]', as: 'concept', system: table('0493') },
  ],
};

/** The specimen of an order without SPM. */
export const obrSpecimen: SegmentMap = {
  sheet: 'OBR[Specimen]',
  segment: 'OBR',
  resource: 'Specimen',
  rows: [
    { field: 15, to: 'type', ig: '$this', as: 'concept', system: table('0487') },
    { field: 7, to: 'collection.collectedDateTime', as: 'dateTime', when: { empty: 8 } },
    { field: 7, to: 'collection.collectedPeriod.start', as: 'dateTime', when: { valued: 8 } },
    { field: 8, to: 'collection.collectedPeriod.end', as: 'dateTime' },
    { field: 9, to: 'collection.quantity', as: 'quantity' },
    { field: 10, to: 'collection.collector', ig: 'collection.collector(Practitioner)', as: 'practitioner' },
    { field: 14, to: 'receivedTime', as: 'dateTime' },
    { field: 39, to: 'note[]', ig: 'note', as: 'note' },
  ],
};

export const orcDiagnosticReport: SegmentMap = {
  sheet: 'ORC[DiagnosticReport]',
  segment: 'ORC',
  resource: 'DiagnosticReport',
  rows: [
    { field: 16, to: 'extension[]', ig: 'extension[1]', as: 'conceptExtension', type: `${core}/event-statusReason` },
    { field: 28, to: 'meta.security[]', as: 'coding', codings: confidentialityCode, system: table('0177') },
  ],
};
