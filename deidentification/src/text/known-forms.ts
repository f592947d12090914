// The forms in which what is known of a person is written: letters and digits in their order, and where signs may stand between.
import { folded } from './fold.ts';
import { isCommonWord, isOrdinaryWord } from './lexicon.ts';

/** One way to write something known, over folded text. */
export interface Form {
  readonly kind: Kind;
  /** Letters and digits (of mail: signs too) without what may stand between. */
  readonly text: string;
  /** Places in `text` before which signs may stand; all of them for numbers. */
  readonly joints: ReadonlySet<number> | 'all' | 'none';
  /** Signs that may stand at a joint, and how many of them. */
  readonly signs: string;
  readonly most: number;
  /** Also a word of the language: in small letters it is the word. */
  readonly written: boolean;
  /** A postal code may go on with four digits; a number may begin with zeros. */
  readonly postal?: boolean;
  readonly zeros?: boolean;
}

export const kinds = ['NAME', 'STREET', 'PHONE', 'EMAIL', 'OTHER_ID'] as const;
export type Kind = (typeof kinds)[number];

export const fold = (text: string): string => folded(text).text;
export const isOrdinary = (word: string): boolean => word.length < 3 || isCommonWord(word) || isOrdinaryWord(word);
const shortestNumber = 4;
const betweenDigits = ' \t\n\r().\\/-';

/** Words joined at their ends: "o", "dwyer" -> "odwyer" with a joint before d. */
function joined(words: readonly string[]): { text: string; joints: Set<number> } {
  const joints = new Set<number>();
  let text = '';
  for (const word of words) {
    if (text !== '') joints.add(text.length);
    text += word;
  }
  return { text, joints };
}

/** Parts joined by any sign, or by none: O'Dwyer, ODwyer, O Dwyer. */
export function nameForms(parts: readonly string[]): Form[] {
  const forms = new Map<string, Form>();
  for (const part of parts) {
    if (part.replace(/\P{L}/gu, '').length < 2) continue;
    const words = fold(part)
      .split(/[-'’.\s]+/u)
      .filter((each) => each !== '');
    const whole = fold(part);
    forms.set(whole, { kind: 'NAME', ...joined(words), signs: "' \t\n.-", most: 1, written: isOrdinary(whole) });
  }
  return [...forms.values()];
}

/** Digits and letters in their order, with any signs between and any zeros before. */
function numberForm(kind: Kind, text: string, zeros: boolean): Form | undefined {
  const bare = fold(text).replace(/[^a-z0-9]/g, '');
  const significant = zeros ? bare.replace(/^0+/, '') : bare;
  if (significant.length < shortestNumber || !/\d/.test(significant)) return undefined;
  return { kind, text: significant, joints: 'all', signs: betweenDigits, most: 2, written: false, zeros };
}

function distinct(forms: readonly (Form | undefined)[]): Form[] {
  const byText = new Map<string, Form>();
  for (const form of forms) if (form) byText.set(form.text, form);
  return [...byText.values()];
}

/** "CNY-88213377" is also said without its letters. */
export function identifierForms(values: readonly string[]): Form[] {
  return distinct(values.flatMap((value) => [value, ...(value.match(/\d{5,}/g) ?? [])].map((text) => numberForm('OTHER_ID', text, true))));
}

/** The number, with or without its country, and its last seven digits, which are said inside one area. */
export function phoneForms(telecom: readonly string[]): Form[] {
  const numbers = telecom
    .filter((value) => !value.includes('@'))
    .map((value) => value.replace(/(?:x|ext\.?)\s{0,4}\d+$/i, '').replace(/\D/g, ''));
  return distinct(
    numbers.flatMap((all) => {
      const digits = all.length === 11 && all.startsWith('1') ? all.slice(1) : all;
      return digits.length < 7 ? [] : [digits, digits.slice(-7)].map((text) => numberForm('PHONE', text, false));
    }),
  );
}

/** Addresses of mail, and what stands before the @ when it says something. */
export function mailForms(telecom: readonly string[]): Form[] {
  const form = (text: string): Form => ({ kind: 'EMAIL', text, joints: 'none', signs: '', most: 0, written: false });
  return distinct(
    telecom.flatMap((value) => {
      const [local = '', domain] = fold(value.trim())
        .replace(/^[^a-z0-9]+/, '')
        .split('@');
      if (domain === undefined || local === '') return [];
      return local.length >= 6 && !isOrdinary(local) ? [form(`${local}@${domain}`), form(local)] : [form(`${local}@${domain}`)];
    }),
  );
}

const streetWords = new Set(
  `street st avenue ave road rd lane ln drive dr court ct boulevard blvd terrace ter place pl way circle cir highway hwy parkway pkwy square sq
  trail trl crossing row alley plaza loop run path ridge pike turnpike apt apartment unit suite ste room rm floor box po north south east west n s e w
  upper lower main park oak pine elm maple cedar hill lake church high center centre central school river mill spring springs water bay beach view
  valley garden gardens forest green grove house new old saint san santa los las del the of and fort mount port city town village heights county
  cherry chestnut walnut peach apple orange lemon olive birch ash willow magnolia laurel poplar vine hickory hospital medical industrial`.split(
    /\s+/,
  ),
);

const longestRun = 8;
/** Of one line; what goes on is no address. */
const mostWords = 24;

/** Words that follow each other in an address, when a number or a word that is nothing but part of a name is among them. */
function runForms(words: readonly string[]): Form[] {
  const forms: Form[] = [];
  for (let from = 0; from < words.length; from += 1) {
    for (let to = from + 2; to <= Math.min(words.length, from + longestRun); to += 1) {
      const run = words.slice(from, to);
      if (run.some((word) => /\d/.test(word)) || run.some((word) => !streetWords.has(word) && !isOrdinary(word)))
        forms.push({ kind: 'STREET', ...joined(run), signs: " \t\n\r.,#'-", most: 3, written: false });
    }
  }
  return forms;
}

function wordForms(words: readonly string[]): Form[] {
  const forms: Form[] = [];
  const alone = words.length === 1;
  for (const word of words) {
    const said = alone && /^[a-z]{3,}$/.test(word);
    if (!said && !(/^[a-z]{4,}$/.test(word) && !streetWords.has(word))) continue;
    // A short or ordinary word of an address is a place only when it is written as one: Reading, Elm.
    const written = isOrdinary(word) || (!said && word.length < 6);
    forms.push({ kind: 'STREET', text: word, joints: 'none', signs: '', most: 0, written });
  }
  return forms;
}

/** Lines, cities and postal codes. */
export function addressForms(lines: readonly string[]): Form[] {
  const forms: Form[] = [];
  for (const line of lines) {
    const words = (fold(line).match(/[a-z0-9]+/g) ?? []).slice(0, mostWords);
    forms.push(...runForms(words), ...wordForms(words));
    const [first = ''] = words;
    const plain = { kind: 'STREET', joints: 'none', signs: '', most: 0, written: false } as const;
    if (/^\s*(?:\d{5})(?:-?\d{4})?\s*$/.test(line)) forms.push({ ...plain, text: first.slice(0, 5), postal: true });
    else if (words.length === 1 && /\d/.test(first) && first.length >= shortestNumber) forms.push({ ...plain, text: first });
  }
  return distinct(forms);
}
