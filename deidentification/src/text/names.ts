// Names of people and organizations in free text: by the words around them, then every other occurrence in the same text.
import { bareNames } from './bare-names.ts';
import { eponymNouns, eponymWords, isCommonWord } from './lexicon.ts';
import { Mask } from './mask.ts';
import { credential, full, initial, particle, token } from './name-grammar.ts';
import type { TextSpan } from './span.ts';
import { continues } from './words.ts';

const listed = String.raw`(?:${particle}[ \t]{1,12}){0,2}${full}(?:,[ \t]{0,12}(?!(?:MD|M\.D|RN|DO|NP|PA|PhD|DOB|SSN|MRN|DPM|DDS)\b)${full})?`;
/** "DONNELLY, K": initials behind the family. */
const initials = String.raw`(?:,[ \t]{0,12}\p{Lu}\.?(?:[ \t]?\p{Lu}\.)?(?![\p{L}\d]))?`;

const people =
  'patient(?:[ ]name)?|name|attending(?:[ ]physician)?|surgeon|assistant|caller|referring(?:[ ](?:physician|provider))?|ordering[ ](?:provider|physician)|provider|physician|doctor|dictated[ ]by|signed[ ]by|electronically[ ]signed(?:[ ]by)?|seen[ ]by|read[ ]by|reviewed[ ]by|interpreted[ ]by|authenticated[ ]by|reported[ ]by|transcribed[ ]by|author|re|cc|to|from|mother|father|guardian|spouse|next[ ]of[ ]kin|emergency[ ]contact|contact|nurse|pcp|clinician|consultant|anesthesiologist|radiologist|pathologist|cardiologist|resident|interpreter|subject|mrs|mr|alias|aka';
const kin =
  'daughter|son|wife|husband|mother|father|brother|sister|partner|spouse|friend|aunt|uncle|cousin|niece|nephew|grandson|granddaughter|grandmother|grandfather|neighbou?r|girlfriend|boyfriend|caregiver|fianc[ée]e?|roommate|stepson|stepdaughter|mom|dad|guardian';
const roles =
  'attending|surgeon|resident|intern|hospitalist|intensivist|anesthesiologist|radiologist|pathologist|cardiologist|neurologist|oncologist|nephrologist|urologist|midwife|nurse|pharmacist|paramedic|chaplain|social[ ]worker|case[ ]manager';
const anyCase = (words: string): string =>
  words.replace(/\[[^\]]*\]|\\.|\p{Ll}/gu, (part) => (part.length === 1 ? `[${part.toUpperCase()}${part}]` : part));

/** Group 1 is the name. */
const contexts: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Drs|Prof|Professor|Doctor|Nurse|Sister|Father|Rev|Sgt|Lt|Capt|MR|MRS|MS|DR)\b\.?[ \t]{1,12}((?:${particle}[ \t]{1,12}){0,2}${full})`,
    'gdu',
  ),
  new RegExp(
    String.raw`\bMD[ \t]{1,12}((?:${particle}[ \t]{1,12})?${token}(?:[ \t]{1,12}${token})?)(?=[ \t]{1,12}(?:notified|aware|called|paged|informed|updated))`,
    'gdu',
  ),
  new RegExp(
    String.raw`(?<![\p{L}])(?:${anyCase(people)})[ \t]{0,12}:[ \t]{0,12}(?:(?:Dr|Mr|Mrs|Ms|Miss|Prof|DR|MR|MRS|MS)\.?[ \t]{1,12})?(${listed})`,
    'gdu',
  ),
  new RegExp(
    String.raw`(?<![\p{L}])(?:${anyCase('dictated by|signed by|signed electronically by|seen by|reviewed by|called to|discussed with|spoke with|accompanied by|evaluated by|performed by|referred by|followed by|name is|named|this is|authored by|examined by|interpreted by|read by|spoken with|talked with|met with|seen with|ordered by|verified by|administered by|collected by|drawn by|witnessed by|escorted by|brought in by|picked up by|called by|lives with|signed out to|handed off to')})[ \t]{0,12}:?[ \t]{1,12}(${full}${initials})`,
    'gdu',
  ),
  new RegExp(String.raw`\b(?:${anyCase(kin)}),?[ \t]{1,12}(?:is[ \t]{1,12}|named[ \t]{1,12})?(${full})`, 'gdu'),
  new RegExp(String.raw`(?<!\p{L})(${full}),?[ \t]{1,12}${credential}(?![\p{L}\d])`, 'gdu'),
  new RegExp(
    String.raw`(?<![\p{L}\[])(${full}),?[ \t]{1,12}(?:is|was|presents|returns)[ \t]{1,12}(?:an?[ \t]{1,12})?(?:[\p{L}-]+[ \t]{1,12}){0,3}\d{1,3}(?:\+)?[ -]?(?:year|yr|y\/?o|month|week|day)`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b(?:Sincerely|Thanks|Thank you|Regards|Best regards|Kind regards|Best|Yours truly|Respectfully|Cheers)(?:,|[ \t]{0,12}\n)\s{0,12}(${full})`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b(?:Dear|Hi|Hello|Hey|Good morning|Good afternoon|Attn:?)[ \t,]+(?:(?:Dr|Mr|Mrs|Ms)\.?[ \t]{1,12})?(${full})`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b(?:refill of|prescription for|call for|message for|appointment for|results for|for)[ \t]{1,12}(?:[\p{L}-]+[ \t]{1,12}for[ \t]{1,12})?(${token}[ \t]{1,12}(?:${particle}[ \t]{1,12})?${token})(?=[.,;\n])`,
    'gdu',
  ),
  new RegExp(String.raw`(?<!\p{L})(?:${anyCase(roles)})[ \t]{1,12}(?=\p{Lu}['’]?\p{L}*\p{Ll})(${full})`, 'gdu'),
  new RegExp(String.raw`\bby[ \t]{1,12}(${initial}[ \t]{0,12}(?:${particle}[ \t]{1,12}){0,2}${token})`, 'gdu'),
];

