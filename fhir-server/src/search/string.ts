// https://hl7.org/fhir/R4/search.html#string — case- and accent-insensitive form of a text.
const maximumLength = 500;

/** NFKD without marks, lower case, at most 500 characters (an index row must stay small). */
export function normalize(text: string): string {
  const plain = /^[\x20-\x7e]*$/.test(text)
    ? text
    : text
        .normalize('NFKD')
        .replace(/\p{M}+/gu, '')
        .replaceAll('\u0000', '');
  return plain.toLowerCase().slice(0, maximumLength);
}
