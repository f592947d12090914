// Dates, numbers and addresses for generated notes, in the many ways in which they are written.
import type { Random } from '../random.ts';
import { drawName } from './names.ts';

export type Choose = <T>(items: readonly T[]) => T;

export function chooser(random: Random): Choose {
  return (items) => items[Math.floor(random() * items.length)] as (typeof items)[number];
}

export const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const two = (n: number): string => String(n).padStart(2, '0');
const months = 'January February March April May June July August September October November December'.split(' ');

/** Every `#` a digit, every `@` a capital, every `%` a small letter. */
export function filled(pattern: string, random: Random): string {
  return pattern.replace(/[#@%]/g, (sign) => {
    if (sign === '#') return String(between(random, 0, 9));
    return String.fromCharCode((sign === '@' ? 65 : 97) + between(random, 0, 25));
  });
}

export function date(random: Random): string {
  const choose = chooser(random);
  const y = between(random, 1931, 2026);
  const m = between(random, 1, 12);
  const d = between(random, 1, 28);
  const name = months[m - 1] ?? '';
  const short = name.slice(0, 3);
  const ordinal = `${d}${d % 10 === 1 && d !== 11 ? 'st' : d % 10 === 2 && d !== 12 ? 'nd' : d % 10 === 3 && d !== 13 ? 'rd' : 'th'}`;
  const shapes: readonly (() => string)[] = [
    () => `${y}-${two(m)}-${two(d)}`,
    () => `${m}/${d}/${y}`,
    () => `${two(m)}/${two(d)}/${y}`,
    () => `${m}/${d}/${two(y % 100)}`,
    () => `${two(d)}.${two(m)}.${y}`,
    () => `${d}.${m}.${two(y % 100)}`,
    () => `${two(m)}-${two(d)}-${y}`,
    () => `${name} ${d}, ${y}`,
    () => `${short} ${d}, ${y}`,
    () => `${d} ${name} ${y}`,
    () => `${two(d)}-${short}-${y}`,
    () => `${two(d)}${short.toUpperCase()}${y}`,
    () => `${two(d)}-${short.toUpperCase()}-${two(y % 100)}`,
    () => `${d} ${short}. ${y}`,
    () => `the ${ordinal} of ${name}`,
    () => `${name} ${ordinal}`,
    () => `${ordinal} ${name} ${y}`,
    () => `${name} ${y}`,
    () => `${m}/${y}`,
    () => `${m}/${d}`,
    () => `${y}${two(m)}${two(d)}`,
    () => `${y}/${two(m)}/${two(d)}`,
    () => `${name} ${d}`,
    () => `${short} ${d}`,
  ];
  return choose(shapes)();
}

export function phone(random: Random): string {
  const patterns = [
    '(###) ###-####',
    '###-###-####',
    '###.###.####',
    '### ### ####',
    '+1 ### ### ####',
    '+1-###-###-####',
    '1-800-###-####',
    '+44 20 #### ####',
    '+49 30 #######',
    '+33 1 ## ## ## ##',
    '0## #### ####',
    '##########',
    '###-####',
    '(###)###-#### x###',
    '###-###-#### ext. ####',
  ];
  return filled(chooser(random)(patterns), random);
}

const domains = ['example.org', 'mail.example.com', 'clinic.example.net', 'example.edu', 'health.example', 'example.co.uk'];

export function mail(random: Random, first: string, last: string): string {
  const plain = (word: string): string =>
    word
      .normalize('NFD')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase() || 'kx';
  const [f, l] = [plain(first), plain(last)];
  const local = chooser(random)([
    `${f}.${l}`,
    `${f}${l}`,
    `${f.charAt(0)}${l}`,
    `${l}_${f}`,
    `${f}${between(random, 1, 99)}`,
    `${l}.${f.charAt(0)}`,
  ]);
  return `${local}@${chooser(random)(domains)}`;
}

