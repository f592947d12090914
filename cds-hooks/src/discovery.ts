// https://cds-hooks.hl7.org/2.0/#discovery — the services offered. One id under two hooks: an update-stale group.
import { observationCodes } from '@limen/ai-operations';

export interface ServiceDefinition {
  readonly hook: 'order-select' | 'order-sign' | 'patient-view';
  readonly id: 'medication-safety' | 'acute-care-risk';
  readonly title: string;
  readonly description: string;
  readonly usageRequirements?: string;
  /** Only tokens of the context, and of those only ids. */
  readonly prefetch: { readonly [key: string]: string };
  /** Fields of the context that this service reads, beyond userId and patientId; never in a prefetch template. */
  readonly requiredContext: readonly ('selections' | 'draftOrders')[];
}

const patient = '{{context.patientId}}';
const loincCodes = observationCodes.map((code) => `http://loinc.org|${code}`).join(',');

const medicationSafety = {
  id: 'medication-safety',
  title: 'Medication safety',
  description: 'Checks draft orders against each other and against active prescriptions for the 15 ONC high-priority drug interactions.',
  prefetch: { medications: `MedicationRequest?patient=${patient}&status=active&_include=MedicationRequest:medication` },
} as const;

export const services: readonly ServiceDefinition[] = [
  { ...medicationSafety, hook: 'order-select', requiredContext: ['selections', 'draftOrders'] },
  { ...medicationSafety, hook: 'order-sign', requiredContext: ['draftOrders'] },
  {
    hook: 'patient-view',
    id: 'acute-care-risk',
    title: 'Acute care risk',
    description: 'The 12-month risk of an emergency or inpatient encounter. Trained on synthetic patients, not for clinical use.',
    prefetch: {
      patient: `Patient/${patient}`,
      encounters: `Encounter?patient=${patient}`,
      conditions: `Condition?patient=${patient}`,
      medications: `MedicationRequest?patient=${patient}`,
      observations: `Observation?patient=${patient}&code=${loincCodes}`,
    },
    requiredContext: [],
  },
];

/** Body of GET /cds-services. */
export function discovery(): unknown {
  return { services: services.map(({ requiredContext: _, ...offered }) => offered) };
}
