// Interactions among a patient's active medications: the ONC high-priority class pairs. Facts in, findings out; no FHIR, no I/O, no clock.
import type { ClassPair, DrugClass, Ingredient, MedicationTables } from '../knowledge/medication-tables.ts';
import { type NamedMedication, recogniseDrug } from './drug-recognition.ts';

export interface CheckedMedication extends NamedMedication {
  /** Of the caller's choice; two entries with one id are one product. */
  readonly id: string;
  readonly active: boolean;
}

/** One side of a finding: a drug, as a member of a class, and the medications that hold it. */
export interface InteractionSide {
  readonly ingredient: Ingredient;
  readonly class: { readonly id: string; readonly name: string };
  /** Is its membership of the class checked against a source? */
  readonly verified: boolean;
  readonly medications: readonly string[];
}

export interface InteractionFinding {
  readonly pair: ClassPair;
  readonly object: InteractionSide;
  readonly precipitant: InteractionSide;
  /** Pair and both memberships are checked against their source. */
  readonly verified: boolean;
}

export interface InteractionCheck {
  readonly findings: readonly InteractionFinding[];
  /** Active medications of which nothing or not everything is known: they were not, or not fully, checked. */
  readonly unrecognised: readonly string[];
}

type Holders = ReadonlyMap<Ingredient, readonly string[]>;

/** Ingredients that act in the whole body, with the ids of the medications that hold them. */
function holders(medications: readonly CheckedMedication[], tables: MedicationTables): { held: Holders; unrecognised: string[] } {
  const held = new Map<Ingredient, string[]>();
  const unrecognised = new Set<string>();
  for (const medication of medications) {
    if (!medication.active) continue;
    const drug = recogniseDrug(medication, tables);
    if (!drug.complete) unrecognised.add(medication.id);
    if (drug.local) continue;
    for (const ingredient of drug.ingredients) held.set(ingredient, [...new Set([...(held.get(ingredient) ?? []), medication.id])]);
  }
  return { held, unrecognised: [...unrecognised] };
}

function sidesOf(group: DrugClass | undefined, held: Holders): InteractionSide[] {
  if (!group) throw new Error('a pair names a class that is not in the tables');
  return [...held].flatMap(([ingredient, medications]) => {
    const member = group.members.find((m) => m.ingredient === ingredient.name);
    return member ? [{ ingredient, class: { id: group.id, name: group.name }, verified: member.verified, medications }] : [];
  });
}

/** A licensed combination of the two is one product, and a drug does not interact with itself. */
function isPair(a: InteractionSide, b: InteractionSide): boolean {
  if (a.ingredient === b.ingredient) return false;
  return a.medications.some((x) => b.medications.some((y) => x !== y));
}

/**
 * Findings do not depend on the order of the medications; one finding per pair rule and pair of ingredients.
 * @param medications ended ones are passed with `active: false` and not looked at
 * @source high-priority-pairs.json (Phansalkar 2012)
 */
export function checkInteractions(medications: readonly CheckedMedication[], tables: MedicationTables): InteractionCheck {
  const { held, unrecognised } = holders(medications, tables);
  const classes = new Map(tables.classes.map((c) => [c.id, c]));
  const findings = new Map<string, InteractionFinding>();
  for (const pair of tables.pairs) {
    for (const object of sidesOf(classes.get(pair.object), held)) {
      for (const precipitant of sidesOf(classes.get(pair.precipitant), held)) {
        if (!isPair(object, precipitant)) continue;
        const [first, second] =
          pair.object === pair.precipitant && object.ingredient.name > precipitant.ingredient.name
            ? [precipitant, object]
            : [object, precipitant];
        const names = [first.ingredient.name, second.ingredient.name].sort().join('|');
        const verified = pair.verified && first.verified && second.verified;
        if (!findings.has(`${pair.id}|${names}`))
          findings.set(`${pair.id}|${names}`, { pair, object: first, precipitant: second, verified });
      }
    }
  }
  const sorted = [...findings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, finding]) => finding);
  return { findings: sorted, unrecognised };
}
