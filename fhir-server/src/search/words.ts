// https://hl7.org/fhir/R4/search.html#content — the words of a resource, for `_text` and `_content`: split here, so that the index and the check in memory agree.
import { numberText } from './number.ts';

/** Each word with its positions, from 1. */
export type Words = ReadonlyMap<string, readonly number[]>;

/** PostgreSQL keeps no later position, and no more of them for one word; what lies beyond is found as a word, not in a phrase. */
const lastPosition = 16_383;
const maximumPositions = 255;
const longestWord = 200;
/** Bytes of a tsvector, below PostgreSQL's limit of one mebibyte. */
const maximumBytes = 900_000;
/** Longer texts without a space are data, not words. */
const longestUnbroken = 1000;

/** A text's words in their order: letters and digits, without marks, lower case. */
export function splitWords(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const plain = text.normalize('NFKD').replace(/\p{M}+/gu, '');
  return plain.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

class Collector {
  readonly words = new Map<string, number[]>();
  private position = 0;
  private bytes = 0;

  /** A gap after each text: no phrase goes across. */
  add(text: string): void {
    if (text.length > longestUnbroken && !/\s/.test(text)) return;
    for (const word of splitWords(text)) this.addWord(word);
    this.position += 1;
  }

  private addWord(word: string): void {
    this.position += 1;
    if (word.length > longestWord || this.bytes > maximumBytes) return;
    let positions = this.words.get(word);
    if (!positions) {
      positions = [];
      this.words.set(word, positions);
      this.bytes += Buffer.byteLength(word) + 4;
    }
    if (positions.length >= maximumPositions || (positions.length > 0 && this.position > lastPosition)) return;
    positions.push(Math.min(this.position, lastPosition));
    this.bytes += 2;
  }
}

const entities: { readonly [name: string]: string | undefined } = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' };

function character(entity: string, name: string): string {
  const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
  if (!number) return entities[name] ?? entity;
  const code = number[1] ? Number.parseInt(number[1], 16) : Number(number[2]);
  return code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
}

/** What a reader of the narrative reads. */
function plainText(div: string): string {
  return div.replace(/<[^>]*>/g, ' ').replace(/&(#?[A-Za-z0-9]{1,10});/g, character);
}

function addTexts(node: unknown, collector: Collector): void {
  if (typeof node === 'string') collector.add(node);
  else if (Array.isArray(node)) for (const item of node) addTexts(item, collector);
  else if (node !== null && typeof node === 'object') {
    const number = numberText(node);
    if (number !== undefined) collector.add(number);
    else
      for (const [name, value] of Object.entries(node))
        addTexts(name === 'div' && typeof value === 'string' ? plainText(value) : value, collector);
  } else if (typeof node === 'number') collector.add(String(node));
}

/** Words of the narrative. */
export function narrativeWords(resource: { readonly resourceType: string }): Words {
  const collector = new Collector();
  const { text } = resource as { text?: { div?: unknown } };
  if (typeof text?.div === 'string') collector.add(plainText(text.div));
  return collector.words;
}

/** Words of all texts, codes, dates and numbers of the resource, narrative among them; its `meta` is about the copy that is stored, not content. */
export function contentWords(resource: { readonly resourceType: string }): Words {
  const collector = new Collector();
  const { resourceType: _type, meta: _meta, ...content } = resource as { resourceType: string; meta?: unknown };
  addTexts(content, collector);
  return collector.words;
}

/** As PostgreSQL reads a tsvector: words are letters and digits only, so nothing needs quotes. */
export function vectorText(words: Words): string {
  return [...words].map(([word, positions]) => `${word}:${positions.join(',')}`).join(' ');
}
