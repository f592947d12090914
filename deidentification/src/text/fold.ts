// Texts compared without case and accents, with the way back to the places in the original.
export interface Folded {
  readonly text: string;
  /** Place in the original of a place in the folded text. */
  at(place: number): number;
}

const same = (place: number): number => place;
/** Letters that no decomposition takes apart, and the signs that writers use for ' and -. */
const plain: { readonly [letter: string]: string | undefined } = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  '’': "'",
  '‘': "'",
  ʼ: "'",
  '‐': '-',
  '‑': '-',
  '–': '-',
};

/** A mark that is left out belongs to the letter before it. */
export function folded(text: string): Folded {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins there
  if (/^[\x00-\x7f]*$/.test(text)) return { text: text.toLowerCase(), at: same };
  const places: number[] = [];
  let out = '';
  let from = 0;
  for (const letter of text) {
    const base = letter.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    const units = plain[base] ?? base;
    for (let i = 0; i < units.length; i += 1) places.push(from);
    out += units;
    from += letter.length;
  }
  places.push(text.length);
  return { text: out, at: (place) => places[place] ?? text.length };
}
