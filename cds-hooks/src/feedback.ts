// https://cds-hooks.hl7.org/2.0/#feedback — what became of cards: checked, and kept without anything that a person wrote.
import { medicationTables } from '@limen/ai-operations';
import { ruleOf } from './card-mark.ts';
import { notCheckedRule, overrideReasons } from './cards.ts';
import type { ServiceDefinition } from './discovery.ts';
import type { CdsServiceOptions, Feedback } from './options.ts';
import { bodyOf, invalid, isObject, isText, type Json, optional, required } from './request.ts';

/** Of one request, and of the suggestions of one card. */
const maxItems = 100;
/** https://datatracker.ietf.org/doc/html/rfc3339#section-5.6 */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

const isOutcome = (value: unknown): value is Feedback['outcome'] => value === 'accepted' || value === 'overridden';
const isString = (value: unknown): value is string => typeof value === 'string';
const isTimestamp = (value: unknown): value is string =>
  typeof value === 'string' && timestamp.test(value) && !Number.isNaN(Date.parse(value));
const isObjects = (value: unknown): value is Json[] => Array.isArray(value) && value.length <= maxItems && value.every(isObject);

/** The rules by which a service makes cards. */
function rulesOf(id: ServiceDefinition['id']): readonly string[] {
  return id === 'medication-safety' ? [...medicationTables().pairs.map((pair) => pair.id), notCheckedRule] : [id, notCheckedRule];
}

function suggestionsOf(item: Json, outcome: Feedback['outcome'], at: string): number {
  const place = `${at}.acceptedSuggestions`;
  const suggestions = optional(item, 'acceptedSuggestions', place, isObjects) ?? [];
  for (const [i, suggestion] of suggestions.entries()) required(suggestion, 'id', `${place}[${i}].id`, isText);
  if (outcome === 'accepted' && suggestions.length === 0)
    throw invalid(place, 'An accepted card names the suggestions that were accepted.', 'required');
  if (outcome === 'overridden' && suggestions.length > 0) throw invalid(place, 'An overridden card has no accepted suggestions.');
  return suggestions.length;
}

/** One of the reasons that our cards offer, or that it was another one; a comment counts as said, and is not kept. */
function reasonOf(item: Json, outcome: Feedback['outcome'], at: string): Pick<Feedback, 'reason' | 'commented'> {
  const place = `${at}.overrideReason`;
  const given = optional(item, 'overrideReason', place, isObject);
  if (!given) return { reason: undefined, commented: false };
  if (outcome === 'accepted') throw invalid(place, 'An accepted card has no reason to override it.');
  const comment = optional(given, 'userComment', `${place}.userComment`, isString);
  const reason = optional(given, 'reason', `${place}.reason`, isObject);
  if (!reason) return { reason: undefined, commented: Boolean(comment) };
  const code = required(reason, 'code', `${place}.reason.code`, isText);
  const system = optional(reason, 'system', `${place}.reason.system`, isText);
  const known = overrideReasons.some((r) => r.code === code && (system === undefined || system === r.system));
  return { reason: known ? code : 'other', commented: Boolean(comment) };
}

/**
 * @param body of POST /cds-services/{id}/feedback
 * @throws OperationOutcomeError 400: one wrong item, and nothing of the request counts
 */
export function parseFeedback(body: unknown, service: ServiceDefinition['id'], client: string, options: CdsServiceOptions): Feedback[] {
  const items = required(bodyOf(body), 'feedback', 'feedback', isObjects);
  if (items.length === 0) throw invalid('feedback', 'This field is required.', 'required');
  const rules = rulesOf(service);
  return items.map((item, i): Feedback => {
    const at = `feedback[${i}]`;
    const card = required(item, 'card', `${at}.card`, isText);
    const outcome = required(item, 'outcome', `${at}.outcome`, isOutcome);
    const when = required(item, 'outcomeTimestamp', `${at}.outcomeTimestamp`, isTimestamp);
    return {
      service,
      rule: ruleOf(card, service, rules, options.cardMark) ?? 'unknown',
      client,
      card,
      outcome,
      acceptedSuggestions: suggestionsOf(item, outcome, at),
      ...reasonOf(item, outcome, at),
      day: new Date(when).toISOString().slice(0, 10),
    };
  });
}
