// https://hl7.org/fhir/R4/profiling.html — a StructureDefinition's elements as rules, one tree: what `profile-run.ts` runs over a resource.
import { type ElementDefinition, loadInvariants } from '@limen/fhir-model/definitions';
import { compileFhirPath, type FhirPath } from '@limen/fhir-model/fhirpath';
import type { ProfileElement } from './profile-elements.ts';
import type { ProfileLibrary } from './profile-library.ts';
import type { Membership } from './value-sets.ts';

export interface ConstraintRule {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  /** By the type of the value: of a choice it is the one that was chosen. Undefined when the text is no FHIRPath. */
  test(type: string | undefined): FhirPath | undefined;
}

export interface BindingRule {
  readonly strength: 'required' | 'extensible';
  /** Undefined when the value set is not known here. */
  readonly member: Membership | undefined;
}

/** What is asked of one value. */
export interface ValueRule {
  readonly fixed?: unknown;
  readonly pattern?: unknown;
  readonly binding?: BindingRule;
  /** Types that a Reference may lead to. */
  readonly targets?: ReadonlySet<string>;
  /** Profiles that the target of a Reference must meet one of, where the target is at hand. */
  readonly targetProfiles: readonly string[];
  /** Profiles of which the value must meet one, by the type of the value. */
  readonly profiles: ReadonlyMap<string, readonly string[]>;
  readonly constraints: readonly ConstraintRule[];
  readonly children: readonly ElementRule[];
}

/** What is asked of one element of an object. */
export interface ElementRule extends ValueRule {
  /** Without `[x]`. */
  readonly name: string;
  /** For a choice: the types that R4 has and those that the profile allows. */
  readonly choice?: { readonly all: readonly string[]; readonly allowed: ReadonlySet<string> };
  /** What R4 says that it is, when it is no choice. */
  readonly type: string;
  /** Types that the profile allows; of an element that holds any resource, those of the resource. */
  readonly types: ReadonlySet<string>;
  readonly min: number;
  /** Infinity = unbounded. */
  readonly max: number;
  /** Whether the JSON form is an array. */
  readonly repeats: boolean;
  readonly slicing?: Slicing;
}

export interface Slicing {
  readonly closed: boolean;
  readonly openAtEnd: boolean;
  readonly ordered: boolean;
  readonly discriminators: readonly { readonly type: string; readonly path: string }[];
  readonly slices: readonly SliceRule[];
}

export interface SliceRule extends ValueRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly types: ReadonlySet<string>;
  /** The profiles that the slice names, known or not: of an extension the url. */
  readonly urls: readonly string[];
}

const everywhere = ['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6'];
let ofTheBase: ReadonlySet<string> | undefined;
/** Keys that the validator of the base definitions checks; snapshots repeat them. */
function isOfTheBase(key: string): boolean {
  ofTheBase ??= new Set([...everywhere, ...Object.values(loadInvariants()).flatMap((all) => Object.keys(all ?? {}))]);
  return ofTheBase.has(key);
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const maxOf = (max: string | undefined, fallback: number | null): number => {
  if (max === undefined) return fallback ?? Number.POSITIVE_INFINITY;
  return max === '*' ? Number.POSITIVE_INFINITY : Number(max);
};

/** The value of `fixed[x]` or `pattern[x]`. */
function choiceOf(element: ProfileElement, prefix: 'fixed' | 'pattern'): unknown {
  const key = Object.keys(element).find((name) => name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.length)));
  return key === undefined ? undefined : (element as unknown as { readonly [name: string]: unknown })[key];
}

/** Whether anything is asked beyond R4 itself: snapshots repeat every element of the type. */
function asksMore(rule: ElementRule): boolean {
  const { fixed, pattern, binding, targets, choice } = rule;
  const said = fixed !== undefined || pattern !== undefined || binding !== undefined || targets !== undefined;
  const narrower = choice ? choice.allowed.size < choice.all.length : rule.type === 'Resource' && !rule.types.has('Resource');
  const counted = rule.min > 0 || rule.max < Number.POSITIVE_INFINITY;
  const inside = rule.children.length > 0 || rule.constraints.length > 0 || rule.profiles.size > 0 || rule.slicing !== undefined;
  return said || narrower || counted || inside || rule.targetProfiles.length > 0;
}

