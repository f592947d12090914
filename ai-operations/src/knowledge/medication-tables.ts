// The tables of the medication check: ingredients, clinical drugs and the ONC high-priority pairs, with their sources (JSON beside this file).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Where a row comes from: a key of `sources`, and whether it was checked there. The product shows what was not. */
interface Sourced {
  readonly source: string;
  readonly verified: boolean;
}

export interface Ingredient extends Sourced {
  /** RxNorm ingredient name, lower case: the key of all tables. */
  readonly name: string;
  readonly rxcui?: string;
  readonly atc: readonly string[];
  /** Other and brand names, lower case. */
  readonly synonyms: readonly string[];
}

/** A RxNorm code that is no ingredient: clinical or branded drug, pack. */
interface ClinicalDrug extends Sourced {
  readonly rxcui: string;
  readonly ingredients: readonly string[];
  /** Acts where it is put (cream, eye drops), not in the whole body. */
  readonly local?: boolean;
}

export interface DrugClass {
  readonly id: string;
  readonly name: string;
  readonly members: readonly (Sourced & { readonly ingredient: string })[];
}

export interface ClassPair extends Sourced {
  readonly id: string;
  /** Ids of classes. */
  readonly object: string;
  readonly precipitant: string;
  readonly severity: 'high' | 'moderate' | 'low';
  readonly effect: string;
  readonly management: string;
}

export interface MedicationTables {
  readonly ingredients: readonly Ingredient[];
  readonly clinicalDrugs: readonly ClinicalDrug[];
  readonly classes: readonly DrugClass[];
  readonly pairs: readonly ClassPair[];
  /** Of the list of pairs as a whole. */
  readonly reference: string;
  readonly version: string;
  /** sha256 over the tables: part of an input digest and of Provenance. */
  readonly digest: string;
}

let loaded: MedicationTables | undefined;

function text(name: string): string {
  return readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8');
}

/** The tables that ship, read once. */
export function medicationTables(): MedicationTables {
  if (loaded) return loaded;
  const texts = [text('ingredients'), text('clinical-drugs'), text('high-priority-pairs')] as const;
  const { ingredients } = JSON.parse(texts[0]) as { ingredients: Ingredient[] };
  const { drugs } = JSON.parse(texts[1]) as { drugs: ClinicalDrug[] };
  const { classes, pairs, reference, version } = JSON.parse(texts[2]) as Pick<
    MedicationTables,
    'classes' | 'pairs' | 'reference' | 'version'
  >;
  const digest = createHash('sha256').update(texts.join('\n')).digest('hex');
  loaded = { ingredients, clinicalDrugs: drugs, classes, pairs, reference, version, digest };
  return loaded;
}
