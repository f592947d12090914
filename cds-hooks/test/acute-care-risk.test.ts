// Cards of acute-care-risk on patient-view: CH-15, CH-16, CH-18.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { InferenceClient, NumericTensor } from '@limen/ai-operations';
import type { HookFhirClient } from '../src/index.ts';
import { bundle, cardsOf, downInference, fhirServer, type Json, post, publicBase } from './fixture.ts';

const subject = { reference: 'Patient/p1' };
const encounter = (date: string): Json => ({
  resourceType: 'Encounter',
  id: 'e1',
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
  subject,
  period: { start: date, end: date },
});
const patient = { resourceType: 'Patient', id: 'p1', birthDate: '1950-04-05', gender: 'female', name: [{ family: 'Canaryname' }] };

function patientView(prefetch: Json = {}): Json {
  return {
    hook: 'patient-view',
    hookInstance: '0b6a3c5e-6a6e-4c52-a8ee-000000000002',
    context: { userId: 'Practitioner/u1', patientId: 'p1' },
    prefetch: {
      patient,
      encounters: bundle(encounter('2026-01-15')),
      conditions: null,
      medications: null,
      observations: null,
      ...prefetch,
    },
  };
}

const run = async (body: Json, inference: InferenceClient = downInference) => cardsOf(await post('acute-care-risk', body, { inference }));

/** Keeps what it was sent; never answers. */
function silentInference(): { inference: InferenceClient; sent: (readonly NumericTensor[])[] } {
  const sent: (readonly NumericTensor[])[] = [];
  const inference: InferenceClient = {
    ...downInference,
    infer: (_, inputs) => {
      sent.push(inputs);
      return new Promise(() => undefined);
    },
  };
  return { inference, sent };
}

/** Answers as the shipped weights do: they are a logistic regression, and its coefficients lie beside them. */
function answeringInference(): InferenceClient {
  const entry = createRequire(import.meta.url).resolve('@limen/ai-operations');
  const model = JSON.parse(readFileSync(new URL('../models/acute-care-risk/1/explanation.json', `file://${entry}`), 'utf8')) as {
    weightsSha256: string;
    means: number[];
    standardDeviations: number[];
    coefficients: number[];
    intercept: number;
  };
  return {
    ...downInference,
    infer: async (_, [tensor]) => {
      const at = (list: number[], i: number): number => list[i] ?? 0;
      const terms = Array.from(
        tensor?.data ?? [],
        (x, i) => (at(model.coefficients, i) * (x - at(model.means, i))) / (at(model.standardDeviations, i) || 1),
      );
      const risk = 1 / (1 + Math.exp(-terms.reduce((sum, term) => sum + term, model.intercept)));
      return { modelVersion: '1', weightsSha256: model.weightsSha256, outputs: { risk: { shape: [1], data: [risk] } } };
    },
  };
}

test('CH-15: the card carries score, model, version, what contributed, and what the model is not for; same input, same card', async () => {
  const [card] = await run(patientView(), answeringInference());
  const [again] = await run(patientView(), answeringInference());
  assert.ok(card);
  assert.match(card.summary, /^Acute care risk within 12 months: \d+ %/);
  assert.equal(card.indicator, 'info');
  assert.match(card.detail, /within 12 months of 2026-03-01 \(now on the record's timeline\): 0\.\d{3}/);
  assert.match(card.detail, /- .+: (raises|lowers) the risk/);
  assert.match(card.detail, /Model acute-care-risk version 1, weights sha256 [0-9a-f]{16}/);
  assert.match(card.detail, /Trained on synthetic patients, not for clinical use/);
  assert.match(card.detail, /statistical shares, not causes/);
  assert.equal(again?.detail, card.detail);
  assert.ok(!JSON.stringify(card).includes('Canaryname'));
});

test('a record that ended over a year ago is judged at its last encounter', async () => {
  const [card] = await run(patientView({ encounters: bundle(encounter('2020-05-02')) }), answeringInference());
  assert.match(card?.detail ?? '', /within 12 months of 2020-05-02/);
});

const ours = (more: Json = {}): Json => ({
  ...patientView({ encounters: bundle(encounter('2020-05-02')) }),
  fhirServer: `${publicBase}/fhir`,
  fhirAuthorization: { access_token: 'of-p1', token_type: 'Bearer', expires_in: 300, scope: '', subject: 's' },
  ...more,
});
const ownBase = (asOf: NonNullable<HookFhirClient['asOf']>) => ({
  inference: answeringInference(),
  fhirClientFor: (): HookFhirClient => ({ ...fhirServer({}).client, asOf }),
});

test('a record of ours whose timeline the token does not tell: no risk by the wrong day, but a card', async () => {
  const refused = ownBase(async () => Promise.reject(new Error('403')));
  for (const [body, options] of [
    [ours(), refused],
    [ours({ fhirAuthorization: null }), refused],
    [ours({ fhirServer: `${publicBase}/fhir/`, fhirAuthorization: null }), refused],
  ] as const) {
    const [card, ...others] = cardsOf(await post('acute-care-risk', body, options));
    assert.match(card?.summary ?? '', /^Not checked/);
    assert.match(card?.detail ?? '', /dates of this record are shifted.*unknown, not low/);
    assert.equal(others.length, 0);
  }
});

test('a record of ours is judged at the day that our server tells, not at the day of the clock', async () => {
  const asked: string[] = [];
  const options = ownBase(async (id) => {
    asked.push(id);
    return { date: '2020-06-30', basis: 'now' };
  });
  const [card] = cardsOf(await post('acute-care-risk', ours(), options));
  assert.match(card?.detail ?? '', /within 12 months of 2020-06-30 \(now on the record's timeline\)/);
  assert.deepEqual(asked, ['p1']);
});

test('CH-16: the inference service is down: a card says that the risk is unknown', async () => {
  const [card] = await run(patientView());
  assert.equal(card?.indicator, 'warning');
  assert.match(card?.summary ?? '', /^Not checked: acute care risk/);
  assert.match(card?.detail ?? '', /unknown, not low/);
  assert.ok(!card?.detail.includes('10.0.0.1'));
});

test('CH-16, CH-18: an inference service that never answers gives the card all the same; it was sent numbers only', async () => {
  const { inference, sent } = silentInference();
  const [card] = await run(patientView(), inference);
  assert.match(card?.summary ?? '', /^Not checked/);
  assert.equal(sent.length, 1);
  for (const tensor of sent[0] ?? []) assert.ok(Array.from(tensor.data).every((value) => typeof value === 'number'));
  assert.ok(!JSON.stringify(sent).includes('Canaryname') && !JSON.stringify(sent).includes('p1'));
});

test('no patient record, or too little of it: a card says what is missing', async () => {
  assert.match((await run(patientView({ patient: null })))[0]?.detail ?? '', /no record of this patient/);
  assert.match((await run(patientView({ encounters: null })))[0]?.detail ?? '', /Missing: at least one earlier encounter/);
});

test('data that cannot be read give a card', async () => {
  const broken = { resourceType: 'Condition', id: 'c', subject, recordedDate: 7, code: { coding: 'x' } };
  assert.match((await run(patientView({ conditions: bundle(broken) })))[0]?.summary ?? '', /^Not checked/);
});
