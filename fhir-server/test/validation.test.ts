// Structural validation: every rule by a resource that breaks only it, and where the fault is said to be.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Issue } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileValidator, exactNumber } from '../src/validation/index.ts';
import { absent, bundle, fixtures, type Json, observation, parameters, patient, questionnaire, request } from './validationFixtures.ts';

const validator = compileValidator(loadDefinitions());
const short = ({ code, expression }: Issue): string => `${code} ${expression}`;
/** Invariants have a test of their own. */
const faults = (resource: unknown, type?: string): string[] =>
  validator
    .validate(resource, type)
    .filter(({ code }) => code !== 'invariant')
    .map(short);

/** The fixture with changes; `undefined` removes. */
const withChanges = (resource: Json, changes: Json): Json => ({ ...resource, ...changes });
const ofPatient = (changes: Json): string[] => faults(withChanges(patient(), changes));
const ofObservation = (changes: Json): string[] => faults(withChanges(observation(), changes));
const ofRequest = (changes: Json): string[] => faults(withChanges(request(), changes));
const ofExtension = (extension: unknown): string[] => ofPatient({ extension: [extension] });
const without = (resource: Json, key: string): Json => Object.fromEntries(Object.entries(resource).filter(([name]) => name !== key));

describe('validation: structure', () => {
  it('refuses what is no resource', () => {
    for (const value of [null, 1, 'Patient', [], undefined]) assert.deepEqual(faults(value), ['structure undefined']);
    for (const type of [undefined, 'Nope', 'Quantity', 'DomainResource', 'SubscriptionStatus', 'constructor', '', null, 1]) {
      assert.deepEqual(faults({ resourceType: type, id: 'a' }), ['structure Resource'], String(type));
    }
    assert.deepEqual(faults(patient(), 'Observation'), ['value Observation']);
  });

  it('refuses unknown elements, R4B ones and what the definitions add to R4', () => {
    assert.deepEqual(ofPatient({ colour: 'red' }), ['structure Patient.colour']);
    assert.deepEqual(ofPatient({ name: [{ familie: 'x' }] }), ['structure Patient.name[0].familie', 'structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ meta: { versionId: '1', project: 'x' } }), ['structure Patient.meta.project']);
    assert.deepEqual(ofPatient({ name: [{ resourceType: 'HumanName', text: 'x' }] }), ['structure Patient.name[0].resourceType']);
    assert.deepEqual(ofObservation({ 'value[x]': 1 }), ['structure Observation']);
    assert.deepEqual(ofObservation({ valueAddress: {} }), ['structure Observation.valueAddress']);
    assert.deepEqual(faults(JSON.parse('{"resourceType":"Basic","code":{"text":"x"},"__proto__":{"a":1}}')), ['structure Basic']);
  });

  it('does not repeat a key that can be no element name', () => {
    const [issue] = validator.validate({ ...patient(), 'Jane Doe 1970-01-01': 'x' });
    assert.equal(JSON.stringify(issue).includes('Jane'), false);
  });

  it('refuses arrays for single elements and single values for repeating ones', () => {
    assert.deepEqual(ofPatient({ gender: ['female'] }), ['structure Patient.gender']);
    assert.deepEqual(ofPatient({ managingOrganization: [{ display: 'x' }] }), ['structure Patient.managingOrganization']);
    assert.deepEqual(ofPatient({ name: { family: 'x' } }), ['structure Patient.name']);
    assert.deepEqual(ofPatient({ name: [{ given: 'x' }] }), ['structure Patient.name[0].given']);
    assert.deepEqual(ofPatient({ name: [[{ family: 'x' }]] }), ['structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ name: ['x'] }), ['structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ photo: [exactNumber('1.00')] }), ['structure Patient.photo[0].rawJSON', 'structure Patient.photo[0]']);
  });

  it('refuses nothing where something must be', () => {
    assert.deepEqual(ofPatient({ name: [] }), ['structure Patient.name']);
    assert.deepEqual(ofPatient({ name: [{}] }), ['structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ name: [{ id: 'only' }] }), ['structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ name: null }), ['structure Patient.name']);
    assert.deepEqual(ofPatient({ name: [null] }), ['structure Patient.name[0]']);
    assert.deepEqual(ofPatient({ gender: null }), ['structure Patient.gender']);
    assert.deepEqual(ofPatient({ gender: '' }), ['value Patient.gender']);
    assert.deepEqual(ofPatient({ name: [{ family: ' \n' }] }), ['value Patient.name[0].family']);
  });

  it('refuses what lacks a required element', () => {
    assert.deepEqual(faults(without(observation(), 'status')), ['required Observation.status']);
    assert.deepEqual(faults(without(request(), 'medicationReference')), ['required MedicationRequest.medication']);
    assert.deepEqual(faults({ resourceType: 'Observation' }).sort(), ['required Observation.code', 'required Observation.status']);
    assert.deepEqual(ofPatient({ link: [{ type: 'refer' }] }), ['required Patient.link[0].other']);
    assert.deepEqual(ofObservation({ component: [observation()['component'], { valueString: 'x' }].flat() }), [
      'required Observation.component[3].code',
    ]);
  });

  it('refuses two types of one choice, also by their extensions', () => {
    assert.deepEqual(ofPatient({ deceasedDateTime: '2020' }), ['structure Patient.deceased']);
    assert.deepEqual(ofPatient({ _deceasedDateTime: absent }), ['structure Patient.deceased']);
    assert.deepEqual(ofPatient({ deceasedBoolean: undefined, deceasedDateTime: '2020', _deceasedDateTime: { id: 'x' } }), []);
  });

  it('spells choices as FHIRPath does', () => {
    assert.deepEqual(ofObservation({ valueQuantity: { value: 'x' } }), ['value Observation.value.ofType(Quantity).value']);
    assert.deepEqual(ofObservation({ valueInteger: 1.5 }), ['value Observation.value.ofType(integer)']);
    const deep = { url: 'u', valueTiming: { event: ['x'] } };
    assert.deepEqual(ofExtension(deep), ['value Patient.extension[0].value.ofType(Timing).event[0]']);
  });

  it('stops at 50 issues and survives any depth', () => {
    assert.equal(validator.validate({ resourceType: 'Patient', name: Array(1000).fill({}) }).length, 50);
    let item: Json = { linkId: 'x', type: 'group' };
    for (let i = 0; i < 20_000; i++) item = { linkId: 'x', type: 'group', item: [item] };
    assert.match(faults(withChanges(questionnaire(), { item: [item] }))[0] ?? '', /^too-long Questionnaire\.item\[0\]\.item/);
  });
});

