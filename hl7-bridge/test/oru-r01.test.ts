// ORU^R01 -> DiagnosticReport and Observations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesOf, lines, msh, pid, pv1, resourcesOf, withinPatient } from './messages.ts';

const obr = 'OBR|1|P1|F1^LAB|24323-8^Metabolic panel^LN|||202405010800';
const oru = (...segments: string[]): string => lines(msh('ORU^R01', 'C1'), pid, ...segments);
const obx = (type: string, value: string, rest = '||||||F'): string => `OBX|1|${type}|2345-7^Glucose^LN||${value}${rest}`;
const observationsOf = (...segments: string[]) => resourcesOf(oru(obr, ...segments), 'Observation');
const observationOf = (segment: string) => observationsOf(segment)[0] ?? {};
const absent = (code: string) => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code }] });
/** Without the patient within whom each is found. */
function urls(text: string, type: string): string[] {
  const entries = entriesOf(text);
  return entries
    .filter(({ resource }) => resource.resourceType === type)
    .map(({ request }) => `${request.method} ${decodeURIComponent(request.url.replace(withinPatient('', entries), ''))}`);
}

test('the report is found by the filler number, else the placer number, else made anew', () => {
  assert.deepEqual(urls(oru(obr), 'DiagnosticReport'), ['PUT DiagnosticReport?identifier=urn:id:LAB|F1']);
  assert.deepEqual(urls(oru('OBR|1|P1||X^Y'), 'DiagnosticReport'), ['PUT DiagnosticReport?identifier=urn:id:CLINIC:placer|P1']);
  assert.deepEqual(urls(oru('OBR|1|||X^Y', obx('NM', '5')), 'DiagnosticReport'), ['POST DiagnosticReport']);
  assert.deepEqual(urls(oru('OBR|1|||X^Y', obx('NM', '5')), 'Observation'), ['POST Observation']);
});

test('a correction with a new control id has the same observation identifier', () => {
  const url = ['PUT Observation?identifier=urn:limen:hl7v2:observation|F1:24323-8:2345-7:'];
  assert.deepEqual(urls(oru(obr, obx('NM', '5')), 'Observation'), url);
  assert.deepEqual(urls(oru(obr, obx('NM', '6', '||||||C')).replace('|C1|', '|C2|'), 'Observation'), url);
});

test('OBX-4, OBX-21 and a repeated test tell results apart', () => {
  const of = (...segments: string[]) => urls(oru(obr, ...segments), 'Observation').map((url) => url.split('|').at(-1));
  assert.deepEqual(of('OBX|1|ST|A^B||x||||||F', 'OBX|2|ST|A^B||y||||||F', 'OBX|3|ST|A^B|1.2|z||||||F'), [
    'F1:24323-8:A:',
    'F1:24323-8:A::2',
    'F1:24323-8:A:1.2',
  ]);
  assert.deepEqual(of('OBX|1|ST|A^B||x||||||F||||||||||I9^LAB'), ['F1:24323-8:A::I9']);
});

test('parts of an identifier cannot run together', () => {
  const a = urls(oru('OBR|1||F1:A|B', 'OBX|1|ST|C||x'), 'Observation');
  const b = urls(oru('OBR|1||F1|A:B', 'OBX|1|ST|C||x'), 'Observation');
  assert.notDeepEqual(a, b);
});

test('two OBRs with one order number are two reports', () => {
  assert.deepEqual(urls(oru(obr, 'OBR|2|P1|F1^LAB|1-8^Other^LN'), 'DiagnosticReport'), [
    'PUT DiagnosticReport?identifier=urn:id:LAB|F1',
    'PUT DiagnosticReport?identifier=urn:limen:hl7v2:report|F1:1-8',
  ]);
});

test('report: code, status, time, results', () => {
  const text = oru(`${obr}${'|'.repeat(17)}CH|F`, obx('NM', '5'));
  const [report] = resourcesOf(text, 'DiagnosticReport');
  assert.deepEqual(report?.code, { coding: [{ system: 'http://loinc.org', code: '24323-8', display: 'Metabolic panel' }] });
  assert.deepEqual([report?.status, report?.effectiveDateTime], ['final', '2024-05-01T08:00:00Z']);
  assert.deepEqual(report?.category, [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'CH' }] }]);
  const observation = entriesOf(text).find(({ resource }) => resource.resourceType === 'Observation');
  assert.deepEqual(report?.result, [{ reference: observation?.fullUrl }]);
  assert.deepEqual(report?.subject, { reference: entriesOf(text)[0]?.fullUrl });
});

