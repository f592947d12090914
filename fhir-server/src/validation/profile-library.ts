// https://hl7.org/fhir/R4/profiling.html — everything that a profile refers to, fetched once, so that the checks themselves need not wait.
import type { Definitions } from '@limen/fhir-model/definitions';
import { elementsOf, type ProfileElement } from './profile-elements.ts';
import type { ProfileSource, StructureDefinition } from './profile-source.ts';
import { type Membership, ValueSets } from './value-sets.ts';

/** A definition with its elements merged. */
export interface Structure {
  readonly url: string;
  readonly type: string;
  readonly elements: readonly ProfileElement[];
  /** Of an extension: the elements where it may stand; empty when it says so otherwise (by FHIRPath, by extension) or not at all. */
  readonly contexts: readonly string[];
}

function contextsOf({ context = [] }: StructureDefinition): readonly string[] {
  return context.every(({ type }) => type === 'element') ? context.map(({ expression }) => expression ?? '') : [];
}

/** A profile that refers to more than this is no profile. */
const maxStructures = 500;
const core = 'http://hl7.org/fhir/StructureDefinition/';

export class ProfileLibrary {
  readonly definitions: Definitions;
  private readonly source: ProfileSource;
  private readonly valueSets: ValueSets;
  private readonly structures = new Map<string, Structure | undefined>();
  private readonly memberships = new Map<string, Membership | undefined>();

  constructor(definitions: Definitions, source: ProfileSource) {
    this.definitions = definitions;
    this.source = source;
    this.valueSets = new ValueSets(source);
  }

  structure(canonical: string): Structure | undefined {
    return this.structures.get(canonical);
  }

  membership(canonical: string): Membership | undefined {
    return this.memberships.get(canonical);
  }

  /** The type of R4 that a canonical names; undefined for a profile. */
  coreType(canonical: string): string | undefined {
    const name = canonical.startsWith(core) ? (canonical.slice(core.length).split('|')[0] ?? '') : '';
    return this.definitions.types[name] ? name : undefined;
  }

  /** Fetches a definition and all that it leads to. */
  async load(canonical: string): Promise<Structure | undefined> {
    const waiting = [canonical];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.structures.has(next) || this.coreType(next) !== undefined || this.structures.size > maxStructures) continue;
      const definition = await this.source.structureDefinition(next);
      if (!definition) {
        this.structures.set(next, undefined);
        continue;
      }
      const elements = await elementsOf(definition, this.source);
      this.structures.set(next, { url: definition.url ?? next, type: definition.type ?? '', elements, contexts: contextsOf(definition) });
      for (const element of elements) waiting.push(...(await this.needsOf(element)));
    }
    return this.structures.get(canonical);
  }

  private async needsOf({ type, binding }: ProfileElement): Promise<string[]> {
    const valueSet = binding?.valueSet;
    if (
      valueSet !== undefined &&
      (binding?.strength === 'required' || binding?.strength === 'extensible') &&
      !this.memberships.has(valueSet)
    )
      this.memberships.set(valueSet, await this.valueSets.membership(valueSet));
    return (type ?? []).flatMap(({ profile, targetProfile }) => [...(profile ?? []), ...(targetProfile ?? [])]);
  }
}
