// Profiles: slices by every kind of discriminator, bindings, constraints, and profiles built on profiles.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Issue, Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { Profiles, sourceOf } from '../src/validation/index.ts';
import type { Json } from './validationFixtures.ts';

const own = 'https://own.example';
const definitions = loadDefinitions();

function structure(name: string, type: string, rows: readonly Json[], rest: Json = {}): Resource {
  const element = rows.map((row) => ({
    path: String(row['id']).replace(/:[^.]*/g, ''),
    sliceName: /:([^.]*)$/.exec(String(row['id']))?.[1],
    ...row,
  }));
  return {
    resourceType: 'StructureDefinition',
    url: `${own}/${name}`,
    type,
    derivation: 'constraint',
    baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
    differential: { element },
    ...rest,
  } as unknown as Resource;
}

const slicing = (rules: string, type: string, path: string, rest: Json = {}): Json => ({
  slicing: { rules, discriminator: [{ type, path }], ...rest },
});
const code = (value: string, system = 'http://loinc.org'): Json => ({ coding: [{ system, code: value }] });

async function faultsOf(resource: Json, profile: Resource, ...others: readonly Resource[]): Promise<string[]> {
  const { url } = profile as unknown as { readonly url: string };
  const found = await new Profiles(definitions, sourceOf([profile, ...others]), () => new Date(0)).profile(url);
  return (found?.validate(resource) ?? []).map(({ severity, code: kind, expression }: Issue) =>
    severity === 'error' ? `${kind} ${expression}` : `${severity} ${kind} ${expression}`,
  );
}

const base: Json = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };

describe('slices by pattern', () => {
  const pressure = structure('pressure', 'Observation', [
    { id: 'Observation.component', min: 2, ...slicing('closed', 'pattern', 'code') },
    { id: 'Observation.component:systolic', min: 1, max: '1' },
    { id: 'Observation.component:systolic.code', patternCodeableConcept: code('8480-6') },
    { id: 'Observation.component:systolic.value[x]', min: 1, type: [{ code: 'Quantity' }] },
    { id: 'Observation.component:systolic.value[x].unit', min: 1 },
    { id: 'Observation.component:diastolic', min: 1, max: '1' },
    { id: 'Observation.component:diastolic.code.coding.code', min: 1, fixedCode: '8462-4' },
  ]);
  const systolic = { code: code('8480-6'), valueQuantity: { value: 1, unit: 'mmHg' } };
  const diastolic = { code: code('8462-4') };
  const check = (...component: Json[]): Promise<string[]> => faultsOf({ ...base, component }, pressure);

  it('refuses a slice that is missing, there too often, or none of the profile', async () => {
    assert.deepEqual(await check(systolic, systolic), ['structure Observation.component', 'required Observation.component']);
    assert.deepEqual(await check(systolic, diastolic, { code: code('1-8') }), ['structure Observation.component[2]']);
    assert.deepEqual(await faultsOf(base, pressure), [
      'required Observation.component',
      'required Observation.component',
      'required Observation.component',
    ]);
  });
  it('refuses what is wrong inside a slice, and only there', async () => {
    assert.deepEqual(await check(diastolic, { ...systolic, valueQuantity: { value: 1 } }), [
      'required Observation.component[1].value.ofType(Quantity).unit',
    ]);
    assert.deepEqual(await check(diastolic, { code: code('8480-6') }), ['required Observation.component[1].value']);
  });
  it('accepts what has its slices', async () => assert.deepEqual(await check(diastolic, systolic), []));
});

describe('slices by what the slices inside them say', () => {
  const coded = (name: string, value: string): readonly Json[] => [
    { id: `Observation.component:${name}`, min: 1, max: '1' },
    { id: `Observation.component:${name}.code.coding`, ...slicing('open', 'value', 'code') },
    { id: `Observation.component:${name}.code.coding:own`, min: 1 },
    { id: `Observation.component:${name}.code.coding:own.code`, min: 1, fixedCode: value },
  ];
  const profile = structure('inside', 'Observation', [
    { id: 'Observation.component', ...slicing('open', 'value', 'code.coding.code') },
    ...coded('one', '1'),
    ...coded('two', '2'),
  ]);
  const component = (...values: string[]): Json => ({
    ...base,
    component: values.map((value) => ({ code: { coding: [{ code: 'x' }, { code: value }] } })),
  });

  it('tells them apart', async () => {
    assert.deepEqual(await faultsOf(component('2', '3'), profile), ['required Observation.component']);
    assert.deepEqual(await faultsOf(component('1', '1', '2'), profile), ['structure Observation.component']);
    assert.deepEqual(await faultsOf(component('2', '1'), profile), []);
  });
});

