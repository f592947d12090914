// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — NK1[RelatedPerson], IN1[Coverage], PD1[Patient], PV2[Encounter]

import { confidentialityCode, encounterPriority, relationship, subscriberRelationship } from '../../tables/order-vocabulary.ts';
import { administrativeSex } from '../../tables/vocabulary.ts';
import type { MapRow, SegmentMap } from '../map.ts';

const core = 'http://hl7.org/fhir/StructureDefinition';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition';

export const nk1RelatedPerson: SegmentMap = {
  sheet: 'NK1[RelatedPerson]',
  segment: 'NK1',
  resource: 'RelatedPerson',
  rows: [
    { field: 12, to: 'identifier[]', as: 'cx' },
    { field: 33, to: 'identifier[]', as: 'cx' },
    { field: 37, to: 'identifier[]', as: 'socialSecurity' },
    { field: 2, to: 'name[]', as: 'name' },
    { field: 30, to: 'name[]', as: 'name' },
    { field: 3, to: 'relationship[]', as: 'concept', codings: relationship, system: 'http://terminology.hl7.org/CodeSystem/v2-0063' },
    { field: 7, to: 'relationship[]', as: 'concept', system: 'http://terminology.hl7.org/CodeSystem/v2-0131' },
    { field: 4, to: 'address[]', as: 'address' },
    { field: 32, to: 'address[]', as: 'address' },
    { field: 5, to: 'telecom[]', as: 'phone' },
    { field: 6, to: 'telecom[]', as: 'workPhone' },
    { field: 31, to: 'telecom[]', as: 'phone' },
    { field: 40, to: 'telecom[]', as: 'phone' },
    { field: 41, to: 'telecom[]', as: 'phone' },
    { field: 8, to: 'period.start', as: 'dateTime' },
    { field: 9, to: 'period.end', as: 'dateTime' },
    { field: 15, to: 'gender', as: 'code', codes: administrativeSex },
    { field: 16, to: 'birthDate', as: 'date' },
    {
      field: 20,
      to: 'communication[].language',
      ig: 'communication.language',
      as: 'concept',
      system: 'http://terminology.hl7.org/CodeSystem/v2-0296',
    },
  ],
};

/** The insured, where it is somebody else than the patient. */
export const in1RelatedPerson: SegmentMap = {
  sheet: 'IN1[Coverage]',
  segment: 'IN1',
  resource: 'RelatedPerson',
  rows: [
    { field: 16, to: 'name[]', ig: 'subscriber(RelatedPerson)', as: 'name' },
    {
      field: 17,
      to: 'relationship[]',
      ig: 'relationship',
      as: 'concept',
      codings: relationship,
      system: 'http://terminology.hl7.org/CodeSystem/v2-0063',
    },
    { field: 18, to: 'birthDate', as: 'date' },
    { field: 19, to: 'address[]', as: 'address' },
    { field: 43, to: 'gender', as: 'code', codes: administrativeSex },
  ],
};

export const in1Coverage: SegmentMap = {
  sheet: 'IN1[Coverage]',
  segment: 'IN1',
  resource: 'Coverage',
  fixed: { status: 'active' },
  rows: [
    { field: 36, to: 'identifier[]', as: 'cx', system: 'policy', type: 'MB' },
    { field: 2, to: 'identifier[]', as: 'cweIdentifier', system: 'plan' },
    { field: 49, to: 'identifier[]', ig: 'extension[1]', as: 'cx', system: 'insured', type: 'SN' },
    { field: 36, to: 'subscriberId', as: 'text', component: 1 },
    { field: 4, to: 'payor[]', ig: 'payor[1](Organization)', as: 'organization' },
    { field: 3, to: 'payor[0].identifier', as: 'cx', when: { empty: 4 }, system: 'insurer' },
    { field: 11, to: 'policyHolder', ig: 'policyHolder[1](Organization)', as: 'organization' },
    {
      field: 10,
      to: 'extension[]',
      ig: 'extension[1]',
      as: 'identifierExtension',
      type: `${r5}/extension-Coverage.subscriberId`,
      when: { component: 5, is: ['SN'] },
    },
    { field: 12, to: 'period.start', as: 'dateTime' },
    { field: 13, to: 'period.end', as: 'dateTime' },
    { field: 15, to: 'type', as: 'concept', system: 'http://terminology.hl7.org/CodeSystem/v2-0086' },
    {
      field: 17,
      to: 'relationship',
      as: 'concept',
      codings: subscriberRelationship,
      system: 'http://terminology.hl7.org/CodeSystem/v2-0063',
    },
    { field: 8, to: 'class[].value', as: 'text', component: 1 },
  ],
};

export const pd1Patient: SegmentMap = {
  sheet: 'PD1[Patient]',
  segment: 'PD1',
  resource: 'Patient',
  rows: [
    { field: 3, to: 'generalPractitioner[]', ig: 'generalPractitioner[1](Organization)', as: 'organization' },
    { field: 4, to: 'generalPractitioner[]', ig: 'generalPractitioner[2](Practitioner)', as: 'practitioner' },
    {
      field: 6,
      to: 'extension[]',
      ig: 'extension[1]',
      as: 'conceptExtension',
      type: `${core}/patient-disability`,
      system: 'http://terminology.hl7.org/CodeSystem/v2-0295',
    },
  ],
};

const privacy: MapRow = {
  field: 22,
  to: 'meta.security[]',
  as: 'coding',
  codings: { Y: { ...confidentialityCode['R'], system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' } },
  when: { field: 22, is: ['Y'] },
};

export const pv2Encounter: SegmentMap = {
  sheet: 'PV2[Encounter]',
  segment: 'PV2',
  resource: 'Encounter',
  rows: [
    { field: 3, to: 'reasonCode[]', as: 'concept' },
    { field: 8, to: 'extension[]', ig: 'extension[1]', as: 'dateTimeExtension', type: `${r5}/extension-Encounter.plannedStartDate` },
    { field: 9, to: 'extension[]', ig: 'extension[2]', as: 'dateTimeExtension', type: `${r5}/extension-Encounter.plannedEndDate` },
    privacy,
    { field: 25, to: 'priority', as: 'concept', codings: encounterPriority, system: 'http://terminology.hl7.org/CodeSystem/v2-0217' },
    {
      field: 38,
      to: 'extension[]',
      ig: 'extension[1]',
      as: 'codingExtension',
      type: `${core}/encounter-modeOfArrival`,
      system: 'http://terminology.hl7.org/CodeSystem/v2-0430',
    },
  ],
};
