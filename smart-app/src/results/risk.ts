// https://hl7.org/fhir/R4/riskassessment.html — the risk and its explanation, read from the result as the operation makes it.
import type { Coding } from '@limen/fhir-model';
import type { RiskAssessment } from '../fhir/resource-of.ts';
import { words } from '../fhir/text.ts';

const structure = 'https://limen.example/StructureDefinition';

export interface Contribution {
  readonly feature: string;
  readonly name: string;
  readonly codings: readonly Coding[];
  readonly value: number | undefined;
  /** Share of the log-odds: above zero raises the risk. */
  readonly contribution: number;
}

export interface Risk {
  /** Undefined: it could not be computed; the rationale says why. */
  readonly probability: number | undefined;
  readonly relativeRisk: number | undefined;
  readonly outcome: string;
  readonly rationale: string;
  readonly asOf: string | undefined;
  readonly asOfBasis: string | undefined;
  readonly method: string;
  readonly baseline: number | undefined;
  /** Largest first. */
  readonly contributions: readonly Contribution[];
}

const names: { readonly [feature: string]: string } = {
  'age-decades': 'Age',
  'child-under-5': 'Child under 5',
  'age-over-65-decades': 'Age over 65',
  female: 'Sex',
  'encounters-1y': 'Encounters in the last year',
  'encounters-3y': 'Encounters in the last 3 years',
  'emergency-1y': 'Emergency encounters in the last year',
  'emergency-3y': 'Emergency encounters in the last 3 years',
  'inpatient-1y': 'Inpatient stays in the last year',
  'inpatient-3y': 'Inpatient stays in the last 3 years',
  'years-since-acute-care': 'Time since the last acute care',
  'years-since-any-encounter': 'Time since the last encounter',
  'conditions-unresolved': 'Unresolved conditions',
  'conditions-new-1y': 'New conditions in the last year',
  'medications-1y': 'Different medications in the last year',
  'current-smoker': 'Current smoker',
  'heart-or-stroke': 'Heart disease or stroke',
  'metabolic-risk': 'Metabolic risk factors',
  'systolic-140': 'Systolic pressure 140 mmHg or more',
  'hba1c-6.5': 'HbA1c 6.5 % or more',
  'egfr-below-60': 'eGFR below 60',
  'hemoglobin-below-12': 'Hemoglobin below 12 g/dL',
  'pain-5': 'Pain score 5 or more',
  'all-other-features': 'All other features together',
};

function contributionOf(extension: NonNullable<RiskAssessment['extension']>[number]): Contribution | undefined {
  const parts = extension.extension ?? [];
  const feature = parts.find((p) => p.url === 'feature')?.valueString;
  const contribution = parts.find((p) => p.url === 'contribution')?.valueDecimal;
  if (feature === undefined || contribution === undefined) return undefined;
  return {
    feature,
    name: names[feature] ?? words(feature),
    codings: parts.flatMap((p) => (p.url === 'coding' && p.valueCoding ? [p.valueCoding] : [])),
    value: parts.find((p) => p.url === 'value')?.valueDecimal,
    contribution,
  };
}

export function riskOf(assessment: RiskAssessment): Risk {
  const prediction = assessment.prediction?.[0];
  const extension = (name: string): NonNullable<RiskAssessment['extension']>[number] | undefined =>
    assessment.extension?.find((e) => e.url === `${structure}/${name}`);
  const all = (assessment.extension ?? []).flatMap((e) => (e.url === `${structure}/contribution` ? (contributionOf(e) ?? []) : []));
  return {
    probability: prediction?.probabilityDecimal,
    relativeRisk: prediction?.relativeRisk,
    outcome: prediction?.outcome?.text ?? 'Outcome not stated',
    rationale: prediction?.rationale ?? '',
    asOf: extension('as-of')?.valueDate ?? assessment.occurrenceDateTime,
    asOfBasis: extension('as-of-basis')?.valueCode,
    method: assessment.method?.text ?? 'Method not stated',
    baseline: all.find((c) => c.feature === 'baseline')?.contribution,
    contributions: all.filter((c) => c.feature !== 'baseline').sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
  };
}

/** "18.2 %"; the ends are not rounded to certainty. */
export function percentText(probability: number): string {
  const percent = probability * 100;
  if (percent < 0.1) return 'under 0.1 %';
  return percent > 99.9 ? 'over 99.9 %' : `${percent.toFixed(1)} %`;
}

export function basisText(basis: string | undefined): string {
  if (basis === 'last-encounter') return 'end of the last encounter';
  if (basis === 'given') return 'given date';
  return basis === 'now' ? 'today, on the shifted timeline' : 'basis not stated';
}