class RuleReader {
  private readonly elements: readonly ProfileElement[];
  private readonly library: ProfileLibrary;

  constructor(elements: readonly ProfileElement[], library: ProfileLibrary) {
    this.elements = elements;
    this.library = library;
  }

  /** The rules of the whole: its root. */
  root(type: string): ValueRule {
    const element = this.elements.find(({ id }) => id === type) ?? { id: type, path: type };
    return { ...this.valueRule(element, undefined, [type]), children: this.children(type, type) };
  }

  /** Rules of the elements right under an id, slices left out; `type` is what R4 calls the parent's type. */
  private children(id: string, type: string): ElementRule[] {
    const names = this.elements.flatMap((e) => {
      const rest = e.id?.startsWith(`${id}.`) ? e.id.slice(id.length + 1) : '';
      return rest === '' ? [] : [(rest.split('.')[0] ?? '').split(':')[0] ?? ''];
    });
    return [...new Set(names)].map((name) => this.rule(`${id}.${name}`, name, type)).filter(asksMore);
  }

  /** The element of R4; `valueQuantity` stands for `value[x]` as Quantity. */
  private baseOf(name: string, parent: string): ElementDefinition | undefined {
    const all = this.library.definitions.types[parent]?.elements ?? [];
    const exact = all.find((e) => e.name === name);
    if (exact) return exact;
    for (const element of all) {
      if (!element.name.endsWith('[x]')) continue;
      const base = element.name.slice(0, -3);
      const types = element.types.filter(({ code }) => name === base + capital(code) || name === base);
      if (types.length > 0) return { ...element, types };
    }
    return undefined;
  }

  private rule(id: string, name: string, parent: string): ElementRule {
    const base = this.baseOf(name, parent);
    if (!base) throw new Error('The profile constrains an element that R4 does not have.');
    const element = this.elements.find((e) => e.id === id) ?? { id, path: id };
    const types = element.type?.length ? element.type.map(({ code }) => code ?? '') : base.types.map(({ code }) => code);
    const slicing = this.slicing(id, element, base, types);
    const choice = base.name.endsWith('[x]') ? { all: base.types.map(({ code }) => code), allowed: new Set(types) } : undefined;
    return {
      ...this.valueRule(element, base, types),
      name: base.name.replace('[x]', ''),
      type: base.types[0]?.code ?? '',
      types: new Set(types),
      ...(choice ? { choice } : {}),
      min: (element.min ?? 0) > base.min ? (element.min ?? 0) : 0,
      max: maxOf(element.max, base.max) < maxOf(undefined, base.max) ? maxOf(element.max, base.max) : Number.POSITIVE_INFINITY,
      repeats: base.max !== 1,
      ...(slicing ? { slicing } : {}),
    };
  }

