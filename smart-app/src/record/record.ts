// The patient's record as the page holds it: one part per resource type, each with its own loading and failure.
import type { Resource } from '@limen/fhir-model';
import type { ResourceOf } from '../fhir/resource-of.ts';

export const partTypes = [
  'Condition',
  'MedicationRequest',
  'AllergyIntolerance',
  'Encounter',
  'Observation',
  'RiskAssessment',
  'DetectedIssue',
] as const;
export type PartType = (typeof partTypes)[number];

export type Part<T extends Resource> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'ready'; readonly items: readonly T[]; readonly cut: boolean };

export type Parts = { readonly [T in PartType]: Part<ResourceOf<T>> };

export const nothingYet: Parts = {
  Condition: { state: 'loading' },
  MedicationRequest: { state: 'loading' },
  AllergyIntolerance: { state: 'loading' },
  Encounter: { state: 'loading' },
  Observation: { state: 'loading' },
  RiskAssessment: { state: 'loading' },
  DetectedIssue: { state: 'loading' },
};

/** The search of each type; most of it is asked for at once, as reading is cheaper than asking again. */
export function queryOf(type: PartType, patient: string): string {
  const sorted = type === 'Encounter' || type === 'Observation' ? '&_sort=-date' : '';
  return `patient=${patient}${sorted}&_count=1000`;
}

/** More than this of one type is cut off, and said so. */
export const mostOf = (type: PartType): number => (type === 'Observation' ? 5_000 : 1_000);

const versionOf = (resource: Resource): number => Number(resource.meta?.versionId ?? 0);

/** The items with the changes put in: by id, never an older version over a newer one. The same array when nothing is new. */
export function merged<T extends Resource>(items: readonly T[], changes: readonly T[]): readonly T[] {
  const known = new Map(items.map((item) => [item.id, item]));
  let changed = false;
  for (const change of changes) {
    const present = known.get(change.id);
    if (present && versionOf(present) >= versionOf(change)) continue;
    known.set(change.id, change);
    changed = true;
  }
  return changed ? [...known.values()] : items;
}

/** A part with changes; what failed or still loads stays as it is. */
export function withChanges<T extends Resource>(part: Part<T>, changes: readonly T[]): Part<T> {
  if (part.state !== 'ready') return part;
  const items = merged(part.items, changes);
  return items === part.items ? part : { ...part, items };
}

/** True when something of these types was written after the moment; false too where the server keeps its times to itself. */
export function changedSince(parts: Parts, types: readonly PartType[], moment: string | undefined): boolean {
  if (moment === undefined) return false;
  return types.some((type) => {
    const part: Part<Resource> = parts[type];
    return part.state === 'ready' && part.items.some((item) => Date.parse(item.meta?.lastUpdated ?? '') > Date.parse(moment));
  });
}

/** A moment a little before the server's: a commit may become visible after its time was taken. */
export function askFrom(serverTime: Date | undefined): string | undefined {
  return serverTime ? new Date(serverTime.getTime() - 15_000).toISOString() : undefined;
}