describe('slices by other discriminators', () => {
  it('by the type of a choice', async () => {
    const profile = structure('type', 'Observation', [
      { id: 'Observation.value[x]', ...slicing('closed', 'type', '$this') },
      { id: 'Observation.value[x]:valueQuantity', max: '1', type: [{ code: 'Quantity' }] },
      { id: 'Observation.value[x]:valueQuantity.code', min: 1 },
    ]);
    assert.deepEqual(await faultsOf({ ...base, valueString: 'x' }, profile), ['structure Observation.value.ofType(string)']);
    assert.deepEqual(await faultsOf({ ...base, valueQuantity: { value: 1 } }, profile), [
      'required Observation.value.ofType(Quantity).code',
    ]);
    assert.deepEqual(await faultsOf({ ...base, valueQuantity: { code: '1', system: 'http://x' } }, profile), []);
  });
  it('by what exists', async () => {
    const profile = structure('exists', 'Patient', [
      { id: 'Patient.identifier', ...slicing('open', 'exists', 'period') },
      { id: 'Patient.identifier:dated', min: 1 },
      { id: 'Patient.identifier:dated.period', min: 1 },
    ]);
    assert.deepEqual(await faultsOf({ resourceType: 'Patient', identifier: [{ value: '1' }] }, profile), ['required Patient.identifier']);
    assert.deepEqual(await faultsOf({ resourceType: 'Patient', identifier: [{ value: '1' }, { period: { start: '2020' } }] }, profile), []);
  });
  it('by the profile of a contained target', async () => {
    const active = structure('active', 'Organization', [{ id: 'Organization.active', min: 1, fixedBoolean: true }]);
    const profile = structure('by-profile', 'Observation', [
      { id: 'Observation.performer', ...slicing('open', 'profile', 'resolve()') },
      { id: 'Observation.performer:active', min: 1, type: [{ code: 'Reference', targetProfile: [`${own}/active`] }] },
    ]);
    const of = (organization: Json): Json => ({
      ...base,
      contained: [{ resourceType: 'Organization', id: 'o', name: 'x', ...organization }],
      performer: [{ reference: '#o' }],
    });
    assert.deepEqual(await faultsOf(of({ active: false }), profile, active), ['required Observation.performer']);
    assert.deepEqual(await faultsOf(of({ active: true }), profile, active), []);
  });
  it('by the type of a resource in a bundle', async () => {
    const patient = structure('patient', 'Patient', [{ id: 'Patient.gender', min: 1 }]);
    const profile = structure('bundle', 'Bundle', [
      { id: 'Bundle.entry', ...slicing('open', 'type', 'resource') },
      { id: 'Bundle.entry:patient', min: 1, max: '1' },
      { id: 'Bundle.entry:patient.resource', min: 1, type: [{ code: 'Patient', profile: [`${own}/patient`] }] },
    ]);
    const bundle = (resource: Json): Json => ({ resourceType: 'Bundle', type: 'collection', entry: [{ resource }] });
    assert.deepEqual(await faultsOf(bundle(base), profile, patient), ['required Bundle.entry']);
    assert.deepEqual(await faultsOf(bundle({ resourceType: 'Patient' }), profile, patient), ['required Bundle.entry[0].resource.gender']);
    assert.deepEqual(await faultsOf(bundle({ resourceType: 'Patient', gender: 'male' }), profile, patient), []);
  });
  it('by the type of a resource without a profile', async () => {
    const profile = structure('plain-bundle', 'Bundle', [
      { id: 'Bundle.entry', ...slicing('closed', 'type', 'resource') },
      { id: 'Bundle.entry:patient', min: 1 },
      { id: 'Bundle.entry:patient.resource', min: 1, type: [{ code: 'Patient' }] },
      { id: 'Bundle.entry:patient.resource.gender', min: 1 },
    ]);
    const bundle = (...resources: Json[]): Json => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: resources.map((resource) => ({ resource })),
    });
    const patient = { resourceType: 'Patient', gender: 'male' };
    assert.deepEqual(await faultsOf(bundle(base, patient), profile), ['structure Bundle.entry[0]']);
    assert.deepEqual(await faultsOf(bundle({ resourceType: 'Patient' }), profile), ['required Bundle.entry[0].resource.gender']);
    assert.deepEqual(await faultsOf(bundle(patient), profile), []);
    const plain = structure('patients', 'Bundle', [{ id: 'Bundle.entry.resource', type: [{ code: 'Patient' }] }]);
    assert.deepEqual(await faultsOf(bundle(patient, base), plain), ['structure Bundle.entry[1].resource']);
  });
  it('in the order of the profile, others at the end', async () => {
    const profile = structure('ordered', 'Patient', [
      { id: 'Patient.identifier', ...slicing('openAtEnd', 'value', 'system', { ordered: true }) },
      { id: 'Patient.identifier:a', min: 0 },
      { id: 'Patient.identifier:a.system', fixedUri: 'urn:a' },
      { id: 'Patient.identifier:b', min: 0 },
      { id: 'Patient.identifier:b.system', fixedUri: 'urn:b' },
    ]);
    const of = (...systems: string[]): Json => ({ resourceType: 'Patient', identifier: systems.map((system) => ({ system })) });
    assert.deepEqual(await faultsOf(of('urn:b', 'urn:a'), profile), ['structure Patient.identifier[1]']);
    assert.deepEqual(await faultsOf(of('urn:x', 'urn:a'), profile), ['structure Patient.identifier[1]']);
    assert.deepEqual(await faultsOf(of('urn:a', 'urn:b', 'urn:x'), profile), []);
  });
});

