// https://hl7.org/fhir/R4/profiling.html — a StructureDefinition's elements as rules, one tree: what `profile.ts` runs over a resource.
import type { Resource } from '@limen/fhir-model';
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import type { CodeSet } from './value-sets.ts';

export type StructureDefinition = Extract<Resource, { resourceType: 'StructureDefinition' }>;
type Element = NonNullable<StructureDefinition['differential']>['element'][number];

/** What is asked of one element. */
export interface ElementRule {
  /** Without `[x]`. */
  readonly name: string;
  /** For a choice: the types that R4 has and those that the profile allows. */
  readonly choice?: { readonly all: readonly string[]; readonly allowed: ReadonlySet<string> };
  readonly min: number;
  /** Infinity = unbounded. */
  readonly max: number;
  /** Whether the JSON form is an array. */
  readonly repeats: boolean;
  readonly fixed?: unknown;
  readonly pattern?: unknown;
  readonly codes?: CodeSet;
  readonly targets?: ReadonlySet<string>;
  readonly children: readonly ElementRule[];
  /** Of an element `extension` or `modifierExtension`: those that the profile lists. */
  readonly extensions: readonly ExtensionRule[];
  /** Whether only the listed extensions are allowed. */
  readonly closed: boolean;
}

interface ExtensionRule {
  readonly url: string;
  readonly min: number;
  readonly max: number;
  readonly children: readonly ElementRule[];
}

export interface ProfileSources {
  readonly definitions: Definitions;
  readonly valueSets: ReadonlyMap<string, CodeSet>;
  /** Definitions of extensions by canonical. */
  readonly extensions: ReadonlyMap<string, StructureDefinition>;
}

const core = 'http://hl7.org/fhir/StructureDefinition/';
const maxOf = (max: string | undefined, fallback: number | null): number => {
  if (max === undefined) return fallback ?? Number.POSITIVE_INFINITY;
  return max === '*' ? Number.POSITIVE_INFINITY : Number(max);
};

/** The value of `fixed[x]` or `pattern[x]`. */
function choiceOf(element: Element, prefix: 'fixed' | 'pattern'): unknown {
  const key = Object.keys(element).find((name) => name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.length)));
  return key === undefined ? undefined : (element as unknown as { readonly [name: string]: unknown })[key];
}

class RuleReader {
  private readonly elements: readonly Element[];
  private readonly sources: ProfileSources;

  constructor(elements: readonly Element[], sources: ProfileSources) {
    this.elements = elements;
    this.sources = sources;
  }

  /** Rules of the elements right under an id, slices left out; `type` is what R4 calls the parent's type. */
  children(id: string, type: string): ElementRule[] {
    const names = this.elements.flatMap((e) => {
      const rest = e.id?.startsWith(`${id}.`) ? e.id.slice(id.length + 1) : '';
      return rest === '' ? [] : [(rest.split('.')[0] ?? '').split(':')[0] ?? ''];
    });
    return [...new Set(names)].map((name) => this.rule(`${id}.${name}`, name, type));
  }

  private rule(id: string, name: string, parent: string): ElementRule {
    const base = this.sources.definitions.types[parent]?.elements.find((e) => e.name === name);
    if (!base) throw new Error(`The profile constrains ${id}, which R4 does not have.`);
    const element = this.elements.find((e) => e.id === id) ?? { id, path: id };
    const extensions = this.extensionRules(id, element);
    return {
      ...this.valueRules(element, base),
      name: name.replace('[x]', ''),
      min: element.min ?? base.min,
      max: maxOf(element.max, base.max),
      repeats: base.max !== 1,
      children: this.childrenOf(id, element, base),
      extensions,
      closed: extensions.length > 0 && element.slicing?.rules === 'closed',
    };
  }

  private childrenOf(id: string, element: Element, base: ElementDefinition): ElementRule[] {
    if (!this.elements.some((e) => e.id?.startsWith(`${id}.`))) return [];
    const types = element.type?.length ? element.type.map((t) => t.code ?? '') : base.types.map((t) => t.code);
    const [type] = types;
    if (type === undefined || types.length > 1) throw new Error(`The profile constrains what is in ${id} before it says its type.`);
    // R4's snapshots say BackboneElement; our definitions name such a type by its path.
    return this.children(id, type === 'BackboneElement' || type === 'Element' ? (base.types[0]?.code ?? type) : type);
  }

  private valueRules(element: Element, base: ElementDefinition): Pick<ElementRule, 'choice' | 'fixed' | 'pattern' | 'codes' | 'targets'> {
    const [fixed, pattern] = [choiceOf(element, 'fixed'), choiceOf(element, 'pattern')];
    const codes = this.codesOf(element);
    const targets = this.targetsOf(element);
    const all = base.types.map((t) => t.code);
    const allowed = new Set(element.type?.length ? element.type.map((t) => t.code ?? '') : all);
    return {
      ...(base.name.endsWith('[x]') ? { choice: { all, allowed } } : {}),
      ...(fixed === undefined ? {} : { fixed }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(codes ? { codes } : {}),
      ...(targets.size > 0 ? { targets } : {}),
    };
  }

  private codesOf({ id, binding }: Element): CodeSet | undefined {
    const url = binding?.strength === 'required' ? binding.valueSet?.split('|')[0] : undefined;
    const codes = url === undefined ? undefined : this.sources.valueSets.get(url);
    // Those of R4 are the validator's.
    if (url !== undefined && !codes && !url.startsWith('http://hl7.org/fhir/'))
      throw new Error(`The profile binds ${id} to an unknown value set.`);
    return codes;
  }

  private targetsOf({ id, type }: Element): ReadonlySet<string> {
    const urls = (type ?? []).flatMap((t) => (t.code === 'Reference' ? (t.targetProfile ?? []) : []));
    if (urls.some((url) => !url.startsWith(core))) throw new Error(`The profile lets ${id} refer to a profile: only types are checked.`);
    const targets = new Set(urls.map((url) => url.slice(core.length)));
    return targets.has('Resource') ? new Set() : targets;
  }

  private extensionRules(id: string, element: Element): ExtensionRule[] {
    const slices = this.elements.filter((e) => e.id?.startsWith(`${id}:`) && !e.id.slice(id.length).includes('.'));
    if (slices.length > 0 && !/\.(modifierE|e)xtension$/.test(id)) throw new Error(`The profile slices ${id}: only extensions are.`);
    if (element.slicing?.rules === 'closed' && slices.length === 0) throw new Error(`The profile closes ${id} and lists nothing.`);
    return slices.map((slice) => this.extensionRule(slice));
  }

  private extensionRule(slice: Element): ExtensionRule {
    const id = slice.id ?? '';
    const children = this.children(id, 'Extension');
    const profile = slice.type?.[0]?.profile?.[0];
    const definition = profile === undefined ? undefined : this.sources.extensions.get(profile);
    const url = children.find((child) => child.name === 'url')?.fixed ?? profile;
    if (typeof url !== 'string') throw new Error(`The profile lists the extension ${id} without its url.`);
    return {
      url,
      min: slice.min ?? 0,
      max: maxOf(slice.max, null),
      children: [...children, ...(definition ? rulesOf(definition, this.sources) : [])],
    };
  }
}

/** The rules of the elements under the root, from the snapshot or, without one, the differential. */
export function rulesOf(definition: StructureDefinition, sources: ProfileSources): readonly ElementRule[] {
  const elements = definition.snapshot?.element ?? definition.differential?.element ?? [];
  const type = definition.type ?? '';
  return new RuleReader(elements, sources).children(type, type);
}