describe('validation: primitives', () => {
  const cases: { [type: string]: [good: unknown[], bad: unknown[]] } = {
    Base64Binary: [
      ['AAAA', 'AAA=', 'AA==', 'AA AA\nBBBB'],
      ['AAA', 'A===', '=AAA', 'AA=A', 'AAAA====', 'AA-_', '', ' ', 1],
    ],
    Boolean: [
      [true, false],
      ['true', 1, 0],
    ],
    Canonical: [['http://a|1'], ['http://a b', '']],
    Code: [
      ['a', 'a b', 'é'],
      [' a', 'a ', 'a  b', 'a\tb', 'a\nb', '', 1],
    ],
    Date: [
      ['2020', '2020-02', '2020-02-29', '2000-02-29', '1900-02-28'],
      ['2021-02-29', '1900-02-29', '2021-04-31', '2021-13', '0000', '20200101', '2020-1-1', '2020-01-01T00:00:00Z', 2020],
    ],
    DateTime: [
      ['2020', '2020-02-29', '2020-02-29T23:59:60.123Z', '2020-01-01T00:00:00-14:00'],
      [
        '2020-01-01T00:00:00',
        '2020-01-01T00:00Z',
        '2020-01-01T24:00:00Z',
        '2021-02-29T00:00:00Z',
        '2020-01T00:00:00Z',
        '2020-01-01T00:00:00+15:00',
        '2020-01-01 00:00:00Z',
      ],
    ],
    Decimal: [
      [0, -1.5, 1e300, exactNumber('1.00'), exactNumber('1e2')],
      ['1', Number.POSITIVE_INFINITY, exactNumber('1e999'), exactNumber('"1"'), true],
    ],
    Id: [
      ['a', 'A-1.b', 'x'.repeat(64)],
      ['x'.repeat(65), 'a_b', 'a b', '', 1],
    ],
    Instant: [
      ['2020-02-29T00:00:00Z', '2020-01-01T00:00:00.001+01:00'],
      ['2020', '2020-01-01', '2020-01-01T00:00:00', '2023-02-29T00:00:00Z'],
    ],
    Integer: [
      [0, -2147483648, 2147483647],
      [2147483648, -2147483649, 1.5, '1', exactNumber('1.0'), exactNumber('1e2'), exactNumber('-0')],
    ],
    Markdown: [['# a'], ['', ' ', 'a\u0000']],
    Oid: [['urn:oid:1.2.0'], ['urn:oid:3.1', 'urn:oid:1.02', '1.2.3', 'urn:oid:1']],
    PositiveInt: [
      [1, 2147483647],
      [0, -1, 2147483648],
    ],
    String: [
      ['a', ' a ', 'a\tb\r\n', '😀'],
      ['', ' ', '\t', 'a\u0007', '\ud800', 1, true, {}],
    ],
    Time: [
      ['00:00:00', '23:59:60.5'],
      ['24:00:00', '00:00', '00:00:00Z'],
    ],
    UnsignedInt: [
      [0, 1],
      [-1, 2147483648, 0.5],
    ],
    Uri: [
      ['urn:x:y', 'http://a/b'],
      ['a b', '', ' a', 'a\n'],
    ],
    Url: [['http://a'], ['http://a b']],
    Uuid: [
      ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
      ['c757873d-ec9a-4326-a141-556f43239520', 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'urn:uuid:x'],
    ],
  };
  for (const [type, [good, bad]] of Object.entries(cases)) {
    it(`checks ${type}`, () => {
      const type0 = type.charAt(0).toLowerCase() + type.slice(1);
      const validate = (value: unknown): string[] =>
        faults({ resourceType: 'Parameters', parameter: [{ name: 'x', [`value${type}`]: value }] });
      for (const value of bad)
        assert.deepEqual(validate(value), [`value Parameters.parameter[0].value.ofType(${type0})`], JSON.stringify(value));
      for (const value of good) assert.deepEqual(validate(value), [], JSON.stringify(value));
    });
  }

  it('refuses ids that no address can hold', () => {
    for (const id of ['a/b', 'a_b', 'x'.repeat(65), '../x', 1]) assert.deepEqual(ofPatient({ id }), ['value Patient.id']);
  });

  it('refuses codes outside required bindings', () => {
    assert.deepEqual(ofPatient({ gender: 'woman' }), ['code-invalid Patient.gender']);
    assert.deepEqual(ofPatient({ gender: 1 }), ['value Patient.gender']);
    assert.deepEqual(ofObservation({ status: 'Final' }), ['code-invalid Observation.status']);
    assert.deepEqual(ofObservation({ valueQuantity: { value: 1, comparator: '=' } }), [
      'code-invalid Observation.value.ofType(Quantity).comparator',
    ]);
    assert.deepEqual(ofPatient({ photo: [{ contentType: 'any/thing' }] }), []);
  });
});

