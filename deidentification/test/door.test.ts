// The door: refusals first, then what each rule makes of an element.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { ageLowerBound, policy, pseudonymSystem } from '../src/index.ts';
import { applied, door, type Fields, owned, pseudonyms, resource, unowned } from './fixture.ts';

const dar = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };
const observation = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2', display: 'Body height' }] },
  subject: { reference: 'Patient/1' },
};
const patient = { resourceType: 'Patient', identifier: [{ system: pseudonymSystem, value: 'P-AAAABBBBCCCCDDDD' }] };

/** The 422 and the element it names; never a value of the input. */
function refuses(run: () => unknown, expression: string, value?: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof OperationOutcomeError, String(error));
    assert.equal(error.status, 422);
    assert.equal(error.issues[0]?.code, 'business-rule');
    assert.equal(error.issues[0]?.expression, expression);
    if (value) assert.ok(!JSON.stringify(error.outcome).includes(value));
    return true;
  });
}
const verify = (fields: { resourceType: string; [name: string]: unknown }, resolved = owned): unknown =>
  door().verify(resource(fields), resolved);

describe('refusals of the stored plane', () => {
  const cases: [string, { resourceType: string; [name: string]: unknown }, string, string][] = [
    ['a name', { ...patient, name: [{ family: 'Quillfeather' }] }, 'Patient.name', 'Quillfeather'],
    ['a telephone', { ...patient, telecom: [{ value: '555-867-5309' }] }, 'Patient.telecom', '5309'],
    [
      'another identifier',
      { ...patient, identifier: [...patient.identifier, { system: 'urn:mrn', value: '12345' }] },
      'Patient.identifier',
      '12345',
    ],
    [
      "another person's pseudonym",
      { ...patient, identifier: [{ system: pseudonymSystem, value: 'P-ZZZZ' }] },
      'Patient.identifier',
      'P-ZZZZ',
    ],
    ['no identifier', { resourceType: 'Patient' }, 'Patient.identifier', ''],
    ['a city', { ...patient, address: [{ city: 'Larkspur', state: 'MA' }] }, 'Patient.address.city', 'Larkspur'],
    ['a full ZIP', { ...patient, address: [{ state: 'MA', postalCode: '02139' }] }, 'Patient.address.postalCode', '02139'],
    [
      'an identifier that is no pseudonym',
      { ...observation, identifier: [{ system: 'urn:lab', value: 'ACC-99812' }] },
      'Observation.identifier',
      '99812',
    ],
    ['a telephone in a text', { ...observation, note: [{ text: 'call 555-867-5309' }] }, 'Observation.note.text', '5309'],
    ['an SSN in a text', { ...observation, valueString: '123-45-6789' }, 'Observation.valueString', '6789'],
    [
      "the patient's name in a text",
      { ...observation, note: [{ text: 'seen with ZEPHYRINE today' }] },
      'Observation.note.text',
      'ZEPHYRINE',
    ],
    [
      "a practitioner's display",
      { ...observation, performer: [{ reference: 'Practitioner/1', display: 'Bob' }] },
      'Observation.performer.display',
      'Bob',
    ],
    [
      'a narrative of unknown origin',
      { ...observation, text: { status: 'additional', div: '<div>x</div>' } },
      'Observation.text',
      'x</div',
    ],
    ['a name in a narrative', { ...observation, text: { status: 'generated', div: '<div>Dr. Bob Roe</div>' } }, 'Observation.text', 'Roe'],
    [
      'an absolute reference',
      { ...observation, encounter: { reference: 'https://ehr.example/Encounter/7' } },
      'Observation.encounter.reference',
      'ehr',
    ],
    ['an unknown extension', { ...observation, extension: [{ url: 'urn:x:y', valueString: 'v' }] }, 'Observation.extension', 'urn:x'],
    ['a real date', { ...observation, effectiveDateTime: '2025-07-02' }, 'Observation.effectiveDateTime', '2025'],
    ['a hospital name', { resourceType: 'Organization', name: 'Mercy General' }, 'Organization.name', 'Mercy'],
    ['attached bytes', { resourceType: 'Binary', contentType: 'image/png', data: 'aGk=' }, 'Binary.data', 'aGk'],
    [
      'a name in an attached text',
      { resourceType: 'Binary', contentType: 'text/plain', data: Buffer.from('Seen: Zephyrine').toString('base64') },
      'Binary.data',
      'Zephyrine',
    ],
  ];
  for (const [what, fields, expression, value] of cases) test(what, () => refuses(() => verify(fields), expression, value || undefined));

  test('a real date that is stored already stays', () => {
    const fields = resource({ ...observation, effectiveDateTime: '2025-07-02' });
    assert.ok(door().verify(fields, owned, fields));
  });
});

