// The ADT events: which state, class and place of the visit each tells, and what it leaves as it is stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertMessage, defaultChannel } from '../src/index.ts';
import { entriesOf, lines, msh, pid, pv1, resourcesOf, segment, withinPatient } from './messages.ts';

type Json = { readonly [name: string]: unknown };
const deleteUrl = 'https://limen.example/StructureDefinition/v2-delete';
const adt = (event: string, ...segments: string[]): string => lines(msh(`ADT^${event}`, 'C1'), pid, ...segments);
const visit = (fields: { readonly [field: number]: string } = {}): string => segment('PV1', { 1: '1', 19: 'V77^^^CLINIC', ...fields });
const encounterOf = (event: string, fields: { readonly [field: number]: string } = {}): Json | undefined =>
  resourcesOf(adt(event, visit(fields)), 'Encounter')[0];
const classOf = (encounter: Json | undefined): unknown => (encounter?.class as { code?: string } | undefined)?.code;
const placesOf = (encounter: Json | undefined): unknown[] =>
  ((encounter?.location ?? []) as { status: string }[]).map(({ status }) => status);
const deletedOf = (encounter: Json | undefined): unknown[] =>
  ((encounter?.extension ?? []) as { url: string; valueCode: string }[])
    .filter(({ url }) => url === deleteUrl)
    .map(({ valueCode }) => valueCode);

/** The Encounter for a server that does not know the visit; undefined when one bundle serves both. */
function whenUnknown(event: string, fields: { readonly [field: number]: string } = {}): Json | undefined {
  const { bundle, whenVisitUnknown } = { whenVisitUnknown: undefined, ...convertMessage(adt(event, visit(fields)), defaultChannel) };
  assert.ok(bundle);
  const entries: { resource?: Json }[] = JSON.parse(JSON.stringify(whenVisitUnknown?.entry ?? []));
  return entries.map(({ resource }) => resource).find((resource) => resource?.resourceType === 'Encounter');
}

const bare: readonly (readonly [string, unknown, unknown])[] = [
  ['A01', 'in-progress', 'IMP'],
  ['A02', 'in-progress', undefined],
  ['A03', 'finished', undefined],
  ['A04', 'in-progress', 'AMB'],
  ['A05', 'planned', 'PRENC'],
  ['A06', 'in-progress', 'IMP'],
  ['A07', 'in-progress', 'AMB'],
  ['A08', undefined, undefined],
  ['A11', 'cancelled', undefined],
  ['A12', 'in-progress', undefined],
  ['A13', 'in-progress', undefined],
];

for (const [event, status, code] of bare)
  test(`${event} with a visit number only: status ${status}, class ${code}, the same Encounter`, () => {
    const entries = entriesOf(adt(event, visit()));
    const entry = entries.find(({ resource }) => resource.resourceType === 'Encounter');
    assert.deepEqual(entry?.request, { method: 'PUT', url: withinPatient('Encounter?identifier=urn%3Aid%3ACLINIC%7CV77', entries) });
    assert.deepEqual([entry?.resource.status, classOf(entry?.resource)], [status, code]);
  });

test('events of a visit that nobody numbered make none; an admission, a registration and a pre-admission do', () => {
  const made = bare.map(([event]) => event).filter((event) => resourcesOf(adt(event, 'PV1|1|I'), 'Encounter').length > 0);
  assert.deepEqual(made, ['A01', 'A04', 'A05']);
});

test('A28 and A31 tell a visit as A08 does; class N is no visit', () => {
  for (const event of ['A28', 'A31']) {
    assert.deepEqual(
      entriesOf(adt(event, visit({ 2: 'N' }))).map(({ resource }) => resource.resourceType),
      ['Patient'],
    );
    const encounter = encounterOf(event, { 2: 'E' });
    assert.deepEqual([classOf(encounter), encounter?.status], ['EMER', undefined]);
  }
});

test('A08 without PV1-45 tells nothing of state, class and end: what is stored stays', () => {
  const encounter = encounterOf('A08', { 44: '202405011100', 10: 'MED' });
  for (const element of ['status', 'class']) assert.equal(element in (encounter ?? {}), false, element);
  assert.deepEqual(encounter?.period, { start: '2024-05-01T11:00:00Z' });
  assert.deepEqual(deletedOf(encounter), []);
  assert.ok(encounter?.serviceType);
});

test('A08 with PV1-2 tells the class, and never the state', () => {
  for (const [sent, code] of [
    ['E', 'EMER'],
    ['P', 'PRENC'],
    ['U', 'U'],
  ] as const) {
    const encounter = encounterOf('A08', { 2: sent });
    assert.deepEqual([classOf(encounter), encounter?.status], [code, undefined]);
  }
});

test('A08 with PV1-45 finishes the visit', () => {
  const encounter = encounterOf('A08', { 44: '202405011100', 45: '202405031000' });
  assert.equal(encounter?.status, 'finished');
  assert.deepEqual(encounter?.period, { start: '2024-05-01T11:00:00Z', end: '2024-05-03T10:00:00Z' });
});

test('for a visit nobody knows there is a second bundle with a whole Encounter, and only where the first is not whole', () => {
  const encounter = whenUnknown('A08', { 44: '202405011100' });
  assert.deepEqual([encounter?.status, classOf(encounter)], ['in-progress', 'UNK']);
  assert.deepEqual(encounter?.period, { start: '2024-05-01T11:00:00Z' });
  assert.deepEqual([whenUnknown('A03')?.status, classOf(whenUnknown('A03'))], ['finished', 'UNK']);
  assert.equal(whenUnknown('A08', { 2: 'P' })?.status, 'planned');
  assert.equal(whenUnknown('A01'), undefined);
  assert.equal(whenUnknown('A03', { 2: 'I' }), undefined);
});