describe('validation: primitive extensions', () => {
  const given = (values: unknown, extensions: unknown): string[] => ofPatient({ name: [{ text: 'x', given: values, _given: extensions }] });
  const at = 'Patient.name[0].given';

  it('refuses arrays that are not aligned and nulls without a partner', () => {
    assert.deepEqual(given(['a', null], undefined), [`structure ${at}[1]`]);
    assert.deepEqual(given(['a', null], [null, null]), [`structure ${at}[1]`]);
    assert.deepEqual(given(['a', 'b'], [null]), [`structure ${at}`]);
    assert.deepEqual(given(undefined, [null, absent]), [`structure ${at}[0]`]);
    assert.deepEqual(given(['a', null], [null, { id: 'x' }]), [`structure ${at}[1]`]);
    assert.deepEqual(given(['a'], { id: 'x' }), [`structure ${at}`]);
    assert.deepEqual(given(['a', null], [null, absent]), []);
    assert.deepEqual(given(undefined, [absent, absent]), []);
  });

  it('refuses empty and foreign content', () => {
    assert.deepEqual(ofPatient({ _gender: {} }), ['structure Patient.gender']);
    assert.deepEqual(ofPatient({ _gender: null }), ['structure Patient.gender']);
    assert.deepEqual(ofPatient({ gender: undefined, _gender: { id: 'x' } }), ['structure Patient.gender']);
    assert.deepEqual(ofPatient({ _gender: { id: 'x', value: 'y' } }), ['structure Patient.gender.value']);
    assert.deepEqual(ofPatient({ _name: absent }), ['structure Patient._name']);
    assert.deepEqual(ofExtension({ url: 'u', _url: absent, valueCode: 'x' }), ['structure Patient.extension[0]._url']);
    assert.deepEqual(ofPatient({ _birthDate: { extension: [{ valueCode: 'x' }] } }), ['required Patient.birthDate.extension[0].url']);
  });

  it('takes an extension for a required value that is absent', () => {
    assert.deepEqual(faults({ ...without(observation(), 'status'), _status: absent }), []);
  });
});

