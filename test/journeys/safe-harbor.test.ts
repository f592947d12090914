// 45 CFR 164.514(b)(2) on the running product: years only, and a clear word where a year is not enough.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { allPages, assertRefused, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const examples = path.resolve(import.meta.dirname, '../../examples');
const example = (name: string): string => readFileSync(path.join(examples, name), 'utf8');

let product: Product;
let fhir: Rest;
let patient: string;
before(async () => {
  product = await startProduct({ policy: 'safe-harbor' });
  fhir = rest(product);
  for (const name of ['hospital.json', 'patient.json']) {
    const answer = await fhir('', { body: example(name) });
    assert.equal(answer.status, 200, answer.text);
    const locations = entriesOf(answer).map((entry) => String(entry['response']?.['location']));
    patient = /Patient\/[^/]+/.exec(locations.find((each) => each.includes('/Patient/')) ?? '')?.[0] ?? '';
  }
});
after(() => product?.stop());

const types = ['Patient', 'Encounter', 'Condition', 'MedicationRequest', 'AllergyIntolerance', 'Observation'];
const stored = async (): Promise<Json[]> => (await Promise.all(types.map((type) => allPages(fhir, `${type}?_count=1000`)))).flat();

const dateMember = /(?:date|dateTime|Date|DateTime|birthDate|authoredOn|issued|start|end|instant|recorded)$/;

/** Texts of the members that hold dates; `meta` holds the server's own times. */
function datesIn(value: unknown, found: string[] = []): string[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, each] of Object.entries(value)) {
    if (typeof each === 'string' && dateMember.test(name)) found.push(each);
    else if (name !== 'meta') datesIn(each, found);
  }
  return found;
}

describe('refused, and nothing is stored', () => {
  test('a Slot, which is a time', async () => {
    const schedule = await fhir('Schedule', { body: { resourceType: 'Schedule', actor: [{ reference: patient }] } });
    assert.equal(schedule.status, 201, schedule.text);
    const slot = {
      resourceType: 'Slot',
      schedule: { reference: `Schedule/${schedule.json['id']}` },
      status: 'free',
      start: '2024-05-06T10:00:00Z',
      end: '2024-05-06T10:15:00Z',
    };
    const outcome = assertRefused(await fhir('Slot', { body: slot }), 422, 'business-rule');
    assert.deepEqual(outcome.issue[0]?.expression, ['Slot.start']);
    assert.match(outcome.issue[0]?.diagnostics ?? '', /only .*years?.*full time/);
    assert.equal((await fhir('Slot?_summary=count')).json['total'], 0);
  });
});

test("another policy's tag is no way past the door", async () => {
  const read = await fhir(patient);
  const meta = { ...read.json['meta'], tag: [{ system: 'https://limen.example/policy', code: 'date-shift' }] };
  const body = { ...read.json, meta, name: [{ family: 'Zyxwolde' }], birthDate: '1951-04-17' };
  const updated = await fhir(patient, { method: 'PUT', body });
  assert.equal(updated.status, 200, updated.text);
  const now = await fhir(patient);
  assert.equal(now.json['birthDate'], '1951');
  assert.doesNotMatch(updated.text + now.text, /Zyxwolde|1951-04/);
});

test('all of the bundle is there, with years only', async () => {
  const entries = await stored();
  assert.equal(entries.length, list((JSON.parse(example('patient.json')) as Json)['entry']).length);
  const dates = entries.flatMap((entry) => datesIn(entry['resource']));
  assert.ok(dates.length > 60, String(dates.length));
  assert.deepEqual(
    dates.filter((date) => !/^\d{4}$/.test(date)),
    [],
  );
});

test('each resource says that it is anonymised, and by which policy', async () => {
  for (const entry of await stored()) {
    const meta = entry['resource']?.['meta'];
    assert.deepEqual(
      list(meta?.['security']).map((label) => label['code']),
      ['ANONYED'],
    );
    assert.deepEqual(
      list(meta?.['tag']).map((tag) => tag['code']),
      ['safe-harbor'],
    );
  }
});

test('who the patient is can be read nowhere', async () => {
  const text = JSON.stringify(await stored());
  assert.doesNotMatch(text, /Wilhelmina|Abernatty|Brandewyne|Quillfeather/i);
  const source = JSON.parse(example('patient.json')) as Json;
  const person = list(source['entry']).find((entry) => String(entry['resource']?.['resourceType']) === 'Patient')?.['resource'];
  const secrets = [...list(person?.['identifier']), ...list(person?.['telecom'])].map((each) => String(each['value']));
  assert.ok(secrets.length > 1);
  for (const secret of secrets) assert.ok(!text.includes(secret));
});

test('a search by the year finds, and one by another year does not', async () => {
  const [observation] = await allPages(fhir, 'Observation?_count=1');
  const year = String(observation?.['resource']?.['effectiveDateTime']);
  assert.match(year, /^\d{4}$/);
  assert.ok(Number((await fhir(`Observation?date=${year}&_summary=count`)).json['total']) > 0);
  assert.equal((await fhir('Observation?date=1900&_summary=count')).json['total'], 0);
});

test('a risk is not computed from years', async () => {
  const answer = await fhir(`${patient}/$acute-care-risk`, { body: { resourceType: 'Parameters' } });
  assert.equal(answer.status, 200, answer.text);
  const [prediction] = list(answer.json['prediction']);
  assert.match(String(prediction?.['rationale']), /^Insufficient data/);
  assert.equal(prediction?.['probabilityDecimal'], undefined);
  assert.equal((await fhir(`RiskAssessment?_summary=count`)).json['total'], 0);
});
