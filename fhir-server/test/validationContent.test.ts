// What $validate says beyond the definitions: every rule by a resource that breaks only it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Issue, Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { isSnomedId } from '../src/validation/content-terminology.ts';
import { claimedProfiles, contentIssues, locationOf, Profiles, sourceOf } from '../src/validation/index.ts';
import { fixtures, type Json, observation, patient } from './validationFixtures.ts';

const definitions = loadDefinitions();
const isError = ({ severity }: Issue): boolean => severity === 'error';

async function faults(resource: Json, ...stored: readonly Json[]): Promise<string[]> {
  const profiles = new Profiles(definitions, sourceOf(stored as unknown as Resource[]), () => new Date(0));
  const issues = await contentIssues(resource, definitions, profiles);
  return issues.filter(isError).map(({ code, expression }) => `${code} ${expression}`);
}

const coded = (system: string, code: string): Json => ({ ...observation(), code: { coding: [{ system, code }] } });
const patientWith = (rest: Json): Json => ({ resourceType: 'Patient', ...rest });

describe('content: values', () => {
  const cases: readonly (readonly [string, Json, readonly string[]])[] = [
    ['a relative system', coded('codes', 'x'), ['value Observation.code.coding[0].system']],
    ['a value set for a system', coded('http://hl7.org/fhir/ValueSet/x', 'x'), ['value Observation.code.coding[0].system']],
    ['a size that is another', patientWith({ photo: [{ data: 'AAAA', size: 4 }] }), ['value Patient.photo[0].size']],
    ['a script in a text', patientWith({ name: [{ text: 'x <script>y</script>' }] }), ['value Patient.name[0].text']],
    [
      'a period that can not be compared',
      { ...observation(), effectivePeriod: { start: '2023-06-21', end: '2023-06-21T06:20:00Z' } },
      ['invariant Observation.effective.ofType(Period)'],
    ],
    [
      'a character that XML has no name for',
      patientWith({ text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">&reg;</div>' } }),
      ['value Patient.text.div'],
    ],
    [
      'a canonical of another type',
      { resourceType: 'QuestionnaireResponse', questionnaire: 'http://hl7.org/fhir/ValueSet/x' },
      ['value QuestionnaireResponse.questionnaire'],
    ],
    ['a relative url', { resourceType: 'ValueSet', url: 'ValueSet/x' }, ['value ValueSet.url']],
    [
      'a code that its system does not have',
      coded('http://hl7.org/fhir/observation-status', 'done'),
      ['code-invalid Observation.code.coding[0].code'],
    ],
    ['a SNOMED CT code with a wrong digit', coded('http://snomed.info/sct', '276885008'), ['code-invalid Observation.code.coding[0].code']],
    [
      'a concept outside a required value set',
      { resourceType: 'Condition', clinicalStatus: { coding: [{ system: 'urn:x', code: 'active' }] } },
      ['code-invalid Condition.clinicalStatus'],
    ],
    ['a code of a stored system', coded('urn:own', 'b'), ['code-invalid Observation.code.coding[0].code']],
  ];
  const stored = { resourceType: 'CodeSystem', url: 'urn:own', content: 'complete', concept: [{ code: 'a' }] };
  for (const [what, resource, expected] of cases)
    it(`refuses ${what}`, async () => assert.deepEqual(await faults(resource, stored), expected));

  it('accepts codes of systems that are not known, and those that are members', async () => {
    for (const [system, code] of [
      ['http://loinc.org', '1-8'],
      ['urn:other', 'x'],
      ['http://snomed.info/sct', '276885007'],
      ['urn:own', 'a'],
    ] as const)
      assert.deepEqual(await faults(coded(system, code), stored), []);
  });

  it('knows SNOMED CT identifiers by their check digit', () => {
    for (const code of ['22298006', '276885007', '900000000000207008', '404684003']) assert.ok(isSnomedId(code), code);
    for (const code of ['1', '22298007', '0404684003', '', '22298006x', '1234567890123456789']) assert.ok(!isSnomedId(code), code);
  });

  it('says none of the values', async () => {
    const profiles = new Profiles(definitions, sourceOf([]), () => new Date(0));
    const issues = await contentIssues(
      patientWith({ name: [{ text: '<script>secret' }], extension: [{ url: 'http://secret.example', valueString: 'secret' }] }),
      definitions,
      profiles,
    );
    assert.equal(issues.length, 2);
    assert.ok(!JSON.stringify(issues).includes('secret'));
  });
});

describe('content: extensions', () => {
  const own = 'https://own.example/x';
  const definition = {
    resourceType: 'StructureDefinition',
    url: own,
    type: 'Extension',
    derivation: 'constraint',
    differential: { element: [{ id: 'Extension.value[x]', path: 'Extension.value[x]', min: 1, type: [{ code: 'code' }] }] },
  };
  const mothersName = { url: 'http://hl7.org/fhir/StructureDefinition/humanname-mothers-family', valueString: 'x' };

  it('refuses those that are not known, at primitives too', async () => {
    const unknown = [{ url: 'https://nobody.example/x', valueString: 'x' }];
    assert.deepEqual(await faults(patientWith({ extension: unknown })), ['extension Patient.extension[0]']);
    assert.deepEqual(await faults(patientWith({ _birthDate: { extension: unknown } })), ['extension Patient.birthDate.extension[0]']);
  });
  it('checks those whose definition is stored', async () => {
    assert.deepEqual(await faults(patientWith({ extension: [{ url: own, valueString: 'x' }] }), definition), [
      'structure Patient.extension[0].value.ofType(string)',
    ]);
    assert.deepEqual(await faults(patientWith({ extension: [{ url: own, valueCode: 'x' }] }), definition), []);
  });
  it('refuses those whose definition is stored where they may not stand', async () => {
    const placed = { ...definition, context: [{ type: 'element', expression: 'HumanName' }] };
    const extension = [{ url: own, valueCode: 'x' }];
    assert.deepEqual(await faults(patientWith({ extension }), placed), ['extension Patient.extension[0]']);
    assert.deepEqual(await faults(patientWith({ name: [{ extension }] }), placed), []);
  });
  it('refuses those of HL7 where they may not stand, or with another type', async () => {
    assert.deepEqual(await faults(patientWith({ name: [{ extension: [mothersName] }] })), ['extension Patient.name[0].extension[0]']);
    assert.deepEqual(await faults(patientWith({ name: [{ family: 'x', _family: { extension: [mothersName] } }] })), []);
    assert.deepEqual(await faults(patientWith({ name: [{ _family: { extension: [{ url: mothersName.url, valueCode: 'x' }] } }] })), [
      'extension Patient.name[0].family.extension[0]',
    ]);
  });
});

describe('content: bundles and parameters', () => {
  const composition = (reference: string): Json => ({ resourceType: 'Composition', id: 'c', subject: { reference } });
  const document = (reference: string, ...more: Json[]): Json => ({
    resourceType: 'Bundle',
    type: 'document',
    entry: [
      { fullUrl: 'http://x.example/Composition/c', resource: composition(reference) },
      { fullUrl: 'http://x.example/Patient/p', resource: { resourceType: 'Patient', id: 'p' } },
      ...more,
    ],
  });

  it('refuses references that a document does not hold, or twice', async () => {
    assert.deepEqual(await faults(document('Patient/q')), ['not-found Bundle.entry[0].resource.subject.reference']);
    const again = { fullUrl: 'http://x.example/Patient/p', resource: { resourceType: 'Patient', id: 'p', meta: { versionId: '2' } } };
    assert.deepEqual(await faults(document('Patient/p', again)), ['multiple-matches Bundle.entry[0].resource.subject.reference']);
    assert.deepEqual(await faults(document('Patient/p/_history/2', again)), []);
    for (const reference of ['Patient/p', 'https://elsewhere.example/Patient/1']) assert.deepEqual(await faults(document(reference)), []);
  });
  it('refuses fullUrls that are relative or of another resource', async () => {
    const bundle = (fullUrl: string): Json => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ fullUrl, resource: { resourceType: 'Patient', id: 'p' } }],
    });
    for (const wrong of ['Patient/p', 'http://x.example/Patient/q', 'http://x.example/Group/p'])
      assert.deepEqual(await faults(bundle(wrong)), ['value Bundle.entry[0].fullUrl']);
    for (const right of ['http://x.example/Patient/p', 'urn:uuid:27de96c6-6910-4f0f-8f10-00ce6090f447'])
      assert.deepEqual(await faults(bundle(right)), []);
  });
  it('refuses search results without ids, outcomes that are none, and links twice', async () => {
    const entry = [
      { resource: { resourceType: 'Patient' } },
      { resource: { resourceType: 'Patient', id: 'p' }, search: { mode: 'outcome' } },
    ];
    const link = [{ relation: 'self' }, { relation: 'next' }, { relation: 'self' }];
    assert.deepEqual(await faults({ resourceType: 'Bundle', type: 'searchset', entry, link }), [
      'required Bundle.entry[0].resource.id',
      'value Bundle.entry[1].resource',
      'duplicate Bundle.link[2].relation',
    ]);
  });
  it('refuses parameters that refer past each other', async () => {
    const parameters = (reference: string): Json => ({
      resourceType: 'Parameters',
      parameter: [
        { resource: { resourceType: 'Patient', id: 'p' } },
        { resource: { resourceType: 'Coverage', beneficiary: { reference } } },
      ],
    });
    assert.deepEqual(await faults(parameters('Patient/q')), ['not-found Parameters.parameter[1].resource.beneficiary.reference']);
    assert.deepEqual(await faults(parameters('Patient/p')), []);
  });
});