export function link(random: Random): string {
  return chooser(random)([
    `https://portal.${chooser(random)(domains)}/u/${filled('#####', random)}`,
    `http://${chooser(random)(domains)}/${filled('%%%%', random)}?id=${filled('####', random)}`,
    `www.${filled('%%%%%', random)}.example.com`,
    `${filled('%%%%%%', random)}.example.org/${filled('%%%%', random)}`,
  ]);
}

export function address(random: Random): string {
  const byte = (): number => between(random, 1, 254);
  return random() < 0.8 ? `${byte()}.${byte()}.${byte()}.${byte()}` : filled('2001:db8:##%#::#%', random);
}

const recordPatterns = [
  '########',
  '#######',
  '######',
  'MRN######',
  'MRN-######',
  '##-##-##',
  '###-##-###',
  '@#######',
  'E########',
  '##########',
  '@@-######',
  'H####-###',
  '####-####',
];
const otherPatterns = [
  '@@########',
  '@##-#####',
  '##-#######',
  '@@@-####-##',
  'S##-#####',
  '#########',
  '@@@#####',
  '####@@##',
  '@-#####',
  '@@##-###-####',
  '######-###',
  '@#@#@#@#',
];

export const recordNumber = (random: Random): string => filled(chooser(random)(recordPatterns), random);
export const otherNumber = (random: Random): string => filled(chooser(random)(otherPatterns), random);
export const socialSecurity = (random: Random): string =>
  filled(chooser(random)(['###-##-####', '### ## ####', '#########', 'xxx-xx-####']), random);
export const plate = (random: Random): string =>
  filled(chooser(random)(['@@@-####', '#@@@###', '@@@ ####', '@@ ## @@@', '##@-@##']), random);

const streetKinds =
  'Street St Avenue Ave Road Rd Lane Ln Drive Dr Court Boulevard Blvd Terrace Place Way Circle Trail Parkway Crescent Close Square Mews Gardens Grove Row Walk Rise View Point Hollow Landing Loop Path Cove Ridge Green'.split(
    ' ',
  );
const streetWords =
  'Maple Oak Cedar Pine Elm Washington Lincoln Jefferson Main Church Park Lake Hill River Sunset Highland Meadow Spring Forest Mill Franklin Jackson Second Third Fourth 5th 12th Chestnut Walnut Willow Birch Ridge Valley Union Market Broad High King Queen Victoria Station'.split(
    ' ',
  );

const roads = ['County Road', 'State Route', 'Route', 'Highway', 'CR', 'FM', 'US'];

export function street(random: Random): string {
  const choose = chooser(random);
  if (random() < 0.06) return `${between(random, 1, 19_999)} ${choose(roads)} ${between(random, 1, 120)}`;
  if (random() < 0.06)
    return `${between(random, 1, 400)} ${choose(['Rue', 'Calle', 'Via', 'Avenida', 'Paseo', 'Camino', 'Boulevard'])} ${drawName('family', random)}`;
  const word = random() < 0.55 ? choose(streetWords) : drawName('family', random);
  const name = random() < 0.2 ? `${word} ${choose(streetWords)}` : word;
  const side = random() < 0.12 ? `${choose(['N', 'S', 'E', 'W', 'N.', 'West'])} ` : '';
  const flat =
    random() < 0.25 ? `${choose([', Apt ', ' Apt. ', ' #', ', Unit ', ' Suite '])}${filled(choose(['#', '##', '#@', '###']), random)}` : '';
  if (random() < 0.05) return `P.O. Box ${filled('####', random)}`;
  if (random() < 0.07) return `${name}${choose(['straße', 'gata', 'weg', 'straat'])} ${between(random, 1, 180)}`;
  return `${between(random, 1, 9_999)} ${side}${name} ${choose(streetKinds)}${flat}`;
}

export const postalCode = (random: Random): string =>
  filled(chooser(random)(['#####', '#####', '#####-####', '@@# #@@', '@## #@@']), random);
