// One walk, two ways: the operations on leaves that differ between transforming (identified plane) and verifying (stored plane).
import type { Resolved } from './contract.ts';
import type { Tally } from './tally.ts';
import type { About } from './text/about.ts';

export type Json = { [key: string]: unknown };

/** State of one walk over one resource; never kept longer. */
export interface Context {
  readonly transforms: boolean;
  readonly resolved: Resolved;
  /** Whose names, numbers and places must not stay in texts of this resource. */
  readonly about: About;
  /** Element names from the resource type down. */
  readonly path: string[];
  /** Type of the (contained) resource that is being walked. */
  type: string;
  definitional: boolean;
  /** The value goes: counted, or (verifying) refused. Always undefined. */
  remove(): undefined;
  /** The resource can't be stored: 422. */
  refuse(sentence: string): never;
  /** Absent: nobody asked. */
  readonly tally: Tally | undefined;
  date(value: string): string | undefined;
  /** A birth date that is not the patient's: over 89 only "90 or more" stays. */
  birth(value: string): string | undefined;
  instant(value: string): string | undefined;
  /** A text that always stays, without what identifies. */
  label(value: string): string | undefined;
  /** Text of a concept; `published`: it repeats the display of a published code. */
  meaning(value: string, published: boolean): string | undefined;
  /** A free text: as label when it is the patient's or a definition's, removed otherwise. */
  text(value: string): string | undefined;
  /** Display of a code. */
  display(system: string | undefined, value: string): string | undefined;
  identifier(type: string, system: string, value: string): string | undefined;
  /** Value of the only identifier of the own patient. */
  patientPseudonym(): string | undefined;
  surrogate(type: string, name: string): string | undefined;
  uid(value: string): string | undefined;
}

/** Turns a value into what may be stored; undefined when nothing of it may. */
export type Rule = (value: unknown, context: Context) => unknown;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
