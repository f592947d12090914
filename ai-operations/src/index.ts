// What the composition root and the hooks may use of the analyses and models.

export { observationCodes } from './analyses/acute-care-features.ts';
export type { Contribution } from './analyses/acute-care-risk.ts';
export { features } from './analyses/acute-care-risk.ts';
export type { Code, PatientHistory } from './analyses/patient-history.ts';
export { patientHistory } from './history/patient-history.ts';
export type { InferenceClient, InferOptions, InferResult, ModelDescription, NumericTensor, OutputTensor } from './inference/client.ts';
export { inferenceClient } from './inference/client.ts';
export {
  type AcuteCareRisk,
  acuteCareModel,
  acuteCareRiskFromHistory,
  acuteCareWeightsSha256,
  notForClinicalUse,
} from './models/acute-care-risk.ts';
export { acuteCareRisk } from './operations/acute-care-risk.ts';
