// Probabilistic record linkage (Fellegi and Sunter, JASA 64:1183-1210, 1969): blocks in which two records of one person meet, and the weight of their agreement.
import type { Demographics } from './demographics.ts';
import { normalisedName, normalisedPhone, normalisedSystem, normalisedValue, soundex } from './normalise.ts';

interface Compared {
  readonly family: readonly string[];
  readonly given: readonly string[];
  readonly birthDate: string;
  readonly gender: string;
  readonly phones: readonly string[];
  readonly postalCodes: readonly string[];
  readonly identifiers: readonly string[];
}

type Field = keyof Compared;

/**
 * m: how often records of one person agree; u: how often records of two persons do. Sources: u of names, days and postal codes are the chances of a common
 * value in a population of some hundred thousand (Winkler, Frequency-based matching, Census RR2000/06); m are error rates of hospital registration
 * (Grannis, Overhage, McDonald, AMIA 2003:259-63). Starting values: an installation estimates its own.
 */
const weights: { readonly [field in Field]: { readonly m: number; readonly u: number } } = {
  family: { m: 0.95, u: 0.003 },
  given: { m: 0.93, u: 0.01 },
  birthDate: { m: 0.97, u: 0.00005 },
  gender: { m: 0.99, u: 0.5 },
  phones: { m: 0.6, u: 0.0005 },
  postalCodes: { m: 0.7, u: 0.01 },
  identifiers: { m: 0.9, u: 0.000001 },
};
/** Chance that two records of one block are of one person, before they are compared. */
const prior = 0.0001;
const partial = 0.5;

const grades = [
  { grade: 'certain', from: 0.9999 },
  { grade: 'probable', from: 0.9 },
  { grade: 'possible', from: 0.3 },
] as const;

export type Grade = (typeof grades)[number]['grade'];

const texts = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((v): v is string => v !== undefined && v !== '')),
];

function compared(person: Demographics): Compared {
  const names = (person.name ?? []).filter((name) => name.use !== 'anonymous' && name.use !== 'nickname');
  return {
    family: texts(names.map((name) => normalisedName(name.family ?? ''))),
    given: texts(names.map((name) => normalisedName(name.given?.[0] ?? ''))),
    birthDate: person.birthDate ?? '',
    gender: person.gender === 'unknown' ? '' : (person.gender ?? ''),
    phones: texts((person.telecom ?? []).filter((t) => t.system !== 'email').map((t) => normalisedPhone(t.value ?? ''))),
    postalCodes: texts((person.address ?? []).map((address) => normalisedValue(address.postalCode ?? '').slice(0, 5))),
    identifiers: texts(
      (person.identifier ?? []).map(({ system = '', value = '' }) =>
        system && value ? `${normalisedSystem(system)}|${normalisedValue(value)}` : '',
      ),
    ),
  };
}

/** Texts that two records of one person are likely to share; they are stored only as keyed hashes. */
export function blocksOf(person: Demographics): string[] {
  const { family, given, birthDate, phones } = compared(person);
  const isDay = birthDate.length === 10;
  const [, month = '', day = ''] = birthDate.split('-');
  return texts([
    ...family.flatMap((name) => (soundex(name) && birthDate ? [`sound-year|${soundex(name)}|${birthDate.slice(0, 4)}`] : [])),
    ...(isDay ? given.map((name) => `given-day|${name}|${birthDate}`) : []),
    ...(isDay ? family.map((name) => `family-day|${name}|${birthDate}`) : []),
    ...family.flatMap((name) => (isDay ? [`family-month-day|${name}|${[month, day].sort().join('-')}`] : [])),
    ...family.flatMap((name) => given.map((first) => `names|${name}|${first}`)),
    ...phones.map((phone) => `phone|${phone}`),
  ]);
}

/** 1 equal, 0 different, between for what sounds alike or has one digit exchanged; undefined when one side says nothing. */
function agreement(field: Field, a: Compared, b: Compared): number | undefined {
  const left = a[field];
  const right = b[field];
  if (left.length === 0 || right.length === 0) return undefined;
  if (typeof left === 'string' || typeof right === 'string') return agreementOfTexts(field, String(left), String(right));
  if (left.some((value) => right.includes(value))) return 1;
  if (field !== 'family' && field !== 'given') return 0;
  const isAlike = left.some((x) =>
    right.some((y) => (soundex(x) !== '' && soundex(x) === soundex(y)) || x.startsWith(y) || y.startsWith(x)),
  );
  return isAlike ? partial : 0;
}

function agreementOfTexts(field: Field, a: string, b: string): number {
  if (a === b) return 1;
  if (field !== 'birthDate') return 0;
  if (a.startsWith(b) || b.startsWith(a)) return partial;
  if ([...a].sort().join('') === [...b].sort().join('')) return partial;
  const differing = [...a].filter((digit, i) => digit !== b[i]).length;
  return a.length === b.length && differing === 1 ? partial : 0;
}

/** The chance, 0 to 1, that both are one person. An identifier that differs says little: people have several. */
export function scoreOf(a: Demographics, b: Demographics): number {
  const left = compared(a);
  const right = compared(b);
  let logOdds = Math.log(prior / (1 - prior));
  for (const field of Object.keys(weights) as Field[]) {
    const { m, u } = weights[field];
    const agrees = agreement(field, left, right);
    if (agrees === undefined || (field === 'identifiers' && agrees === 0)) continue;
    const same = Math.log(m / u);
    const differs = Math.log((1 - m) / (1 - u));
    logOdds += differs + (same - differs) * agrees;
  }
  return 1 / (1 + Math.exp(-logOdds));
}

export function gradeOf(score: number): Grade | 'certainly-not' {
  return grades.find(({ from }) => score >= from)?.grade ?? 'certainly-not';
}
