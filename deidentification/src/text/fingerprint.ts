// What is remembered of a text that must not be kept.

/** 53 bits of two FNV-1a hashes: remembers that a text was clean without keeping the text. */
export function fingerprint(text: string): number {
  let a = 0x811c9dc5;
  let b = 0xc2b2ae35;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x85ebca6b);
    b ^= b >>> 15;
  }
  return (a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff);
}
