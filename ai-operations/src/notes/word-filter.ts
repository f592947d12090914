// https://doi.org/10.1145/362686.362692 — a set of words in few bytes (Bloom 1970): answers "in it" wrongly for about one word in a hundred.
const probes = 6;

function hash(word: string, seed: number): number {
  let value = seed;
  for (let i = 0; i < word.length; i += 1) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193);
  value ^= value >>> 15;
  value = Math.imul(value, 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Whether the word is in the filter. */
export function filterHas(bits: Uint8Array, word: string): boolean {
  const first = hash(word, 0x811c9dc5);
  const step = hash(word, 0x3c6ef372) | 1;
  const size = bits.length * 8;
  for (let i = 0; i < probes; i += 1) {
    const place = (first + Math.imul(i, step)) >>> 0;
    const at = place % size;
    if (((bits[at >>> 3] ?? 0) & (1 << (at & 7))) === 0) return false;
  }
  return true;
}

/** Makes a filter of ten bits a word. */
export function filterOf(words: readonly string[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil((words.length * 10) / 8) + 8);
  const size = bits.length * 8;
  for (const word of words) {
    const first = hash(word, 0x811c9dc5);
    const step = hash(word, 0x3c6ef372) | 1;
    for (let i = 0; i < probes; i += 1) {
      const at = ((first + Math.imul(i, step)) >>> 0) % size;
      bits[at >>> 3] = (bits[at >>> 3] ?? 0) | (1 << (at & 7));
    }
  }
  return bits;
}
