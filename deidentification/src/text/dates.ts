// Dates in free text: found in the forms that notes use, moved in place and written back in the same form.
import { Mask } from './mask.ts';

const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];
const month =
  '(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)';

const iso = /(?<![\d-])(?:19|20)\d\d-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])(?=T\d|(?![\d-]))/g;
const slashed = /(?<![\d/.-])\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})(?![\d/]|[.-]\d)/g;
const yearFirst = /(?<![\d/])(?:19|20)\d\d\/\d{1,2}\/\d{1,2}(?![\d/])/g;
const compact = /(?<![\d.,-])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d.,-]*\d)/g;
const monthDayYear = new RegExp(
  String.raw`\b(${month})(\.?[ ]{1,12})(\d{1,2})(st|nd|rd|th)?(,?[ ]{1,12}|,)((?:19|20)\d\d|'?\d\d(?=\b(?![:\d])))\b`,
  'gi',
);
const dayMonthYear = new RegExp(String.raw`\b(\d{1,2})(st|nd|rd|th)?([ -](?:of[ ])?)(${month})(\.?,?[ -])((?:19|20)\d\d)\b`, 'gi');
const monthYear = new RegExp(String.raw`\b(${month})(\.?,?[ ]{1,12}(?:of[ ])?)((?:19|20)\d\d)\b`, 'gi');
const monthYearNumbers = /(?<![\d/.])(0?[1-9]|1[0-2])\/((?:19|20)\d\d)(?![\d/])/g;
const monthDay = new RegExp(String.raw`\b(${month})\.?[ ]{1,12}(\d{1,2})(?:st|nd|rd|th)?\b(?![ ]{0,12}(?:mg|mL|cm|%|/|\.\d))`, 'g');
const dayMonth = new RegExp(String.raw`\b\d{1,2}(?:st|nd|rd|th)?[ ](?:of[ ])?${month}\b`, 'g');
const shortDate =
  /(?<=\b(?:on|since|until|dated|from|through|by)[ ])(?:0?[1-9]|1[0-2])\/(?:0?[1-9]|[12]\d|3[01])(?![\d/]|[ ]?(?:mg|strength|vision|pack))/g;

/** Moves an ISO date (or YYYY-MM), or gives its year. */
export type Shift = (isoDate: string) => string;

export interface FoundDate {
  readonly start: number;
  readonly end: number;
  /** The text in the same form after the move; undefined when it can't be read as a date. */
  moved(shift: Shift): string | undefined;
}

const two = (n: number): string => String(n).padStart(2, '0');
const fullYear = (text: string): number => {
  const year = Number(text.replace("'", ''));
  return year >= 100 ? year : year > 30 ? 1900 + year : 2000 + year;
};

/** Applies the shift to the parts; a bare year stands for the whole date. */
function move(
  year: number,
  monthNumber: number,
  day: number | undefined,
  shift: Shift,
  write: (y: string, m: number, d: number) => string,
): string | undefined {
  const real = new Date(Date.UTC(year, monthNumber - 1, day ?? 1));
  if (real.getUTCMonth() !== monthNumber - 1 || monthNumber < 1 || monthNumber > 12) return undefined;
  const isoText = `${year}-${two(monthNumber)}${day === undefined ? '' : `-${two(day)}`}`;
  const moved = shift(isoText);
  return moved.length <= 4 ? moved : write(moved.slice(0, 4), Number(moved.slice(5, 7)), Number(moved.slice(8, 10)));
}

function monthNumber(name: string): number {
  return months.findIndex((m) => m.startsWith(name.slice(0, 3).toLowerCase())) + 1;
}

/** The other month's name with the case and length of the first. */
function monthLike(name: string, number: number): string {
  const full = months[number - 1] ?? '';
  const cut = name.length <= 4 && name.toLowerCase() !== months[monthNumber(name) - 1] ? full.slice(0, 3) : full;
  if (name === name.toUpperCase()) return cut.toUpperCase();
  return cut.charAt(0).toUpperCase() + cut.slice(1);
}

