// What the composition root and the hooks may use of the analyses and models.

export { observationCodes } from './analyses/acute-care-features.ts';
export type { Contribution } from './analyses/acute-care-risk.ts';
export { features } from './analyses/acute-care-risk.ts';
export { type MedicationCoding, recogniseDrug } from './analyses/drug-recognition.ts';
export {
  type CheckedMedication,
  checkInteractions,
  type InteractionCheck,
  type InteractionFinding,
  type InteractionSide,
} from './analyses/medication-interactions.ts';
export type { Code, PatientHistory } from './analyses/patient-history.ts';
export { type Medication, type MedicationUse, medicationFacts } from './history/medication-facts.ts';
export { patientHistory } from './history/patient-history.ts';
export type { InferenceClient, InferOptions, InferResult, ModelDescription, NumericTensor, OutputTensor } from './inference/client.ts';
export { inferenceClient } from './inference/client.ts';
export { type MedicationTables, medicationTables } from './knowledge/medication-tables.ts';
export {
  type AcuteCareRisk,
  acuteCareModel,
  acuteCareRiskFromHistory,
  acuteCareWeightsSha256,
  notForClinicalUse,
} from './models/acute-care-risk.ts';
export { type NoteClassifier, type NoteClassifierOptions, noteClassifier } from './notes/classifier.ts';
export { type OcrEngine, ocrEngine } from './ocr/ocr-engine.ts';
export { acuteCareRisk } from './operations/acute-care-risk.ts';
export { checkMedications } from './operations/check-medications.ts';
export { unverifiedNotice } from './results/detected-issue.ts';
