// What a token classifier found, as far as it can be an identifier at all: the classifier guesses, so numbers of care are not given to it.
import { stateCodes, stateNames } from '../rules/states.ts';
import { isCareWord } from './care-words.ts';
import { givenNames } from './given-names.ts';
import { isCommonWord, isOrdinaryWord } from './lexicon.ts';
import { credential } from './name-grammar.ts';
import type { TextSpan } from './span.ts';

const month = /(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/i;
const clock = /^(?:[01]?\d|2[0-3]):?[0-5]\d$/;

/** "3/6 systolic", "20/40", "14:35" are no dates; "3/6" alone may be one only when the rules say so. */
function isDate(said: string): boolean {
  if (clock.test(said)) return false;
  if (/\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}/.test(said)) return true;
  return /\d/.test(said) && (month.test(said) || /(?:19|20)\d\d/.test(said));
}

const count = (said: string, sign: RegExp): number => said.match(sign)?.length ?? 0;

/** Four digits, or letters and digits mixed; not a measured value with its point. */
function isNumber(said: string): boolean {
  if (/^\d+[.,]\d+$/.test(said) || clock.test(said)) return false;
  const digits = count(said, /\d/g);
  return digits >= 4 || (digits >= 2 && count(said, /\p{L}/gu) >= 2 && /[\p{L}\d]{5}/u.test(said.replace(/[ -]/g, '')));
}

/** "161/91" and "120-140" are pressures and ranges. */
const range = /^\d{1,3}[/-]\d{1,3}$/;
const isContact = (said: string): boolean =>
  (count(said, /\d/g) >= 4 && !range.test(said)) || /@|:\/\/|www\.|\.(?:com|org|net|edu|example)\b/i.test(said);

const isOld = (said: string): boolean => Number(said) >= 90 && Number(said) < 150;
/** What makes a number an age: "is 93 and", "turned 90", "93yo"; a saturation or a pulse has none of it. */
const beforeAge = /\b(?:is|was|be|being|turned|turning|turns|aged?|at|nearly|almost|now)[: ]{1,3}$/i;
const behindAge = /^[ -]{0,2}(?:y|years?|yrs?)\b|^yo\b/i;
const unit = /^[ ]?(?:%|mg|mm|cm|kg|lbs?|bpm|beats|\/|-\d|\.\d)/i;

function isAge(text: string, { start, end }: TextSpan): boolean {
  const behind = text.slice(end, end + 10);
  return !unit.test(behind) && (beforeAge.test(text.slice(Math.max(0, start - 14), start)) || behindAge.test(behind));
}

/** At least one word that is no frequent word of notes, no drug and no eponym. */
function isNamed(said: string): boolean {
  const words = said.match(/[\p{L}\p{M}]{2,}(?:['’]s)?/gu) ?? [];
  return words.some((word) => !isCommonWord(word) && !isCareWord(word) && !(word === word.toLowerCase() && isOrdinaryWord(word)));
}

const states = new Set<string>([...stateCodes, ...stateNames]);
const dose = /^[ ]{0,2}(?:x[ ]?)?\d+(?:\.\d+)?[ ]{0,2}(?:mg|mcg|g|ml|iu|units?|meq|%|tabs?)\b/i;
const behindName = new RegExp(`,?[ ]{1,3}${credential}$`, 'u');

/** What is written with a dose is a drug; titles of professions stay. */
function named(text: string, span: TextSpan): TextSpan | undefined {
  if (dose.test(text.slice(span.end, span.end + 20))) return undefined;
  const said = text.slice(span.start, span.end);
  const title = behindName.exec(said);
  return title ? { ...span, end: span.start + title.index } : span;
}

interface Believed {
  /** Names and organizations, which also go where they come again. */
  readonly named: TextSpan[];
  readonly others: TextSpan[];
}

const types: { readonly [label: string]: readonly [string, (said: string) => boolean] | undefined } = {
  NAME: ['NAME', isNamed],
  ORGANIZATION: ['ORGANIZATION', isNamed],
  LOCATION: ['CITY', (said) => !states.has(said) && (isNamed(said) || /\d{5}/.test(said))],
  DATE: ['DATE', isDate],
  ID: ['OTHER_ID', isNumber],
  CONTACT: ['PHONE', isContact],
  AGE_OVER_89: ['AGE_OVER_89', isOld],
};

/** The part of a number: "185" of "185.2". */
function cutsNumber(text: string, { start, end }: TextSpan): boolean {
  return /\d[.,]$/.test(text.slice(Math.max(0, start - 2), start)) || /^[.,]\d/.test(text.slice(end, end + 2));
}

const given = new Set(givenNames);

/** "Heart sounds normal": a word of the language that begins a sentence, goes on in small letters and is nobody's given name. */
function beginsSentence(text: string, { start, end }: TextSpan): boolean {
  const small = text.slice(start, end).toLowerCase();
  if (!isOrdinaryWord(small) || given.has(small)) return false;
  return /(?:^|[.!?:]\s{1,3}|\n\s{0,3})$/.test(text.slice(Math.max(0, start - 4), start)) && /^ \p{Ll}/u.test(text.slice(end, end + 2));
}

/** Whether the span can be what it is said to be. */
function isBelieved(text: string, span: TextSpan): boolean {
  const [, fits] = types[span.type] ?? [];
  if (span.type === 'AGE_OVER_89' && !isAge(text, span)) return false;
  if (span.type === 'NAME' && beginsSentence(text, span)) return false;
  return fits?.(text.slice(span.start, span.end)) === true && !cutsNumber(text, span);
}

/** Spans with at most one space between: "914" and "Thornbury Gardens" are one address, whatever each part is called. */
function groupsOf(text: string, spans: readonly TextSpan[]): TextSpan[][] {
  const groups: TextSpan[][] = [];
  for (const span of spans) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && last && /^ ?$/.test(text.slice(last.end, span.start))) group.push(span);
    else groups.push([span]);
  }
  return groups;
}

/** Spans of a classifier with the types of the rules, without those that can't be what they are said to be. */
export function believable(text: string, spans: readonly TextSpan[]): Believed {
  const believed: Believed = { named: [], others: [] };
  for (const group of groupsOf(text, spans)) {
    if (!group.some((span) => isBelieved(text, span))) continue;
    for (const span of group) {
      const [type = 'OTHER_ID'] = types[span.type] ?? [];
      const isWord = type === 'NAME' || type === 'ORGANIZATION';
      const kept = isWord || type === 'CITY' ? named(text, span) : span;
      if (kept) (isWord ? believed.named : believed.others).push({ ...kept, type });
    }
  }
  return believed;
}
