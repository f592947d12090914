// One walk, two ways: the operations on leaves that differ between transforming (identified plane) and verifying (stored plane).
import type { Resolved, Resource } from './contract.ts';

export type Json = { [key: string]: unknown };

/** State of one walk over one resource; never kept longer. */
export interface Context {
  readonly transforms: boolean;
  readonly resolved: Resolved;
  /** Names that must not stay in texts of this resource. */
  readonly nameParts: readonly string[];
  /** Element names from the resource type down. */
  readonly path: string[];
  /** Type of the (contained) resource that is being walked. */
  type: string;
  definitional: boolean;
  /** The value goes: counted, or (verifying) refused. Always undefined. */
  remove(): undefined;
  /** The resource can't be stored: 422. */
  refuse(sentence: string): never;
  date(value: string): string | undefined;
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

/** The names a person resource carries, so that they also leave its texts. */
export function ownNames(resource: Resource): string[] {
  const name = (resource as { name?: unknown }).name;
  if (!Array.isArray(name)) return [];
  const parts: string[] = [];
  for (const item of name) {
    if (!isObject(item)) continue;
    const words = [item['family'], ...(Array.isArray(item['given']) ? item['given'] : []), item['text']];
    for (const word of words) if (typeof word === 'string') parts.push(...nameWords(word));
  }
  return [...new Set(parts)];
}

const titles = /^(?:mr|mrs|ms|miss|dr|prof|md|do|rn|phd|jr|sr|ii|iii|iv|von|van|de|der|la|del|di|el|al|bin|the)\.?$/iu;

/** "Anna-Maria de Souza" -> the words that identify. */
export function nameWords(text: string): string[] {
  const words = text.split(/[\s,]+/u).filter((word) => word.replace(/\P{L}/gu, '').length >= 2 && !titles.test(word));
  return words.flatMap((word) => (word.includes('-') ? [word, ...word.split('-').filter((w) => w.length >= 3)] : [word]));
}
