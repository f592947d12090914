// MedicationRequest and MedicationStatement of R4 -> what the interaction check reads. Tolerant: hook data come from outside unvalidated.
import type { MedicationCoding } from '../analyses/drug-recognition.ts';
import type { CheckedMedication } from '../analyses/medication-interactions.ts';
import type { CodeableConcept, ResourceOf } from '../resource-of.ts';

export type MedicationUse = ResourceOf<'MedicationRequest'> | ResourceOf<'MedicationStatement'>;
export type Medication = ResourceOf<'Medication'>;

/** Ended, cancelled, completed and held prescriptions are not being taken. */
const activeStatus: ReadonlySet<string> = new Set(['active', 'draft', 'intended', 'unknown']);

function codingsOf(concept: CodeableConcept | undefined): MedicationCoding[] {
  if (!Array.isArray(concept?.coding)) return [];
  return concept.coding.flatMap((coding) => {
    const { system, code, display } = coding ?? {};
    if (typeof system !== 'string' || typeof code !== 'string') return [];
    return [{ system, code, ...(typeof display === 'string' ? { display } : {}) }];
  });
}

function routeOf(use: MedicationUse): string | undefined {
  const dosages = use.resourceType === 'MedicationRequest' ? use.dosageInstruction : use.dosage;
  const route = Array.isArray(dosages) ? dosages[0]?.route : undefined;
  return codingsOf(route).find((c) => c.system === 'http://snomed.info/sct')?.code ?? route?.text;
}

function containedMedication(use: MedicationUse, reference: string): Medication | undefined {
  const found = use.contained?.find((r) => `#${r.id}` === reference);
  return found?.resourceType === 'Medication' ? found : undefined;
}

/** What the medication is, as concepts: one, or the ingredients of a product without a code of its own. */
function conceptsOf(use: MedicationUse, medications: (reference: string) => Medication | undefined): CodeableConcept[] {
  if (use.medicationCodeableConcept) return [use.medicationCodeableConcept];
  const reference = use.medicationReference?.reference;
  const medication = typeof reference === 'string' ? (containedMedication(use, reference) ?? medications(reference)) : undefined;
  if (medication?.code) return [medication.code];
  const ingredients = medication?.ingredient?.flatMap((i) => i.itemCodeableConcept ?? []) ?? [];
  if (ingredients.length > 0) return ingredients;
  const display = use.medicationReference?.display;
  return [typeof display === 'string' ? { text: display } : {}];
}

/**
 * @param id what findings call it by
 * @param medications finds the Medication that a reference names
 * @returns several entries with the same id when the product is given by its ingredients
 */
export function medicationFacts(
  use: MedicationUse,
  id: string,
  medications: (reference: string) => Medication | undefined,
): CheckedMedication[] {
  const refused = use.resourceType === 'MedicationRequest' && use.doNotPerform === true;
  const active = activeStatus.has(use.status ?? 'unknown') && !refused;
  const route = routeOf(use);
  return conceptsOf(use, medications).map((concept) => ({
    id,
    active,
    codings: codingsOf(concept),
    ...(typeof concept.text === 'string' ? { name: concept.text } : {}),
    ...(typeof route === 'string' ? { route } : {}),
  }));
}
