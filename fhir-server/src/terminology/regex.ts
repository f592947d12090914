// https://hl7.org/fhir/R4/valueset-filter-operator.html#filter-operator-regex — patterns come from outside: only such as can't run away are taken.
import { notSupported } from './refusal.ts';

const maxLength = 200;
/** The product of the ways that each part of a pattern can match: what a backtracking engine tries at worst for one code. */
const maxWays = 2000;
/** An unbounded repetition ends anywhere in a code; two of them pass. */
const waysOfUnbounded = 30;

const atom = String.raw`(?:[^\\()[\]{}|*+?^$]|\\[dwsDWS.\\*+?()[\]{}|^$/]|\[\^?(?:[^\\[\]]|\\[dwsDWS.\\\-*+?()[\]{}|^$/])+\])`;
const quantifier = String.raw`(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})?`;
const sequence = `(?:${atom}${quantifier})*`;
/** Groups hold plain alternatives and are not repeated, except optionally: nothing nests. */
const group = String.raw`\((?:\?:)?${sequence}(?:\|${sequence})*\)\??`;
const whole = new RegExp(String.raw`^\^?(?:${atom}${quantifier}|${group}|\|)*\$?$`, 'u');

const refused = (): Error => notSupported('The regular expression is not of the simple form that is accepted here.');

/** The pattern, anchored at both ends, that JavaScript and PostgreSQL read alike. @throws OperationOutcomeError 422 */
export function safePattern(text: string): string {
  if (text.length > maxLength || !whole.test(text) || waysOf(text) > maxWays) throw refused();
  const pattern = `^(?:${text.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')})$`;
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw refused();
  }
  return pattern;
}

function waysOf(text: string): number {
  // Without escapes and classes what is left of the syntax means itself.
  const bare = text
    .replace(/\\./g, 'x')
    .replace(/\[[^\]]*\]/g, 'x')
    .replaceAll('(?:', '(');
  const alternatives = [...bare.matchAll(/\(([^()]*)\)/g), [bare.replace(/\([^()]*\)/g, ''), bare.replace(/\([^()]*\)/g, '')]];
  let ways = 1;
  for (const [, inner = ''] of alternatives) ways *= inner.split('|').length;
  for (const [, low, comma, high] of bare.matchAll(/\{(\d+)(,?)(\d*)\}/g)) {
    if (comma) ways *= high ? Math.max(1, Number(high) - Number(low) + 1) : waysOfUnbounded;
  }
  for (const [mark] of bare.replace(/\{[^}]*\}/g, '').matchAll(/[*+?]/g)) ways *= mark === '?' ? 2 : waysOfUnbounded;
  return ways;
}
