// Rules in the format of the Tools for Health Data Anonymization: files that are refused, each method, and a door that works by them.
import assert from 'node:assert/strict';
import { createDecipheriv, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileDoor, compileRules, parseRuleFile, RuleFileError, ruleFilePolicy } from '../src/index.ts';
import { type Fields, owned, resource } from './fixture.ts';

const drawing = { draw: () => 0.75, initializationVector: () => new Uint8Array(16).fill(7), scopeName: 'main' };
const keys = { dateShiftKey: 'shift', cryptoHashKey: 'hash', encryptKey: 'sixteen bytes 16' };
const parameters = {
  ...keys,
  enablePartialAgesForRedact: true,
  enablePartialDatesForRedact: true,
  enablePartialZipCodesForRedact: true,
  restrictedZipCodeTabulationAreas: ['036'],
};

function run(rules: readonly Fields[], fields: Fields, more: Fields = {}): Fields {
  const file = parseRuleFile(JSON.stringify({ fhirPathRules: rules, parameters, ...more }));
  return compileRules(loadDefinitions(), file, drawing)(structuredClone(fields), { asOf: '2025-06-30' });
}

const patient = {
  resourceType: 'Patient',
  id: 'p1',
  name: [{ use: 'official', family: 'Quillfeather', given: ['Zephyrine', 'Ann'] }],
  birthDate: '1971-03-04',
  address: [
    { city: 'Oxbow', state: 'VT', postalCode: '05012' },
    { city: 'Far', postalCode: '03601' },
  ],
};

describe('files that are refused', () => {
  const rule = { path: 'Patient.name', method: 'redact' };
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no JSON', '{', /it is not JSON/],
    ['no rules', { fhirPathRules: [] }, /list of rules/],
    ['another release', { fhirVersion: 'Stu3', fhirPathRules: [rule] }, /fhirVersion/],
    ['an unknown method', { fhirPathRules: [{ path: 'Patient.name', method: 'erase' }] }, /method of rule 1 is unknown/],
    ['dateShift without a key', { fhirPathRules: [{ path: 'Patient.birthDate', method: 'dateShift' }] }, /no dateShiftKey/],
    [
      'an encryptKey of a wrong length',
      { fhirPathRules: [{ path: 'Patient.id', method: 'encrypt' }], parameters: { encryptKey: 'a' } },
      /16, 24 or 32/,
    ],
    ['perturb without a span', { fhirPathRules: [{ path: 'Patient.id', method: 'perturb' }] }, /span of rule 1/],
    ['a wrong scope', { fhirPathRules: [rule], parameters: { dateShiftScope: 'person' } }, /dateShiftScope/],
  ];
  for (const [what, content, message] of cases)
    test(what, () => {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      assert.throws(
        () => parseRuleFile(text),
        (error) => error instanceof RuleFileError && message.test(error.message),
      );
    });

  for (const path of [
    'Patient.name.where(',
    "Patient.name.where(family.matches('(a+)+$'))",
    'Patient.name.repeat(given)',
    'Patient.where(%resource.id = 1)',
  ])
    test(`the path ${path}`, () => assert.throws(() => run([{ path, method: 'redact' }], patient), RuleFileError));

  test('a message holds neither keys nor values', () => {
    const text = JSON.stringify({
      fhirPathRules: [{ path: 'Patient.name', method: 'secret-method' }],
      parameters: { cryptoHashKey: 'top secret' },
    });
    assert.throws(
      () => parseRuleFile(text),
      (error) => error instanceof Error && !/secret/.test(error.message),
    );
  });
});

