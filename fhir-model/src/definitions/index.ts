// The R4 definitions as compact data (made by `npm run definitions`). Node only: kept out of the browser-safe index.
import { readFileSync } from 'node:fs';

/** One child element of a type; `types[].code` is a datatype, a resource type, or the path of a backbone ("Observation.component"). */
export interface ElementDefinition {
  /** Element name; a choice keeps its suffix: "value[x]". */
  readonly name: string;
  readonly min: number;
  /** null = unbounded. */
  readonly max: number | null;
  readonly types: readonly { readonly code: string; readonly targets?: readonly string[] }[];
  /** Canonical of the value set when the binding is required. */
  readonly valueSet?: string;
  readonly modifier?: true;
  readonly summary?: true;
}

export interface TypeDefinition {
  readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'backbone' | 'abstract';
  readonly elements: readonly ElementDefinition[];
}

export interface SearchParameterDefinition {
  readonly code: string;
  readonly url: string;
  readonly base: readonly string[];
  readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
  readonly expression?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

export interface Definitions {
  readonly version: string;
  readonly types: { readonly [name: string]: TypeDefinition | undefined };
  /** Codes of each required value set that the definitions enumerate. */
  readonly valueSets: { readonly [url: string]: readonly string[] | undefined };
  readonly searchParameters: readonly SearchParameterDefinition[];
  /** Per owner (Patient, Encounter ...) and type the parameters that lead to the owner; `{def}`: the owner itself. */
  readonly compartments: { readonly [name: string]: { readonly [type: string]: readonly string[] | undefined } | undefined };
}

let loaded: Definitions | undefined;

/** The snapshot, read once per process (about 25 ms). */
export function loadDefinitions(): Definitions {
  loaded ??= JSON.parse(readFileSync(new URL('./r4.json', import.meta.url), 'utf8')) as Definitions;
  return loaded;
}

/** The concrete resource types of R4, sorted: "Account" ... "VisionPrescription". */
export function resourceTypes(definitions: Definitions): readonly string[] {
  return Object.keys(definitions.types)
    .filter((name) => definitions.types[name]?.kind === 'resource')
    .sort();
}

/** Expressions by path ("Observation", "Timing.repeat", "Organization.telecom") and key ("obs-6"); severity error only. */
export interface Invariants {
  readonly [path: string]: { readonly [key: string]: string } | undefined;
}

/** Where HL7's own extensions stand and what they hold; `types` is empty for extensions that hold extensions. */
export interface Extensions {
  readonly [url: string]: { readonly contexts: readonly string[]; readonly types: readonly string[] } | undefined;
}

let invariants: Invariants | undefined;
let extensions: Extensions | undefined;

/** The invariants of the base definitions. */
export function loadInvariants(): Invariants {
  invariants ??= JSON.parse(readFileSync(new URL('./invariants.json', import.meta.url), 'utf8')) as Invariants;
  return invariants;
}

/** The extensions that HL7 publishes with R4; only who validates by them reads them. */
export function loadExtensions(): Extensions {
  extensions ??= JSON.parse(readFileSync(new URL('./extensions.json', import.meta.url), 'utf8')) as Extensions;
  return extensions;
}