describe('bindings, constraints and bases', () => {
  it('warns of a code outside an extensible value set, and of none where only a text is', async () => {
    const set = {
      resourceType: 'ValueSet',
      url: `${own}/set`,
      compose: { include: [{ system: 'urn:s', concept: [{ code: 'a' }] }] },
    } as unknown as Resource;
    const profile = structure('bound', 'Observation', [
      { id: 'Observation.code', binding: { strength: 'extensible', valueSet: `${own}/set` } },
    ]);
    assert.deepEqual(await faultsOf({ ...base, code: code('b', 'urn:s') }, profile, set), ['warning code-invalid Observation.code']);
    assert.deepEqual(await faultsOf(base, profile, set), []);
    assert.deepEqual(await faultsOf({ ...base, code: code('a', 'urn:s') }, profile, set), []);
  });
  it('says when a value set is not known', async () => {
    const profile = structure('unknown', 'Observation', [
      { id: 'Observation.code', binding: { strength: 'required', valueSet: `${own}/none` } },
    ]);
    assert.deepEqual(await faultsOf(base, profile), ['information not-supported Observation.code']);
  });
  it('follows filters by the hierarchy, other value sets and exclusions', async () => {
    const system = {
      resourceType: 'CodeSystem',
      url: 'urn:h',
      content: 'complete',
      concept: [{ code: 'a', concept: [{ code: 'b' }] }, { code: 'c' }],
    };
    const inner = {
      resourceType: 'ValueSet',
      url: `${own}/inner`,
      compose: { include: [{ system: 'urn:h', filter: [{ property: 'concept', op: 'is-a', value: 'a' }] }] },
    };
    const outer = {
      resourceType: 'ValueSet',
      url: `${own}/outer`,
      compose: { include: [{ valueSet: [`${own}/inner`] }], exclude: [{ system: 'urn:h', concept: [{ code: 'a' }] }] },
    };
    const profile = structure('hierarchy', 'Observation', [
      { id: 'Observation.code', binding: { strength: 'required', valueSet: `${own}/outer` } },
    ]);
    const check = (value: string): Promise<string[]> =>
      faultsOf({ ...base, code: code(value, 'urn:h') }, profile, ...([system, inner, outer] as unknown as Resource[]));
    assert.deepEqual(await check('b'), []);
    for (const wrong of ['a', 'c']) assert.deepEqual(await check(wrong), ['code-invalid Observation.code']);
  });
  it('refuses what breaks a constraint of the profile', async () => {
    const profile = structure('constraint', 'Patient', [
      { id: 'Patient', constraint: [{ key: 'own-1', severity: 'error', human: 'x', expression: "gender = 'male' or name.exists()" }] },
      {
        id: 'Patient.name',
        constraint: [{ key: 'own-2', severity: 'warning', human: 'x', expression: 'family.exists() or %resource.active' }],
      },
    ]);
    assert.deepEqual(await faultsOf({ resourceType: 'Patient' }, profile), ['invariant Patient']);
    assert.deepEqual(await faultsOf({ resourceType: 'Patient', name: [{ family: 'x' }, { text: 'y' }] }, profile), [
      'warning invariant Patient.name[1]',
    ]);
  });
  it('says of constraints that have no answer, are no FHIRPath or do not end that they were not checked', async () => {
    const rows = ['link.other.resolve().exists()', "gender.matches('^(([a-z])+.)+[A-Z]([a-z])+$')", 'gender = '].map((expression, i) => ({
      key: `own-${i}`,
      severity: 'error',
      human: 'x',
      expression,
    }));
    const profile = structure('unchecked', 'Patient', [{ id: 'Patient', constraint: rows }]);
    const resource = { resourceType: 'Patient', gender: 'a'.repeat(40), link: [{ other: { reference: 'Patient/1' } }] };
    assert.deepEqual(
      await faultsOf(resource, profile),
      Array.from({ length: 3 }, () => 'information not-supported Patient'),
    );
  });
  it('asks the type that a choice has', async () => {
    const profile = structure('choice', 'Observation', [
      {
        id: 'Observation.effective[x]',
        constraint: [{ key: 'own-3', severity: 'error', human: 'x', expression: '($this as dateTime).toString().length() >= 8' }],
      },
    ]);
    assert.deepEqual(await faultsOf({ ...base, effectiveDateTime: '2020' }, profile), ['invariant Observation.effective.ofType(dateTime)']);
    assert.deepEqual(await faultsOf({ ...base, effectiveDateTime: '2020-01-01' }, profile), []);
  });
  it('lays a differential over that of its base', async () => {
    const below = structure('below', 'Patient', [
      { id: 'Patient.identifier', ...slicing('open', 'value', 'system') },
      { id: 'Patient.identifier:a', min: 0 },
      { id: 'Patient.identifier:a.system', min: 1, fixedUri: 'urn:a' },
    ]);
    const above = structure(
      'above',
      'Patient',
      [
        { id: 'Patient.identifier:a', min: 1 },
        { id: 'Patient.gender', min: 1 },
      ],
      { baseDefinition: `${own}/below` },
    );
    assert.deepEqual(await faultsOf({ resourceType: 'Patient' }, above, below), ['required Patient.identifier', 'required Patient.gender']);
    assert.deepEqual(await faultsOf({ resourceType: 'Patient', gender: 'male', identifier: [{ system: 'urn:a' }] }, above, below), []);
  });
  it('survives profiles that are based on each other or lead to themselves', async () => {
    const one = structure('one', 'Patient', [{ id: 'Patient.gender', min: 1 }], { baseDefinition: `${own}/two` });
    const two = structure('two', 'Patient', [{ id: 'Patient.link.other', type: [{ code: 'Reference', targetProfile: [`${own}/two`] }] }], {
      baseDefinition: `${own}/one`,
    });
    assert.deepEqual(await faultsOf({ resourceType: 'Patient', link: [{ other: { reference: '#' }, type: 'seealso' }] }, one, two), [
      'required Patient.gender',
    ]);
  });
  it('checks an extension by its definition', async () => {
    const extension = structure('sub', 'Extension', [
      { id: 'Extension.extension', ...slicing('closed', 'value', 'url') },
      { id: 'Extension.extension:part', min: 1 },
      { id: 'Extension.extension:part.url', fixedUri: 'part' },
      { id: 'Extension.extension:part.value[x]', min: 1, type: [{ code: 'string' }] },
      { id: 'Extension.url', fixedUri: `${own}/sub` },
      { id: 'Extension.value[x]', max: '0' },
    ]);
    const profile = structure('extended', 'Patient', [
      { id: 'Patient.extension', ...slicing('open', 'value', 'url') },
      { id: 'Patient.extension:sub', min: 1, type: [{ code: 'Extension', profile: [`${own}/sub`] }] },
    ]);
    const of = (...parts: Json[]): Json => ({ resourceType: 'Patient', extension: [{ url: `${own}/sub`, extension: parts }] });
    assert.deepEqual(await faultsOf({ resourceType: 'Patient' }, profile, extension), ['required Patient.extension']);
    assert.deepEqual(await faultsOf(of({ url: 'part', valueCode: 'x' }), profile, extension), [
      'structure Patient.extension[0].extension[0].value.ofType(code)',
    ]);
    assert.deepEqual(await faultsOf(of({ url: 'other', valueString: 'x' }), profile, extension), [
      'required Patient.extension[0].extension',
      'extension Patient.extension[0].extension[0]',
    ]);
    assert.deepEqual(await faultsOf(of({ url: 'part', valueString: 'x' }), profile, extension), []);
  });
});
