// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — SCH[Appointment], AIS[Appointment], TQ1; TXA[DocumentReference]
import { confidentialityCode, documentAvailability, documentStatus, fillerStatus } from '../../tables/order-vocabulary.ts';
import type { SegmentMap } from '../map.ts';

const table = (number: string): string => `http://terminology.hl7.org/CodeSystem/v2-${number}`;

export const schAppointment: SegmentMap = {
  sheet: 'SCH[Appointment]',
  segment: 'SCH',
  resource: 'Appointment',
  rows: [
    { field: 2, to: 'identifier[]', as: 'ei', type: 'FILL' },
    { field: 1, to: 'identifier[]', as: 'ei', type: 'PLAC' },
    { field: 25, to: 'status', as: 'code', codes: fillerStatus },
    { field: 7, to: 'reasonCode[]', as: 'concept', system: table('0276'), also: ['appointmentType'] },
    { field: 8, to: 'appointmentType', as: 'concept', system: table('0277') },
    { field: 9, to: 'minutesDuration', as: 'positiveInt', when: { field: 10, is: ['MIN', 'M', 'MINUTES', 'MINUTE', ''] } },
    { field: 11, to: 'start', ig: '$this', as: 'instant', component: 4 },
    { field: 11, to: 'end', ig: '$this', as: 'instant', component: 5 },
  ],
};

export const aisAppointment: SegmentMap = {
  sheet: 'AIS[Appointment]',
  segment: 'AIS',
  resource: 'Appointment',
  rows: [
    { field: 3, to: 'serviceType[]', ig: 'serviceType', as: 'concept' },
    { field: 4, to: 'start', ig: 'participant.period.start', as: 'instant', when: { empty: 5 } },
    { field: 10, to: 'status', as: 'code', codes: fillerStatus },
  ],
};

export const tq1Appointment: SegmentMap = {
  sheet: 'TQ1[Appointment]',
  segment: 'TQ1',
  resource: 'Appointment',
  rows: [
    { field: 7, to: 'start', as: 'instant' },
    { field: 8, to: 'end', as: 'instant' },
  ],
};

/** The people, places and things that are booked. */
export const participantMaps: { readonly [segment: string]: SegmentMap } = {
  AIP: {
    sheet: 'AIP[Appointment]',
    segment: 'AIP',
    resource: 'Appointment',
    rows: [
      { field: 3, to: 'actor', ig: 'participant.actor[1]', as: 'practitioner' },
      { field: 4, to: 'type[]', ig: 'participant.type[1]', as: 'concept' },
      { field: 6, to: 'period.start', ig: 'participant.period.start', as: 'dateTime' },
    ],
  },
  AIL: {
    sheet: 'AIL[Appointment]',
    segment: 'AIL',
    resource: 'Appointment',
    rows: [
      { field: 3, to: 'actor', ig: 'participant.actor[1]', as: 'location' },
      { field: 6, to: 'period.start', ig: 'participant.period.start', as: 'dateTime' },
    ],
  },
  AIG: {
    sheet: 'AIG[Appointment]',
    segment: 'AIG',
    resource: 'Appointment',
    rows: [
      { field: 4, to: 'type[]', ig: 'participant.type', as: 'concept' },
      { field: 8, to: 'period.start', ig: 'participant.period.start', as: 'dateTime' },
    ],
  },
};

export const txaDocumentReference: SegmentMap = {
  sheet: 'TXA[DocumentReference]',
  segment: 'TXA',
  resource: 'DocumentReference',
  fixed: { status: 'current' },
  rows: [
    { field: 12, to: 'masterIdentifier', as: 'ei', system: 'document' },
    { field: 12, to: 'identifier[]', as: 'ei', system: 'document' },
    { field: 16, to: 'identifier[]', as: 'ei', system: 'document-file' },
    { field: 2, to: 'type', as: 'concept', system: table('0270') },
    { field: 6, to: 'date', as: 'instant' },
    { field: 9, to: 'author[]', ig: 'author(Practitioner)', as: 'practitioner' },
    { field: 10, to: 'authenticator', ig: 'authenticator(Practitioner)', as: 'practitioner' },
    { field: 17, to: 'docStatus', as: 'code', codes: documentStatus },
    { field: 18, to: 'securityLabel[]', as: 'concept', codings: confidentialityCode, system: table('0272') },
    { field: 19, to: 'status', as: 'code', codes: documentAvailability },
    { field: 25, to: 'description', as: 'text' },
  ],
};
