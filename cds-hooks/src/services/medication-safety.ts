// Service medication-safety on order-select and order-sign: draft orders against each other and against active prescriptions.

import { randomUUID } from 'node:crypto';
import {
  type CheckedMedication,
  checkInteractions,
  type InteractionFinding,
  type InteractionSide,
  type Medication,
  type MedicationUse,
  medicationFacts,
  medicationTables,
  unverifiedNotice,
} from '@limen/ai-operations';
import type { Resource } from '@limen/fhir-model';
import { type Card, card, escapeMarkdown, notChecked, overrideReasons, type Suggestion, smartLink, topic } from '../cards.ts';
import type { CdsServiceOptions } from '../options.ts';
import type { Prefetched } from '../prefetch.ts';
import { type HookRequest, isObject } from '../request.ts';

interface Order {
  readonly key: string;
  readonly use: MedicationUse;
  readonly draft: boolean;
  /** Where the attention of the user is: selected drafts on order-select, all drafts on order-sign. */
  readonly focus: boolean;
}

const scopeNote =
  'Checked for the 15 ONC high-priority pairs of drug classes only; no card does not mean no interaction. Decision support, not a medical device.';

function isUse(value: unknown): value is MedicationUse {
  return isObject(value) && (value.resourceType === 'MedicationRequest' || value.resourceType === 'MedicationStatement');
}

function draftsOf({ context }: HookRequest): Resource[] {
  return (context.draftOrders?.entry ?? []).flatMap((entry) => (isObject(entry.resource) ? [entry.resource as Resource] : []));
}

/** An order that is draft and in the record is one order: the draft counts. */
function ordersOf(request: HookRequest, drafts: readonly Resource[], current: readonly Resource[]): Order[] {
  const selected = (use: MedicationUse): boolean =>
    request.hook !== 'order-select' || request.context.selections.includes(`${use.resourceType}/${use.id}`);
  const asDrafts = drafts.filter(isUse).map((use, i) => ({ key: `draft ${i}`, use, draft: true, focus: selected(use) }));
  const known = new Set(asDrafts.flatMap(({ use }) => (use.id ? [use.id] : [])));
  const others = current.filter(isUse).filter((use) => !use.id || !known.has(use.id));
  return [...asDrafts, ...others.map((use, i) => ({ key: `current ${i}`, use, draft: false, focus: false }))];
}

function factsOf(orders: readonly Order[], resources: readonly Resource[]): CheckedMedication[] {
  const medications = new Map(
    resources.flatMap((r): [string, Medication][] => (r.resourceType === 'Medication' ? [[`Medication/${r.id}`, r]] : [])),
  );
  return orders.flatMap(({ key, use }) => medicationFacts(use, key, (reference) => medications.get(reference)));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sideLine(side: InteractionSide, orders: ReadonlyMap<string, Order>): string {
  const where = [...new Set(side.medications.map((key) => (orders.get(key)?.draft ? 'draft order' : 'active prescription')))].sort();
  return `- **${side.ingredient.name}** (${where.join(' and ')}): one of the ${side.class.name}`;
}

function removals(finding: InteractionFinding, orders: ReadonlyMap<string, Order>): Suggestion[] {
  return [finding.object, finding.precipitant].flatMap(({ ingredient, medications }) =>
    medications.flatMap((key): Suggestion[] => {
      const order = orders.get(key);
      if (!order?.draft || typeof order.use.id !== 'string' || order.use.id === '') return [];
      const label = `Remove the draft order of ${ingredient.name}`;
      return [
        {
          label,
          uuid: randomUUID(),
          actions: [{ type: 'delete', description: label, resourceId: `${order.use.resourceType}/${order.use.id}` }],
        },
      ];
    }),
  );
}

function findingCard(finding: InteractionFinding, orders: ReadonlyMap<string, Order>, options: CdsServiceOptions): Card {
  const { pair, object, precipitant, verified } = finding;
  const tables = medicationTables();
  const suggestions = removals(finding, orders);
  const detail = [
    `${pair.effect} ${pair.management}`,
    `${sideLine(object, orders)}\n${sideLine(precipitant, orders)}`,
    `Rule ${pair.id}, table version ${tables.version}.${verified ? '' : ` ${unverifiedNotice}`}`,
    scopeNote,
  ].join('\n\n');
  return card({
    rule: pair.id,
    summary: `${capital(object.ingredient.name)} with ${precipitant.ingredient.name}: high-priority interaction, avoid the combination`,
    indicator: pair.severity === 'high' ? 'critical' : 'warning',
    detail,
    source: { label: 'ONC high-priority drug interactions', url: tables.reference, topic: topic.interaction },
    ...(suggestions.length > 0 ? { suggestions, selectionBehavior: 'at-most-one' as const } : {}),
    overrideReasons,
    links: smartLink(options),
  });
}

function nameOf(key: string, facts: readonly CheckedMedication[]): string {
  const fact = facts.find((f) => f.id === key);
  const coding = fact?.codings[0];
  const name = coding?.display ?? fact?.name ?? (coding ? `${coding.system}|${coding.code}` : undefined);
  return name ? escapeMarkdown(name) : 'an order without a coded medication';
}

/** Medications that were not, or not in full, recognised: each is named. */
function uncheckedCard(unrecognised: readonly string[], facts: readonly CheckedMedication[], orders: ReadonlyMap<string, Order>): Card[] {
  if (unrecognised.length === 0) return [];
  const lines = unrecognised.map((key) => `- ${nameOf(key, facts)} (${orders.get(key)?.draft ? 'draft order' : 'active prescription'})`);
  const anyDraft = unrecognised.some((key) => orders.get(key)?.draft);
  const count = unrecognised.length === 1 ? '1 medication' : `${unrecognised.length} medications`;
  const why = ['These were not recognised, or not in full, and could not be checked for interactions:', lines.join('\n'), scopeNote].join(
    '\n\n',
  );
  return [notChecked(`${count} for interactions`, why, anyDraft ? 'warning' : 'info')];
}

/** Cards for findings that a draft in focus takes part in, and one for what could not be checked. */
export function medicationSafety(request: HookRequest, { medications = [] }: Prefetched, options: CdsServiceOptions): Card[] {
  const drafts = draftsOf(request);
  const all = ordersOf(request, drafts, medications);
  if (!all.some((order) => order.focus)) return [];
  const orders = new Map(all.map((order) => [order.key, order]));
  const facts = factsOf(all, [...drafts, ...medications]);
  const { findings, unrecognised } = checkInteractions(facts, medicationTables());
  const relevant = findings.filter(({ object, precipitant }) =>
    [...object.medications, ...precipitant.medications].some((key) => orders.get(key)?.focus),
  );
  return [...relevant.map((finding) => findingCard(finding, orders, options)), ...uncheckedCard(unrecognised, facts, orders)];
}