test('without PV1-19 the visit is made anew; with it, it is mentioned and never changed', () => {
  const unnumbered = entriesOf(oru('PV1|1|I', obr, obx('NM', '5'))).find(({ resource }) => resource.resourceType === 'Encounter');
  assert.deepEqual(unnumbered?.request, { method: 'POST', url: 'Encounter' });
  const entries = entriesOf(oru(pv1, obr, obx('NM', '5')));
  const encounter = entries.find(({ resource }) => resource.resourceType === 'Encounter');
  const ifNoneExist = withinPatient('identifier=urn%3Aid%3ACLINIC%7CV77', entries);
  assert.deepEqual(encounter?.request, { method: 'POST', url: 'Encounter', ifNoneExist });
  const observation = entries.find(({ resource }) => resource.resourceType === 'Observation');
  assert.deepEqual(observation?.resource.encounter, { reference: encounter?.fullUrl });
});

test('NM: value, unit, reference range, flag, status', () => {
  const observation = observationOf('OBX|1|NM|2345-7^Glucose^LN||05.70|mmol/L^^UCUM|3.9-5.5|H|||C|||20240501090000-0500');
  const unit = { unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' };
  assert.deepEqual(observation.valueQuantity, { value: 5.7, ...unit });
  assert.deepEqual(observation.referenceRange, [{ low: { value: 3.9, ...unit }, high: { value: 5.5, ...unit }, text: '3.9-5.5' }]);
  assert.deepEqual(observation.interpretation, [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H' }] },
  ]);
  assert.deepEqual([observation.status, observation.effectiveDateTime], ['corrected', '2024-05-01T09:00:00-05:00']);
});

test('a unit of no named system is only a word', () => {
  assert.deepEqual(observationOf('OBX|1|NM|A^B||5|mg/dL').valueQuantity, { value: 5, unit: 'mg/dL' });
});

test('a numeric result below the limit of the method has a comparator', () => {
  assert.deepEqual(observationOf(obx('NM', '<15')).valueQuantity, { value: 15, comparator: '<' });
});

test('values by OBX-2', () => {
  const cases: readonly (readonly [string, string, string, unknown])[] = [
    ['SN', '>^100', 'valueQuantity', { value: 100, comparator: '>' }],
    ['SN', '^1^:^128', 'valueRatio', { numerator: { value: 1 }, denominator: { value: 128 } }],
    ['SN', '^5^-^10', 'valueRange', { low: { value: 5 }, high: { value: 10 } }],
    ['SN', '^2^+', 'valueString', '2 +'],
    ['NR', '5^10', 'valueRange', { low: { value: 5 }, high: { value: 10 } }],
    ['ST', 'positive', 'valueString', 'positive'],
    ['TX', 'line one~line two', 'valueString', 'line one\nline two'],
    ['FT', 'a\\.br\\b', 'valueString', 'a\nb'],
    [
      'CWE',
      '260373001^Detected^SCT',
      'valueCodeableConcept',
      { coding: [{ system: 'http://snomed.info/sct', code: '260373001', display: 'Detected' }] },
    ],
    ['CE', 'X1^Own^L', 'valueCodeableConcept', { coding: [{ code: 'X1', display: 'Own' }] }],
    ['CWE', '^^^^^^^^in words', 'valueCodeableConcept', { text: 'in words' }],
    ['DT', '20240501', 'valueDateTime', '2024-05-01'],
    ['TS', '202405010830', 'valueDateTime', '2024-05-01T08:30:00Z'],
    ['TM', '0830', 'valueTime', '08:30:00'],
    ['DR', '20240501^20240502', 'valuePeriod', { start: '2024-05-01', end: '2024-05-02' }],
    ['NM', '', 'dataAbsentReason', absent('unknown')],
    ['NM', '""', 'dataAbsentReason', absent('unknown')],
    ['ED', '^AP^^Base64^QUJD', 'dataAbsentReason', absent('unsupported')],
  ];
  for (const [type, sent, element, expected] of cases)
    assert.deepEqual(observationOf(obx(type, sent))[element], expected, `${type} ${sent}`);
});

const formsOf = (...segments: string[]): unknown => resourcesOf(oru(obr, ...segments), 'DiagnosticReport')[0]?.presentedForm;
const reason = (code: string) => ({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: code }],
});

test('a document that is not what it says is marked, and its result is kept', () => {
  for (const [sent, code] of [
    ['^AP^PDF^Base64^***', 'error'],
    ['^AP^PDF^Base64^QUJ', 'error'],
    ['^AP^PDF^Hex^4', 'error'],
    ['^AP^PDF^UUENCODE^QUJD', 'error'],
    ['^AP^PDF^Base64^', 'unknown'],
  ] as const)
    assert.deepEqual(formsOf(obx('ED', sent)), [{ contentType: 'application/pdf', _data: reason(code) }], sent);
  for (const [sent, code] of [
    ['javascript:alert(1)', 'unsupported'],
    ['file on the share', 'unsupported'],
    ['^APP', 'unknown'],
  ] as const)
    assert.deepEqual(formsOf(obx('RP', sent)), [{ contentType: 'application/octet-stream', _url: reason(code) }], sent);
});