const yearLike = (old: string, year: string): string =>
  old.length === 4 ? year : old.startsWith("'") ? `'${year.slice(2)}` : year.slice(2);

type Reader = (m: RegExpExecArray, shift: Shift) => string | undefined;

const readIso: Reader = (m, shift) =>
  move(Number(m[0].slice(0, 4)), Number(m[0].slice(5, 7)), Number(m[0].slice(8, 10)), shift, (y, mo, d) => `${y}-${two(mo)}-${two(d)}`);
const readCompact: Reader = (m, shift) =>
  move(Number(m[0].slice(0, 4)), Number(m[0].slice(4, 6)), Number(m[0].slice(6, 8)), shift, (y, mo, d) => `${y}${two(mo)}${two(d)}`);
const readYearFirst: Reader = (m, shift) => {
  const [y, mo, d] = m[0].split('/');
  return move(Number(y), Number(mo), Number(d), shift, (year, mm, dd) => `${year}/${two(mm)}/${two(dd)}`);
};
/** US order; the other order when the first number can't be a month. */
const readSlashed: Reader = (m, shift) => {
  const between = m[1] ?? '/';
  const [first = '', second = '', year = ''] = m[0].split(between);
  const dayFirst = Number(first) > 12;
  const [monthText, dayText] = dayFirst ? [second, first] : [first, second];
  const like = (old: string, n: number): string => (old.length === 2 ? two(n) : String(n));
  return move(fullYear(year), Number(monthText), Number(dayText), shift, (y, mo, d) => {
    const parts = dayFirst ? [like(first, d), like(second, mo)] : [like(first, mo), like(second, d)];
    return [...parts, yearLike(year, y)].join(between);
  });
};
const readMonthDayYear: Reader = ([, name = '', gap = '', day = '', , comma = '', year = ''], shift) =>
  move(
    fullYear(year),
    monthNumber(name),
    Number(day),
    shift,
    (y, mo, d) => `${monthLike(name, mo)}${gap}${day.length === 2 && day.startsWith('0') ? two(d) : d}${comma}${yearLike(year, y)}`,
  );
const readDayMonthYear: Reader = ([, day = '', , gap = '', name = '', comma = '', year = ''], shift) =>
  move(Number(year), monthNumber(name), Number(day), shift, (y, mo, d) => `${d}${gap}${monthLike(name, mo)}${comma}${y}`);
const readMonthYear: Reader = ([, name = '', gap = '', year = ''], shift) =>
  move(Number(year), monthNumber(name), undefined, shift, (y, mo) => `${monthLike(name, mo)}${gap}${y}`);
const readMonthYearNumbers: Reader = ([, mo = '', year = ''], shift) =>
  move(Number(year), Number(mo), undefined, shift, (y, m) => `${mo.length === 2 ? two(m) : m}/${y}`);
const unreadable: Reader = () => undefined;

const readers: readonly (readonly [RegExp, Reader])[] = [
  [iso, readIso],
  [yearFirst, readYearFirst],
  [slashed, readSlashed],
  [monthDayYear, readMonthDayYear],
  [dayMonthYear, readDayMonthYear],
  [monthYear, readMonthYear],
  [monthYearNumbers, readMonthYearNumbers],
  [compact, readCompact],
  [monthDay, unreadable],
  [dayMonth, unreadable],
  [shortDate, unreadable],
];

export function findDates(text: string): FoundDate[] {
  const found: FoundDate[] = [];
  const taken = new Mask(text.length);
  for (const [regex, read] of readers) {
    regex.lastIndex = 0;
    for (let match = regex.exec(text); match; match = regex.exec(text)) {
      const m = match;
      const start = m.index;
      const end = start + m[0].length;
      if (taken.touches(start, end)) continue;
      taken.add(start, end);
      found.push({ start, end, moved: (shift) => read(m, shift) });
    }
  }
  return found;
}
