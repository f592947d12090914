// What ADT messages leave of a visit, in their usual and in their worse order, over MLLP and through the store (DECISIONS 7 and 14).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { exchange, framed } from '../conformance/mllp.ts';
import { type Product, startProduct } from '../product.ts';
import { entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const answerMs = 30_000;
type Fields = { readonly [field: number]: string };

let product: Product;
let fhir: Rest;
let messages = 0;

function segment(name: string, fields: Fields): string {
  const all = [name];
  for (const [field, value] of Object.entries(fields)) all[Number(field)] = value;
  return Array.from(all, (value) => value ?? '').join('|');
}

/** @returns MSA-1 */
async function send(type: string, mrn: string, pv1: Fields, ...more: string[]): Promise<string> {
  const header = `MSH|^~\\&|WARD|CLINIC|LIMEN|LIMEN|20240501120000||${type}|VISIT${++messages}|P|2.5.1`;
  const text = [header, `PID|1||${mrn}^^^CLINIC^MR||TESTER^TINA||19800102|F`, segment('PV1', { 1: '1', ...pv1 }), ...more].join('\r');
  const [answer] = await exchange(product.mllpPort, framed(Buffer.from(`${text}\r`)), 1, answerMs);
  return answer?.codes[0] ?? 'no answer';
}

async function accepted(event: string, mrn: string, pv1: Fields): Promise<void> {
  assert.equal(await send(`ADT^${event}`, mrn, { 19: `V${mrn}^^^CLINIC`, ...pv1 }), 'AA', event);
}

async function visitsOf(mrn: string): Promise<readonly Json[]> {
  const patients = entriesOf(await fhir(`Patient?identifier=urn:id:CLINIC|${mrn}`));
  assert.equal(patients.length, 1);
  return entriesOf(await fhir(`Encounter?subject=Patient/${patients[0]?.['resource']?.['id']}`)).map((entry) => entry['resource'] as Json);
}

async function visitOf(mrn: string): Promise<Json> {
  const [visit, another] = await visitsOf(mrn);
  assert.ok(visit);
  assert.equal(another, undefined);
  return visit;
}

const codeOf = (visit: Json): string => String(visit['class']?.['code']);
const version = (visit: Json): string => String(visit['meta']?.['versionId']);
const doctors = (visit: Json): unknown[] =>
  list(visit['participant']).map((each) => list(each['type'])[0]?.['coding']?.[0 as never]?.['code']);

for (const policy of ['synthetic', 'date-shift'] as const)
  describe(`visits under ${policy}`, () => {
    before(async () => {
      product = await startProduct({ policy });
      fhir = rest(product);
    });
    after(() => product?.stop());

    test('an event that tells neither state nor class of a visit that nobody knows makes a whole one', async () => {
      await accepted('A08', '100', { 3: 'WARD^1^1' });
      const visit = await visitOf('100');
      assert.deepEqual([visit['status'], codeOf(visit), version(visit)], ['in-progress', 'UNK', '1']);
    });

    test('A08 without PV1-45: location, doctor and class are updated, the state stays', async () => {
      await accepted('A03', '101', { 2: 'I', 3: 'WARD^1^1', 44: '202405011100', 45: '202405031000' });
      const before = await visitOf('101');
      await accepted('A08', '101', { 2: 'E', 3: 'WARD^2^1', 7: '0042^HOUSE^GREGORY' });
      const visit = await visitOf('101');
      assert.deepEqual([visit['status'], codeOf(visit), version(visit)], ['finished', 'EMER', '2']);
      assert.notDeepEqual(list(visit['location'])[0]?.['location'], list(before['location'])[0]?.['location']);
      assert.deepEqual(doctors(visit), ['ATND']);
      assert.deepEqual(visit['period'], before['period']);
    });

    test('A02, A12, A03, A13 and A11 without PV1-2 keep the class; what they do not tell of the period stays', async () => {
      await accepted('A01', '102', { 2: 'E', 3: 'WARD^1^1', 44: '202405011100' });
      const { start } = (await visitOf('102'))['period'] as Json;
      const states: unknown[] = [];
      for (const [event, fields] of [
        ['A02', { 3: 'WARD^2^1', 6: 'WARD^1^1' }],
        ['A12', { 3: 'WARD^1^1' }],
        ['A03', { 45: '202405031000' }],
        ['A13', {}],
        ['A11', {}],
      ] as const) {
        await accepted(event, '102', fields);
        const visit = await visitOf('102');
        assert.equal(codeOf(visit), 'EMER', event);
        assert.equal(visit['period']?.['start'], start, event);
        states.push([event, visit['status'], 'end' in (visit['period'] ?? {})]);
      }
      assert.deepEqual(states, [
        ['A02', 'in-progress', false],
        ['A12', 'in-progress', false],
        ['A03', 'finished', true],
        ['A13', 'in-progress', false],
        ['A11', 'cancelled', false],
      ]);
    });

    test('"" in PV1-45 takes the end only', async () => {
      await accepted('A03', '103', { 2: 'I', 44: '202405011100', 45: '202405031000' });
      const { start } = (await visitOf('103'))['period'] as Json;
      await accepted('A08', '103', { 45: '""' });
      assert.deepEqual((await visitOf('103'))['period'], { start });
    });

    test('an end before the stored start does not refuse the message: the newer statement stands', async () => {
      await accepted('A01', '104', { 2: 'I', 44: '202405011100' });
      await accepted('A03', '104', { 45: '202303031000' });
      assert.deepEqual(Object.keys((await visitOf('104'))['period'] as object), ['end']);
    });

    test('one number of two patients is two visits', async () => {
      const pv1 = { 2: 'I', 3: 'WARD^1^1', 19: '40007716^^^CLINIC', 44: '202405011100' };
      await accepted('A01', '105', pv1);
      await accepted('A31', '106', { ...pv1, 2: 'P' });
      await accepted('A03', '105', { ...pv1, 45: '202405031000' });
      assert.deepEqual([codeOf(await visitOf('105')), codeOf(await visitOf('106'))], ['IMP', 'PRENC']);
      assert.deepEqual([(await visitOf('105'))['status'], (await visitOf('106'))['status']], ['finished', 'planned']);
      const result = ['OBR|1||F9^LAB|24323-8^Panel^LN', 'OBX|1|NM|2345-7^Glucose^LN||5|mmol/L|||||F'];
      assert.equal(await send('ORU^R01', '107', pv1, ...result), 'AA');
      assert.equal((await visitsOf('107')).length, 1);
      assert.equal(await send('ORU^R01', '105', pv1, ...result), 'AA');
      assert.equal((await visitOf('105'))['status'], 'finished');
    });
  });
