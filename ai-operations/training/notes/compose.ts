// Notes put together from parts of sentences, not from whole ones: what stands before a name, what behind it, and the words that stand there and are no names.
import type { Random } from '../random.ts';
import { between, type Choose } from './identifiers.ts';
import * as parts from './parts.ts';

/** Chance, and what is written: a template with slots for note.ts. */
type Line = (random: Random, choose: Choose, word: () => string) => string;

const people =
  '{p.full}|{p.full}|{p.first}|{p.last}|{p.last}|{title} {p.last}|{p.listed}|{p.init}|{d.full}|{d.last}|{d.last}|Dr. {d.last}|Dr {d.full}|{d.init}|{e.full}|{e.first}|{e.last}|{e.init}|{r.first}|{r.full}|{r.last}|{x.full}|{x.first}|{x.last}|{x.listed}|{d.full}, {cred}|{e.last} {cred}|{e.first} {e.last} {cred}|{d.last}/{e.last}|{d.last} and {e.last}|{r.first} ({kin})|{kin} {r.first}'.split(
    '|',
  );
const places =
  '{city}|{city}|{city}, {state}|{street}|{street}, {city}|{street}, {city}, {state} {zip}|{city} {zip}|{city}, {country}'.split('|');
const houses = '{org}|{org}|{org}|{org} in {city}|the {org}|{org}, {city}'.split('|');
const numbers = '{mrn}|{other}|{other}|{plate}|{vin}|{ssn}|{npi}|{dea}|{other}'.split('|');
const contacts = '{phone}|{phone}|{mail}|{url}|{ip}|{phone} or {phone}|{phone}, {mail}'.split('|');

/** A word or two that could be taken for a name and is none. */
function decoy(random: Random, choose: Choose, word: () => string): string {
  const draw = random();
  if (draw < 0.22) return choose(parts.teams);
  if (draw < 0.36) return choose(parts.loneEponyms);
  if (draw < 0.5) return '{brand}';
  if (draw < 0.56) return '{epo}';
  if (draw < 0.66) return choose(parts.wordsThatAreNames);
  if (draw < 0.76) return choose(parts.anatomy);
  if (draw < 0.84) return choose(parts.abbreviations);
  if (draw < 0.92) return `${word()} ${word()}`;
  return word();
}

const spaced = (...pieces: readonly string[]): string => pieces.filter((piece) => piece !== '').join(' ');

const mention: Line = (_, choose) => spaced(choose(parts.beforePeople), choose(people), choose(parts.afterPeople));
const decoyMention: Line = (random, choose, word) =>
  spaced(choose(parts.beforePeople), decoy(random, choose, word), choose(parts.afterPeople));
const told: Line = (_, choose) => spaced(choose(people), choose(parts.does), choose(parts.objects), choose(parts.when));
const care: Line = (_, choose) => spaced(choose(parts.subjects), choose(parts.does), choose(parts.objects), choose(parts.when));
const terse: Line = (random, choose, word) =>
  Array.from({ length: between(random, 2, 6) }, () =>
    choose([choose(parts.terse), choose(parts.objects), '{num}', '{drug} {num}', '{epo}', decoy(random, choose, word)]),
  ).join(choose([', ', '; ', ' / ', '. ', ' - ', '\n']));
const where: Line = (random, choose) =>
  spaced(choose(parts.beforePlaces), choose(random() < 0.5 ? places : houses), choose(parts.afterPlaces));
const house: Line = (_, choose) => spaced(choose(parts.beforeHouses), choose(houses), choose(parts.afterPlaces));
const decoyPlace: Line = (random, choose, word) =>
  spaced(
    choose(parts.beforePlaces),
    choose([choose(parts.units), choose(parts.units), decoy(random, choose, word)]),
    choose(parts.afterPlaces),
  );
const when: Line = (random, choose) =>
  spaced(choose(parts.beforeDates), random() < 0.7 ? '{date}' : choose(parts.relativeTimes), choose(parts.afterDates));
const cased = (random: Random, label: string): string => {
  const draw = random();
  if (draw < 0.3) return label.toUpperCase();
  return draw < 0.5 ? label.toLowerCase() : label;
};
const separators = [': ', ':', ' ', ' # ', ' #', '# ', ' no. ', ' = ', ' - ', ' is ', '\t', ' ...... ', ' No: '];
const numbered: Line = (random, choose) =>
  spaced(`${cased(random, choose(parts.numberLabels))}${choose(separators)}${choose(numbers)}`, choose(parts.afterNumbers));
const measured: Line = (random, choose) =>
  `${cased(random, choose(parts.measureLabels))}${choose(separators)}${choose(['{num}', '{num}', choose(parts.values)])}${choose(['', ' H', ' L', ' (high)', ' nl', ' *'])}`;