describe('content: definitions', () => {
  const cases: readonly (readonly [string, Json, readonly string[]])[] = [
    [
      'a count of other concepts',
      { resourceType: 'CodeSystem', content: 'complete', count: 3, concept: [{ code: 'a', concept: [{ code: 'b' }] }] },
      ['value CodeSystem.count'],
    ],
    [
      'a supplement that says it is complete',
      { resourceType: 'CodeSystem', content: 'complete', supplements: 'urn:x' },
      ['business-rule CodeSystem.content'],
    ],
    [
      'properties twice, or of another type',
      {
        resourceType: 'CodeSystem',
        property: [
          { code: 'a', type: 'code', uri: 'http://hl7.org/fhir/concept-properties#notSelectable' },
          { code: 'a', type: 'string' },
        ],
        concept: [{ property: [{ code: 'a', valueInteger: 1 }] }],
      },
      [
        'business-rule CodeSystem.property[0].type',
        'duplicate CodeSystem.property[1].code',
        'business-rule CodeSystem.concept[0].property[0].value',
      ],
    ],
    [
      'includes without a system, with no code of it, or with a filter that is none',
      {
        resourceType: 'ValueSet',
        compose: {
          include: [
            { system: '#x' },
            {
              system: 'http://snomed.info/sct',
              concept: [{ code: '1' }],
              filter: [{ property: 'constraint', op: '=', value: '404684003 << 404684003' }],
            },
            { system: 'urn:x', filter: [{ property: 'notSelectable', op: '=', value: '1' }] },
          ],
        },
      },
      [
        'value ValueSet.compose.include[0].system',
        'value ValueSet.compose.include[1].filter[0].value',
        'code-invalid ValueSet.compose.include[1].concept[0].code',
        'value ValueSet.compose.include[2].filter[0].value',
      ],
    ],
    [
      'a composite of one',
      { resourceType: 'SearchParameter', type: 'composite', component: [{}] },
      ['business-rule SearchParameter.component'],
    ],
    [
      'a parameter unlike its origin',
      {
        resourceType: 'SearchParameter',
        type: 'token',
        base: ['Patient'],
        derivedFrom: 'http://hl7.org/fhir/SearchParameter/Organization-name',
      },
      ['business-rule SearchParameter.type', 'business-rule SearchParameter.base[0]'],
    ],
    [
      'a capability of another type',
      {
        resourceType: 'CapabilityStatement',
        rest: [{ resource: [{ searchParam: [{ type: 'date', definition: 'http://hl7.org/fhir/SearchParameter/Organization-name' }] }] }],
      },
      ['value CapabilityStatement.rest[0].resource[0].searchParam[0].type'],
    ],
    [
      'an element that the type does not have',
      {
        resourceType: 'StructureDefinition',
        derivation: 'constraint',
        type: 'Observation',
        differential: { element: [{ path: 'Observation.valueQuantity.unit' }, { path: 'Observation.valueBla' }] },
      },
      ['value StructureDefinition.differential.element[1].path'],
    ],
  ];
  for (const [what, resource, expected] of cases) it(`refuses ${what}`, async () => assert.deepEqual(await faults(resource), expected));
  it('accepts expressions of the constraint language', async () => {
    for (const value of ['404684003', '<< 404684003 |finding| : 363698007 = << 39057004', '404684003 OR 22298006'])
      assert.deepEqual(
        await faults({
          resourceType: 'ValueSet',
          compose: { include: [{ system: 'http://snomed.info/sct', filter: [{ property: 'constraint', op: '=', value }] }] },
        }),
        [],
      );
  });
});

