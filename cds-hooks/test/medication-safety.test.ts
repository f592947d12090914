// Cards of medication-safety: CH-02, CH-09 to CH-12, CH-15, CH-16.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle, cardsOf, clarithromycin, type Json, order, orderSign, post, simvastatin } from './fixture.ts';

const active = (resource: Json): Json => ({ ...resource, status: 'active' });
const current = (...resources: Json[]): Json => ({ prefetch: { medications: bundle(...resources) } });
const run = async (body: Json) => cardsOf(await post('medication-safety', body));

const silent: readonly (readonly [string, Json])[] = [
  ['no draft orders', orderSign([])],
  ['a draft that is no medication', orderSign([{ resourceType: 'NutritionOrder', id: 'n', status: 'draft' }])],
  ['a draft that interacts with nothing', orderSign([order('m', '6809', 'metformin')], current(active(simvastatin)))],
  ['an ended prescription', orderSign([simvastatin], current({ ...clarithromycin, status: 'stopped' }))],
  [
    'two active prescriptions: nothing that the user does now',
    orderSign([order('m', '6809', 'metformin')], current(active(simvastatin), active(clarithromycin))),
  ],
];
for (const [why, body] of silent) test(`CH-02: no card, an empty list: ${why}`, async () => assert.deepEqual(await run(body), []));

test('order-sign with prefetch nulls: simvastatin and clarithromycin give one critical card', async () => {
  const [card, ...others] = await run(orderSign([simvastatin, clarithromycin]));
  assert.ok(card);
  assert.equal(others.length, 0);
  assert.equal(card.indicator, 'critical');
  assert.match(card.summary, /Simvastatin with clarithromycin/);
  assert.match(card.source.url ?? '', /PMC3422823/);
  assert.match(card.detail, /rhabdomyolysis/);
  assert.match(card.detail, /not every row behind this finding has been checked/i);
  assert.match(card.detail, /15 ONC high-priority pairs.*only/);
  assert.deepEqual(
    card.suggestions?.map((s) => s.actions[0]?.resourceId),
    ['MedicationRequest/simva', 'MedicationRequest/clari'],
  );
  assert.equal(card.selectionBehavior, 'at-most-one');
  assert.ok(card.overrideReasons?.length);
});

test('a draft against an active prescription: only the draft can be removed', async () => {
  const [card] = await run(orderSign([clarithromycin], current(active(simvastatin))));
  assert.deepEqual(
    card?.suggestions?.map((s) => s.actions[0]?.resourceId),
    ['MedicationRequest/clari'],
  );
  assert.match(card?.detail ?? '', /simvastatin\*\* \(active prescription\)/);
});

test('a draft without an id gives a card without suggestion', async () => {
  const [card] = await run(orderSign([order('', '21212', 'clarithromycin')], current(active(simvastatin))));
  assert.equal(card?.suggestions, undefined);
});

test('order-select speaks of the selected draft only', async () => {
  const select = (selection: string): Json => {
    const body = orderSign([simvastatin, clarithromycin, order('m', '6809', 'metformin')]);
    return { ...body, hook: 'order-select', context: { ...(body.context as Json), selections: [selection] } };
  };
  assert.equal((await run(select('MedicationRequest/clari'))).length, 1);
  assert.deepEqual(await run(select('MedicationRequest/m')), []);
  assert.deepEqual(await run(select('ServiceRequest/x')), []);
});

test('a medication by reference is read from what came along', async () => {
  const medication = {
    resourceType: 'Medication',
    id: 'med',
    code: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '21212' }] },
  };
  const { medicationCodeableConcept: _, ...plain } = active(clarithromycin);
  const byReference = { ...plain, medicationReference: { reference: 'Medication/med' } };
  assert.equal((await run(orderSign([simvastatin], current(byReference, medication)))).length, 1);
});

test('CH-16: a drug that is not known, or has no code, is named on a card; foreign text stays text', async () => {
  const unknown = order('u', '99999999', '<img src=x onerror=alert(1)> [new](https://evil.example) drug');
  const uncoded = order('t', '', '', { medicationCodeableConcept: { text: 'Mystery syrup' } });
  const [card, ...others] = await run(orderSign([unknown, uncoded, order('n', '', '', { medicationCodeableConcept: {} })]));
  assert.ok(card);
  assert.equal(others.length, 0);
  assert.equal(card.indicator, 'warning');
  assert.match(card.summary, /^Not checked: 3 medications/);
  assert.match(card.detail, /Mystery syrup/);
  assert.match(card.detail, /an order without a coded medication/);
  assert.ok(!card.detail.includes('](http') && !card.detail.includes('https://evil'));
});

test('data that cannot be read give a card, not a crash', async () => {
  const broken = { ...simvastatin, medicationCodeableConcept: undefined, medicationReference: { reference: '#x' }, contained: 7 };
  const [card] = await run(orderSign([broken]));
  assert.match(card?.summary ?? '', /^Not checked: medication safety/);
});

test('CH-15: same input, same cards apart from the uuids', async () => {
  const strip = (value: unknown): string => JSON.stringify(value).replace(/"uuid":"[^"]+"/g, '');
  const body = orderSign([simvastatin, clarithromycin, order('u', '99999999', 'new drug')]);
  assert.equal(strip(await run(body)), strip(await run(structuredClone(body))));
});
