// https://hl7.org/fhir/R4/codesystem.html — what every code system can be asked, be it a resource, a loaded release or a grammar.
import type { CodeSystem, ValueSet } from './source.ts';

type RawConcept = NonNullable<CodeSystem['concept']>[number];
export type ConceptProperty = NonNullable<RawConcept['property']>[number];
export type Designation = NonNullable<RawConcept['designation']>[number];
export type Include = NonNullable<NonNullable<ValueSet['compose']>['include']>[number];
export type Filter = NonNullable<Include['filter']>[number];

export interface ListedConcept {
  readonly code: string;
  readonly display?: string;
  readonly inactive?: boolean;
  /** Not to be chosen: it only groups others. */
  readonly abstract?: boolean;
  readonly designation?: readonly Designation[];
}

export interface Concept extends ListedConcept {
  readonly definition?: string;
  readonly property: readonly ConceptProperty[];
  readonly parents: readonly string[];
  readonly children: readonly string[];
}

export interface Selection {
  /** All of them must hold. */
  readonly filters: readonly Filter[];
  /** Only these codes, where given. */
  readonly codes?: readonly string[];
  /** Each of its words is part of the display or of another designation. */
  readonly text?: string;
  readonly activeOnly?: boolean;
  /** When there are more, only how many is said. */
  readonly most?: number;
  /** With the other names of each. */
  readonly designations?: boolean;
  readonly offset: number;
  readonly limit: number;
}

export interface Selected {
  /** Without offset and limit. */
  readonly total: number;
  readonly concepts: readonly ListedConcept[];
}

export type Subsumption = 'equivalent' | 'subsumes' | 'subsumed-by' | 'not-subsumed';

export interface CodingSystem {
  readonly url: string;
  readonly version?: string;
  readonly name: string;
  /** False for parts of a system: what they do not have may still be one of its codes. */
  readonly complete: boolean;
  readonly caseSensitive: boolean;
  concept(code: string): Promise<Concept | undefined>;
  /** The concepts that meet the selection, in a fixed order; undefined when the system has no list of its codes. @throws OperationOutcomeError 422 */
  select(selection: Selection): Promise<Selected | undefined>;
  /** Of two codes that the system has. */
  subsumption(codeA: string, codeB: string): Promise<Subsumption>;
}

/** Lower case words without marks: what a text is compared by. */
export function wordsOf(text: string): string[] {
  return normal(text).split(/\s+/).filter(Boolean);
}

export function normal(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

export function propertyText(property: ConceptProperty): string {
  const value =
    property.valueCode ??
    property.valueString ??
    property.valueBoolean ??
    property.valueInteger ??
    property.valueDecimal ??
    property.valueDateTime ??
    property.valueCoding?.code;
  return value === undefined ? '' : String(value);
}