describe('refusals of both planes', () => {
  test('a modifier extension that is not known', () => {
    const fields = { ...observation, modifierExtension: [{ url: 'urn:not', valueBoolean: true }] };
    refuses(() => applied(fields), 'Observation.modifierExtension');
    refuses(() => verify(fields), 'Observation.modifierExtension');
  });
  test('implicit rules', () =>
    refuses(() => applied({ ...observation, implicitRules: 'urn:secret' }), 'Observation.implicitRules', 'secret'));
  test('a Slot without a patient, and one under safe-harbor', () => {
    const slot = {
      resourceType: 'Slot',
      status: 'free',
      schedule: { reference: 'Schedule/1' },
      start: '2025-01-01T10:00:00Z',
      end: '2025-01-01T11:00:00Z',
    };
    refuses(() => applied(slot, unowned), 'Slot.start');
    refuses(() => applied(slot, owned, 'safe-harbor'), 'Slot.start');
  });
  test('a policy that does not exist', () => assert.throws(() => policy('constructor'), /no de-identification policy/));
});

describe('deny by default', () => {
  test('an element without a rule is removed and counted', () => {
    const { resource: out, report } = door().apply(
      resource({ ...observation, surprise: 'x', code: { ...observation.code, nested: { a: 1 } } }),
      owned,
    );
    assert.ok(!JSON.stringify(out).includes('surprise') && !JSON.stringify(out).includes('nested'));
    assert.deepEqual(report.removed, { 'Observation.surprise': 1, 'Observation.code.nested': 1 });
  });
  test('extensions that are not listed, also beside primitives and inside data types', () => {
    const out = applied({
      resourceType: 'Patient',
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueString: 'Roe' },
        { url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex', valueCode: 'F' },
      ],
      birthDate: '1980-01-01',
      _birthDate: {
        extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '1980-01-01T07:00:00Z' }],
      },
    });
    assert.deepEqual(out['extension'], [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex', valueCode: 'F' }]);
    assert.equal(out['_birthDate'], undefined);
  });
});

