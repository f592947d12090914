// ADT^A01, A04, A08 -> Patient and Encounter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesOf, lines, msh, pid, pv1, resourcesOf, segment, withinPatient } from './messages.ts';

const a01 = lines(msh('ADT^A01', 'C1'), pid, pv1);
const deleteUrl = 'https://limen.example/StructureDefinition/v2-delete';
const patientOf = (fields: string) => resourcesOf(lines(msh('ADT^A08', 'C1'), fields), 'Patient')[0] ?? {};
const encounterOf = (event: string, visit: string) => resourcesOf(lines(msh(`ADT^${event}`, 'C1'), pid, visit), 'Encounter')[0];

/** A PID with the given fields after PID-3. */
const pidWith = (fields: { readonly [field: number]: string }): string => segment('PID', { 1: '1', 3: '77001^^^LIMEN^MR', ...fields });
const classOf = (encounter: { readonly [name: string]: unknown } | undefined): unknown =>
  (encounter?.class as { code?: string } | undefined)?.code;

test('the same message gives the same bundle, another control id other names', () => {
  assert.deepEqual(entriesOf(a01), entriesOf(a01));
  assert.notEqual(entriesOf(a01)[0]?.fullUrl, entriesOf(a01.replace('|C1|', '|C2|'))[0]?.fullUrl);
  assert.match(entriesOf(a01)[0]?.fullUrl ?? '', /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the patient is found by the identifier whose authority the channel maps', () => {
  const swapped = a01.replace('77001^^^LIMEN^MR~900-1^^^CLINIC^PI', '900-1^^^CLINIC^PI~77001^^^LIMEN^MR');
  for (const text of [a01, swapped]) {
    assert.deepEqual(entriesOf(text)[0]?.request, { method: 'PUT', url: 'Patient?identifier=https%3A%2F%2Flimen.example%2Fmrn%7C77001' });
  }
});

test('an authority without a map is urn:id; without authority the number is the sender’s', () => {
  const systems = patientOf('PID|1||1^^^SIMULATOR MRN^MRN~2^^^&1.2.3&ISO~3^^^^PI').identifier;
  assert.deepEqual(
    (systems as { system: string }[]).map(({ system }) => system),
    ['urn:id:SIMULATORMRN', 'urn:oid:1.2.3', 'urn:id:CLINIC'],
  );
});

test('a value with delimiters of a search is escaped', () => {
  const [entry] = entriesOf(lines(msh('ADT^A01', 'C1'), 'PID|1||a,b\\F\\c^^^LIMEN'));
  assert.equal(decodeURIComponent(entry?.request.url ?? ''), 'Patient?identifier=https://limen.example/mrn|a\\,b\\|c');
});

test('a patient without PID-3 is made anew', () => {
  assert.deepEqual(entriesOf(lines(msh('ADT^A01', 'C1'), 'PID|1||||DOE^J'))[0]?.request, { method: 'POST', url: 'Patient' });
});

test('PID demographics', () => {
  const patient = patientOf(
    pidWith({
      5: 'TESTER^TINA^T^JR^DR^PHD^L',
      7: '198001021530-0500',
      8: 'F',
      10: '2106-3^White^CDCREC',
      11: '1 MAIN ST^APT 2^ANYTOWN^OH^44101^USA^H',
      13: '(555) 111-2222~^NET^Internet^tina@example.org',
      14: '^WPN^PH^^1^555^3334444',
      15: 'en^English^ISO639',
      16: 'M',
      22: 'N^Not Hispanic^HL70189',
      24: 'Y',
      25: '2',
      30: 'N',
    }),
  );
  assert.deepEqual(patient.name, [{ use: 'official', family: 'TESTER', given: ['TINA', 'T'], prefix: ['DR'], suffix: ['JR', 'PHD'] }]);
  assert.equal(patient.birthDate, '1980-01-02');
  assert.deepEqual(patient._birthDate, {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '1980-01-02T15:30:00-05:00' }],
  });
  assert.equal(patient.gender, 'female');
  assert.deepEqual(patient.address, [
    { use: 'home', line: ['1 MAIN ST', 'APT 2'], city: 'ANYTOWN', state: 'OH', postalCode: '44101', country: 'USA' },
  ]);
  assert.deepEqual(patient.telecom, [
    { system: 'phone', value: '(555) 111-2222', use: 'home' },
    { system: 'email', value: 'tina@example.org' },
    { system: 'phone', value: '+1 555 3334444', use: 'work' },
  ]);
  assert.deepEqual(patient.communication, [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en', display: 'English' }] } }]);
  assert.deepEqual(patient.maritalStatus, {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M', display: 'Married' }],
  });
  assert.equal(patient.multipleBirthInteger, 2);
  assert.equal('multipleBirthBoolean' in patient, false);
  assert.equal(patient.deceasedBoolean, false);
  const cdc = 'urn:oid:2.16.840.1.113883.6.238';
  const us = 'http://hl7.org/fhir/us/core/StructureDefinition';
  assert.deepEqual(patient.extension, [
    {
      url: `${us}/us-core-race`,
      extension: [
        { url: 'ombCategory', valueCoding: { system: cdc, code: '2106-3' } },
        { url: 'text', valueString: 'White' },
      ],
    },
    {
      url: `${us}/us-core-ethnicity`,
      extension: [
        { url: 'ombCategory', valueCoding: { system: cdc, code: '2186-5' } },
        { url: 'text', valueString: 'Not Hispanic' },
      ],
    },
  ]);
});

test('a code of sex that is not understood is unknown, an empty one says nothing', () => {
  assert.equal(patientOf(pidWith({ 8: 'SEX' })).gender, 'unknown');
  assert.equal('gender' in patientOf(pidWith({ 8: '' })), false);
});

test('dates keep their precision; zeros are no date', () => {
  for (const [sent, expected] of [
    ['1980', '1980'],
    ['198001', '1980-01'],
    ['19800102', '1980-01-02'],
    ['1980010215', '1980-01-02'],
    ['0000', undefined],
  ] as const) {
    assert.equal(patientOf(pidWith({ 7: sent })).birthDate, expected);
  }
});

test('a death time wins over the indicator', () => {
  const patient = patientOf(pidWith({ 29: '20240501', 30: 'Y' }));
  assert.equal(patient.deceasedDateTime, '2024-05-01');
  assert.equal('deceasedBoolean' in patient, false);
});

test('"" asks for deletion, an empty field does not', () => {
  assert.deepEqual(patientOf(pidWith({ 11: '""', 16: '""' })).extension, [
    { url: deleteUrl, valueCode: 'address' },
    { url: deleteUrl, valueCode: 'maritalStatus' },
  ]);
  assert.equal('extension' in patientOf(pidWith({ 11: '' })), false);
});

test('a list that another field still feeds is replaced, not deleted', () => {
  const patient = patientOf(pidWith({ 13: '""', 14: '5551112222' }));
  assert.equal('extension' in patient, false);
  assert.deepEqual(patient.telecom, [{ system: 'phone', value: '5551112222', use: 'work' }]);
});

test('A01 is an inpatient stay in progress, found by PV1-19 within the patient', () => {
  const entries = entriesOf(a01);
  const entry = entries.find(({ resource }) => resource.resourceType === 'Encounter');
  assert.deepEqual(entry?.request, { method: 'PUT', url: withinPatient('Encounter?identifier=urn%3Aid%3ACLINIC%7CV77', entries) });
  assert.equal(entry?.resource.status, 'in-progress');
  assert.equal(classOf(entry?.resource), 'IMP');
  assert.deepEqual(entry?.resource.subject, { reference: entries[0]?.fullUrl });
  assert.deepEqual(entry?.resource.period, { start: '2024-05-01T11:00:00Z' });
});

test('A04 registers an outpatient when PV1-2 is empty', () => {
  assert.equal(classOf(encounterOf('A04', 'PV1|1')), 'AMB');
  assert.equal(classOf(encounterOf('A04', 'PV1|1|E')), 'EMER');
});

test('a discharge time finishes the visit', () => {
  const encounter = encounterOf('A08', `${pv1}|202405031000`);
  assert.equal(encounter?.status, 'finished');
  assert.deepEqual(encounter?.period, { start: '2024-05-01T11:00:00Z', end: '2024-05-03T10:00:00Z' });
});

test('A08 without a visit number or without PV1 makes no visit', () => {
  assert.equal(encounterOf('A08', 'PV1|1|I'), undefined);
  assert.equal(encounterOf('A08', 'ZZZ|1'), undefined);
});

test('the attending and the admitting doctor are one practitioner, made only when unknown', () => {
  const entries = entriesOf(
    lines(msh('ADT^A01', 'C1'), pid, 'PV1|1|I|||||0042^HOUSE^GREGORY^^^^^^NPI||||||||||0042^HOUSE^GREGORY^^^^^^NPI||V77'),
  );
  const practitioners = entries.filter(({ resource }) => resource.resourceType === 'Practitioner');
  assert.deepEqual(
    practitioners.map(({ request }) => request),
    [{ method: 'POST', url: 'Practitioner', ifNoneExist: 'identifier=http%3A%2F%2Fhl7.org%2Ffhir%2Fsid%2Fus-npi%7C0042' }],
  );
  const encounter = entries.find(({ resource }) => resource.resourceType === 'Encounter')?.resource;
  assert.deepEqual(
    (encounter?.participant as { individual: unknown }[] | undefined)?.map(({ individual }) => individual),
    [{ reference: practitioners[0]?.fullUrl }, { reference: practitioners[0]?.fullUrl }],
  );
});
