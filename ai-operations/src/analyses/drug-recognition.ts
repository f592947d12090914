// Which ingredients a coded medication holds. Codes first; a display or name only where no code is known. No FHIR, no I/O.
import type { Ingredient, MedicationTables } from '../knowledge/medication-tables.ts';

export interface MedicationCoding {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

export interface NamedMedication {
  readonly name?: string;
  readonly codings: readonly MedicationCoding[];
  /** Text of a route, or SNOMED CT code of it. */
  readonly route?: string;
}

export interface RecognisedDrug {
  readonly ingredients: readonly Ingredient[];
  /** False when nothing, or only a part of a combination, is known. */
  readonly complete: boolean;
  /** Put on skin, eye or ear: no interaction in the whole body is expected. */
  readonly local: boolean;
}

interface DrugIndex {
  readonly byCode: ReadonlyMap<string, { readonly ingredients: readonly Ingredient[]; readonly local: boolean }>;
  /** Names and synonyms, longest first. */
  readonly names: readonly { readonly name: string; readonly ingredient: Ingredient }[];
}

export const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const atc = 'http://www.whocc.no/atc';

/** SNOMED CT: topical, ophthalmic, otic, cutaneous route. Transdermal and nasal drugs act in the whole body. */
const localRoutes: ReadonlySet<string> = new Set(['6064005', '54485002', '10547007', '448598008']);
const localWords = /\b(topical|ophthalmic|otic|cutaneous)\b/i;
const indexes = new WeakMap<MedicationTables, DrugIndex>();

/** Lower case, words apart by one space; apostrophes and hyphens stay. */
function normalise(text: string): string {
  return ` ${text
    .toLowerCase()
    .replace(/[\u2019]/g, "'")
    .replace(/[^a-z0-9.'/-]+/g, ' ')
    .trim()} `;
}

function build(tables: MedicationTables): DrugIndex {
  const byName = new Map(tables.ingredients.map((i) => [i.name, i]));
  const byCode = new Map<string, { ingredients: readonly Ingredient[]; local: boolean }>();
  for (const drug of tables.clinicalDrugs) {
    const ingredients = drug.ingredients.flatMap((name) => byName.get(name) ?? []);
    byCode.set(`${rxnorm}|${drug.rxcui}`, { ingredients, local: drug.local ?? false });
  }
  for (const ingredient of tables.ingredients) {
    if (ingredient.rxcui) byCode.set(`${rxnorm}|${ingredient.rxcui}`, { ingredients: [ingredient], local: false });
    for (const code of ingredient.atc) byCode.set(`${atc}|${code}`, { ingredients: [ingredient], local: false });
  }
  const names = tables.ingredients.flatMap((ingredient) =>
    [ingredient.name, ...ingredient.synonyms].map((name) => ({ name: normalise(name), ingredient })),
  );
  names.sort((a, b) => b.name.length - a.name.length);
  return { byCode, names };
}

function drugIndex(tables: MedicationTables): DrugIndex {
  const known = indexes.get(tables);
  if (known) return known;
  const index = build(tables);
  indexes.set(tables, index);
  return index;
}

/** "A 20 MG / B 5 MG Oral Tablet": each part must hold a known name, else the answer is incomplete. */
function byText(text: string, index: DrugIndex): { ingredients: Ingredient[]; complete: boolean } {
  const parts = text.slice(0, 500).split(/\s+\/\s+|\s+\+\s+|(?<=[a-z])\/(?=[A-Za-z]{4})|\s+and\s+/);
  const found = parts.map((part) => {
    const words = normalise(part);
    return index.names.find(({ name }) => words.includes(name))?.ingredient;
  });
  return { ingredients: found.flatMap((i) => i ?? []), complete: found.every((i) => i !== undefined) };
}

/** What a medication holds, by its codes, else by the names that came with them. */
export function recogniseDrug(medication: NamedMedication, tables: MedicationTables): RecognisedDrug {
  const index = drugIndex(tables);
  const byCodes = medication.codings.flatMap((c) => index.byCode.get(`${c.system}|${c.code}`) ?? []);
  const texts = [...medication.codings.flatMap((c) => c.display ?? []), ...(medication.name ? [medication.name] : [])];
  const route = medication.route ?? '';
  const local = route
    ? localRoutes.has(route) || localWords.test(route)
    : byCodes.some((c) => c.local) || texts.some((t) => localWords.test(t));
  if (byCodes.length > 0) return { ingredients: [...new Set(byCodes.flatMap((c) => c.ingredients))], complete: true, local };
  const read = texts.map((text) => byText(text, index));
  const best = read.find((r) => r.complete) ?? read.find((r) => r.ingredients.length > 0);
  return { ingredients: [...new Set(best?.ingredients)], complete: best?.complete ?? false, local };
}