describe('a patient', () => {
  const source = {
    resourceType: 'Patient',
    id: 'p',
    identifier: [
      { system: 'urn:mrn', value: 'M-1' },
      { system: 'urn:ssn', value: '123-45-6789' },
    ],
    name: [{ family: 'Quillfeather', given: ['Zephyrine'] }],
    gender: 'female',
    birthDate: '1980-03-12',
    address: [{ line: ['1 Elm'], city: 'Boston', state: 'MA', postalCode: '02139', country: 'US' }],
    photo: [{ contentType: 'image/png', data: 'AAAA' }],
    generalPractitioner: [{ reference: 'Practitioner/1', display: 'Dr. Roe' }],
  };
  test('keeps one pseudonym, moved dates, state and ZIP3; a photo stays visible', () => {
    assert.deepEqual(applied(source), {
      resourceType: 'Patient',
      id: 'p',
      identifier: [{ system: pseudonymSystem, value: 'P-AAAABBBBCCCCDDDD' }],
      gender: 'female',
      birthDate: '1980-01-02',
      address: [{ state: 'MA', postalCode: '021', country: 'US' }],
      photo: [{ contentType: 'image/png', _data: dar }],
      generalPractitioner: [{ reference: 'Practitioner/1' }],
    });
  });
  test('gets the label and the tag of the policy once', () => {
    const first = door().apply(resource(source), owned).resource;
    const again = door().verify(first, owned);
    assert.deepEqual(
      again.meta?.security?.map((c) => c.code),
      ['PSEUDED'],
    );
    assert.deepEqual(
      again.meta?.tag?.map((c) => `${c.system}|${c.code}`),
      ['https://limen.example/policy|date-shift'],
    );
  });
  test('over 89 only the bound stays; at 89 the date', () => {
    const old = applied({ resourceType: 'Patient', birthDate: '1930-01-01' });
    assert.equal(old['birthDate'], '1935');
    assert.deepEqual(old['_birthDate'], { extension: [{ url: ageLowerBound, valueUnsignedInt: 90 }] });
    assert.equal(applied({ resourceType: 'Patient', birthDate: '1936-01-01' })['birthDate'], '1935-10-23');
    const early = applied({ resourceType: 'Patient', birthDate: '1900-06-01', deceasedDateTime: '1950-06-01' });
    assert.match(String(early['birthDate']), /^1900-/);
  });
  test('a restricted ZIP area becomes 000, a foreign one goes', () => {
    const zip = (address: Fields): unknown =>
      (applied({ resourceType: 'Patient', address: [address] })['address'] as Fields[] | undefined)?.[0]?.['postalCode'];
    assert.equal(zip({ state: 'VT', postalCode: '05901' }), '000');
    assert.equal(zip({ state: 'CA', postalCode: '94110-1234' }), '941');
    assert.equal(zip({ country: 'DE', postalCode: '10115' }), undefined);
  });
  test('a contact that has lost who it is goes whole', () => {
    const contact = [{ relationship: [{ text: 'mother' }], name: { family: 'Oxtable' } }];
    assert.equal(applied({ resourceType: 'Patient', contact })['contact'], undefined);
    const placed = [{ ...contact[0], address: { state: 'MA', city: 'Boston' } }];
    assert.deepEqual(applied({ resourceType: 'Patient', contact: placed })['contact'], [
      { relationship: [{ text: 'mother' }], address: { state: 'MA' } },
    ]);
  });
  test('facts for the vault: matching identifiers, names, contact', () => {
    const { person } = door().collect(
      resource({
        ...source,
        identifier: [...source.identifier, { system: 'urn:old', value: 'x', use: 'old' }, { value: 'y' }],
        telecom: [{ value: '1' }],
      }),
    );
    assert.deepEqual(person, {
      identifiers: [
        { system: 'urn:mrn', value: 'M-1' },
        { system: 'urn:ssn', value: '123-45-6789' },
      ],
      nameParts: ['Quillfeather', 'Zephyrine'],
      birthDate: '1980-03-12',
      addressLines: ['1 Elm', 'Boston', '02139'],
      telecom: ['1'],
    });
  });
});

