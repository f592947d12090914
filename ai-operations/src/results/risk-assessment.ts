// https://hl7.org/fhir/R4/riskassessment.html — the risk and what contributed to it, as a resource to be reviewed.
import type { AsOf } from '@limen/fhir-model';
import type { Contribution } from '../analyses/acute-care-risk.ts';
import { type AcuteCareRisk, acuteCareModel, notForClinicalUse } from '../models/acute-care-risk.ts';
import type { Extension, ResourceOf } from '../resource-of.ts';

type RiskAssessment = ResourceOf<'RiskAssessment'>;

export interface RiskAssessmentInput {
  readonly patientId: string;
  readonly risk: AcuteCareRisk;
  readonly asOf: AsOf;
  /** Of the inputs, see DECISIONS 22. */
  readonly digest: string;
}

const structure = 'https://limen.example/StructureDefinition';
const inputDigestSystem = 'https://limen.example/input-digest';
const outcome = { text: 'Emergency or inpatient encounter within 12 months' };
const maxContributions = 12;
const maxCodesEach = 10;
const maxBasis = 200;

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

function contributionExtension({ feature, codes, value, contribution }: Contribution): Extension {
  return {
    url: `${structure}/contribution`,
    extension: [
      { url: 'feature', valueString: feature },
      ...codes.slice(0, maxCodesEach).map((coding) => ({ url: 'coding', valueCoding: { ...coding } })),
      { url: 'value', valueDecimal: round(value) },
      { url: 'contribution', valueDecimal: round(contribution) },
    ],
  };
}

/** The largest ones, and the rest in one: together with the baseline they still add up to the log-odds. */
function contributionExtensions(contributions: readonly Contribution[], intercept: number): Extension[] {
  const rest = contributions.slice(maxContributions).reduce((sum, c) => sum + c.contribution, 0);
  const plain = (feature: string, contribution: number): Contribution => ({ feature, value: 0, contribution, codes: [], references: [] });
  return [plain('baseline', intercept), ...contributions.slice(0, maxContributions), plain('all-other-features', rest)].map(
    contributionExtension,
  );
}

function prediction(risk: AcuteCareRisk): NonNullable<RiskAssessment['prediction']>[number] {
  if (risk.status === 'insufficient')
    return { outcome, rationale: `Insufficient data, not computed. Missing: ${risk.missing.join('; ')}.` };
  const month = { system: 'http://unitsofmeasure.org', code: 'mo', unit: 'months' };
  return {
    outcome,
    probabilityDecimal: round(risk.probability),
    relativeRisk: round(risk.probability / risk.baseRate),
    // A range, not a period: no date of the future is stored.
    whenRange: { low: { value: 0, ...month }, high: { value: 12, ...month } },
    rationale: 'Relative risk is against the average of the synthetic training data.',
  };
}

/** References to what the contributing features were made from. */
function basis(patientId: string, risk: AcuteCareRisk): { reference: string }[] {
  const found = risk.status === 'computed' ? risk.contributions.flatMap((c) => c.references) : [];
  return [...new Set([`Patient/${patientId}`, ...found])].slice(0, maxBasis).map((reference) => ({ reference }));
}

/** The unreviewed result. */
export function riskAssessment({ patientId, risk, asOf, digest }: RiskAssessmentInput): RiskAssessment {
  return {
    resourceType: 'RiskAssessment',
    status: 'preliminary',
    extension: [
      { url: `${structure}/as-of`, valueDate: asOf.date },
      { url: `${structure}/as-of-basis`, valueCode: asOf.basis },
      ...(risk.status === 'computed' ? contributionExtensions(risk.contributions, risk.intercept) : []),
    ],
    identifier: [{ system: inputDigestSystem, value: digest }],
    code: { text: 'Acute care risk' },
    method: { text: `Model ${acuteCareModel.name} version ${acuteCareModel.version}` },
    subject: { reference: `Patient/${patientId}` },
    occurrenceDateTime: asOf.date,
    basis: basis(patientId, risk),
    prediction: [prediction(risk)],
    note: [{ text: notForClinicalUse }],
  };
}