const reached: Line = (random, choose) => `${cased(random, choose(parts.contactLabels))}${choose(separators)}${choose(contacts)}`;
const field: Line = (random, choose, word) => {
  const [label, kind] = choose(parts.fields).split('=');
  const value = {
    who: choose(people),
    org: choose(houses),
    place: choose(places),
    date: '{date}',
    no: choose(numbers),
    call: choose(contacts),
    none: choose([choose(parts.objects), '{num}', decoy(random, choose, word), choose(parts.values)]),
  }[kind ?? 'none'];
  return `${cased(random, label ?? '')}${choose([': ', ':', ' : ', ' - ', '  ', '\t', ' | '])}${value ?? ''}`;
};
const old: Line = (_, choose) =>
  choose([
    '{old} yo {man}',
    '{old} y.o. {man} with {cond}',
    'age {old}',
    '{old}-year-old',
    'aged {old} years',
    '{old}yo',
    'Age: {old}',
    'turned {old} this year',
    'is {old} years young',
    '{age} yo {man} with {cond}',
    'aged {age}',
    '{age}-year-old',
    'SpO2 9{age}%',
    'weight {old} kg',
    'HR {old}',
    '{old}% on room air',
    '{old} mg',
  ]);
const signature: Line = (random, choose) =>
  `${choose(parts.signatures)}${choose([' ', '\n', ': ', ', ', ' - ', '\n\n'])}${choose(['{d.full}', '{d.full}', '{e.init}', '{d.full}, {cred}', '{d.first}', '{d.last}', '{e.full} {cred}', 'Dr. {d.last}'])}${
    random() < 0.4
      ? `${choose(['\n', ', ', ' | '])}${choose([choose(parts.teams), '{org}', '{phone}', '{date}', 'Tel {phone}', 'Ext {pager}'])}`
      : ''
  }`;
const row: Line = (random, choose, word) => {
  const cells = Array.from({ length: between(random, 2, 5) }, () =>
    choose([
      choose(people),
      choose(people),
      '{date}',
      choose(numbers),
      choose([choose(houses), choose(places)]),
      '{num}',
      choose(parts.objects),
      choose(parts.units),
      '{drug}',
      decoy(random, choose, word),
      '{age}',
      choose(parts.values),
    ]),
  );
  return cells.join(choose([' | ', '\t', '  ', ', ', '   ', ' / ', ';', '|', '^']));
};
const names: Line = (random, choose) =>
  `${choose(parts.listLabels)}${choose([': ', ' - ', ' ', ':\n'])}${Array.from({ length: between(random, 2, 4) }, () => choose(people)).join(choose([', ', '; ', ' / ', '\n', ' & ', ' and ']))}`;
const drugs: Line = (random, choose) =>
  `${choose(parts.drugLabels)}${Array.from({ length: between(random, 1, 4) }, () => `${choose(['{brand}', '{brand}', '{gen}', '{drug}'])}${choose(['', ' {num}', ` ${choose(parts.doses)}`, ` ${choose(parts.doses)}`])}`).join(choose([', ', '; ', '\n', ' and ', ' / ', ' + ']))}`;
const eponym: Line = (random, choose) =>
  spaced(
    choose(parts.beforeEponyms),
    choose([choose(parts.loneEponyms), '{epo}', '{epo}']),
    random() < 0.6 ? choose(parts.afterEponyms) : '',
  );
const asName: Line = (_, choose) => choose(parts.wordsAsWords);
const speech: Line = (_, choose) =>
  `${choose(parts.speakers)}${choose([': ', '> ', ' - ', ': "', ' '])}${choose([spaced(choose(parts.spokenBefore), choose(people), choose(parts.spokenAfter)), spaced(choose(parts.spokenBefore), choose(parts.objects), choose(parts.when)), spaced(choose(parts.spokenBefore), choose([choose(houses), choose(places)]))])}`;
const lone: Line = (_, choose) => choose([choose(people), '{p.full}', choose(houses), choose(places), '{date}', choose(numbers), '{org}']);

// biome-ignore format: a table
const lines: readonly (readonly [number, Line])[] = [
  [13, mention], [7, decoyMention], [9, told], [14, care], [9, terse], [5, where], [5, house], [4, decoyPlace], [5, when], [6, numbered], [4, measured],
  [3, reached], [8, field], [2, old], [3, signature], [4, row], [2, names], [7, drugs], [6, eponym], [5, asName], [4, speech], [2, lone],
];
const total = lines.reduce((sum, [chance]) => sum + chance, 0);

function drawLine(random: Random): Line {
  let draw = random() * total;
  for (const [chance, line] of lines) {
    draw -= chance;
    if (draw < 0) return line;
  }
  return care;
}

/** One line or sentence with its slots. */
export function composedLine(random: Random, choose: Choose, word: () => string): string {
  const line = drawLine(random);
  const text = line(random, choose, word);
  const first = random();
  return first < 0.6 && !text.startsWith('{') ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** The whole note: lines of one or of several kinds, with what stands between them. */
export function composed(random: Random, choose: Choose, word: () => string): string {
  const join = choose(['\n', '\n', '. ', '. ', '.\n', ' ', '; ', '\n\n', ' -- ', '\n- ', '\n* ', '\r\n', ', ', '\n> ']);
  const count = between(random, 1, random() < 0.3 ? 4 : 14);
  const lines = Array.from({ length: count }, (_, i) => {
    const heading = random() < 0.08 ? `${choose(parts.headings)}${choose([':', '', '\n', ' -', ':\n'])} ` : '';
    const mark = join === '\n' && random() < 0.08 ? `${i + 1}${choose(['. ', ') ', ' - '])}` : '';
    return `${mark}${heading}${composedLine(random, choose, word)}`;
  });
  const head = random() < 0.5 ? `${choose(parts.titles)}${choose(['\n', ' ', '\n\n', ': ', ' - '])}` : '';
  return `${head}${lines.join(join)}${choose(['', '', '.', '\n'])}`;
}
