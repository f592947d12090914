// https://hl7.org/fhir/R4/profiling.html — where profiles and their terminology come from: the port of whoever stores them.
import type { Resource } from '@limen/fhir-model';
import { publishedTerminology, sourceOf as terminologyOf, type Vocabulary } from '../terminology/index.ts';

export type StructureDefinition = Extract<Resource, { resourceType: 'StructureDefinition' }>;

/** Definitions by canonical, `url` or `url|version`, and code systems and value sets; undefined for what is not there. */
export interface ProfileSource extends Vocabulary {
  structureDefinition(canonical: string): Promise<StructureDefinition | undefined>;
}

/** A source of resources in hand, with the terminology of R4; the last of several with one url counts. What has no version answers to every version. */
export function sourceOf(resources: readonly Resource[]): ProfileSource {
  const latest = [...resources].reverse();
  const terminology = publishedTerminology(terminologyOf(latest), [], () => new Date(0));
  return {
    async structureDefinition(canonical) {
      const [url, version] = canonical.split('|');
      const named = latest.filter((each): each is StructureDefinition => each.resourceType === 'StructureDefinition' && each.url === url);
      const exact = version === undefined ? named[0] : named.find((each) => each.version === version);
      return exact ?? named.find((each) => each.version === undefined);
    },
    valueSet: (canonical) => terminology.valueSet(canonical),
    codingSystem: (url, version) => terminology.codingSystem(url, version),
  };
}
