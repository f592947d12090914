// The word lists that ship with the model note-identifiers, and the labels that it gives.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lexicon } from './features.ts';

/** First number of a word of the vocabulary: 0 stands for nothing, 1 for any other word. */
const firstWord = 2;

interface Vocabulary {
  readonly labels: readonly string[];
  readonly vocabulary: readonly string[];
}

/** Reads the lists beside model.onnx; a plain Error for the start-up message when they are not there. */
export function loadLexicon(folder: string): { readonly labels: readonly string[]; readonly lexicon: Lexicon } {
  const { labels, vocabulary } = JSON.parse(readFileSync(join(folder, 'vocabulary.json'), 'utf8')) as Vocabulary;
  const list = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, `${name}.words`)));
  return {
    labels,
    lexicon: {
      vocabulary: new Map(vocabulary.map((word, i) => [word, i + firstWord])),
      english: list('english'),
      given: list('given'),
      family: list('family'),
      places: list('places'),
      drugs: list('drugs'),
    },
  };
}
