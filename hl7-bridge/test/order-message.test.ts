// Orders, drugs, vaccines, documents, schedules, and the segments about a patient that all messages share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesOf, lines, msh, pid, pv1, resourcesOf, segment, withinPatient } from './messages.ts';

type Json = { readonly [name: string]: unknown };
const message = (type: string, ...segments: string[]): string => lines(msh(type, 'C1'), pid, ...segments);
const only = (text: string, type: string): Json => {
  const found = resourcesOf(text, type);
  assert.equal(found.length, 1, `one ${type}`);
  return found[0] ?? {};
};
const types = (text: string): unknown[] => entriesOf(text).map(({ resource }) => resource.resourceType);
const code = (concept: unknown): unknown => (concept as { coding?: { code?: string }[] } | undefined)?.coding?.[0]?.code;

test('an order is found by its placer number within the patient; ORC-5 goes before ORC-1', () => {
  const text = message('ORM^O01', 'ORC|NW|P1^PL|F1^FI||CM', 'OBR|1|P1^PL|F1^FI|718-7^HGB^LN|S|20240501', 'NTE|1||fasting');
  const request = only(text, 'ServiceRequest');
  assert.deepEqual([request.status, request.intent, code(request.code)], ['completed', 'order', '718-7']);
  assert.deepEqual(request.note, [{ text: 'fasting' }]);
  const entries = entriesOf(text);
  assert.equal(
    entries.find(({ resource }) => resource.resourceType === 'ServiceRequest')?.request.url,
    withinPatient('ServiceRequest?identifier=urn%3Aid%3APL%7CP1', entries),
  );
});

test('two orders of one number are two requests', () => {
  const text = message('OML^O21', 'ORC|NW|P1', 'OBR|1|P1||A^A^L', 'ORC|NW|P1', 'OBR|2|P1||B^B^L');
  assert.deepEqual(
    resourcesOf(text, 'ServiceRequest').map((request) => code(request.code)),
    ['A', 'B'],
  );
  const urls = entriesOf(text).map(({ request }) => request.url);
  assert.equal(new Set(urls).size, urls.length);
});

test('a report is based on its order and on its specimens', () => {
  const text = message(
    'ORU^R01',
    'ORC|RE|P1|F1',
    'OBR|1|P1|F1|718-7^HGB^LN',
    'OBX|1|NM|718-7^HGB^LN||12|g/dL|||||F',
    'SPM|1|S1&LAB^S2&LAB||BLD^Blood',
  );
  const [specimen, report] = [only(text, 'Specimen'), only(text, 'DiagnosticReport')];
  assert.equal(code(specimen.type), 'BLD');
  assert.equal((report.basedOn as unknown[]).length, 1);
  assert.equal((report.specimen as unknown[]).length, 1);
});

test('one specimen of several orders is one resource', () => {
  const text = message(
    'OUL^R22',
    'SPM|1|S1^S2||BLD',
    'OBR|1|P1|F1|A^A^L',
    'OBX|1|NM|A^A^L||1||||||F',
    'OBR|2|P2|F2|B^B^L',
    'OBX|2|NM|B^B^L||2||||||F',
  );
  assert.equal(resourcesOf(text, 'Specimen').length, 1);
  assert.equal(resourcesOf(text, 'DiagnosticReport').length, 2);
});

test('RXO and RXE are a request each, with the dose; a stopped order is cancelled', () => {
  const text = message(
    'RDE^O11',
    'ORC|DC|P1',
    'RXO|00047^Drug^NDC|5|10|mg^mg^UCUM',
    'RXE||0143^Drug^NDC|5||mg^mg^UCUM',
    'RXR|PO^Oral^HL70162',
  );
  const [asked, read] = resourcesOf(text, 'MedicationRequest');
  assert.deepEqual([asked?.status, read?.status], ['cancelled', 'cancelled']);
  assert.deepEqual([code(asked?.medicationCodeableConcept), code(read?.medicationCodeableConcept)], ['00047', '0143']);
  const [dosage] = (asked?.dosageInstruction ?? []) as { doseAndRate: { doseRange: { low: Json; high: Json } }[]; route: unknown }[];
  assert.equal(dosage?.doseAndRate[0]?.doseRange.high.value, 10);
  assert.equal(code(dosage?.route), 'PO');
});

test('a dose of a vaccine: status, lot, route; 999 is no dose; a refused one says why', () => {
  const rxa = segment('RXA', { 1: '0', 2: '1', 3: '20240501', 5: '88^flu^CVX', 6: '999', 15: 'LOT1', 20: 'CP' });
  const given = only(message('VXU^V04', 'ORC|RE||F1', rxa, 'RXR|IM^Intramuscular^HL70162|LA^Left arm^HL70163'), 'Immunization');
  assert.deepEqual([given.status, given.lotNumber, code(given.route), 'doseQuantity' in given], ['completed', 'LOT1', 'IM', false]);
  const refusedDose = segment('RXA', { 3: '20240501', 5: '88^flu^CVX', 18: '00^Parental^NIP002', 20: 'RE' });
  const refused = only(message('VXU^V04', 'ORC|RE||F1', refusedDose), 'Immunization');
  assert.deepEqual([refused.status, code(refused.statusReason)], ['not-done', '00']);
});