const organization =
  'Hospital|Medical Center|Clinic|Nursing Home|Rehabilitation Center|Family Practice|Health Center|Health System|Healthcare|Elementary School|Middle School|High School|School|University|College|Cancer Center|Surgery Center|Medical Group|Associates|Pharmacy|Laboratories|Hospice|Infirmary|Academy|Church|Trucking|Construction|Industries|Corporation|Company|Foundation|Institute|Bank|Logistics|Manufacturing|Bakery|Restaurant|Brothers|Tool & Die|Inc\\.?|LLC|Ltd\\.?|Corp\\.?';
const organizations: readonly RegExp[] = [
  new RegExp(
    String.raw`\b((?:(?:St\.|${token}|&)[ \t]{1,12}){1,5}(?:${organization})(?:[ \t]{1,12}of[ \t]{1,12}${token}(?:[ \t]{1,12}${token})?)?)(?![\p{L}])`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b((?:University|Hospital|College)(?:[ \t]{1,12}(?:Hospital|Medical Center|Clinic))?[ \t]{1,12}of[ \t]{1,12}${token}(?:[ \t]{1,12}${token})?)`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b(?:${anyCase('facility|clinic|hospital|employer|location|site')})[ \t]{0,12}:[ \t]{0,12}((?:St\.|${token})(?:[ \t]{1,12}(?:&|of|St\.|${token})){0,5})`,
    'gdu',
  ),
  new RegExp(
    String.raw`\b(?:works?|worked|working|employed|work)[ \t]{1,12}(?:at|for)[ \t]{1,12}(?:the[ \t]{1,12})?(${token}(?:[ \t]{1,12}(?:&|of|${token})){0,4})`,
    'gdu',
  ),
];

const eponyms = new RegExp(
  String.raw`(?<!\p{L}|(?:Mr|Mrs|Ms|Dr)\.?[ ])${token}(?:[ ]${token})?(?:['’]s|s['’]|['’])?[ ](?:${eponymNouns})\b|\b(?:${eponymWords})(?:['’]s|s['’])?(?=[ ](?:${eponymNouns})\b)`,
  'gu',
);

function ranges(text: string, regex: RegExp): { start: number; end: number }[] {
  regex.lastIndex = 0;
  const found: { start: number; end: number }[] = [];
  for (let match = regex.exec(text); match; match = regex.exec(text))
    found.push({ start: match.index, end: match.index + match[0].length });
  return found;
}

const words = new RegExp(token, 'gu');