  private valueRule(element: ProfileElement, base: ElementDefinition | undefined, types: readonly string[]): ValueRule {
    const [fixed, pattern] = [choiceOf(element, 'fixed'), choiceOf(element, 'pattern')];
    const binding = this.binding(element, base);
    const targetProfiles = (element.type ?? []).flatMap((t) => (t.code === 'Reference' ? (t.targetProfile ?? []) : []));
    const targets = this.targets(targetProfiles);
    return {
      ...(fixed === undefined ? {} : { fixed }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(binding ? { binding } : {}),
      ...(targets ? { targets } : {}),
      targetProfiles: targetProfiles.filter((url) => this.library.structure(url) !== undefined),
      profiles: this.profiles(element),
      constraints: this.constraints(element, base, types),
      children: base ? this.childrenOf(element.id ?? '', base, types) : [],
    };
  }

  private childrenOf(id: string, base: ElementDefinition, types: readonly string[]): ElementRule[] {
    if (!this.elements.some((e) => e.id?.startsWith(`${id}.`))) return [];
    const [type] = types;
    if (type === undefined || types.length > 1) throw new Error('The profile constrains what is in an element before it says its type.');
    // R4's snapshots say BackboneElement; our definitions name such a type by its path.
    return this.children(id, type === 'BackboneElement' || type === 'Element' ? (base.types[0]?.code ?? type) : type);
  }

  private binding({ binding }: ProfileElement, base: ElementDefinition | undefined): BindingRule | undefined {
    const url = binding?.valueSet;
    const strength = binding?.strength;
    if (url === undefined || (strength !== 'required' && strength !== 'extensible')) return undefined;
    // Of elements of type code the base validator has checked it.
    if (base?.valueSet !== undefined && base.valueSet === url.split('|')[0] && base.types[0]?.code === 'code') return undefined;
    return { strength, member: this.library.membership(url) };
  }

  /** The types behind target profiles; undefined when any will do, or one of them is not known. */
  private targets(urls: readonly string[]): ReadonlySet<string> | undefined {
    const types = urls.map((url) => this.library.coreType(url) ?? this.library.structure(url)?.type);
    if (types.length === 0 || types.includes(undefined) || types.includes('Resource')) return undefined;
    return new Set(types as string[]);
  }

  private profiles({ type }: ProfileElement): ReadonlyMap<string, readonly string[]> {
    const known = (type ?? []).map(({ code, profile }): [string, string[]] => [
      code ?? '',
      (profile ?? []).filter((url) => this.library.structure(url) !== undefined),
    ]);
    return new Map(known.filter(([, urls]) => urls.length > 0));
  }

  private constraints(element: ProfileElement, base: ElementDefinition | undefined, types: readonly string[]): ConstraintRule[] {
    const [type = ''] = types;
    const context = type === 'BackboneElement' || type === 'Element' ? (base?.types[0]?.code ?? type) : type;
    return (element.constraint ?? []).flatMap(({ key, severity, expression }) => {
      if (key === undefined || expression === undefined || isOfTheBase(key)) return [];
      return [{ key, severity: severity ?? 'error', test: byType(expression, context) }];
    });
  }

  private slicing(id: string, element: ProfileElement, base: ElementDefinition, types: readonly string[]): Slicing | undefined {
    const found = this.elements.filter((e) => e.id?.startsWith(`${id}:`) && !/[./]/.test(e.id.slice(id.length)));
    const { slicing } = element;
    const closed = slicing?.rules === 'closed';
    if (found.length === 0) return undefined;
    const given = (slicing?.discriminator ?? []).map(({ type, path }) => ({ type: type ?? '', path: path ?? '' }));
    const usual = base.name.endsWith('[x]') ? { type: 'type', path: '$this' } : { type: 'value', path: 'url' };
    const isExtension = base.types[0]?.code === 'Extension';
    return {
      closed,
      openAtEnd: slicing?.rules === 'openAtEnd',
      ordered: slicing?.ordered ?? false,
      discriminators: given.length === 0 && (isExtension || base.name.endsWith('[x]')) ? [usual] : given,
      slices: found.map((slice) => this.slice(slice, base, types)),
    };
  }

  private slice(element: ProfileElement, base: ElementDefinition, types: readonly string[]): SliceRule {
    const own = element.type?.length ? element.type.map(({ code }) => code ?? '') : this.typesByName(element, base, types);
    return {
      ...this.valueRule(element, base, own),
      name: element.sliceName ?? element.id?.split(':').at(-1) ?? '',
      min: element.min ?? 0,
      max: maxOf(element.max, null),
      types: new Set(own),
      urls: (element.type ?? []).flatMap(({ profile }) => (profile ?? []).map((url) => url.split('|')[0] ?? '')),
    };
  }

  /** A slice of a choice that is called `valueQuantity` is about Quantity, also when it does not say so. */
  private typesByName({ sliceName }: ProfileElement, base: ElementDefinition, types: readonly string[]): readonly string[] {
    const name = base.name.replace('[x]', '');
    const named = base.name.endsWith('[x]') ? types.filter((code) => name + capital(code) === sliceName) : [];
    return named.length > 0 ? named : types;
  }
}

function compiled(expression: string, type: string): FhirPath | undefined {
  try {
    return compileFhirPath(expression, type);
  } catch {
    return undefined;
  }
}

/** Compiled for each type at its first value. */
function byType(expression: string, usual: string): ConstraintRule['test'] {
  const known = new Map<string, FhirPath | undefined>();
  return (type = usual) => {
    if (!known.has(type)) known.set(type, compiled(expression, type));
    return known.get(type);
  };
}

/** The rules of a definition. @throws Error when it asks for what R4 does not have */
export function rulesOf(elements: readonly ProfileElement[], type: string, library: ProfileLibrary): ValueRule {
  return new RuleReader(elements, library).root(type);
}
