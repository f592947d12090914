// Whom a text is about and whom its request mentions: what must not stay in it, whatever stands around.
import type { KnownFacts } from '../contract.ts';
import { type Known, knownNames, knownOf } from './known.ts';

export interface About {
  /** The own patient. */
  readonly person?: Known;
  /** The person that the resource itself is: a Practitioner. */
  readonly own?: Known;
  /** Persons whose names the same request carries. */
  readonly mentioned?: Known;
}

export const aboutNobody: About = {};

/** @param own names of the resource itself; `mentioned` those of the request */
export function aboutOf(facts: KnownFacts | undefined, own: readonly string[] = [], mentioned: readonly string[] = []): About {
  return {
    ...(facts ? { person: knownOf(facts) } : {}),
    ...(own.length > 0 ? { own: knownNames(own) } : {}),
    ...(mentioned.length > 0 ? { mentioned: knownNames(mentioned) } : {}),
  };
}

export function hasKnown({ person, own, mentioned }: About, text: string): boolean {
  return (person?.has(text) || own?.has(text) || mentioned?.has(text)) ?? false;
}
