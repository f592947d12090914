// https://hl7.org/fhir/R4/datatypes.html#HumanName — the words of names, in the resource itself and in what a request says of others.
import { isObject, type Json } from './context.ts';
import type { Resource } from './contract.ts';
import { personTypes } from './rules/exceptions.ts';

const titles = /^(?:mr|mrs|ms|miss|dr|prof|md|do|rn|np|pa|phd|jr|sr|ii|iii|iv|von|van|de|der|la|del|di|el|al|bin|the)\.?$/iu;

/** "Anna-Maria de Souza" -> the words that identify. */
export function nameWords(text: string): string[] {
  const words = text.split(/[\s,]+/u).filter((word) => word.replace(/\P{L}/gu, '').length >= 2 && !titles.test(word));
  return words.flatMap((word) => (word.includes('-') ? [word, ...word.split('-').filter((w) => w.length >= 3)] : [word]));
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

const person = new RegExp(`^(?:${[...personTypes].join('|')})[/?]`);

function namesIn(value: unknown, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) namesIn(item, into);
    return;
  }
  if (!isObject(value)) return;
  if (typeof value['resourceType'] === 'string' && personTypes.has(value['resourceType']))
    for (const word of ownNames(value as unknown as Resource)) into.add(word);
  const { reference, type, display } = value as Json;
  const ofPerson = (typeof reference === 'string' && person.test(reference)) || (typeof type === 'string' && personTypes.has(type));
  if (ofPerson && typeof display === 'string') for (const word of nameWords(display)) into.add(word);
  for (const name in value) if (typeof value[name] === 'object') namesIn(value[name], into);
}

/** Names of all persons in the resources of one request, and those that stand beside references to persons. */
export function mentionedNames(resources: Iterable<object>): readonly string[] {
  const names = new Set<string>();
  for (const resource of resources) namesIn(resource, names);
  return [...names];
}