describe('methods', () => {
  test('the first rule that finds an element settles it', () => {
    const out = run(
      [
        { path: "nodesByType('HumanName').use", method: 'keep' },
        { path: 'Patient.name', method: 'redact' },
      ],
      patient,
    );
    assert.deepEqual(out['name'], [{ use: 'official' }]);
  });

  test('alternatives may be of several types', () => {
    const rule = { path: 'Practitioner.name | Patient.name.family', method: 'redact' };
    assert.deepEqual(run([rule], patient)['name'], [{ use: 'official', given: ['Zephyrine', 'Ann'] }]);
  });

  test('FHIRPath with a condition', () => {
    const out = run([{ path: "Patient.address.where(city='Far').city", method: 'redact' }], patient);
    assert.deepEqual(out['address'], [patient.address[0], { postalCode: '03601' }]);
  });

  test('nodesByName, and nodesByType inside of brackets', () => {
    assert.deepEqual(run([{ path: "nodesByName('city')", method: 'redact' }], patient)['address'], [
      { state: 'VT', postalCode: '05012' },
      { postalCode: '03601' },
    ]);
    const out = run(
      [{ path: "(nodesByType('HumanName') | nodesByType('Address')).where(city.exists()).state", method: 'redact' }],
      patient,
    );
    assert.deepEqual(out['address'], [{ city: 'Oxbow', postalCode: '05012' }, patient.address[1]]);
  });

  test('partial postal codes, dates and ages', () => {
    const out = run([{ path: 'Patient.address.postalCode | Patient.birthDate', method: 'redact' }], patient);
    assert.deepEqual(
      [out['birthDate'], out['address']],
      [
        '1971',
        [
          { ...patient.address[0], postalCode: '05000' },
          { city: 'Far', postalCode: '00000' },
        ],
      ],
    );
    assert.equal(run([{ path: 'Patient.birthDate', method: 'redact' }], { ...patient, birthDate: '1930-01-01' })['birthDate'], undefined);
    const age = (value: number): Fields => ({ resourceType: 'Condition', onsetAge: { value, unit: 'a' } });
    assert.deepEqual(run([{ path: 'Condition.onset.value', method: 'redact' }], age(89))['onsetAge'], { value: 89, unit: 'a' });
    assert.deepEqual(run([{ path: 'Condition.onset.value', method: 'redact' }], age(90))['onsetAge'], { unit: 'a' });
  });

  test('dates move by the resource or all together, times become midnight, zones stay', () => {
    const fields = (id: string): Fields => ({
      resourceType: 'Encounter',
      id,
      period: { start: '2020-02-28T23:30:00-05:00', end: '2020-03-02' },
    });
    const rule = [{ path: "nodesByType('dateTime')", method: 'dateShift' }];
    const days = ({ start, end }: { start: string; end: string }): number =>
      (Date.parse(end) - Date.parse(start.slice(0, 10))) / 86_400_000;
    const [one, two] = ['a', 'b'].map((id) => run(rule, fields(id))['period'] as { start: string; end: string });
    assert.ok(one && two);
    assert.deepEqual([days(one), days(two)], [3, 3]);
    assert.notEqual(one.start, two.start);
    assert.match(one.start, /T00:00:00-05:00$/);
    const together = { parameters: { ...parameters, dateShiftScope: 'folder' } };
    assert.deepEqual(run(rule, fields('a'), together)['period'], run(rule, fields('b'), together)['period']);
  });

  test('a hash keeps what a reference is made of', () => {
    const hash = (text: string): string => createHmac('sha256', keys.cryptoHashKey).update(text).digest('hex');
    const fields = { resourceType: 'Observation', subject: { reference: 'Patient/p1' }, focus: [{ reference: '#x' }] };
    const out = run([{ path: "nodesByType('Reference').reference", method: 'cryptoHash' }], fields);
    assert.deepEqual([out['subject'], out['focus']], [{ reference: `Patient/${hash('p1')}` }, [{ reference: `#${hash('x')}` }]]);
  });

  test('what is encrypted can be decrypted by the key', () => {
    const out = run([{ path: 'Patient.address.city', method: 'encrypt' }], patient);
    const bytes = Buffer.from((out['address'] as { city: string }[])[0]?.city ?? '', 'base64');
    const decipher = createDecipheriv('aes-128-cbc', keys.encryptKey, bytes.subarray(0, 16));
    assert.equal(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString(), 'Oxbow');
  });

  test('noise stays in its range', () => {
    const fields = { resourceType: 'Observation', valueQuantity: { value: 100, unit: 'mg' } };
    const perturb = (more: Fields): unknown => run([{ path: 'Observation.value', method: 'perturb', ...more }], fields)['valueQuantity'];
    assert.deepEqual(perturb({ span: 8 }), { value: 102, unit: 'mg' });
    assert.deepEqual(perturb({ span: 0.2, rangeType: 'proportional', roundTo: 1 }), { value: 105, unit: 'mg' });
  });

  test('other values of generalize are redacted; on what is no primitive it is refused, or the resource emptied', () => {
    const cases = { "$this.startsWith('05')": "$this.substring(0,2)+'***'" };
    const out = run([{ path: 'Patient.address.postalCode', method: 'generalize', cases }], patient);
    assert.deepEqual(out['address'], [{ ...patient.address[0], postalCode: '05***' }, { city: 'Far' }]);
    const wrong = [{ path: 'Patient.name', method: 'generalize', cases: { true: "'x'" } }];
    assert.throws(() => run(wrong, patient), { status: 422 });
    assert.deepEqual(Object.keys(run(wrong, patient, { processingErrors: 'skip' })), ['resourceType', 'meta']);
  });

  test('substitute keeps what an earlier rule has settled', () => {
    const rules = [
      { path: 'Patient.name.use', method: 'keep' },
      { path: 'Patient.name', method: 'substitute', replaceWith: { family: 'Doe' } },
    ];
    assert.deepEqual(run(rules, patient)['name'], [{ use: 'official', family: 'Doe' }]);
  });

  test('an element that R4 does not define is refused', () => {
    assert.throws(() => run([{ path: 'Patient.name', method: 'redact' }], { ...patient, nickname: 'Zeph' }), { status: 422 });
    assert.throws(() => run([{ path: 'Patient.name', method: 'redact' }], { resourceType: 'Nonsense' }), { status: 422 });
  });
});

