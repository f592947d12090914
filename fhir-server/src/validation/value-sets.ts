// https://hl7.org/fhir/R4/valueset.html#compositions — the codes of our own value sets, from their composition and our code systems.
import type { Resource } from '@limen/fhir-model';

type ValueSet = Extract<Resource, { resourceType: 'ValueSet' }>;
type CodeSystem = Extract<Resource, { resourceType: 'CodeSystem' }>;
type Include = NonNullable<NonNullable<ValueSet['compose']>['include']>[number];
type Concept = NonNullable<CodeSystem['concept']>[number];

/** The codes of one value set. */
export interface CodeSet {
  /** For elements of type code, which have no system. */
  readonly codes: ReadonlySet<string>;
  /** `system|code`, for Coding and CodeableConcept. */
  readonly codings: ReadonlySet<string>;
}

function codesOf(concepts: readonly Concept[]): string[] {
  return concepts.flatMap(({ code, concept }) => [...(code ? [code] : []), ...codesOf(concept ?? [])]);
}

function included({ system, concept, filter, valueSet }: Include, systems: ReadonlyMap<string, CodeSystem>): [string, string][] {
  if (!system || filter?.length || valueSet?.length) throw new Error('A value set includes codes by system and code only.');
  const known = systems.get(system);
  if (!concept && known?.content !== 'complete') throw new Error('A value set includes a code system that is not here in full.');
  const codes = concept ? concept.map(({ code }) => code ?? '') : codesOf(known?.concept ?? []);
  return codes.map((code) => [system, code]);
}

/**
 * The value sets by canonical.
 * @param resources ValueSets and the CodeSystems that they include whole; others are passed over
 * @throws Error for a composition that is more than lists of codes: it would be checked wrongly
 */
export function expandValueSets(resources: readonly Resource[]): ReadonlyMap<string, CodeSet> {
  const systems = new Map(resources.flatMap((r): [string, CodeSystem][] => (r.resourceType === 'CodeSystem' && r.url ? [[r.url, r]] : [])));
  const sets = new Map<string, CodeSet>();
  for (const resource of resources) {
    if (resource.resourceType !== 'ValueSet' || !resource.url) continue;
    if (resource.compose?.exclude?.length) throw new Error('A value set excludes nothing.');
    const found = (resource.compose?.include ?? []).flatMap((include) => included(include, systems));
    sets.set(resource.url, { codes: new Set(found.map(([, code]) => code)), codings: new Set(found.map((pair) => pair.join('|'))) });
  }
  return sets;
}