/** Leading and trailing words that are no names fall off; nothing may remain. */
function trimmed(text: string, start: number, end: number): { start: number; end: number } | undefined {
  const found = ranges(text.slice(start, end), words).map((r) => ({ start: start + r.start, end: start + r.end }));
  const first = found.findIndex((r) => !isCommonWord(text.slice(r.start, r.end)));
  if (first < 0) return undefined;
  let last = first;
  while (last + 1 < found.length) {
    const next = found[last + 1];
    if (!next || (isCommonWord(text.slice(next.start, next.end)) && next.end - next.start > 1)) break;
    last += 1;
  }
  const from = found[first]?.start ?? start;
  const to = found[last]?.end ?? end;
  const stop = last === found.length - 1 ? end : to;
  const possessive = /['’]s$/u.test(text.slice(from, stop)) ? 2 : 0;
  return { start: first === 0 ? start : from, end: stop - possessive };
}

function captured(text: string, regex: RegExp, type: string, into: TextSpan[]): void {
  regex.lastIndex = 0;
  for (let match = regex.exec(text); match; match = regex.exec(text)) {
    const place = match.indices?.[1];
    if (!place) continue;
    const span = type === 'NAME' ? trimmed(text, place[0], place[1]) : { start: place[0], end: place[1] };
    if (span) into.push({ ...span, type });
    regex.lastIndex = Math.max(place[1], match.index + 1);
  }
}

const titled = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
const letterRuns = /[\p{L}\p{M}]+/gu;

/** Finds some words as whole words, however many they are: each run of letters is looked up once. */
class NameFinder {
  /** Longest first, by the letters up to the first other sign. */
  readonly #forms = new Map<string, string[]>();

  /** All occurrences of these words as names: as given, capitalised, or in capitals; long ones in small letters too. */
  constructor(parts: Iterable<string>) {
    for (const part of parts) {
      const small = part.length >= 5 && !isCommonWord(part) ? [part.toLowerCase()] : [];
      for (const form of new Set([part, titled(part), part.toUpperCase(), ...small])) {
        const first = /^[\p{L}\p{M}]+/u.exec(form)?.[0];
        if (first !== undefined) this.#forms.set(first, [...(this.#forms.get(first) ?? []), form]);
      }
    }
    for (const forms of this.#forms.values()) forms.sort((x, y) => y.length - x.length);
  }

  places(text: string): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = [];
    if (this.#forms.size === 0) return found;
    let behind = 0;
    for (const { index, 0: run } of text.matchAll(letterRuns)) {
      if (index < behind || continues(text, index - 1)) continue;
      const form = this.#forms.get(run)?.find((each) => text.startsWith(each, index) && !continues(text, index + each.length));
      if (form === undefined) continue;
      behind = index + form.length;
      found.push({ start: index, end: behind });
    }
    return found;
  }
}

function propagated(text: string, found: readonly TextSpan[], kept: Mask): TextSpan[] {
  const parts = new Set<string>();
  for (const span of found) {
    if (span.type !== 'NAME') continue;
    for (const r of ranges(text.slice(span.start, span.end), words)) {
      const word = text.slice(span.start + r.start, span.start + r.end);
      if (word.length >= 3 && !isCommonWord(word)) parts.add(word);
    }
  }
  return new NameFinder(parts)
    .places(text)
    .filter((r) => !kept.touches(r.start, r.end))
    .map((r) => ({ ...r, type: 'NAME' }));
}

/** What must stay although it looks like a name. */
export function eponymPlaces(text: string): Mask {
  return new Mask(text.length, ranges(text, eponyms));
}

/** Names and organizations of a text; `kept` are its eponyms, `classified` what a classifier found. */
export function findNames(text: string, kept: Mask, classified: readonly TextSpan[] = []): TextSpan[] {
  const found: TextSpan[] = classified.flatMap((span) => {
    // In small letters, or with digits, nothing says which words are none of the name.
    const isWritten = span.type === 'NAME' && /^[^\d]*\p{Lu}[^\d]*$/u.test(text.slice(span.start, span.end));
    const rest = isWritten ? trimmed(text, span.start, span.end) : span;
    return rest ? [{ ...rest, type: span.type }] : [];
  });
  for (const regex of contexts) captured(text, regex, 'NAME', found);
  found.push(...bareNames(text));
  const free = found.filter((s) => !kept.covers(s.start, s.end));
  for (const regex of organizations) captured(text, regex, 'ORGANIZATION', free);
  return [...free, ...propagated(text, free, kept)];
}
