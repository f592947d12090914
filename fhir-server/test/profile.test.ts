// Profiles: every rule by a resource that breaks only it; and profiles that ask for more than is checked are refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Issue, Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { exactNumber, Profiles, sourceOf } from '../src/validation/index.ts';
import type { Json } from './validationFixtures.ts';

type StructureDefinition = Extract<Resource, { resourceType: 'StructureDefinition' }>;

const own = 'https://own.example';
const definitions = loadDefinitions();

/** A profile on the type by rows of a differential; the path follows from the id. */
function profile(type: string, rows: readonly Json[], url = `${own}/profile`): StructureDefinition {
  const element = rows.map((row) => ({ path: String(row['id']).replace(/:[^.]*/g, ''), ...row }));
  return { resourceType: 'StructureDefinition', url, type, kind: 'resource', differential: { element } } as unknown as StructureDefinition;
}

const reviewed = {
  resourceType: 'CodeSystem',
  url: `${own}/reviewed`,
  content: 'complete',
  concept: [{ code: 'yes', concept: [{ code: 'yes-twice' }] }, { code: 'no' }],
};
const setOf = (id: string, ...include: Json[]): Json => ({ resourceType: 'ValueSet', url: `${own}/${id}`, compose: { include } });
const resources = [
  reviewed,
  setOf('vs-reviewed', { system: `${own}/reviewed` }),
  setOf('vs-status', { system: 'http://hl7.org/fhir/observation-status', concept: [{ code: 'final' }, { code: 'preliminary' }] }),
] as unknown as Resource[];

const mark = profile('Extension', [
  { id: 'Extension.url', fixedUri: `${own}/mark` },
  { id: 'Extension.value[x]', min: 1, type: [{ code: 'code' }], binding: { strength: 'required', valueSet: `${own}/vs-reviewed` } },
]);
mark.url = `${own}/mark`;

const rows: readonly Json[] = [
  { id: 'Observation.extension', slicing: { rules: 'closed', discriminator: [{ type: 'value', path: 'url' }] } },
  { id: 'Observation.extension:mark', min: 1, max: '1', type: [{ code: 'Extension', profile: [`${own}/mark`] }] },
  { id: 'Observation.extension:plain', min: 0, max: '1', type: [{ code: 'Extension' }] },
  { id: 'Observation.extension:plain.url', fixedUri: `${own}/plain` },
  { id: 'Observation.extension:plain.value[x]', min: 1, type: [{ code: 'string' }] },
  { id: 'Observation.identifier', min: 1, max: '1' },
  { id: 'Observation.identifier.system', min: 1, fixedUri: `${own}/ids`, mustSupport: true },
  { id: 'Observation.status', binding: { strength: 'required', valueSet: `${own}/vs-status|1` } },
  { id: 'Observation.category', min: 2, max: '3' },
  { id: 'Observation.code', patternCodeableConcept: { coding: [{ system: 'http://loinc.org', code: '1-8' }] } },
  {
    id: 'Observation.subject',
    min: 1,
    type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }],
  },
  { id: 'Observation.value[x]', min: 1, type: [{ code: 'Quantity' }] },
  { id: 'Observation.value[x].value', min: 1, patternDecimal: 1.5 },
  { id: 'Observation.interpretation', binding: { strength: 'required', valueSet: `${own}/vs-reviewed` } },
  { id: 'Observation.bodySite', max: '0' },
  { id: 'Observation.component.value[x]', max: '0' },
];
/** The check of a profile, with the definitions that it refers to. */
async function compile(structure: StructureDefinition, others: readonly Resource[] = []): Promise<(resource: unknown) => Issue[]> {
  const found = await new Profiles(definitions, sourceOf([structure, ...others, ...resources]), () => new Date(0)).profile(
    structure.url ?? '',
  );
  return (resource) => found?.validate(resource) ?? [];
}
const check = await compile(profile('Observation', rows), [mark]);

const valid: Json = {
  resourceType: 'Observation',
  extension: [
    { url: `${own}/mark`, valueCode: 'yes-twice' },
    { url: `${own}/plain`, valueString: 'x' },
  ],
  identifier: [{ system: `${own}/ids`, value: '1' }],
  status: 'final',
  category: [{ text: 'a' }, { text: 'b' }],
  code: { text: 'any', coding: [{ code: 'other' }, { system: 'http://loinc.org', code: '1-8', display: 'any' }] },
  subject: { reference: 'Patient/1' },
  valueQuantity: { value: 1.5, unit: 'mm' },
  interpretation: [{ coding: [{ code: 'other' }, { system: `${own}/reviewed`, code: 'no' }] }],
  component: [{ code: { text: 'x' } }],
};
const faults = (changes: Json): string[] => check({ ...valid, ...changes }).map(({ code, expression }) => `${code} ${expression}`);
const [marked, plain] = valid['extension'] as readonly [Json, Json];