describe('elements', () => {
  test('identifiers: of the patient, of the tenant, of a target', () => {
    const out = applied({
      ...observation,
      identifier: [{ system: 's', value: 'v', assigner: { display: 'Mercy' }, period: { start: '2020' } }],
      performer: [{ identifier: { system: 'npi', value: '1' }, type: 'Practitioner' }],
    });
    assert.deepEqual(out['identifier'], [{ system: 's', value: pseudonyms('patient')('Observation', 's', 'v') }]);
    assert.deepEqual(out['performer'], [
      { identifier: { system: 'npi', value: pseudonyms('tenant')('Practitioner', 'npi', '1') }, type: 'Practitioner' },
    ]);
    const practitioner = applied({ resourceType: 'Practitioner', identifier: [{ system: 'npi', value: '1' }] }, unowned);
    assert.deepEqual(practitioner['identifier'], [{ system: 'npi', value: pseudonyms('tenant')('Practitioner', 'npi', '1') }]);
  });
  test('a practitioner keeps the qualification', () => {
    const out = applied(
      {
        resourceType: 'Practitioner',
        name: [{ family: 'Roe' }],
        telecom: [{ value: '1' }],
        birthDate: '1970',
        gender: 'male',
        qualification: [{ code: { text: 'MD, taught by Roe' } }],
      },
      unowned,
    );
    assert.deepEqual(out, { resourceType: 'Practitioner', gender: 'male', qualification: [{ code: { text: 'MD, taught by [NAME]' } }] });
  });
  test('an organization and a reference to it get the same surrogate', () => {
    const name = applied({ resourceType: 'Organization', name: 'Mercy General' }, unowned)['name'];
    assert.match(String(name), /^Organization [0-9a-f]{8}$/);
    const out = applied({
      resourceType: 'Encounter',
      status: 'finished',
      class: { code: 'AMB' },
      serviceProvider: { reference: 'Organization/1', display: 'Mercy General' },
    });
    assert.deepEqual(out['serviceProvider'], { reference: 'Organization/1', display: name });
  });
  test('displays: published systems keep them, others only their code', () => {
    const out = applied({
      ...observation,
      valueCodeableConcept: {
        coding: [
          { system: 'http://loinc.org', code: 'a', display: 'Outpatient Hospital' },
          { system: 'urn:local', code: 'b', display: 'Ward of Roe' },
        ],
        text: 'Outpatient Hospital',
      },
    });
    assert.deepEqual(out['valueCodeableConcept'], {
      coding: [
        { system: 'http://loinc.org', code: 'a', display: 'Outpatient Hospital' },
        { system: 'urn:local', code: 'b' },
      ],
      text: 'Outpatient Hospital',
    });
  });
  test('coded values and numbers stay as they are', () => {
    const values = {
      valueQuantity: { value: 1.5, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
      interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H' }] }],
    };
    const out = applied({ ...observation, ...values });
    assert.deepEqual({ valueQuantity: out['valueQuantity'], interpretation: out['interpretation'] }, values);
  });
  test('notes lose author and names; narratives go', () => {
    const out = applied({
      ...observation,
      text: { status: 'generated', div: '<div>Zephyrine</div>' },
      note: [{ authorString: 'Roe', time: '2025-03-12T10:00:00Z', text: 'Zephyrine was seen on 03/12/2025' }],
    });
    assert.equal(out['text'], undefined);
    assert.deepEqual(out['note'], [{ time: '2025-01-01T10:00:00Z', text: '[NAME] was seen on 01/01/2025' }]);
  });
  test('references: relative ones stay, absolute and conditional ones go and are counted', () => {
    const { resource: out, report } = door().apply(
      resource({
        ...observation,
        encounter: { reference: 'https://ehr.example/Encounter/7' },
        device: { reference: 'Device?identifier=a|b' },
        hasMember: [{ reference: 'Observation/2' }],
      }),
      owned,
    );
    const fields = out as unknown as Fields;
    assert.deepEqual(
      [fields['encounter'], fields['device'], fields['hasMember']],
      [undefined, undefined, [{ reference: 'Observation/2' }]],
    );
    assert.deepEqual(report.removed, { 'Observation.encounter.reference': 1, 'Observation.device.reference': 1 });
  });
  test('a removed required element leaves masked', () => {
    const communication = applied({ resourceType: 'Communication', status: 'completed', payload: [{ contentString: 'x' }] }, unowned);
    assert.deepEqual(communication['payload'], [{ _contentString: dar }]);
    const provenance = applied(
      {
        resourceType: 'Provenance',
        target: [{ reference: 'https://x.example/A/1' }],
        recorded: '2025-01-01T00:00:00Z',
        agent: [{ who: { reference: 'Practitioner/1' } }],
      },
      unowned,
    );
    assert.deepEqual(provenance, {
      resourceType: 'Provenance',
      target: [dar],
      _recorded: dar,
      agent: [{ who: { reference: 'Practitioner/1' } }],
    });
  });
  test('an attachment stays visible, UIDs are remapped, contained resources pass the door too', () => {
    const out = applied({
      resourceType: 'DocumentReference',
      status: 'current',
      content: [{ attachment: { contentType: 'application/pdf', url: 'https://x', title: 'Letter of Zephyrine', hash: 'aa' } }],
      contained: [{ resourceType: 'Practitioner', id: 'a', name: [{ family: 'Roe' }] }],
    });
    assert.deepEqual(out['content'], [{ attachment: { contentType: 'application/pdf', _url: dar, title: 'Letter of [NAME]' } }]);
    assert.deepEqual(out['contained'], [{ resourceType: 'Practitioner', id: 'a' }]);
    const study = applied({
      resourceType: 'ImagingStudy',
      status: 'available',
      subject: { reference: 'Patient/1' },
      series: [{ uid: '1.2.3', modality: { code: 'CT' } }],
    });
    assert.match(String((study['series'] as Fields[])[0]?.['uid']), /^2\.25\.\d+$/);
  });
  test('ages over 89 become a bound', () => {
    const out = applied({
      resourceType: 'Condition',
      subject: { reference: 'Patient/1' },
      onsetAge: { value: 93, unit: 'a', system: 'http://unitsofmeasure.org', code: 'a' },
    });
    assert.deepEqual(out['onsetAge'], { value: 90, unit: 'a', system: 'http://unitsofmeasure.org', code: 'a', comparator: '>=' });
  });
});

describe('whose a resource is', () => {
  const own = (fields: Fields): unknown => door().collect(resource({ resourceType: 'Basic', ...fields })).ownPatient;
  test('subject, patient, beneficiary, else the only one', () => {
    assert.equal(own({ subject: { reference: 'Patient/1/_history/2' }, author: { reference: 'Patient/2' } }), 'Patient/1');
    assert.equal(own({ patient: { reference: 'urn:uuid:a' } }), 'urn:uuid:a');
    assert.equal(own({ beneficiary: { reference: 'Patient?identifier=a|b' } }), 'Patient?identifier=a|b');
    assert.equal(own({ subject: { reference: 'Group/1' }, a: [{ b: { reference: 'Patient/3' } }] }), 'Patient/3');
    assert.equal(own({ a: { reference: 'Patient/1' }, b: { reference: 'Patient/2' } }), undefined);
    assert.equal(own({ a: { reference: 'Practitioner/1' } }), undefined);
  });
  test('of nobody: years only, no free text, codes stay', () => {
    const out = applied(
      {
        resourceType: 'List',
        status: 'current',
        mode: 'working',
        title: 'Roe ward',
        date: '2025-03-12',
        code: { text: 'round' },
        note: [{ text: 'x' }],
      },
      unowned,
    );
    assert.deepEqual(out, {
      resourceType: 'List',
      status: 'current',
      mode: 'working',
      date: '2025',
      code: { text: 'round' },
      note: [{ _text: dar }],
    });
  });
});

describe('other policies', () => {
  test('safe-harbor keeps years', () => {
    const out = applied(
      {
        ...observation,
        effectiveDateTime: '2025-03-12T10:00:00Z',
        issued: '2025-03-12T10:00:00Z',
        note: [{ text: 'since March 12, 2025' }],
      },
      owned,
      'safe-harbor',
    );
    assert.deepEqual([out['effectiveDateTime'], out['issued'], out['note']], ['2025', undefined, [{ text: 'since 2025' }]]);
  });
  test('synthetic changes only meta', () => {
    const source = { ...observation, note: [{ text: 'Dr. Roe' }], surprise: 1 };
    assert.deepEqual(applied(source, owned, 'synthetic'), source);
    assert.equal(door('synthetic').apply(resource(source), owned).resource.meta?.security?.[0]?.code, 'HTEST');
  });
});

test('search parameters whose element is removed are refused, identifiers are translated', () => {
  const policyOf = (...names: string[]): string[] => names.map((name) => door().searchPolicy('Patient', name));
  const removed = ['name', 'family', 'address', 'address-city', 'phone', 'email', '_text'];
  assert.deepEqual(
    policyOf(...removed),
    removed.map(() => 'refused'),
  );
  assert.deepEqual(policyOf('identifier', 'address-state', 'birthdate', 'gender', '_id'), [
    'translated',
    'matches',
    'matches',
    'matches',
    'matches',
  ]);
  assert.equal(door().searchPolicy('Organization', 'name'), 'refused');
  assert.equal(door().searchPolicy('Observation', 'code'), 'matches');
  assert.equal(door('synthetic').searchPolicy('Patient', 'name'), 'matches');
});
