// https://hl7.org/fhir/R4/references.html#canonical — profiles and terminology as they are stored here, by canonical.
import { parseExact, type Resource } from '@limen/fhir-model';
import { parseSearch, planSearch } from '../search/index.ts';
import type { Server } from '../server.ts';
import type { ConceptMap, TerminologySource } from '../terminology/index.ts';
import type { ProfileSource } from '../validation/index.ts';
import { planContext } from './search-context.ts';

interface Definitional {
  StructureDefinition: Extract<Resource, { resourceType: 'StructureDefinition' }>;
  ValueSet: Extract<Resource, { resourceType: 'ValueSet' }>;
  CodeSystem: Extract<Resource, { resourceType: 'CodeSystem' }>;
  ConceptMap: ConceptMap;
}

/** Resources whose change makes compiled profiles outdated. */
export const definitionTypes: ReadonlySet<string> = new Set(['StructureDefinition', 'ValueSet', 'CodeSystem']);

/** What was compiled of definitions, or read of terminology, is outdated. */
export function forgetDefinitions(server: Server): void {
  server.profiles.forget();
  server.terminology.forget();
}

async function newest<T extends keyof Definitional>(
  server: Server,
  type: T,
  search: { readonly [parameter: string]: string },
  count: number,
): Promise<Definitional[T][]> {
  const wanted = new URLSearchParams({ ...search, _sort: '-_lastUpdated', _count: String(count) });
  const query = parseSearch(server.definitions, type, wanted, { lenient: false });
  const { rows } = await server.runPlan(planSearch(query, await planContext(server, query, async () => [{ criteria: [] }])));
  const stored = server.reader.byRows(rows.slice(0, count)).flatMap(({ text }) => (text ? [parseExact(text) as Definitional[T]] : []));
  return stored.filter((each) => each.status !== 'retired');
}

/**
 * The newest active resource with the canonical. Definitions are about no patient, and only whether a resource meets them is told: everybody's
 * writes are checked by all of them, whatever the token may read.
 */
async function find<T extends keyof Definitional>(server: Server, type: T, canonical: string): Promise<Definitional[T] | undefined> {
  const [url = '', version] = canonical.split('|');
  const stored = await newest(server, type, { url }, 20);
  const usable = stored.filter((each) => each.url === url);
  return usable.find((each) => each.version === version) ?? usable.find((each) => version === undefined || each.version === undefined);
}

/** @param server asked for when it is needed: it holds what is made of this */
export function storedDefinitions(server: () => Server): ProfileSource {
  return {
    structureDefinition: (canonical) => find(server(), 'StructureDefinition', canonical),
    valueSet: (canonical) => server().terminology.valueSet(canonical),
    codingSystem: (url, version) => server().terminology.codingSystem(url, version),
  };
}

/** Maps that are looked through where none is named. */
const maxMaps = 100;

/** Terminology. @param server asked for when it is needed: it holds what is made of this */
export function storedTerminology(server: () => Server): TerminologySource {
  return {
    valueSet: (canonical) => find(server(), 'ValueSet', canonical),
    codeSystem: (canonical) => find(server(), 'CodeSystem', canonical),
    conceptMap: (canonical) => find(server(), 'ConceptMap', canonical),
    conceptMapsOf: (system, end) => newest(server(), 'ConceptMap', { [`${end}-system`]: system }, maxMaps),
  };
}
