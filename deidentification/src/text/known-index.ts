// Finds forms in a folded text in one pass: only where a word begins, and only those that begin with its two letters.
import { type Form, type Kind, kinds } from './known-forms.ts';
import { continues } from './words.ts';

export interface Match {
  readonly start: number;
  readonly end: number;
  readonly form: Form;
}

const mostZeros = 12;

/** Where the form ends in the text when it stands at this place; -1 when it does not. */
function endOf(plain: string, at: number, form: Form): number {
  const { text, joints, signs, most } = form;
  let place = at;
  for (let i = 0; i < text.length; i += 1) {
    if (i > 0 && joints !== 'none' && (joints === 'all' || joints.has(i))) {
      const last = place + most;
      while (place < last && signs.includes(plain.charAt(place)) && place < plain.length) place += 1;
    }
    if (plain.charCodeAt(place) !== text.charCodeAt(i)) return -1;
    place += 1;
  }
  if (!form.postal) return place;
  const further = plain.charCodeAt(place) === 45 ? place + 1 : place;
  return /^\d{4}$/.test(plain.slice(further, further + 4)) ? further + 4 : place;
}

/** Past the zeros before a number, and the signs between them. */
function afterZeros(plain: string, at: number): number {
  let place = at;
  for (let i = 0; i < mostZeros && plain.charCodeAt(place) === 48; i += 1) {
    place += 1;
    for (let gap = 0; gap < 2 && ' \t\n().\\/-'.includes(plain.charAt(place)) && place < plain.length; gap += 1) place += 1;
  }
  return place;
}

const digitClass = 2;
const classes = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  const sign = String.fromCharCode(code);
  // A placeholder's brackets belong to its word.
  if (/[A-Za-z[\]]/.test(sign)) classes[code] = 1;
  else if (/\d/.test(sign)) classes[code] = digitClass;
}

/** 0: between words. */
function classOf(plain: string, at: number): number {
  const code = plain.charCodeAt(at);
  if (code < 128) return classes[code] ?? 0;
  return at < plain.length && continues(plain, at) ? 1 : 0;
}

const key = (first: number, second: number): number => first * 65_536 + second;

/** Forms by how they begin. */
export class FormIndex {
  readonly #pairs = new Map<number, Form[]>();
  readonly #singles = new Map<number, Form[]>();
  /** Whether any form begins so; for the letters of ASCII. */
  readonly #begins = new Uint8Array(128);
  readonly size: number;

  constructor(forms: readonly Form[]) {
    this.size = forms.length;
    for (const form of forms) {
      const first = form.text.charCodeAt(0);
      const opens = form.text.length < 2 || form.joints === 'all' || (form.joints !== 'none' && form.joints.has(1));
      if (first < 128) this.#begins[first] = 1;
      if (form.zeros) this.#begins[48] = 1;
      const table = opens ? this.#singles : this.#pairs;
      const place = opens ? first : key(first, form.text.charCodeAt(1));
      const list = table.get(place);
      if (list) list.push(form);
      else table.set(place, [form]);
    }
    for (const table of [this.#pairs, this.#singles]) for (const list of table.values()) list.sort((a, b) => b.text.length - a.text.length);
  }

  /**
   * Calls `found` for the longest form of each kind at each word; `found` says whether the form counts (and then its kind goes on behind it).
   * `word` is told where each word lies and whether it holds a digit.
   */
  scan(plain: string, found: (match: Match) => boolean, word?: (start: number, end: number, digits: boolean) => void): void {
    const busy: { [kind in Kind]?: number } = {};
    let at = 0;
    while (at < plain.length) {
      const kind = classOf(plain, at);
      if (kind === 0) {
        at += 1;
        continue;
      }
      const start = at;
      let digits = kind === digitClass;
      at += 1;
      for (let next = classOf(plain, at); next !== 0; next = classOf(plain, at)) {
        if (next === digitClass) digits = true;
        at += 1;
      }
      const code = plain.charCodeAt(start);
      if (code >= 128 || this.#begins[code] === 1) {
        this.#at(plain, start, start, busy, found, false);
        if (code === 48) this.#at(plain, start, afterZeros(plain, start), busy, found, true);
      }
      word?.(start, at, digits);
    }
  }

  #at(plain: string, start: number, at: number, busy: { [kind in Kind]?: number }, found: (m: Match) => boolean, zeros: boolean): void {
    const first = plain.charCodeAt(at);
    const lists = [this.#pairs.get(key(first, plain.charCodeAt(at + 1))), this.#singles.get(first)];
    for (const list of lists) {
      if (!list) continue;
      for (const form of list) {
        if ((zeros && !form.zeros) || (busy[form.kind] ?? 0) > start) continue;
        const end = endOf(plain, at, form);
        if (end < 0 || continues(plain, end)) continue;
        if (found({ start, end, form })) busy[form.kind] = end;
      }
    }
  }
}

/** Order in which kinds claim their places. */
export function byKind<T extends { readonly type: string }>(spans: T[]): T[] {
  const rank = (type: string): number => kinds.indexOf(type as Kind);
  return spans.sort((a, b) => rank(a.type) - rank(b.type));
}