test('a document holds its lines; a replaced one names the one before; a result with a name is one, too', () => {
  const obx = (id: number, text: string): string => `OBX|${id}|TX|||${text}||||||F`;
  const txa = segment('TXA', { 1: '1', 2: 'CN', 3: 'TEXT', 12: 'D2^SYS', 13: 'D1^SYS', 17: 'AU', 19: 'AV' });
  const text = message('MDM^T10', txa, obx(1, 'first'), obx(2, 'second'), 'OBX|3|NM|718-7^HGB^LN||12||||||F');
  const document = only(text, 'DocumentReference');
  const [content] = document.content as { attachment: { data: string } }[];
  assert.equal(Buffer.from(content?.attachment.data ?? '', 'base64').toString(), 'first\nsecond');
  assert.deepEqual([document.status, document.docStatus], ['current', 'final']);
  assert.deepEqual(document.relatesTo, [{ code: 'replaces', target: { identifier: { system: 'urn:id:SYS', value: 'D1' } } }]);
  assert.equal(resourcesOf(text, 'Observation').length, 1);
});

test('a schedule: the event decides that it does not take place; without both times it is only proposed', () => {
  const sch = segment('SCH', { 1: 'P1', 2: 'F1', 9: '30', 10: 'min', 11: '^^^20240501090000' });
  const siu = (event: string, schedule: string): Json => only(message(`SIU^${event}`, schedule, 'RGS|1', 'AIL|1||ROOM^1'), 'Appointment');
  const booked = siu('S12', sch);
  assert.deepEqual([booked.status, booked.start, booked.end], ['booked', '2024-05-01T09:00:00Z', '2024-05-01T09:30:00Z']);
  assert.equal((booked.participant as unknown[]).length, 2);
  assert.deepEqual([siu('S15', sch).status, siu('S26', sch).status], ['cancelled', 'noshow']);
  assert.equal(siu('S12', 'SCH|P1|F1').status, 'proposed');
});

test('an admission with allergies, diagnoses, procedures, next of kin and insurance', () => {
  const text = message(
    'ADT^A01',
    'NK1|1|KIN^KIM|MTH',
    pv1,
    'PV2|||R07^Chest pain^I10',
    'AL1|1|DA|1605^Acetaminophen^L|SV|Rash~Itch',
    'DG1|1||E11.9^Diabetes^I10|||A',
    'PR1|1||4523^Colonoscopy^C4||20240501100000|A|30',
    segment('IN1', { 1: '1', 2: 'PLAN', 3: '99^^^PAYER', 4: 'Large Payer', 17: 'SEL', 36: 'POL-1' }),
  );
  const allergy = only(text, 'AllergyIntolerance');
  assert.deepEqual([allergy.criticality, allergy.category, code(allergy.code)], ['high', ['medication'], '1605']);
  assert.deepEqual(
    (allergy.reaction as { manifestation: { text: string }[] }[]).map(({ manifestation }) => manifestation[0]?.text),
    ['Rash', 'Itch'],
  );
  assert.equal(code(only(text, 'Condition').code), 'E11.9');
  assert.equal((only(text, 'Procedure').performedPeriod as Json).end, '2024-05-01T10:30:00Z');
  assert.equal((only(text, 'Coverage').identifier as Json[])[0]?.value, 'POL-1');
  assert.equal(code((only(text, 'RelatedPerson').relationship as unknown[])[0]), 'MTH');
  assert.equal(code((only(text, 'Encounter').reasonCode as unknown[])[0]), 'R07');
});

test('the same diagnosis twice is two, and the same message again finds them both', () => {
  const text = message('ADT^A01', pv1, 'DG1|1||E11^D^I10|||A', 'DG1|2||E11^D^I10|||A');
  const urls = entriesOf(text).filter(({ resource }) => resource.resourceType === 'Condition');
  assert.equal(new Set(urls.map(({ request }) => request.url)).size, 2);
});

test('a problem that has ended is resolved; a state outside of the list is left out', () => {
  const problem = segment('PRB', { 1: 'AD', 2: '20240501', 3: 'K80^Stones^I10', 4: 'PR1', 9: '20240601', 13: 'nonsense' });
  const condition = only(message('PPR^PC1', problem), 'Condition');
  assert.deepEqual([code(condition.clinicalStatus), condition.verificationStatus], ['resolved', undefined]);
});

test('""in an allergy deletes what is stored, an empty field leaves it', () => {
  const allergy = only(message('ADT^A08', 'AL1|1|""|1605^A^L'), 'AllergyIntolerance');
  assert.deepEqual(allergy.extension, [
    { url: 'https://limen.example/StructureDefinition/v2-delete', valueCode: 'category' },
    { url: 'https://limen.example/StructureDefinition/v2-delete', valueCode: 'type' },
  ]);
  assert.equal('extension' in only(message('ADT^A08', 'AL1|1||1605^A^L'), 'AllergyIntolerance'), false);
});

test('an unknown segment breaks no group', () => {
  const text = message(
    'ORU^R01',
    'OBR|1|P1|F1|718-7^HGB^LN',
    'ZZZ|1',
    'OBX|1|NM|718-7^HGB^LN||12||||||F',
    'NTE|1||a',
    'ZYX|2',
    'NTE|1||not of the result',
  );
  assert.deepEqual(only(text, 'Observation').note, [{ text: 'a' }]);
  assert.deepEqual(types(text), ['Patient', 'ServiceRequest', 'Observation', 'DiagnosticReport']);
});

test('the dose of RXE goes before that of TQ1, and a number of times is a count', () => {
  const tq1 = segment('TQ1', { 1: '1', 2: '2^tab', 7: '20240501080000', 14: '10' });
  const text = message('RDE^O11', 'ORC|NW|P1', tq1, 'RXE||0143^Drug^NDC|5||mg^mg^UCUM', tq1);
  const [dosage] = (only(text, 'MedicationRequest').dosageInstruction ?? []) as { doseAndRate: Json[]; timing: { repeat: Json } }[];
  assert.deepEqual(Object.keys(dosage?.doseAndRate[0] ?? {}), ['doseRange']);
  assert.deepEqual([dosage?.timing.repeat.count, 'countMax' in (dosage?.timing.repeat ?? {})], [10, false]);
});