test('documents are presented forms of the report; the Observation says that its value is one', () => {
  const segments = [obx('ED', '^AP^PDF^Base64^QUJD'), obx('NM', '5'), obx('RP', 'https://example.org/x^APP^image^JPEG')];
  assert.deepEqual(formsOf(...segments), [
    { contentType: 'application/pdf', data: 'QUJD' },
    { contentType: 'image/jpeg', url: 'https://example.org/x' },
  ]);
  const [document, number] = observationsOf(...segments);
  assert.deepEqual(document?.dataAbsentReason, absent('unsupported'));
  assert.ok(document?.note);
  assert.equal(JSON.stringify(document).includes('QUJD'), false);
  assert.equal('note' in (number ?? {}), false);
});

test('a document outside of a report is not taken over, and its Observation says so', () => {
  const text = lines(msh('ADT^A01', 'C1'), pid, obx('ED', '^AP^PDF^Base64^QUJD'));
  const [observation] = resourcesOf(text, 'Observation');
  assert.match(JSON.stringify(observation?.note), /not taken over/);
  assert.equal(JSON.stringify(entriesOf(text)).includes('QUJD'), false);
});

test('encodings and media types of documents', () => {
  for (const [sent, contentType, data] of [
    ['^TEXT^^A^abc', 'text/plain', 'YWJj'],
    ['^IM^TIFF^Hex^4142', 'image/tiff', 'QUI='],
    ['^application/pdf^^Base64^QU JD', 'application/pdf', 'QUJD'],
    ['^video^mp4^Base64^QUJD', 'video/mp4', 'QUJD'],
    ['^SD^^Base64^QUJD', 'application/octet-stream', 'QUJD'],
  ] as const)
    assert.deepEqual(formsOf(obx('ED', sent)), [{ contentType, data }], sent);
});

test('each repetition of a number is a result of its own', () => {
  assert.deepEqual(
    observationsOf(obx('NM', '60~120')).map(({ valueQuantity }) => valueQuantity),
    [{ value: 60 }, { value: 120 }],
  );
});

test('without OBX-14 the time is that of the order', () => {
  assert.equal(observationOf(obx('NM', '5')).effectiveDateTime, '2024-05-01T08:00:00Z');
});

test('a result time that cannot be read is marked, and the other results are kept', () => {
  const [observation] = observationsOf(obx('NM', '5', '||||||F|||220241021055726'), obx('NM', '6'));
  assert.equal('effectiveDateTime' in (observation ?? {}), false);
  assert.deepEqual(observation?._effectiveDateTime, {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' }],
  });
  assert.equal(observationsOf(obx('NM', '5', '||||||F|||220241021055726'), obx('NM', '6')).length, 2);
});

test('an unknown flag keeps its v2 table; several flags are kept', () => {
  assert.deepEqual(observationOf('OBX|1|ST|A^B||x|||QCF~H').interpretation, [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0078', code: 'QCF' }] },
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H' }] },
  ]);
});

test('notes belong to the segment they follow', () => {
  const text = oru(
    obr,
    'NTE|1||about the order',
    obx('NM', '5'),
    'NTE|1||one',
    'NTE|2||two',
    'SPM|1',
    'NTE|1||about the specimen',
    obx('NM', '6'),
  );
  const [first, second] = resourcesOf(text, 'Observation');
  assert.deepEqual(first?.note, [{ text: 'one\ntwo' }]);
  assert.equal('note' in (second ?? {}), false);
  const [report] = resourcesOf(text, 'DiagnosticReport');
  assert.deepEqual(report?.extension, [
    { url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note', valueAnnotation: { text: 'about the order' } },
  ]);
});

test('results before the first order are of the patient; results of two patients stay apart', () => {
  const text = oru(obx('NM', '1'), obr, 'PID|2||88^^^LIMEN^MR', 'OBR|1||F2|X^Y', obx('NM', '2'));
  const patients = entriesOf(text).filter(({ resource }) => resource.resourceType === 'Patient');
  assert.deepEqual(
    resourcesOf(text, 'Observation').map(({ subject }) => subject),
    patients.map(({ fullUrl }) => ({ reference: fullUrl })),
  );
  assert.equal(patients.length, 2);
});

test('a PID repeated for each order is one patient', () => {
  const text = oru(obr, pid, 'OBR|1||F2|X^Y', obx('NM', '2'));
  assert.equal(resourcesOf(text, 'Patient').length, 1);
});

test('results without any PID are stored without a patient, each made anew', () => {
  const entries = entriesOf(lines(msh('ORU^R01', 'C1'), obr, obx('NM', '5')));
  assert.deepEqual(
    entries.map(({ resource, request }) => [resource.resourceType, request.method, 'subject' in resource]),
    [
      ['Observation', 'POST', false],
      ['DiagnosticReport', 'POST', false],
    ],
  );
  assert.deepEqual(entries[1]?.resource.result, [{ reference: entries[0]?.fullUrl }]);
});