describe('validation: references, contained, extensions', () => {
  it('refuses targets that the element does not allow', () => {
    const subject = (reference: unknown): string[] => ofObservation({ subject: { reference } });
    for (const bad of [
      'Practitioner/1',
      'Practitioner?identifier=1',
      'Nope/1',
      'Patient',
      'Patient/',
      'Patient/a b',
      'patient/1',
      'Patient/1/x',
      'some text',
      '#',
    ]) {
      assert.deepEqual(subject(bad), ['value Observation.subject.reference'], bad);
    }
    for (const good of [
      'Patient/1',
      'Group/1',
      'Patient?identifier=a',
      'urn:uuid:x',
      'urn:oid:1.2',
      'https://a/b',
      'http://a/Practitioner/1',
    ]) {
      assert.deepEqual(subject(good), [], good);
    }
    assert.deepEqual(subject(''), ['value Observation.subject.reference']);
    assert.deepEqual(ofExtension({ url: 'u', valueReference: { reference: 'Basic/1' } }), []);
    assert.deepEqual(ofExtension({ url: 'u', valueReference: { reference: 'Basics/1' } }), [
      'value Patient.extension[0].value.ofType(Reference).reference',
    ]);
  });

  it('resolves references to contained resources, each in its own container', () => {
    assert.deepEqual(ofRequest({ medicationReference: { reference: '#n' } }), [
      'value MedicationRequest.medication.ofType(Reference).reference',
    ]);
    assert.deepEqual(ofRequest({ subject: { reference: '#m' } }), ['value MedicationRequest.subject.reference']);
    const other = withChanges(observation(), { focus: [{ reference: '#m' }] });
    const two = withChanges(bundle(), { entry: [{ resource: request() }, { resource: other }, { resource: request() }] });
    assert.deepEqual(faults(two), ['value Bundle.entry[1].resource.focus[0].reference']);
  });

  it('refuses contained resources without an id, with the same id, or with resources of their own', () => {
    const medication = { resourceType: 'Medication', code: { text: 'x' } };
    const all = (contained: unknown): string[] => ofRequest({ contained, medicationReference: { display: 'x' } });
    const at = 'MedicationRequest.contained[0]';
    assert.deepEqual(all([medication]), [`required ${at}`]);
    assert.deepEqual(
      all([
        { ...medication, id: 'a' },
        { ...medication, id: 'a' },
      ]),
      [`value ${at}`],
    );
    assert.deepEqual(all([{ ...medication, id: 'a', contained: [{ ...medication, id: 'b' }] }]), [`structure ${at}.contained[0]`]);
    assert.deepEqual(all([{ id: 'a' }]), [`structure ${at}`]);
    assert.deepEqual(all([{ ...medication, id: 'a', status: 'x' }]), [`code-invalid ${at}.status`]);
    assert.deepEqual(all(['x']), [`structure ${at}`]);
  });

  it('checks resources in bundles and parameters by their own type', () => {
    assert.deepEqual(faults(withChanges(bundle(), { entry: [{ resource: { resourceType: 'Observation', status: 'final' } }] })), [
      'required Bundle.entry[0].resource.code',
    ]);
    assert.deepEqual(faults(withChanges(bundle(), { entry: [{ resource: { status: 'final' } }] })), ['structure Bundle.entry[0].resource']);
    const part = { name: 'p', part: [{ name: 'q', resource: withChanges(patient(), { gender: 'x' }) }] };
    assert.deepEqual(faults(withChanges(parameters(), { parameter: [part] })), [
      'code-invalid Parameters.parameter[0].part[0].resource.gender',
    ]);
  });

  it('refuses extensions without url, with nothing, with a value and extensions, or with two values', () => {
    const at = 'Patient.extension[0]';
    assert.deepEqual(ofExtension({ valueString: 'x' }), [`required ${at}.url`]);
    assert.deepEqual(ofExtension({ url: 'u' }), [`structure ${at}`]);
    assert.deepEqual(ofExtension({ url: 'u', valueString: 'x', extension: [{ url: 'v', valueCode: 'x' }] }), [`structure ${at}`]);
    assert.deepEqual(ofExtension({ url: 'u', valueString: 'x', valueCode: 'y' }), [`structure ${at}.value`]);
    assert.deepEqual(ofExtension({ url: 'u', _valueString: absent }), []);
  });
});

describe('validation: what is valid', () => {
  it('accepts the fixtures, whole and through JSON', () => {
    for (const fixture of fixtures) {
      assert.deepEqual(validator.validate(fixture()), []);
      assert.deepEqual(validator.validate(JSON.parse(JSON.stringify(fixture())), String(fixture()['resourceType'])), []);
    }
  });

  it('keeps nothing of the resource before', () => {
    assert.equal(faults({ resourceType: 'Observation' }).length, 2);
    assert.deepEqual(faults(patient()), []);
  });
});