describe('content: what is valid', () => {
  it('accepts the fixtures but for their invented extensions', async () => {
    for (const fixture of fixtures)
      assert.deepEqual(
        (await faults(fixture())).filter((fault) => !fault.startsWith('extension')),
        [],
      );
  });
  it('finds the claims of resources inside others', () => {
    const claiming = { ...patient(), meta: { profile: ['urn:a', 'urn:b'] } };
    const bundle = { resourceType: 'Bundle', entry: [{ resource: claiming }] };
    assert.deepEqual(
      claimedProfiles(bundle).map(({ url, path }) => `${url} ${path}`),
      ['urn:a Bundle.entry[0].resource', 'urn:b Bundle.entry[0].resource'],
    );
  });
  it('says places as XPath', () => {
    const bundle = {
      resourceType: 'Bundle',
      entry: [{}, { resource: { resourceType: 'Observation', valueQuantity: {}, component: [{ code: {} }] } }],
    };
    assert.equal(
      locationOf('Bundle.entry[1].resource.component[0].code', bundle),
      '/f:Bundle/f:entry[2]/f:resource/f:Observation/f:component[1]/f:code',
    );
    assert.equal(
      locationOf('Bundle.entry[1].resource.value.ofType(Quantity).unit', bundle),
      '/f:Bundle/f:entry[2]/f:resource/f:Observation/f:valueQuantity/f:unit',
    );
    assert.equal(locationOf('Patient.name[0]', null), '/f:Patient/f:name[1]');
  });
});
