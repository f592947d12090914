// CDS Hooks against the running product: a record of ours is judged on its own timeline, and feedback is counted without what people wrote.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type Product, startProduct } from './product.ts';
import { type Answer, ask, type Json, list, type Rest, rest } from './rest-client.ts';

let product: Product;
let fhir: Rest;
let id: string;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  id = String((await fhir('Patient', { body: { resourceType: 'Patient', gender: 'female', birthDate: '1960-02-03' } })).json['id']);
  const day = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
  const encounter = await fhir('Encounter', {
    body: {
      resourceType: 'Encounter',
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
      subject: { reference: `Patient/${id}` },
      period: { start: day, end: day },
    },
  });
  assert.equal(encounter.status, 201, encounter.text);
});
after(async () => {
  await product?.stop();
});

const call = (service: string, body: object): Promise<Answer> =>
  ask(`${product.origin}/cds-services/${service}`, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

async function cardOf(service: string, body: object): Promise<Json> {
  const answer = await call(service, body);
  assert.equal(answer.status, 200, answer.text);
  const [card] = list(answer.json['cards']);
  assert.ok(card, answer.text);
  return card;
}

function patientView(more: object): object {
  return {
    hook: 'patient-view',
    hookInstance: '0b6a3c5e-6a6e-4c52-a8ee-000000000002',
    fhirServer: product.fhirBase,
    context: { userId: 'Practitioner/u', patientId: id },
    ...more,
  };
}

const authorized = (token: string): object => ({
  fhirAuthorization: { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'system/*.rs', subject: 's' },
});

test('without a token that may read the record nothing of its timeline is told', async () => {
  const prefetch = {
    patient: (await fhir(`Patient/${id}`)).json,
    encounters: (await fhir(`Encounter?patient=${id}`)).json,
    conditions: null,
    medications: null,
    observations: null,
  };
  for (const more of [{ prefetch }, { prefetch, ...authorized('not-a-token') }])
    assert.match(String((await cardOf('acute-care-risk', patientView(more)))['summary']), /^Not checked/);
  assert.equal((await call('acute-care-risk', patientView(authorized('not-a-token')))).status, 412);
});

test('the card and the operation count the same day as now: the one of the stored timeline', async () => {
  const result = await fhir(`Patient/${id}/$acute-care-risk`, { body: { resourceType: 'Parameters' } });
  assert.equal(result.status, 200, result.text);
  const card = await cardOf('acute-care-risk', patientView(authorized(await product.backendToken())));
  assert.ok(
    String(card['detail']).includes(`within 12 months of ${result.json['occurrenceDateTime']} (now on the record's timeline)`),
    String(card['detail']),
  );
});

const draft = (code: string): object => ({
  resource: {
    resourceType: 'MedicationRequest',
    id: `d${code}`,
    status: 'draft',
    intent: 'order',
    subject: { reference: `Patient/${id}` },
    medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code }] },
  },
});

test('feedback counts once however often it is sent, and no comment and no uuid is kept', async () => {
  const card = await cardOf('medication-safety', {
    hook: 'order-sign',
    hookInstance: '0b6a3c5e-6a6e-4c52-a8ee-000000000001',
    context: { userId: 'Practitioner/u', patientId: id, draftOrders: { resourceType: 'Bundle', entry: [draft('36567'), draft('21212')] } },
    prefetch: { medications: null },
  });
  const outcomeTimestamp = '2026-03-01T10:05:31Z';
  const overrideReason = { reason: { code: 'tolerated-before' }, userComment: 'Canaryname agreed' };
  const feedback = [{ card: card['uuid'], outcome: 'overridden', overrideReason, outcomeTimestamp }];
  assert.equal((await call('medication-safety/feedback', { feedback: [{ ...feedback[0], outcome: 'ignored' }] })).status, 400);
  for (let i = 0; i < 2; i++) assert.equal((await call('medication-safety/feedback', { feedback })).status, 200);
  const metrics = await (await fetch(`http://127.0.0.1:${product.metricsPort}/metrics`)).text();
  assert.match(metrics, /^limen_cds_feedback\{service="medication-safety",rule="statin-cyp3a4-inhibitor",outcome="overridden"\} 1$/m);
  const client = new pg.Client({ host: path.join(product.dataDir, 'socket'), user: 'limen', database: 'limen' });
  await client.connect();
  const { rows } = await client.query<{ text: string }>('select f::text as text from operational.feedback f');
  await client.end();
  assert.equal(rows.length, 1);
  assert.ok(!rows[0]?.text.includes('Canaryname') && !rows[0]?.text.includes(String(card['uuid'])) && !rows[0]?.text.includes('10:05'));
  assert.match(rows[0]?.text ?? '', /tolerated-before,t,2026-03-01/);
});
