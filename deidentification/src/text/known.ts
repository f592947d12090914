// What is known of a person, found in a text without any context: whatever the case, the accents and the signs between digits.

import type { KnownFacts } from '../contract.ts';
import { nameWords } from '../name-words.ts';
import { fingerprint } from './fingerprint.ts';
import { folded } from './fold.ts';
import { isCommonWord, isOrdinaryWord } from './lexicon.ts';
import type { TextSpan } from './span.ts';
import { continues } from './words.ts';

/** Forms of one kind as one expression over folded text. */
interface Finder {
  readonly type: string;
  readonly regex: RegExp;
  /** Also a word of the language: a find in small letters is not the name. */
  readonly written: ReadonlySet<string>;
}

/** The known of one person, or the names that a request mentions. */
export interface Known {
  spans(text: string): TextSpan[];
  has(text: string): boolean;
  /** A name in it, as names are written: for displays of codes, whose words may be those of an address. */
  hasName(text: string): boolean;
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const fold = (text: string): string => folded(text).text;
const shortestNumber = 4;
const gapInNumber = String.raw`[\s().\/-]{0,2}`;

/** Parts joined by any sign, or by none: O'Dwyer, ODwyer, O Dwyer. */
function nameForm(part: string): string {
  return fold(part)
    .split(/[-'’.\s]+/u)
    .filter((each) => each !== '')
    .map(escaped)
    .join(String.raw`['\s.-]?`);
}

const isOrdinary = (word: string): boolean => word.length < 3 || isCommonWord(word) || isOrdinaryWord(word);

function finder(type: string, forms: ReadonlySet<string>, written: ReadonlySet<string> = new Set()): Finder[] {
  if (forms.size === 0) return [];
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return [{ type, regex: new RegExp(longestFirst.join('|'), 'g'), written }];
}

function namesFinder(parts: readonly string[]): Finder[] {
  const forms = new Set<string>();
  const written = new Set<string>();
  for (const part of parts) {
    if (part.replace(/\P{L}/gu, '').length < 2) continue;
    const form = nameForm(part);
    forms.add(form);
    if (isOrdinary(fold(part))) written.add(fold(part));
  }
  return finder('NAME', forms, written);
}

/** Digits and letters in their order, with any signs between and any zeros before. */
function numberForm(text: string): string | undefined {
  const bare = fold(text).replace(/[^a-z0-9]/g, '');
  const significant = bare.replace(/^0+/, '');
  if (significant.length < shortestNumber || !/\d/.test(significant)) return undefined;
  return `0{0,12}${[...significant].join(gapInNumber)}`;
}

function identifierForms(values: readonly string[]): Set<string> {
  const forms = new Set<string>();
  for (const value of values) {
    // "CNY-88213377" is also said without its letters.
    const runs = value.match(/\d{5,}/g) ?? [];
    for (const text of [value, ...runs]) {
      const form = numberForm(text);
      if (form !== undefined) forms.add(form);
    }
  }
  return forms;
}

/** The number, with or without its country, and its last seven digits, which are said inside one area. */
function phoneForms(telecom: readonly string[]): Set<string> {
  const forms = new Set<string>();
  for (const value of telecom) {
    if (value.includes('@')) continue;
    const all = value.replace(/(?:x|ext\.?)\s*\d+$/i, '').replace(/\D/g, '');
    const digits = all.length === 11 && all.startsWith('1') ? all.slice(1) : all;
    if (digits.length < 7) continue;
    for (const text of [digits, digits.slice(-7)]) forms.add([...text].join(gapInNumber));
  }
  return forms;
}

/** Addresses of mail, and what stands before the @ when it says something. */
function mailForms(telecom: readonly string[]): Set<string> {
  const forms = new Set<string>();
  for (const value of telecom) {
    const [local = '', domain] = fold(value.trim()).split('@');
    if (domain === undefined) continue;
    forms.add(`${escaped(local)}@${escaped(domain)}`);
    if (local.length >= 6 && !isOrdinary(local)) forms.add(escaped(local));
  }
  return forms;
}

const streetWords = new Set(
  `street st avenue ave road rd lane ln drive dr court ct boulevard blvd terrace ter place pl way circle cir highway hwy parkway pkwy square sq
  trail trl crossing row alley plaza loop run path ridge pike turnpike apt apartment unit suite ste room rm floor box po north south east west n s e w
  upper lower main park oak pine elm maple cedar hill lake church high center centre central school river mill spring springs water bay beach view
  valley garden gardens forest green grove house new old saint san santa los las del the of and fort mount port city town village heights county
  cherry chestnut walnut peach apple orange lemon olive birch ash willow magnolia laurel poplar vine hickory hospital medical industrial`.split(
    /\s+/,
  ),
);

/** Two words that follow each other in an address, and each word that is nothing but part of a name. */
function addressForms(lines: readonly string[]): { readonly forms: Set<string>; readonly written: Set<string> } {
  const forms = new Set<string>();
  const written = new Set<string>();
  for (const line of lines) {
    const words = fold(line).match(/[a-z0-9]+/g) ?? [];
    for (let from = 0; from < words.length; from += 1) {
      for (let to = from + 2; to <= Math.min(words.length, from + 8); to += 1) {
        const run = words.slice(from, to);
        if (run.some((word) => /\d/.test(word)) || run.some((word) => !streetWords.has(word) && !isOrdinary(word)))
          forms.add(run.map(escaped).join(String.raw`[\s.,#'-]{0,3}`));
      }
    }
    for (const word of words) {
      const said = words.length === 1 && /^[a-z]{3,}$/.test(word);
      if (!said && !(/^[a-z]{4,}$/.test(word) && !streetWords.has(word))) continue;
      forms.add(word);
      // A short or ordinary word of an address is a place only when it is written as one: Reading, Elm.
      if (isOrdinary(word) || (!said && word.length < 6)) written.add(word);
    }
    const postalCode = /^\s*(?:\d{5})(?:-?\d{4})?\s*$/.exec(line);
    if (postalCode) forms.add(`${words[0]?.slice(0, 5)}(?:-?\\d{4})?`);
    else if (words.length === 1 && /\d/.test(words[0] ?? '') && (words[0]?.length ?? 0) >= shortestNumber) forms.add(words[0] ?? '');
  }
  return { forms, written };
}

const digit = /\d/;

/** A number that goes on behind a point is a measured value, not this number. */
function insideNumber(text: string, start: number, end: number): boolean {
  if (!digit.test(text.charAt(start)) && !digit.test(text.charAt(end - 1))) return false;
  const before = /\d[.,]$/.test(text.slice(Math.max(0, start - 2), start));
  return before || /^[.,]\d/.test(text.slice(end, end + 2));
}

function found(text: string, finders: readonly Finder[], into: TextSpan[] | undefined): boolean {
  const { text: plain, at } = folded(text);
  let any = false;
  for (const { type, regex, written } of finders) {
    regex.lastIndex = 0;
    for (let match = regex.exec(plain); match; match = regex.exec(plain)) {
      const start = at(match.index);
      const end = at(match.index + match[0].length);
      const small = written.size > 0 && written.has(match[0]) && !/^\p{Lu}/u.test(text.charAt(start));
      if (small || continues(text, start - 1) || continues(text, end) || insideNumber(text, start, end)) {
        regex.lastIndex = match.index + 1;
        continue;
      }
      any = true;
      if (!into) return true;
      into.push({ start, end, type });
    }
  }
  return any;
}

const rememberedTexts = 500;
const rememberedLength = 200;

/** A record says the same short texts again and again; only their fingerprints are kept. */
function remembered(test: (text: string) => boolean): (text: string) => boolean {
  const answers = new Map<number, boolean>();
  return (text) => {
    if (text.length > rememberedLength) return test(text);
    const print = fingerprint(text);
    const known = answers.get(print);
    if (known !== undefined) return known;
    const answer = test(text);
    if (answers.size >= rememberedTexts) answers.clear();
    answers.set(print, answer);
    return answer;
  };
}

function made(names: readonly Finder[], others: readonly Finder[]): Known {
  const all = [...names, ...others];
  return {
    spans(text) {
      const spans: TextSpan[] = [];
      found(text, all, spans);
      return spans;
    },
    has: remembered((text) => found(text, all, undefined)),
    hasName: remembered((text) => found(text, names, undefined)),
  };
}

const ofPersons = new WeakMap<KnownFacts, Known>();

/** The finder of what is known of a person, made once per record. */
export function knownOf(facts: KnownFacts): Known {
  const old = ofPersons.get(facts);
  if (old) return old;
  const telecom = facts.telecom ?? [];
  const address = addressForms(facts.addressLines ?? []);
  const known = made(namesFinder(facts.nameParts), [
    ...finder('STREET', address.forms, address.written),
    ...finder('PHONE', phoneForms(telecom)),
    ...finder('EMAIL', mailForms(telecom)),
    ...finder('OTHER_ID', identifierForms((facts.identifiers ?? []).map(({ value }) => value))),
  ]);
  ofPersons.set(facts, known);
  return known;
}

const ofNames = new WeakMap<readonly string[], Known>();

/** The finder of names that a request mentions ("Dr. Bellamira Thornquist"), made once per list. */
export function knownNames(names: readonly string[]): Known {
  const old = ofNames.get(names);
  if (old) return old;
  const known = made(namesFinder(names.flatMap(nameWords)), []);
  ofNames.set(names, known);
  return known;
}
