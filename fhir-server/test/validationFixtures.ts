// Small valid resources that the validation tests take apart; everything in them is invented.
export interface Json {
  [key: string]: unknown;
}

const xhtml = 'xmlns="http://www.w3.org/1999/xhtml"';
export const absent = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };

export const narrative = (content: string): Json => ({ status: 'generated', div: `<div ${xhtml}>${content}</div>` });

export const patient = (): Json => ({
  resourceType: 'Patient',
  id: 'p-1',
  meta: { versionId: '1', lastUpdated: '2024-02-29T10:00:00.5+01:00', tag: [{ system: 'urn:oid:1.2.3', code: 'a b' }] },
  text: narrative(
    '<p class="x">One <b>two</b><br/> &amp; <a href="#n">three</a></p><!-- note --><img src="data:image/png;base64,AAAA" alt="n"/>',
  ),
  extension: [{ url: 'http://example.org/e', extension: [{ url: 'part', valueDecimal: 1.5 }] }],
  active: true,
  name: [
    { family: 'X', given: ['A', null, 'C'], _given: [null, { extension: [{ url: 'http://example.org/n', valueString: 'v' }] }, null] },
  ],
  gender: 'female',
  birthDate: '1970-02',
  _birthDate: { extension: [{ url: 'http://example.org/t', valueDateTime: '1970-02-03T04:05:06Z' }] },
  deceasedBoolean: false,
  multipleBirthInteger: 2,
  photo: [{ contentType: 'image/png', data: 'AAAA' }],
  contact: [{ relationship: [{ text: 'mother' }], telecom: [{ system: 'phone', value: '1' }] }],
  communication: [{ language: { text: 'English' }, preferred: true }],
  managingOrganization: { reference: 'Organization/o1', display: 'Clinic' },
  link: [{ other: { reference: 'RelatedPerson/r' }, type: 'seealso' }],
});

export const observation = (): Json => ({
  resourceType: 'Observation',
  id: 'o.1',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
  subject: { reference: 'Patient/p-1/_history/3' },
  encounter: { reference: 'urn:uuid:27de96c6-6910-4f0f-8f10-00ce6090f447' },
  effectiveDateTime: '2021-03-04',
  issued: '2021-03-04T05:06:07Z',
  performer: [{ reference: 'Practitioner?identifier=http://example.org|1' }, { reference: 'https://example.org/fhir/Organization/1' }],
  component: [
    {
      code: { text: 'systolic' },
      valueQuantity: { value: 120, comparator: '<', unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
    },
    { code: { text: 'note' }, valueString: 'fine', _valueString: { id: 'i1' } },
    { code: { text: 'none' }, _valueTime: absent },
  ],
});

export const request = (): Json => ({
  resourceType: 'MedicationRequest',
  contained: [
    { resourceType: 'Medication', id: 'm', code: { text: 'drug' } },
    {
      resourceType: 'Provenance',
      id: 'v',
      target: [{ reference: '#' }],
      recorded: '2020-01-01T00:00:00Z',
      agent: [{ who: { display: 'x' } }],
    },
  ],
  status: 'active',
  intent: 'order',
  medicationReference: { reference: '#m' },
  subject: { reference: 'Patient/p-1' },
  dosageInstruction: [
    {
      sequence: 1,
      timing: { event: ['2020-01-01T08:00:00+02:00'], repeat: { frequency: 1, period: 1, periodUnit: 'd', timeOfDay: ['08:00:00'] } },
      doseAndRate: [{ doseQuantity: { value: 0.5 } }],
    },
  ],
  dispenseRequest: { numberOfRepeatsAllowed: 0 },
});

export const bundle = (): Json => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      fullUrl: 'urn:uuid:27de96c6-6910-4f0f-8f10-00ce6090f447',
      resource: request(),
      request: { method: 'POST', url: 'MedicationRequest' },
    },
    { resource: observation(), request: { method: 'PUT', url: 'Observation/o.1' } },
  ],
});

export const parameters = (): Json => ({
  resourceType: 'Parameters',
  parameter: [
    { name: 'r', resource: patient() },
    {
      name: 'p',
      part: [
        { name: 'q', valuePositiveInt: 1 },
        { name: 's', valueUuid: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' },
      ],
    },
  ],
});

export const questionnaire = (): Json => ({
  resourceType: 'Questionnaire',
  status: 'draft',
  url: 'http://example.org/q',
  item: [
    {
      linkId: '1',
      type: 'group',
      item: [{ linkId: '1.1', type: 'choice', answerOption: [{ valueString: 'a' }, { valueCoding: { code: 'b' } }] }],
    },
  ],
});

export const masked = (): Json => ({
  resourceType: 'Provenance',
  target: [{ reference: 'Patient/p-1' }],
  _recorded: absent,
  agent: [{ who: { reference: 'Device/d' } }],
});

export const fixtures: readonly (() => Json)[] = [patient, observation, request, bundle, parameters, questionnaire, masked];