test('the second bundle falls on no stored visit, unless the message tells its state', () => {
  const requestOf = (event: string, fields: { readonly [field: number]: string } = {}) => {
    const { whenVisitUnknown } = { whenVisitUnknown: undefined, ...convertMessage(adt(event, visit(fields)), defaultChannel) };
    return whenVisitUnknown?.entry?.find(({ resource }) => resource?.resourceType === 'Encounter')?.request;
  };
  const ifNoneExist = withinPatient('identifier=urn%3Aid%3ACLINIC%7CV77', entriesOf(adt('A08', visit())));
  assert.deepEqual(requestOf('A08'), { method: 'POST', url: 'Encounter', ifNoneExist });
  assert.equal(requestOf('A03')?.method, 'PUT');
  assert.equal(requestOf('A08', { 45: '202405031000' })?.method, 'PUT');
});

test('A03: the discharge time ends the period; the patient has left the place', () => {
  const encounter = encounterOf('A03', { 2: 'I', 3: 'WARD^101^1', 36: '01', 44: '202405011100', 45: '202405031000' });
  assert.deepEqual(encounter?.period, { start: '2024-05-01T11:00:00Z', end: '2024-05-03T10:00:00Z' });
  assert.deepEqual(placesOf(encounter), ['completed']);
});

test('A02: the new place is active, the prior one completed', () => {
  const encounter = encounterOf('A02', { 3: 'WARD^102^1', 6: 'WARD^101^1' });
  assert.deepEqual(placesOf(encounter), ['active', 'completed']);
});

test('A11 and A05 keep their state whatever PV1-2 and PV1-45 say', () => {
  assert.equal(encounterOf('A11', { 2: 'P', 45: '202405031000' })?.status, 'cancelled');
  assert.equal(encounterOf('A05', { 2: 'I', 45: '202405031000' })?.status, 'planned');
});

test('A13 takes back the end and the disposition of the discharge', () => {
  const told = encounterOf('A13', { 14: '1', 36: '01', 44: '202405011100', 45: '202405031000' });
  assert.equal(told?.status, 'in-progress');
  assert.deepEqual(told?.period, { start: '2024-05-01T11:00:00Z' });
  assert.deepEqual(Object.keys(told?.hospitalization as object), ['admitSource']);
  assert.deepEqual(deletedOf(told), ['period.end']);
  const bareCancel = encounterOf('A13', { 36: '01' });
  assert.equal('hospitalization' in (bareCancel ?? {}), false);
  assert.deepEqual(deletedOf(bareCancel), ['hospitalization', 'period.end']);
});

test('a discharge before the admission is marked, the admission is kept', () => {
  const encounter = encounterOf('A03', { 44: '202405031000', 45: '202405011000' });
  assert.deepEqual(encounter?.period, {
    start: '2024-05-03T10:00:00Z',
    _end: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' }] },
  });
});

test('"" in fields that are extensions deletes them, unless another field feeds the list', () => {
  const patientOf = (fields: { readonly [field: number]: string }) =>
    resourcesOf(lines(msh('ADT^A31', 'C1'), segment('PID', { 1: '1', 3: '77001^^^LIMEN^MR', ...fields })), 'Patient')[0] ?? {};
  for (const field of [6, 10, 17, 22, 23, 26, 28]) assert.deepEqual(deletedOf(patientOf({ [field]: '""' })), ['extension'], `PID-${field}`);
  const race = patientOf({ 10: '2106-3^White', 17: '""' });
  assert.deepEqual(deletedOf(race), []);
  assert.equal((race.extension as unknown[]).length, 1);
});

test('a visit that goes on has no end; where the state stays, so does the end', () => {
  for (const event of ['A01', 'A02', 'A05', 'A12']) assert.deepEqual(deletedOf(encounterOf(event)), ['period.end'], event);
  for (const event of ['A03', 'A08', 'A11', 'A31']) assert.deepEqual(deletedOf(encounterOf(event)), [], event);
  assert.deepEqual(deletedOf(whenUnknown('A02')), []);
});

test('"" in PV1-44 or PV1-45 deletes that side of the period', () => {
  assert.deepEqual(deletedOf(encounterOf('A08', { 44: '202405011100', 45: '""' })), ['period.end']);
  assert.deepEqual(deletedOf(encounterOf('A02', { 44: '""', 45: '""' })), ['period.start', 'period.end']);
  const discharged = encounterOf('A03', { 44: '""', 45: '202405031000' });
  assert.deepEqual([deletedOf(discharged), discharged?.period], [['period.start'], { end: '2024-05-03T10:00:00Z' }]);
});

test('"" in a field of the stay deletes it, unless another field feeds it', () => {
  assert.deepEqual(deletedOf(encounterOf('A08', { 36: '""' })), ['hospitalization']);
  assert.deepEqual(deletedOf(encounterOf('A08', { 14: '1', 36: '""' })), []);
});

test('the visit of a patient without any identifier is made anew: nobody’s visit can be it', () => {
  const urls = (type: string) =>
    entriesOf(lines(msh(type, 'C1'), 'PID|1', pv1, 'OBR|1||F1|X^Y', 'OBX|1|ST|A^B||x'))
      .filter(({ resource }) => ['Encounter', 'Observation', 'DiagnosticReport'].includes(String(resource.resourceType)))
      .map(({ request }) => request);
  for (const request of [...urls('ORU^R01'), ...urls('ADT^A01')]) {
    assert.equal(request.method, 'POST');
    assert.equal(request.ifNoneExist, undefined);
  }
  assert.equal(urls('ORU^R01').length, 3);
});
