// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — AL1[AllergyIntolerance], IAM[AllergyIntolerance]
import { allergyCategory, allergyType, criticality, reactionSeverity } from '../../tables/order-vocabulary.ts';
import type { MapRow, SegmentMap } from '../map.ts';

const originalCode = 'http://hl7.org/fhir/StructureDefinition/alternate-codes';
const active = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] };
const fixed = { clinicalStatus: active };

const common: readonly MapRow[] = [
  { field: 2, to: 'category[]', as: 'code', codes: allergyCategory },
  {
    field: 2,
    to: '_category[].extension[]',
    ig: 'category.extension[1]',
    as: 'conceptExtension',
    type: originalCode,
    system: 'http://terminology.hl7.org/CodeSystem/v2-0127',
  },
  { field: 2, to: 'type', as: 'code', codes: allergyType },
  { field: 3, to: 'code', as: 'concept' },
  { field: 4, to: 'criticality', as: 'code', codes: criticality },
  {
    field: 4,
    to: '_criticality.extension[]',
    ig: 'criticality.extension[1]',
    as: 'conceptExtension',
    type: originalCode,
    system: 'http://terminology.hl7.org/CodeSystem/v2-0128',
  },
];

export const al1AllergyIntolerance: SegmentMap = {
  sheet: 'AL1[AllergyIntolerance]',
  segment: 'AL1',
  resource: 'AllergyIntolerance',
  fixed,
  rows: [
    ...common,
    { field: 5, to: 'reaction[].manifestation[]', ig: 'reaction.manifestation.text', as: 'textConcept' },
    { field: 4, to: 'reaction[0].severity', ig: 'reaction.severity', as: 'code', codes: reactionSeverity, when: { valued: 5 } },
    { field: 6, to: 'onsetDateTime', as: 'dateTime' },
  ],
};

export const iamAllergyIntolerance: SegmentMap = {
  sheet: 'IAM[AllergyIntolerance]',
  segment: 'IAM',
  resource: 'AllergyIntolerance',
  fixed,
  rows: [
    ...common,
    { field: 27, to: 'code', as: 'concept', when: { empty: 3 } },
    { field: 5, to: 'reaction[].manifestation[]', ig: 'reaction.manifestation.text', as: 'textConcept' },
    { field: 4, to: 'reaction[0].severity', ig: 'reaction.severity', as: 'code', codes: reactionSeverity, when: { valued: 5 } },
    { field: 7, to: 'identifier[]', as: 'ei', system: 'allergy' },
    { field: 11, to: 'onsetDateTime', as: 'dateTime' },
    { field: 12, to: 'onsetString', as: 'text', when: { empty: 11 } },
    { field: 13, to: 'recordedDate', as: 'dateTime' },
  ],
};
