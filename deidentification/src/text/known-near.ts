// Names of the patient with one wrong letter, with letters misread by a machine, and with an initial: at most a few comparisons a word.
import { isOrdinary } from './known-forms.ts';

/** Nearer than this a short name is another word. */
const shortestMistyped = 7;
/** So long that even in small letters one wrong letter leaves only the name. */
const shortestSmall = 9;
export const shortestMisread = 4;
const longest = 40;

const looks: { readonly [sign: string]: string | undefined } = {
  '0': 'o',
  '1': 'l',
  i: 'l',
  '5': 's',
  '8': 'b',
  '9': 'g',
  '6': 'b',
  '|': 'l',
};

/** Letters that machines take for each other are the same: "Wi11iams", "Barnett" read as "Bamett". */
function misreadForm(word: string): string {
  let out = '';
  for (const letter of word) out += looks[letter] ?? letter;
  return out.replaceAll('rn', 'm').replaceAll('vv', 'w');
}

/** One letter more, less or other, or two neighbours changed. */
function isOneApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let from = 0;
  while (from < short.length && short.charCodeAt(from) === long.charCodeAt(from)) from += 1;
  let back = 0;
  while (back < short.length - from && short.charCodeAt(short.length - 1 - back) === long.charCodeAt(long.length - 1 - back)) back += 1;
  const [left, right] = [short.length - from - back, long.length - from - back];
  if (left <= 1 && right <= 1) return true;
  return left === 2 && right === 2 && short.charAt(from) === long.charAt(from + 1) && short.charAt(from + 1) === long.charAt(from);
}

/** Says of single words whether they are nearly a name. */
export class NearNames {
  readonly #misread = new Set<string>();
  /** Beginnings of misread forms, in all their readings. */
  readonly #opens = new Set<string>();
  readonly #byBeginning = new Map<number, string[]>();
  readonly #byEnd = new Map<number, string[]>();
  readonly initials = new Set<string>();

  /** @param words folded words of names */
  constructor(words: readonly string[]) {
    for (const word of new Set(words)) {
      if (word.length < 2 || word.length > longest || !/^\p{L}+$/u.test(word)) continue;
      this.initials.add(word.charAt(0));
      if (isOrdinary(word)) continue;
      if (word.length >= shortestMisread) {
        this.#misread.add(misreadForm(word));
        this.#opens.add(misreadForm(word).charAt(0));
      }
      if (word.length < shortestMistyped) continue;
      // One wrong place leaves the first two letters or the last two.
      for (const [table, ends] of [
        [this.#byBeginning, pairAt(word, 0)],
        [this.#byEnd, pairAt(word, word.length - 2)],
      ] as const)
        table.set(ends, [...(table.get(ends) ?? []), word]);
    }
  }

  /** Whether the word of a folded text is nearly a name. @param digits it holds some @param asName written with a capital */
  isNear(plain: string, start: number, end: number, digits: boolean, asName: boolean): boolean {
    const length = end - start;
    if (length < shortestMisread || length > longest) return false;
    if ((digits || asName) && this.#isMisread(plain, start, end, digits)) return true;
    if (digits || length < (asName ? shortestMistyped - 1 : shortestSmall)) return false;
    const candidates = [this.#byBeginning.get(pairAt(plain, start)), this.#byEnd.get(pairAt(plain, end - 2))];
    if (!candidates[0] && !candidates[1]) return false;
    const word = plain.slice(start, end);
    return !isOrdinary(word) && candidates.some((names) => names?.some((name) => isOneApart(name, word)));
  }

  #isMisread(plain: string, start: number, end: number, digits: boolean): boolean {
    const first = plain.charAt(start);
    if (!this.#opens.has(looks[first] ?? first) && first !== 'r' && first !== 'v') return false;
    const word = plain.slice(start, end);
    if (digits ? !/\p{L}{2}/u.test(word) : !word.includes('m') && !word.includes('rn')) return false;
    return this.#misread.has(misreadForm(word));
  }
}

const pairAt = (text: string, at: number): number => text.charCodeAt(at) * 65_536 + text.charCodeAt(at + 1);
