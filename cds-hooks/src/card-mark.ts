// A card's uuid tells us, and nobody else, which rule made it: feedback is counted by rule without keeping the cards that were given.
import { randomUUID } from 'node:crypto';

/** Keyed hash: what others cannot make. */
export type CardMark = (text: string) => Buffer;

const tailLength = 12;

function tail(head: string, service: string, rule: string, mark: CardMark): string {
  return mark(`card|${head}|${service}|${rule}`).toString('hex').slice(0, tailLength);
}

/** A version 4 uuid; its last 48 bits are the mark of the rest, the service and the rule. */
export function markedUuid(service: string, rule: string, mark: CardMark): string {
  const head = randomUUID().slice(0, -tailLength);
  return head + tail(head, service, rule, mark);
}

/** @returns undefined for a uuid that is not of a card of this service */
export function ruleOf(uuid: string, service: string, rules: readonly string[], mark: CardMark): string | undefined {
  const head = uuid.slice(0, -tailLength);
  return rules.find((rule) => head + tail(head, service, rule, mark) === uuid);
}
