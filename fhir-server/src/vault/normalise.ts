// Forms in which identifiers and names are compared: how somebody has typed them makes nobody another person.

/** White space, hyphens' look-alikes, letter case and Unicode forms do not make another identifier. */
export function normalisedValue(value: string): string {
  return value
    .normalize('NFKC')
    .replace(/\s+/g, '')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .toUpperCase();
}

/** The assigning authority: a bare OID, `oid:` and `urn:oid:` are one; so are a URL with and without a slash at its end. */
export function normalisedSystem(system: string): string {
  const text = system.normalize('NFKC').trim().toLowerCase().replace(/\/+$/, '');
  const oid = /^(?:urn:)?(?:oid:)?(\d+(?:\.\d+)+)$/.exec(text)?.[1];
  return oid === undefined ? text : `urn:oid:${oid}`;
}

/** Letters only, without marks, upper case. */
export function normalisedName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .toUpperCase()
    .replace(/[^\p{L}]/gu, '');
}

const soundexCodes: { readonly [letters: string]: string } = { BFPV: '1', CGJKQSXZ: '2', DT: '3', L: '4', MN: '5', R: '6' };
const codeOf = new Map(Object.entries(soundexCodes).flatMap(([letters, code]) => [...letters].map((letter) => [letter, code] as const)));

/** American Soundex (https://www.archives.gov/research/census/soundex); empty for names without Latin letters. */
export function soundex(name: string): string {
  const letters = normalisedName(name).replace(/[^A-Z]/g, '');
  const [first] = letters;
  if (first === undefined) return '';
  let previous = codeOf.get(first) ?? '';
  let code = '';
  for (const letter of letters.slice(1)) {
    const digit = codeOf.get(letter) ?? '';
    if (digit !== '' && digit !== previous) code += digit;
    // H and W do not separate two letters of one code; vowels do.
    if (letter !== 'H' && letter !== 'W') previous = digit;
  }
  return `${first}${code}000`.slice(0, 4);
}

/** The last nine digits: country and trunk prefixes are written or not. */
export function normalisedPhone(value: string): string {
  const digits = value.replace(/\D/g, '');
  return digits.length < 6 ? '' : digits.slice(-9);
}
