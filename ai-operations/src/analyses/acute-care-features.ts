// The inputs of the model acute-care-risk: groups of codes and the features made from them. Order = position in the model's vector.
import type { Code } from './patient-history.ts';

/** Encounter classes that count as acute care: emergency, inpatient (acute and not), observation. */
export const acuteClasses: ReadonlySet<string> = new Set(['EMER', 'IMP', 'ACUTE', 'NONAC', 'OBSENC']);
export const emergencyClass = 'EMER';

export const snomed = 'http://snomed.info/sct';
export const loinc = 'http://loinc.org';

/** SNOMED CT codes of each group of long-standing conditions. */
export const conditionGroups: { readonly [feature: string]: ReadonlySet<string> } = {
  'heart-or-stroke': new Set(['88805009', '53741008', '49436004', '230690007', '22298006', '429007001', '399211009', '84114007']),
  hypertension: new Set(['38341003', '59621000']),
  diabetes: new Set(['44054006', '46635009', '127013003', '368581000119106', '422034002', '1551000119108', '90781000119102']),
  'metabolic-risk': new Set(['15777000', '237602007', '55822004', '302870006', '162864005', '80394007']),
  'lung-disease': new Set(['195967001', '233678006', '185086009', '87433001', '13645005']),
  cancer: new Set([
    '254637007',
    '254632001',
    '424132000',
    '363406005',
    '109838007',
    '93761005',
    '126906006',
    '254837009',
    '94260004',
    '67811000119102',
  ]),
  'kidney-disease': new Set(['431855005', '431856006', '433144002', '127013003', '46177005']),
  dementia: new Set(['26929004', '230265002', '386807006']),
  seizure: new Set(['128613002', '84757009', '703151001']),
  'chronic-pain': new Set(['82423001', '124171000119105', '201834006', '239873007', '239872002', '95417003']),
  'substance-use': new Set(['55680006', '5602001', '7200002', '449868002']),
  anemia: new Set(['271737000', '87522002']),
  pregnancy: new Set(['72892002', '47200007', '156073000']),
};

/** A laboratory or vital value that raises a flag; other units are never converted, they raise none. */
export interface ValueRule {
  readonly feature: string;
  readonly code: string;
  readonly unit: string;
  readonly flagged: (value: number) => boolean;
}

export const valueRules: readonly ValueRule[] = [
  { feature: 'systolic-140', code: '8480-6', unit: 'mm[Hg]', flagged: (v) => v >= 140 },
  { feature: 'hba1c-6.5', code: '4548-4', unit: '%', flagged: (v) => v >= 6.5 },
  { feature: 'egfr-below-60', code: '33914-3', unit: 'mL/min/{1.73_m2}', flagged: (v) => v < 60 },
  { feature: 'hemoglobin-below-12', code: '718-7', unit: 'g/dL', flagged: (v) => v < 12 },
  { feature: 'pain-5', code: '72514-3', unit: '{score}', flagged: (v) => v >= 5 },
];

export const smokingCode = '72166-2';
const currentSmoker: ReadonlySet<string> = new Set(['449868002', '428041000124106', '77176002', '428071000124103', '428061000124105']);

export function isCurrentSmoker(value: Code): boolean {
  return value.system === snomed && currentSmoker.has(value.code);
}

/** LOINC codes of the observations that the features read. */
export const observationCodes: readonly string[] = [...valueRules.map((rule) => rule.code), '85354-9', '55284-4', smokingCode];

/** Names in the order of the vector. A change of order or meaning is a new model version. */
export const featureNames: readonly string[] = [
  'age-decades',
  'child-under-5',
  'age-over-65-decades',
  'female',
  'encounters-1y',
  'encounters-3y',
  'emergency-1y',
  'emergency-3y',
  'inpatient-1y',
  'inpatient-3y',
  'years-since-acute-care',
  'years-since-any-encounter',
  'conditions-unresolved',
  'conditions-new-1y',
  'medications-1y',
  'current-smoker',
  ...Object.keys(conditionGroups),
  ...valueRules.map((rule) => rule.feature),
];
