// https://hl7.org/fhir/R4/profiling.html — where profiles and their terminology come from: the port of whoever stores them.
import type { Resource } from '@limen/fhir-model';

export type StructureDefinition = Extract<Resource, { resourceType: 'StructureDefinition' }>;
export type ValueSet = Extract<Resource, { resourceType: 'ValueSet' }>;
export type CodeSystem = Extract<Resource, { resourceType: 'CodeSystem' }>;

/** Definitions by canonical, `url` or `url|version`; undefined for what is not there. */
export interface ProfileSource {
  structureDefinition(canonical: string): Promise<StructureDefinition | undefined>;
  valueSet(canonical: string): Promise<ValueSet | undefined>;
  codeSystem(canonical: string): Promise<CodeSystem | undefined>;
}

/** A source of resources in hand; the last of several with one url counts. What has no version answers to every version. */
export function sourceOf(resources: readonly Resource[]): ProfileSource {
  const byUrl = new Map<string, Resource>();
  for (const resource of resources) {
    const { url, version } = resource as { readonly url?: string; readonly version?: string };
    if (url === undefined) continue;
    byUrl.set(`${resource.resourceType} ${url}`, resource);
    if (version !== undefined) byUrl.set(`${resource.resourceType} ${url}|${version}`, resource);
  }
  const find = <T extends Resource & { readonly version?: string }>(type: T['resourceType'], canonical: string): Promise<T | undefined> => {
    const exact = byUrl.get(`${type} ${canonical}`) as T | undefined;
    const any = byUrl.get(`${type} ${canonical.split('|')[0]}`) as T | undefined;
    return Promise.resolve(exact ?? (any?.version === undefined ? any : undefined));
  };
  return {
    structureDefinition: (canonical) => find<StructureDefinition>('StructureDefinition', canonical),
    valueSet: (canonical) => find<ValueSet>('ValueSet', canonical),
    codeSystem: (canonical) => find<CodeSystem>('CodeSystem', canonical),
  };
}
