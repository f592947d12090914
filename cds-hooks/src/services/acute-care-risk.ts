// Service acute-care-risk on patient-view: the model through the inference service, within its time budget. Only numbers go there.
import {
  type AcuteCareRisk,
  acuteCareModel,
  acuteCareRiskFromHistory,
  acuteCareWeightsSha256,
  notForClinicalUse,
  patientHistory,
} from '@limen/ai-operations';
import type { AsOf, Patient, Resource } from '@limen/fhir-model';
import { asOfOf } from '../as-of.ts';
import { type Card, card, escapeMarkdown, notChecked, smartLink, topic } from '../cards.ts';
import type { CdsServiceOptions } from '../options.ts';
import type { Prefetched } from '../prefetch.ts';
import type { HookRequest } from '../request.ts';

/** CDS Hooks asks for answers on the order of 500 ms: the model gets 300 of them. */
const budgetMs = 300;
const shownContributions = 5;
const what = 'acute care risk';
const asOfTexts: { readonly [basis in AsOf['basis']]: string } = {
  now: "now on the record's timeline",
  'last-encounter': 'the last encounter: the record ended over a year ago',
  given: 'the day that was asked for',
};

/** Rejects when the time is over, whatever the inference client does. */
async function withinBudget<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(new Error('over budget'));
    }, budgetMs);
  });
  try {
    return await Promise.race([run(controller.signal), over]);
  } finally {
    clearTimeout(timer);
  }
}

function riskDetail(risk: Extract<AcuteCareRisk, { status: 'computed' }>, asOf: AsOf): string {
  const lines = risk.contributions.slice(0, shownContributions).map(({ feature, contribution, codes }) => {
    const shown = codes.slice(0, 3).map((code) => escapeMarkdown(code.display ?? code.code));
    return `- ${feature}: ${contribution > 0 ? 'raises' : 'lowers'} the risk (${contribution.toFixed(2)})${shown.length > 0 ? `: ${shown.join(', ')}` : ''}`;
  });
  const score = `Risk of an emergency or inpatient encounter within 12 months of ${asOf.date} (${asOfTexts[asOf.basis]}): ${risk.probability.toFixed(3)}; average of the training data ${risk.baseRate.toFixed(3)}.`;
  const model = `Model ${acuteCareModel.name} version ${acuteCareModel.version}, weights sha256 ${acuteCareWeightsSha256().slice(0, 16)}.`;
  return [score, lines.join('\n'), model, notForClinicalUse].filter((part) => part !== '').join('\n\n');
}

function riskCard(risk: AcuteCareRisk, asOf: AsOf, options: CdsServiceOptions): Card {
  if (risk.status === 'insufficient')
    return notChecked(what, `The data of this patient is not enough. Missing: ${risk.missing.join('; ')}.`, 'info');
  return card({
    rule: acuteCareModel.name,
    summary: `Acute care risk within 12 months: ${Math.round(risk.probability * 100)} % (model trained on synthetic patients, not for clinical use)`,
    indicator: 'info',
    detail: riskDetail(risk, asOf),
    source: { label: `Limen model ${acuteCareModel.name} ${acuteCareModel.version}`, topic: topic.risk },
    links: smartLink(options),
  });
}

/** One card: the risk, or why there is none. */
export async function acuteCareRiskCards(request: HookRequest, data: Prefetched, options: CdsServiceOptions): Promise<Card[]> {
  const patient = data.patient?.find((r): r is Patient => r.resourceType === 'Patient');
  if (!patient) return [notChecked(what, 'There is no record of this patient.', 'info')];
  const resources: Resource[] = Object.entries(data).flatMap(([key, found]) => (key === 'patient' ? [] : [...found]));
  const history = patientHistory(patient, resources);
  const asOf = await asOfOf(request, history, options);
  if (!asOf)
    return [
      notChecked(
        what,
        'The dates of this record are shifted, and the token of this call does not tell what counts as now. The risk is unknown, not low.',
      ),
    ];
  try {
    const risk = await withinBudget((signal) => acuteCareRiskFromHistory(history, asOf.date, options.inference, budgetMs, signal));
    return [riskCard(risk, asOf, options)];
  } catch {
    return [notChecked(what, 'The inference service did not answer within its time budget. The risk is unknown, not low.')];
  }
}
