// https://hl7.org/fhir/R4/profiling.html#snapshot — the elements of a profile: its snapshot, or its differential laid over those of its base.
import type { ProfileSource, StructureDefinition } from './profile-source.ts';

export type ProfileElement = NonNullable<StructureDefinition['differential']>['element'][number];

/** Longer chains of profiles on profiles are none: two that are based on each other. */
const maxBases = 20;
const coreType = /^http:\/\/hl7\.org\/fhir\/StructureDefinition\/[A-Za-z]+$/;

/** The id says path and slice; published differentials of old have only the path and the slice's name. */
function withId(element: ProfileElement): ProfileElement {
  if (element.id !== undefined) return element;
  return { ...element, id: `${element.path}${element.sliceName ? `:${element.sliceName}` : ''}` };
}

/** What a profile says of an element stands above what its base says; constraints add up. */
function merged(base: readonly ProfileElement[], differential: readonly ProfileElement[]): ProfileElement[] {
  const byId = new Map(base.map((element) => [element.id, element]));
  for (const element of differential) {
    const below = byId.get(element.id);
    const constraint = [...(below?.constraint ?? []), ...(element.constraint ?? [])];
    byId.set(element.id, { ...below, ...element, ...(constraint.length > 0 ? { constraint } : {}) });
  }
  return [...byId.values()];
}

/** The elements of a profile by its snapshot or, without one, by its differential and those of the profiles that it builds on. */
export async function elementsOf(definition: StructureDefinition, source: ProfileSource, depth = 0): Promise<readonly ProfileElement[]> {
  if (definition.snapshot?.element?.length) return definition.snapshot.element.map(withId);
  const own = (definition.differential?.element ?? []).map(withId);
  const url = definition.baseDefinition;
  const base = url === undefined || depth > maxBases ? undefined : await source.structureDefinition(url);
  // A type of R4 itself: what it says the compiled definitions say.
  if (!base || (coreType.test(url ?? '') && base.derivation !== 'constraint')) return own;
  return merged(await elementsOf(base, source, depth + 1), own);
}
