// A service with everything replaceable, the requests of a made-up client, and what every answer must satisfy.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { InferenceClient } from '@limen/ai-operations';
import type { FhirClient, Resource } from '@limen/fhir-model';
import { type CdsServiceOptions, createCdsService, type HttpResponse } from '../src/index.ts';

export const publicBase = 'https://limen.example';
export const now = new Date('2026-03-01T10:00:00Z');
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';

export const downInference: InferenceClient = {
  ready: async () => false,
  infer: async () => Promise.reject(new Error('refused: 10.0.0.1')),
  metadata: async () => Promise.reject(new Error('refused')),
};

export function service(options: Partial<CdsServiceOptions> = {}) {
  return createCdsService({
    inference: downInference,
    fhirClientFor: () => undefined,
    replay: { seen: async () => false },
    feedback: { record: async () => undefined },
    cardMark: (text) => createHmac('sha256', 'key of the test').update(text).digest(),
    clients: [],
    requireAuthorization: false,
    publicBase,
    now: () => now,
    ...options,
  });
}

export type Json = { [name: string]: unknown };

export function order(id: string, code: string, display: string, more: Json = {}): Json {
  return {
    resourceType: 'MedicationRequest',
    id,
    status: 'draft',
    intent: 'order',
    subject: { reference: 'Patient/p1' },
    medicationCodeableConcept: { coding: [{ system: rxnorm, code, display }] },
    ...more,
  };
}

export const simvastatin = order('simva', '36567', 'simvastatin');
export const clarithromycin = order('clari', '21212', 'clarithromycin');

export function bundle(...resources: Json[]): Json {
  return { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
}

export function orderSign(drafts: Json[], more: Json = {}): Json {
  return {
    hook: 'order-sign',
    hookInstance: '0b6a3c5e-6a6e-4c52-a8ee-000000000001',
    context: { userId: 'Practitioner/u1', patientId: 'p1', draftOrders: bundle(...drafts) },
    prefetch: { patient: null, medications: null },
    ...more,
  };
}

export async function post(
  id: string,
  body: unknown,
  options: Partial<CdsServiceOptions> = {},
  headers: { [name: string]: string } = {},
): Promise<HttpResponse> {
  const path = `/cds-services/${id}`;
  return service(options).handle({ method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body });
}

export interface AnyCard {
  uuid: string;
  summary: string;
  indicator: string;
  detail: string;
  source: { label: string; url?: string; topic: Json };
  suggestions?: { label: string; uuid: string; actions: { type: string; description: string; resourceId?: string; resource?: Json }[] }[];
  selectionBehavior?: string;
  overrideReasons?: Json[];
  links?: { label: string; url: string; type: string; appContext?: string }[];
}

/** The cards of a 200, each of which satisfies the card rules. */
export function cardsOf(response: HttpResponse): AnyCard[] {
  assert.equal(response.status, 200);
  const { cards } = response.body as { cards: AnyCard[] };
  assert.ok(Array.isArray(cards));
  if (cards.length > 0) assertNothingEmpty(cards);
  for (const card of cards) assertCard(card);
  const uuids = cards.flatMap((c) => [c.uuid, ...(c.suggestions ?? []).map((s) => s.uuid)]);
  assert.equal(new Set(uuids).size, uuids.length);
  return cards;
}

export function issueOf(response: HttpResponse): { code: string; expression?: string[] } {
  const outcome = response.body as { resourceType: string; issue: { code: string; expression?: string[] }[] };
  assert.equal(outcome.resourceType, 'OperationOutcome');
  const [issue] = outcome.issue;
  assert.ok(issue);
  return issue;
}

/** No null, "", [] or {} at any depth. */
export function assertNothingEmpty(value: unknown): void {
  assert.ok(value !== null && value !== undefined && value !== '', 'null, undefined or empty text');
  if (typeof value !== 'object') return;
  assert.ok(Object.keys(value).length > 0, 'empty list or object');
  for (const member of Object.values(value)) assertNothingEmpty(member);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The rules of the specification and of the 3.0 ballot's invariants that fit our cards. */
function assertCard(card: AnyCard): void {
  assert.match(card.uuid, uuid);
  assert.ok([...card.summary].length < 140 && !card.summary.includes('\n'));
  assert.ok(['info', 'warning', 'critical'].includes(card.indicator));
  assert.equal(typeof card.source.label, 'string');
  for (const member of ['system', 'code', 'display']) assert.equal(typeof card.source.topic[member], 'string');
  if (card.source.url) assert.match(card.source.url, /^https:/);
  assert.ok(!/<[a-z/!]/i.test(card.detail), 'raw HTML');
  assert.equal(card.suggestions === undefined, card.selectionBehavior === undefined);
  if (card.selectionBehavior) assert.ok(['any', 'at-most-one'].includes(card.selectionBehavior));
  for (const suggestion of card.suggestions ?? []) {
    assert.match(suggestion.uuid, uuid);
    for (const action of suggestion.actions) {
      assert.ok(action.description);
      if (action.type === 'delete') assert.ok(action.resourceId && action.resource === undefined);
      else assert.ok(action.resource);
    }
  }
  for (const reason of card.overrideReasons ?? []) assert.ok(reason.code && reason.system && reason.display);
  for (const link of card.links ?? []) {
    assert.ok(['absolute', 'smart'].includes(link.type));
    if (link.type === 'smart') assert.equal(link.url, `${publicBase}/app/launch`);
    else assert.ok(link.url.startsWith('https:') && link.appContext === undefined);
  }
}

/** A FHIR server that answers from a table and keeps what it was asked. */
export function fhirServer(answers: { [path: string]: Resource | number }): { client: FhirClient; asked: string[] } {
  const asked: string[] = [];
  const client: FhirClient = {
    async request({ method, path }) {
      asked.push(`${method} ${path}`);
      const found = answers[path] ?? 404;
      return typeof found === 'number' ? { status: found, headers: {}, body: undefined } : { status: 200, headers: {}, body: found };
    },
  };
  return { client, asked };
}
