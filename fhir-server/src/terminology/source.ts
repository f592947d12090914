// https://hl7.org/fhir/R4/terminology-module.html — where code systems, value sets and concept maps come from: the port of whoever holds them.
import type { Resource } from '@limen/fhir-model';
import type { CodingSystem } from './coding-system.ts';

export type CodeSystem = Extract<Resource, { resourceType: 'CodeSystem' }>;
export type ValueSet = Extract<Resource, { resourceType: 'ValueSet' }>;
export type ConceptMap = Extract<Resource, { resourceType: 'ConceptMap' }>;

/** Resources by canonical, `url` or `url|version`; undefined for what is not there. */
export interface TerminologySource {
  codeSystem(canonical: string): Promise<CodeSystem | undefined>;
  valueSet(canonical: string): Promise<ValueSet | undefined>;
  conceptMap(canonical: string): Promise<ConceptMap | undefined>;
  /** Those with a group that leads from (or, in reverse, to) the system. */
  conceptMapsOf(system: string, end: 'source' | 'target'): Promise<readonly ConceptMap[]>;
}

/** Code systems that are no resources: loaded from release files, or defined by a grammar. */
export interface SystemSource {
  system(url: string, version?: string): Promise<CodingSystem | undefined>;
}

/** The first that has it counts. */
export function layered(...sources: readonly TerminologySource[]): TerminologySource {
  const first = async <T>(find: (source: TerminologySource) => Promise<T | undefined>): Promise<T | undefined> => {
    for (const source of sources) {
      const found = await find(source);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    codeSystem: (canonical) => first((source) => source.codeSystem(canonical)),
    valueSet: (canonical) => first((source) => source.valueSet(canonical)),
    conceptMap: (canonical) => first((source) => source.conceptMap(canonical)),
    conceptMapsOf: async (system, end) => {
      const found = (await Promise.all(sources.map((source) => source.conceptMapsOf(system, end)))).flat();
      const urls = new Set<string | undefined>();
      return found.filter(({ url }) => url === undefined || (!urls.has(url) && urls.add(url)));
    },
  };
}

/** Resources in hand. */
export function sourceOf(resources: readonly Resource[]): TerminologySource {
  const find = <T extends CodeSystem | ValueSet | ConceptMap>(type: T['resourceType'], canonical: string): Promise<T | undefined> => {
    const [url, version] = canonical.split('|');
    const named = resources.filter((each): each is T => each.resourceType === type && (each as T).url === url);
    return Promise.resolve(named.find((each) => version === undefined || each.version === undefined || each.version === version));
  };
  return {
    codeSystem: (canonical) => find<CodeSystem>('CodeSystem', canonical),
    valueSet: (canonical) => find<ValueSet>('ValueSet', canonical),
    conceptMap: (canonical) => find<ConceptMap>('ConceptMap', canonical),
    conceptMapsOf: (system, end) =>
      Promise.resolve(
        resources.filter(
          (each): each is ConceptMap => each.resourceType === 'ConceptMap' && (each.group ?? []).some((group) => group[end] === system),
        ),
      ),
  };
}