describe('a profile: what is at fault, and where', () => {
  const cases: readonly (readonly [string, Json, readonly string[]])[] = [
    ['a required element', { subject: undefined }, ['required Observation.subject']],
    ['a required choice', { valueQuantity: undefined }, ['required Observation.value']],
    [
      'a required element inside',
      { identifier: [{ system: `${own}/ids` }, { value: '2' }] },
      ['structure Observation.identifier', 'required Observation.identifier[1].system'],
    ],
    ['too few', { category: [{ text: 'a' }] }, ['required Observation.category']],
    ['too many', { category: [1, 2, 3, 4].map((n) => ({ text: `${n}` })) }, ['structure Observation.category']],
    ['one that is not allowed', { bodySite: { text: 'x' } }, ['structure Observation.bodySite']],
    ['a choice that is not allowed', { component: [{ valueString: 'x' }] }, ['structure Observation.component[0].value']],
    ['another type of a choice', { valueQuantity: undefined, valueString: 'x' }, ['structure Observation.value.ofType(string)']],
    ['another fixed value', { identifier: [{ system: `${own}/other` }] }, ['value Observation.identifier[0].system']],
    ['a pattern that is not there', { code: { coding: [{ system: 'http://loinc.org', code: '2-6' }] } }, ['value Observation.code']],
    ['another number', { valueQuantity: { value: 1.6 } }, ['value Observation.value.ofType(Quantity).value']],
    ['a code of another set', { status: 'amended' }, ['code-invalid Observation.status']],
    [
      'a coding of another system',
      { interpretation: [{ coding: [{ system: 'urn:x', code: 'no' }] }] },
      ['code-invalid Observation.interpretation[0]'],
    ],
    ['a text where a code is required', { interpretation: [{ text: 'no' }] }, ['code-invalid Observation.interpretation[0]']],
    ['a reference to another type', { subject: { reference: 'Group/1' } }, ['value Observation.subject']],
    [
      'a reference to a contained one',
      { contained: [{ resourceType: 'Group', id: 'g' }], subject: { reference: '#g' } },
      ['value Observation.subject'],
    ],
    [
      'an extension that is not listed',
      { extension: [marked, { url: 'urn:other', valueString: 'x' }] },
      ['extension Observation.extension[1]'],
    ],
    ['a required extension, none there', { extension: undefined }, ['required Observation.extension']],
    ['a required extension, another there', { extension: [plain] }, ['required Observation.extension']],
    ['an extension twice', { extension: [marked, plain, plain] }, ['structure Observation.extension']],
    [
      'the type inside an extension',
      { extension: [marked, { url: `${own}/plain`, valueCode: 'x' }] },
      ['structure Observation.extension[1].value.ofType(code)'],
    ],
    [
      'the code inside an extension',
      { extension: [{ url: `${own}/mark`, valueCode: 'maybe' }] },
      ['code-invalid Observation.extension[0].value.ofType(code)'],
    ],
  ];
  for (const [what, changes, expected] of cases) it(what, () => assert.deepEqual(faults(changes), expected));

  it('another resource type, or no resource', () => {
    for (const value of [{ ...valid, resourceType: 'Patient' }, null, 'Observation', [], undefined])
      assert.equal(check(value)[0]?.code, 'value');
  });

  it('says none of the values', () => {
    const text = JSON.stringify(
      check({ ...valid, status: 'secret', extension: [{ url: 'urn:secret', valueString: 'secret' }], code: { text: 'secret' } }),
    );
    assert.ok(text.length > 100 && !text.includes('secret'));
  });

  it('stops at 50 faults', () => {
    assert.equal(check({ ...valid, interpretation: Array.from({ length: 80 }, () => ({ text: 'x' })) }).length, 50);
  });
});

describe('a profile: what passes', () => {
  it('a resource of the profile', () => assert.deepEqual(faults({}), []));
  it('numbers with their digits', () => assert.deepEqual(faults({ valueQuantity: { value: exactNumber('1.50') } }), []));
  it('references whose type cannot be told', () => {
    for (const subject of [{ reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0' }, { identifier: { value: 'x' } }])
      assert.deepEqual(faults({ subject }), []);
  });
  it('a required element that holds only the reason why it is absent', async () => {
    const reason = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }];
    const only = await compile(profile('Observation', [{ id: 'Observation.issued', min: 1 }]));
    assert.deepEqual(only({ resourceType: 'Observation', _issued: { extension: reason } }), []);
    assert.equal(only({ resourceType: 'Observation' })[0]?.code, 'required');
  });
});

describe('a profile that can not be read is refused', () => {
  const cases: readonly (readonly [string, readonly Json[], RegExp])[] = [
    ['an unknown element', [{ id: 'Observation.colour', min: 1 }], /does not have/],
    ['the inside of an open choice', [{ id: 'Observation.value[x].unit', min: 1 }], /says its type/],
  ];
  for (const [what, elements, message] of cases) it(what, () => assert.rejects(() => compile(profile('Observation', elements)), message));

  it('one that is not there is undefined', async () => {
    assert.equal(await new Profiles(definitions, sourceOf([]), () => new Date(0)).profile(`${own}/none`), undefined);
  });
});