describe('a door by rules', () => {
  const rules = [
    { path: 'Resource.id', method: 'cryptoHash' },
    { path: "nodesByType('Reference')", method: 'cryptoHash' },
    { path: 'Patient.name', method: 'redact' },
    { path: 'Patient.birthDate', method: 'dateShift' },
  ];
  const door = compileDoor(loadDefinitions(), ruleFilePolicy(JSON.stringify({ fhirPathRules: rules, parameters }), {}, drawing));

  test('ids and references stay the server’s, a Patient has its pseudonym, the labels say what was done', () => {
    const { resource: out, report } = door.apply(
      resource({ ...patient, managingOrganization: { reference: 'Organization/1', display: 'Mercy' } }),
      owned,
    );
    const { id, name, identifier, managingOrganization, meta } = out as unknown as Fields & { meta: { security: Fields[]; tag: Fields[] } };
    assert.deepEqual([id, name], ['p1', undefined]);
    assert.deepEqual(identifier, [{ system: 'https://limen.example/pseudonym', value: owned.person?.pseudonym }]);
    assert.equal((managingOrganization as Fields)['reference'], 'Organization/1');
    assert.notEqual((managingOrganization as Fields)['display'], 'Mercy');
    assert.deepEqual(
      meta.security.map(({ code }) => code),
      ['REDACTED', 'CRYTOHASH', 'PERTURBED'],
    );
    assert.equal(meta.tag[0]?.['code'], 'rule-file');
    assert.equal(report.removed['Patient.name.family'], 1);
  });

  test('what is put back unchanged stays as it is', () => {
    const once = door.apply(resource(patient), owned).resource;
    assert.deepEqual(door.verify(once, owned), once);
  });
});
