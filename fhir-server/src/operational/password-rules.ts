// Which passwords are taken: https://pages.nist.gov/800-63-4/sp800-63b.html#password — length and a blocklist, no composition rules.
import { commonWords } from './password-words.ts';

/** Code points; a password alone must be longer than one beside a second factor. */
const minimumBeside = 12;
const minimumAlone = 15;
const maximum = 256;

const rows = [
  '1234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertzuiop',
  'azertyuiop',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm',
];
const sequences = rows.flatMap((row) => [row + row, [...(row + row)].reverse().join('')]);
const lookAlikes: { readonly [character: string]: string } = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

const plain = (text: string): string => text.normalize('NFKC').toLowerCase();
const lettersOf = (text: string): string => [...text].map((c) => lookAlikes[c] ?? c).join('');

/** How much of the text is left when known words and runs are taken out. */
function rest(text: string, words: readonly string[]): number {
  let left = text;
  for (const word of words) left = left.replaceAll(word, ' ');
  left = left.replace(/(.)\1{2,}/gu, ' ');
  for (let at = 0; at + 4 <= left.length; at += 1) {
    let length = 4;
    if (!sequences.some((row) => row.includes(left.slice(at, at + length)))) continue;
    while (at + length < left.length && sequences.some((row) => row.includes(left.slice(at, at + length + 1)))) length += 1;
    left = `${left.slice(0, at)} ${left.slice(at + length)}`;
  }
  return left.replace(/[\s\d\p{P}\p{S}]/gu, '').length;
}

/** One short piece said again and again. */
const isRepetition = (text: string): boolean => /^(.{1,6}?)\1{2,}.{0,5}$/u.test(text);

function isCommon(password: string, expected: readonly string[]): boolean {
  const text = plain(password);
  const words = [...expected.map(plain).filter((word) => word.length >= 4), ...commonWords].sort((a, b) => b.length - a.length);
  return isRepetition(text) || [text, lettersOf(text)].some((each) => rest(each, words) < 4);
}

export type PasswordProblem = 'too-short' | 'too-long' | 'common';

/**
 * What is wrong with a new password, if anything.
 * @param context whether a second factor stands beside it, and words that others would try first: the name of the user
 */
export function passwordProblem(
  password: string,
  { hasSecondFactor, expected }: { readonly hasSecondFactor: boolean; readonly expected: readonly string[] },
): PasswordProblem | undefined {
  const length = [...password.normalize('NFKC')].length;
  if (length < (hasSecondFactor ? minimumBeside : minimumAlone)) return 'too-short';
  if (length > maximum) return 'too-long';
  return isCommon(password, expected) ? 'common' : undefined;
}

/** The sentence that a page shows for it. */
export const passwordSentences: { readonly [problem in PasswordProblem]: string } = {
  'too-short': `A password has at least ${minimumAlone} characters, beside a passkey or an authenticator app at least ${minimumBeside}. A few words make a good one.`,
  'too-long': `A password has at most ${maximum} characters.`,
  common:
    'This password is one of those that are tried first: common words, rows of keys, repetitions, names of this place. Choose other words.',
};
