// Free text by rules: spans that identify, and the text without them (45 CFR 164.514(b)(2)).

import { type About, aboutNobody, hasKnown } from './about.ts';
import { believable } from './classified.ts';
import { findDates, type Shift } from './dates.ts';
import { fingerprint } from './fingerprint.ts';
import { identifierPatterns, unmistakablePatterns } from './identifiers.ts';
import { Mask } from './mask.ts';
import { eponymPlaces, findNames } from './names.ts';
import type { TextSpan } from './span.ts';

const placeholder =
  /\[(?:NAME|DATE|ORGANIZATION|PHONE|CITY|MRN|STREET|ZIP|LICENSE|OTHER_ID|EMAIL|ACCOUNT|HEALTH_PLAN|DEVICE|SSN|VEHICLE|URL|IP|TEXT)\]/g;
const maximumRounds = 4;

function claim(spans: TextSpan[], claimed: Mask, span: TextSpan): void {
  if (claimed.covers(span.start, span.end)) return;
  claimed.add(span.start, span.end);
  spans.push(span);
}

/** Joins spans that overlap; the first keeps its type. */
function merged(spans: TextSpan[]): TextSpan[] {
  const sorted = spans.sort((a, b) => a.start - b.start || b.end - a.end);
  const out: TextSpan[] = [];
  for (const span of sorted) {
    const last = out.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else out.push({ ...span });
  }
  return out;
}

/** The own names go wherever they stand; of others and of places only what is no eponym. */
function knownSpans(text: string, { person, own, mentioned }: About, kept: Mask): TextSpan[] {
  const spans = [...(person?.spans(text) ?? []), ...(own?.spans(text) ?? [])].filter(
    (s) => s.type === 'NAME' || !kept.touches(s.start, s.end),
  );
  return [...spans, ...(mentioned?.spans(text) ?? []).filter((s) => !kept.touches(s.start, s.end))];
}

/** What identifies, in order, without overlaps. @param classified what a classifier found in this text (classified.ts) */
export function scrubSpans(text: string, about: About = aboutNobody, classified: readonly TextSpan[] = []): TextSpan[] {
  const spans: TextSpan[] = [];
  const claimed = new Mask(text.length);
  for (const { start, end } of findDates(text)) claim(spans, claimed, { start, end, type: 'DATE' });
  for (const { type, regex } of identifierPatterns) {
    regex.lastIndex = 0;
    for (let match = regex.exec(text); match; match = regex.exec(text)) {
      const place = match.indices?.[1] ?? match.indices?.[0];
      if (place) claim(spans, claimed, { start: place[0], end: place[1], type });
    }
  }
  const kept = eponymPlaces(text);
  const believed = believable(text, classified);
  for (const span of findNames(text, kept, believed.named)) claim(spans, claimed, span);
  for (const span of believed.others) claim(spans, claimed, span);
  for (const span of knownSpans(text, about, kept)) claim(spans, claimed, span);
  const holders = [...text.matchAll(placeholder)].map((m) => ({ start: m.index, end: m.index + m[0].length }));
  if (holders.length === 0) return merged(spans);
  const held = new Mask(text.length, holders);
  return merged(spans.filter((s) => !held.touches(s.start, s.end)));
}

/** Moved dates by their place; a date that is part of something else goes with it. */
function movedDates(text: string, shift: Shift | undefined): ReadonlyMap<string, string> {
  const moved = new Map<string, string>();
  if (!shift) return moved;
  for (const date of findDates(text)) {
    const written = date.moved(shift);
    if (written !== undefined) moved.set(`${date.start}-${date.end}`, written);
  }
  return moved;
}

function once(text: string, spans: readonly TextSpan[], shift: Shift | undefined): string {
  const moved = movedDates(text, spans.some((s) => s.type === 'DATE') ? shift : undefined);
  let out = '';
  let at = 0;
  for (const span of spans) {
    const date = span.type === 'DATE' ? moved.get(`${span.start}-${span.end}`) : undefined;
    out += text.slice(at, span.start) + (date ?? (span.type === 'AGE_OVER_89' ? '90+' : `[${span.type}]`));
    at = span.end;
  }
  return out + text.slice(at);
}

/**
 * The text without what identifies. Dates are moved in place when `shift` is given. The result has nothing left to scrub but dates,
 * so scrubbing it again as stored text changes nothing.
 */
export function scrubText(text: string, about: About, shift?: Shift, classified: readonly TextSpan[] = []): string {
  let out = text;
  let spans = scrubSpans(out, about, classified);
  let moving = shift;
  for (let round = 0; round < maximumRounds && spans.length > 0; round += 1) {
    out = once(out, spans, moving);
    moving = (date) => date;
    spans = scrubSpans(out, about).filter((s) => s.type !== 'DATE');
  }
  return spans.length > 0 ? '[TEXT]' : out;
}

const clean = new Set<number>();
const maximumRemembered = 50_000;

/** Nothing to scrub, dates included; short texts that come again and again cost a hash. */
export function isCleanLabel(text: string, about: About): boolean {
  if (hasKnown(about, text)) return false;
  if (text.length > 200) return scrubSpans(text).length === 0;
  const print = fingerprint(text);
  if (clean.has(print)) return true;
  if (scrubSpans(text).length > 0) return false;
  if (clean.size >= maximumRemembered) clean.clear();
  clean.add(print);
  return true;
}

/** No name of the person and no unmistakable identifier: for displays of published codes, whose words look like places and organizations. */
export function isSafeDisplay(text: string, about: About): boolean {
  if (about.person?.hasName(text) || about.own?.hasName(text)) return false;
  return !unmistakablePatterns.some(({ regex }) => {
    regex.lastIndex = 0;
    return regex.test(text);
  });
}
