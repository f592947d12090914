// What the token classifier sees of a word: itself when it is frequent, its beginning and ends, its shape, and in which lists it stands.
import type { Tokens } from './tokens.ts';
import { filterHas } from './word-filter.ts';

/** Numbers a token has. */
export const featureCount = 6;
/** How many values each of them can have, after the words of the vocabulary. */
const affixBuckets = 2_048;
const longAffixBuckets = 4_096;
const shapeBuckets = 512;

export interface Lexicon {
  /** Frequent words that are part of no identifier, to their number (2 and more). */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly english: Uint8Array;
  readonly given: Uint8Array;
  readonly family: Uint8Array;
  readonly places: Uint8Array;
  readonly drugs: Uint8Array;
}

const unknownWord = 1;

function hashOf(text: string, from: number, to: number, buckets: number): number {
  let value = 0x811c9dc5 ^ (to - from);
  for (let i = from; i < to; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value ^= value >>> 16;
  return 1 + ((value >>> 0) % (buckets - 1));
}

const upper = 65;
const lower = 97;
const number = 48;

function shapeClass(code: number, folded: number): number {
  if (code >= 48 && code <= 57) return number;
  if (code !== folded) return upper;
  if ((code >= 97 && code <= 122) || code > 127) return lower;
  return code;
}

/** Runs of the same kind count up to four: "Ab", "AB", "dddd". */
function shapeOf(word: string, small: string): number {
  let value = 0x811c9dc5;
  let last = -1;
  let run = 0;
  for (let i = 0; i < word.length; i += 1) {
    const kind = shapeClass(word.charCodeAt(i), small.charCodeAt(i));
    run = kind === last ? run + 1 : 1;
    last = kind;
    if (run <= (kind === number ? 8 : 3)) value = Math.imul(value ^ kind, 0x01000193);
  }
  value ^= value >>> 15;
  return 1 + ((value >>> 0) % (shapeBuckets - 1));
}

function listsOf(small: string, lexicon: Lexicon): number {
  if (small.length < 2) return 0;
  const has = (bits: Uint8Array, bit: number): number => (filterHas(bits, small) ? bit : 0);
  return has(lexicon.english, 1) | has(lexicon.given, 2) | has(lexicon.family, 4) | has(lexicon.places, 8) | has(lexicon.drugs, 16);
}

const rememberedWords = 20_000;

/** What does not depend on the place of a word; notes repeat their words. */
interface WordFeatures {
  readonly word: number;
  readonly prefix: number;
  readonly suffix: number;
  readonly longSuffix: number;
  readonly shape: number;
  readonly lists: number;
}

function wordFeatures(word: string, lexicon: Lexicon): WordFeatures {
  const small = word.toLowerCase();
  const { length } = small;
  return {
    word: lexicon.vocabulary.get(small) ?? unknownWord,
    prefix: hashOf(small, 0, Math.min(3, length), affixBuckets),
    suffix: hashOf(small, Math.max(0, length - 3), length, affixBuckets),
    longSuffix: hashOf(small, Math.max(0, length - 5), length, longAffixBuckets),
    shape: shapeOf(word, small),
    lists: listsOf(small, lexicon),
  };
}

/** Writes the features of tokens; keeps what it has computed of frequent words. */
export function featureWriter(lexicon: Lexicon): (text: string, tokens: Tokens, into: Int32Array, offset: number) => void {
  const remembered = new Map<string, WordFeatures>();
  const of = (word: string): WordFeatures => {
    const known = remembered.get(word);
    if (known) return known;
    const made = wordFeatures(word, lexicon);
    if (remembered.size >= rememberedWords) remembered.clear();
    remembered.set(word, made);
    return made;
  };
  return (text, tokens, into, offset) => {
    let at = offset;
    for (let i = 0; i < tokens.count; i += 1) {
      const found = of(text.slice(tokens.starts[i], tokens.ends[i]));
      into[at] = found.word;
      into[at + 1] = found.prefix;
      into[at + 2] = found.suffix;
      into[at + 3] = found.longSuffix;
      into[at + 4] = found.shape;
      into[at + 5] = found.lists + 32 * (tokens.gaps[i] ?? 0);
      at += featureCount;
    }
  };
}
