// https://build.fhir.org/ig/HL7/v2-to-fhir/segment_maps.html — DG1[Condition], PR1[Procedure]; PRB, which the IG has no sheet for, by its v2 definitions (chapter 12).
import type { CodingMap, SegmentMap } from '../map.ts';

const verification = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const clinical = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const category = 'http://terminology.hl7.org/CodeSystem/condition-category';
const snomed = 'http://snomed.info/sct';

/** The codes of a required list, by themselves. */
function listed(system: string, codes: string): CodingMap {
  return Object.fromEntries(codes.split(' ').map((code) => [code.toUpperCase(), { system, code }]));
}

export const dg1Condition: SegmentMap = {
  sheet: 'DG1[Condition]',
  segment: 'DG1',
  resource: 'Condition',
  fixed: { category: [{ coding: [{ system: category, code: 'encounter-diagnosis' }] }] },
  rows: [
    { field: 3, to: 'code', as: 'concept' },
    { field: 4, to: 'code.text', as: 'text' },
    { field: 5, to: 'onsetDateTime', as: 'dateTime' },
    { field: 16, to: 'asserter', as: 'practitioner' },
    {
      field: 19,
      to: 'extension[]',
      ig: 'extension[1]',
      as: 'dateTimeExtension',
      type: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate',
    },
    { field: 19, to: 'recordedDate', as: 'dateTime' },
    { field: 20, to: 'identifier[]', as: 'ei', system: 'diagnosis' },
    {
      field: 21,
      to: 'verificationStatus',
      as: 'code',
      value: { coding: [{ system: verification, code: 'entered-in-error' }] },
      when: { field: 21, is: ['D'] },
    },
  ],
};

export const pr1Procedure: SegmentMap = {
  sheet: 'PR1[Procedure]',
  segment: 'PR1',
  resource: 'Procedure',
  fixed: { status: 'completed' },
  rows: [
    { field: 3, to: 'code', as: 'concept', also: ['code[1].value'] },
    { field: 4, to: 'code.text', as: 'text' },
    { field: 5, to: 'performedDateTime', as: 'dateTime', also: ['performedPeriod.start'] },
    { field: 6, to: 'category', as: 'concept', system: 'http://terminology.hl7.org/CodeSystem/v2-0230' },
    { field: 8, to: 'performer[].actor', as: 'practitioner', when: { component: 1, not: [''] } },
    { field: 11, to: 'performer[].actor', as: 'practitioner', when: { component: 1, not: [''] } },
    { field: 12, to: 'performer[].actor', as: 'practitioner', when: { component: 1, not: [''] } },
    { field: 15, to: 'reasonCode[]', as: 'concept' },
    { field: 19, to: 'identifier[]', as: 'ei', system: 'procedure' },
    { field: 23, to: 'location', as: 'location' },
  ],
};

/** The functions of the performers of a procedure. */
export const procedureFunctions: { readonly [field: number]: { readonly system: string; readonly code: string } } = {
  8: { system: snomed, code: '88189002' },
  11: { system: snomed, code: '304292004' },
};

export const prbCondition: SegmentMap = {
  sheet: 'PRB[Condition]',
  segment: 'PRB',
  resource: 'Condition',
  fixed: { category: [{ coding: [{ system: category, code: 'problem-list-item' }] }] },
  rows: [
    { field: 2, to: 'recordedDate', as: 'dateTime' },
    { field: 3, to: 'code', as: 'concept' },
    { field: 4, to: 'identifier[]', as: 'ei', system: 'problem' },
    { field: 16, to: 'onsetDateTime', as: 'dateTime' },
    { field: 9, to: 'abatementDateTime', as: 'dateTime' },
    {
      field: 13,
      to: 'verificationStatus',
      as: 'bound',
      codings: listed(verification, 'unconfirmed provisional differential confirmed refuted entered-in-error'),
    },
    { field: 14, to: 'clinicalStatus', as: 'bound', codings: listed(clinical, 'active recurrence relapse inactive remission resolved') },
  ],
};

export const golGoal: SegmentMap = {
  sheet: 'GOL[Goal]',
  segment: 'GOL',
  resource: 'Goal',
  fixed: { lifecycleStatus: 'active' },
  rows: [
    { field: 2, to: 'statusDate', as: 'date' },
    { field: 3, to: 'description', as: 'concept' },
    { field: 4, to: 'identifier[]', as: 'ei', system: 'goal' },
    { field: 7, to: 'startDate', as: 'date' },
  ],
};
