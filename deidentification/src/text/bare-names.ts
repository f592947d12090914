// Names that no word around them gives away: a frequent given name, and what is written as its family.

import { givenNames, plainGivenNames } from './given-names.ts';
import { eponymNouns, isCommonWord, isOrdinaryWord } from './lexicon.ts';
import { particle, token } from './name-grammar.ts';
import type { TextSpan } from './span.ts';

const given = new Set(givenNames);
const plain = new Set(plainGivenNames);
const nouns = new RegExp(`^(?:${eponymNouns})$`, 'i');

const capitalParticle = '(?:D[AEIOU]S?|DEL|DELLA|DEN|DER|VAN|VON|LA|LE|BIN|AL|EL|ST\\.)';

const words = new RegExp(String.raw`(?<![\p{L}\p{N}\[])${token}(?![\p{L}\p{N}\]])`, 'gu');
const family = new RegExp(
  String.raw`[ \t]{1,12}(?:\p{Lu}\.?[ \t]{1,12})?(?:(?:${particle}|${capitalParticle})[ \t]{1,12}){0,2}(${token})(?![\p{L}\p{N}])`,
  'uy',
);
const familyBefore = new RegExp(String.raw`(?<![\p{L}\p{N}\[])(${token}),[ \t]{0,12}$`, 'u');
/** "Today, Margaret says": then the word before the comma is no family. */
const goesOn = /[ \t]{1,12}\p{Ll}/uy;
const saint = /\b(?:St\.?|Saint)[ ]$/;
const furthestFamily = 40;

const capitals = (word: string): boolean => word.length > 1 && word === word.toUpperCase();
const isName = (word: string): boolean => !isCommonWord(word) && !nouns.test(word) && !isOrdinaryWord(word.toLowerCase());
/** "Margaret ICU": letters that stand for words are no family. */
const fits = (name: string, other: string): boolean => !capitals(other) || capitals(name) || other.length > 4;

function endOfFamily(text: string, name: string, end: number): number | undefined {
  family.lastIndex = end;
  const match = family.exec(text);
  const word = match?.[1] ?? '';
  return match && isName(word) && fits(name, word) ? family.lastIndex : undefined;
}

function startOfFamily(text: string, name: string, start: number, end: number): number | undefined {
  goesOn.lastIndex = end;
  if (goesOn.test(text)) return undefined;
  const from = Math.max(0, start - furthestFamily);
  const match = familyBefore.exec(text.slice(from, start));
  const word = match?.[1] ?? '';
  return match && isName(word) && fits(name, word) ? from + match.index : undefined;
}

export function bareNames(text: string): TextSpan[] {
  const spans: TextSpan[] = [];
  for (const match of text.matchAll(words)) {
    const [name] = match;
    const [first = '', second] = name
      .replace(/['’]s$/u, '')
      .toLowerCase()
      .split(/['’-]/u);
    // "Arnold-Chiari" and "St. John's wort" are no persons; "Jean-Luc" is.
    if (
      !given.has(first) ||
      (second !== undefined && !given.has(second)) ||
      saint.test(text.slice(Math.max(0, match.index - 7), match.index))
    )
      continue;
    const end = match.index + name.length;
    const to = endOfFamily(text, name, end);
    const from = to === undefined ? startOfFamily(text, name, match.index, end) : undefined;
    if (to === undefined && from === undefined && !plain.has(first)) continue;
    const possessive = to === undefined && /['’]s$/u.test(name) ? 2 : 0;
    spans.push({ start: from ?? match.index, end: to ?? end - possessive, type: 'NAME' });
  }
  return spans;
}
