// What is known of a person, found in a text without any context: whatever the case, the accents and the signs between digits.
import type { KnownFacts } from '../contract.ts';
import { nameWords } from '../name-words.ts';
import { fingerprint } from './fingerprint.ts';
import { folded } from './fold.ts';
import { addressForms, type Form, fold, identifierForms, mailForms, nameForms, phoneForms } from './known-forms.ts';
import { byKind, FormIndex, type Match } from './known-index.ts';
import { NearNames, shortestMisread } from './known-near.ts';
import type { TextSpan } from './span.ts';
import { continues } from './words.ts';

/** The known of one person, or the names that a request mentions. */
export interface Known {
  spans(text: string): TextSpan[];
  has(text: string): boolean;
  /** A name in it, as names are written: for displays of codes, whose words may be those of an address. */
  hasName(text: string): boolean;
}

const digit = /\d/;

/** A number that goes on behind a point is a measured value, not this number. */
function insideNumber(text: string, start: number, end: number): boolean {
  if (!digit.test(text.charAt(start)) && !digit.test(text.charAt(end - 1))) return false;
  const before = /\d[.,]$/.test(text.slice(Math.max(0, start - 2), start));
  return before || /^[.,]\d/.test(text.slice(end, end + 2));
}

const capital = /^\p{Lu}/u;

function isCapital(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 128 ? code >= 65 && code <= 90 : capital.test(text.charAt(at));
}

const initialBefore = /(?<!\p{L})(\p{Lu})(?:\.[ ]?|[ ])$/u;
const initialBehind = /^,?[ ](\p{Lu})(?:\.(?:[ ]?\p{Lu}\.)?)?(?![\p{L}\p{N}'’])/u;

/** "Z. Quillfeather", "Quillfeather, Z.": an initial of the same person goes with the name. */
function withInitials(text: string, span: TextSpan, initials: ReadonlySet<string>): TextSpan {
  const before = initialBefore.exec(text.slice(Math.max(0, span.start - 3), span.start));
  const behind = initialBehind.exec(text.slice(span.end, span.end + 8));
  const isTheirs = (match: RegExpExecArray | null): boolean => match !== null && initials.has(fold(match[1] ?? ''));
  if (before && isTheirs(before)) span.start -= before[0].length;
  if (behind && isTheirs(behind)) span.end += behind[0].length;
  return span;
}

class Finder implements Known {
  readonly #all: FormIndex;
  readonly #names: FormIndex;
  readonly #near: NearNames | undefined;
  readonly has: (text: string) => boolean;
  readonly hasName: (text: string) => boolean;

  constructor(names: readonly Form[], others: readonly Form[], near: NearNames | undefined) {
    this.#names = new FormIndex(names);
    this.#all = others.length === 0 ? this.#names : new FormIndex([...names, ...others]);
    this.#near = near;
    this.has = remembered((text) => this.#find(this.#all, text, this.#near, undefined));
    this.hasName = remembered((text) => this.#find(this.#names, text, undefined, undefined));
  }

  spans(text: string): TextSpan[] {
    const spans: TextSpan[] = [];
    const near = this.#near;
    this.#find(this.#all, text, near, spans);
    if (near) for (const span of spans) if (span.type === 'NAME') withInitials(text, span, near.initials);
    return byKind(spans);
  }

  #find(index: FormIndex, text: string, near: NearNames | undefined, into: TextSpan[] | undefined): boolean {
    const { text: plain, at } = folded(text);
    let any = false;
    const exact = ({ start, end, form }: Match): boolean => {
      const [from, to] = [at(start), at(end)];
      if (form.written && !isCapital(text, from)) return false;
      if (continues(text, from - 1) || continues(text, to) || insideNumber(text, from, to)) return false;
      any = true;
      into?.push({ start: from, end: to, type: form.kind });
      return true;
    };
    const nearly = (start: number, end: number, digits: boolean): void => {
      if (end - start < shortestMisread || !near?.isNear(plain, start, end, digits, isCapital(text, at(start)))) return;
      any = true;
      into?.push({ start: at(start), end: at(end), type: 'NAME' });
    };
    index.scan(plain, exact, near ? nearly : undefined);
    return any;
  }
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

const ofPersons = new WeakMap<KnownFacts, Known>();

/** The finder of what is known of a person, made once per record. */
export function knownOf(facts: KnownFacts): Known {
  const old = ofPersons.get(facts);
  if (old) return old;
  const telecom = facts.telecom ?? [];
  const near = new NearNames(facts.nameParts.flatMap((part) => fold(part).split(/[-'’.\s]+/u)));
  const identifiers = (facts.identifiers ?? []).map(({ value }) => value);
  const others = [
    ...addressForms(facts.addressLines ?? []),
    ...phoneForms(telecom),
    ...mailForms(telecom),
    ...identifierForms(identifiers),
  ];
  const known = new Finder(nameForms(facts.nameParts), others, near);
  ofPersons.set(facts, known);
  return known;
}

const ofNames = new WeakMap<readonly string[], Known>();

/** The finder of names that a request mentions ("Dr. Bellamira Thornquist"), made once per list. */
export function knownNames(names: readonly string[]): Known {
  const old = ofNames.get(names);
  if (old) return old;
  const known = new Finder(nameForms(names.flatMap(nameWords)), [], undefined);
  ofNames.set(names, known);
  return known;
}
