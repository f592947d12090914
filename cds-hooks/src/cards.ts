// https://cds-hooks.hl7.org/2.0/#card-attributes
import { type CardMark, markedUuid } from './card-mark.ts';
import type { CdsServiceOptions } from './options.ts';

interface Coding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

/** Only removal of a draft order is ever suggested. */
export interface Suggestion {
  readonly label: string;
  readonly uuid: string;
  readonly actions: readonly { readonly type: 'delete'; readonly description: string; readonly resourceId: string }[];
}

export interface Card {
  /** What made it: an interaction pair, a model, or that a check could not run. Never leaves: the uuid carries it, for us. */
  readonly rule: string;
  readonly summary: string;
  readonly indicator: 'info' | 'warning' | 'critical';
  /** GitHub flavoured Markdown; foreign text in it is escaped. */
  readonly detail: string;
  readonly source: { readonly label: string; readonly url?: string; readonly topic: Coding };
  readonly suggestions?: readonly Suggestion[];
  readonly selectionBehavior?: 'at-most-one';
  readonly overrideReasons?: readonly Coding[];
  readonly links?: readonly { readonly label: string; readonly url: string; readonly type: 'smart' }[];
}

export const notCheckedRule = 'not-checked';
const maxSummary = 139;
const topics = 'https://limen.example/CodeSystem/card-topic';
const reasons = 'https://limen.example/CodeSystem/override-reason';

export const topic = {
  interaction: { system: topics, code: 'drug-interaction', display: 'Drug interaction' },
  risk: { system: topics, code: 'acute-care-risk', display: 'Acute care risk' },
  notChecked: { system: topics, code: 'not-checked', display: 'Check that could not run' },
} as const;

export const overrideReasons: readonly Coding[] = [
  { system: reasons, code: 'benefit-outweighs-risk', display: 'Benefit outweighs the risk; the patient will be monitored' },
  { system: reasons, code: 'tolerated-before', display: 'The patient has tolerated the combination before' },
  { system: reasons, code: 'not-taken-together', display: 'The medications will not be taken together' },
  { system: reasons, code: 'record-wrong', display: 'The medication list is out of date' },
];

/** Foreign text as plain text inside Markdown: no HTML, no link, no emphasis. */
export function escapeMarkdown(text: string): string {
  return plain(text)
    .replace(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('://', ':&#47;&#47;');
}

/** One line, no control characters, at most 100 characters. */
function plain(text: string): string {
  return [...text.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, 100).join('');
}

/** Summaries have less than 140 characters, counted as code points. */
function shorten(summary: string): string {
  const points = [...summary];
  return points.length <= maxSummary ? summary : `${points.slice(0, maxSummary - 1).join('')}…`;
}

export function smartLink({ publicBase }: CdsServiceOptions): NonNullable<Card['links']> {
  return [{ label: 'Open the patient in Limen', url: `${publicBase}/app/launch`, type: 'smart' }];
}

export function card(content: Card): Card {
  return { ...content, summary: shorten(content.summary) };
}

/** The card as it is answered. */
export function answered({ rule, ...content }: Card, service: string, mark: CardMark): Omit<Card, 'rule'> & { readonly uuid: string } {
  return { uuid: markedUuid(service, rule, mark), ...content };
}

/** A check that could not run: silence must never look like safety. */
export function notChecked(what: string, why: string, indicator: 'info' | 'warning' = 'warning'): Card {
  return card({
    rule: notCheckedRule,
    summary: `Not checked: ${what}`,
    indicator,
    detail: why,
    source: { label: 'Limen', topic: topic.notChecked },
  });
}
