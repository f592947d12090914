// Invariants: the specification's own FHIRPath is the oracle of those that are written by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions, loadInvariants } from '@limen/fhir-model/definitions';
import { compileFhirPath, isTrue } from '@limen/fhir-model/fhirpath';
import fc from 'fast-check';
import { compileValidator } from '../src/validation/index.ts';
import { handWritten } from '../src/validation/invariants.ts';
import { fixtures, type Json, observation, patient } from './validationFixtures.ts';

const definitions = loadDefinitions();
const validator = compileValidator(definitions);
const broken = (resource: Json, options = {}): string[] =>
  validator
    .validate(resource, undefined, options)
    .filter(({ code }) => code === 'invariant')
    .map(({ details, expression }) => `${details} ${expression}`);

/** Ours follow what the text says instead of its expression, or answer where FHIRPath has no answer. */
const otherwise = new Set([
  'per-1', // dates of different precision
  'mdd-1',
  'Task inv-1',
  'rng-2', // different units
  'ctm-1', // resolve()
  'que-12', // the text says more than one, the expression more than two
  'que-7', // asks for System.Boolean
  'tim-9', // a resource without `when` has nothing that is no meal
  'eld-16', // a regular expression that the engine refuses
  'eld-19', // matches() looks for a part of the text
]);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const numbers = fc.constantFrom<unknown>(-1, 0, 1, 2, 3, 101, 1.5);

/** Values of a type, with the words that the invariant asks for. */
function valuesOf(code: string, words: readonly string[], depth: number): fc.Arbitrary<unknown> {
  if (code === 'boolean') return fc.boolean();
  if (/^(decimal|integer|unsignedInt|positiveInt)$/.test(code)) return numbers;
  if (/^(date|dateTime|instant)$/.test(code)) return fc.constantFrom<unknown>('2020-01-01', '2021-01-01');
  if (code === 'Resource') return fc.constantFrom<unknown>({ resourceType: 'Composition' }, { resourceType: 'MessageHeader' });
  const type = definitions.types[code];
  if (!type || type.kind === 'primitive-type' || depth > 4) return fc.constantFrom<unknown>('a', '1', ...words);
  return objectsOf(code, words, depth + 1);
}

function objectsOf(path: string, words: readonly string[], depth = 0): fc.Arbitrary<unknown> {
  const shape: { [key: string]: fc.Arbitrary<unknown> } = {};
  const requiredKeys: string[] = [];
  for (const element of definitions.types[path]?.elements ?? []) {
    const base = element.name.replace('[x]', '');
    if (!words.includes(`.${base}`)) continue;
    const [type] = base === 'answer' ? [{ code: 'boolean' }] : element.types;
    const value = valuesOf(
      type?.code ?? '',
      words.filter((word) => !word.startsWith('.')),
      depth,
    );
    const nested = valuesOf(type?.code ?? '', words, depth);
    const each = definitions.types[type?.code ?? '']?.kind === 'primitive-type' ? value : nested;
    const key = element.name.endsWith('[x]') ? base + capital(type?.code ?? '') : base;
    if (element.min > 0) requiredKeys.push(key);
    shape[key] = element.max === 1 ? each : fc.array(each, { minLength: 1, maxLength: 3 });
  }
  const resource = definitions.types[path]?.kind === 'resource' ? { resourceType: path } : {};
  return fc.record(shape, { requiredKeys }).map((value) => ({ ...resource, ...value }));
}

/** Element names (with a dot before) and literals of an expression. */
function wordsOf(expression: string): string[] {
  const literals = [...expression.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '');
  const names = [...expression.replace(/'[^']*'/g, '').matchAll(/[a-z][A-Za-z]*/g)].map(([name]) => `.${name}`);
  return [...literals, ...names, ...(expression.includes('%ucum') ? ['http://unitsofmeasure.org'] : [])];
}

function agrees(path: string, key: string, expression: string): void {
  const holds = handWritten[`${path} ${key}`] ?? handWritten[key];
  if (!holds || otherwise.has(key) || otherwise.has(`${path} ${key}`)) return;
  const oracle = compileFhirPath(expression, path);
  const property = fc.property(objectsOf(path, wordsOf(expression)), (value) => {
    const given = structuredClone(value) as Json;
    const answer = oracle(given, { resource: given });
    // Without an element that is required anyway there is no answer.
    if (answer.length > 0) assert.equal(holds(given, given), isTrue(answer), `${path} ${key} ${JSON.stringify(given)}`);
  });
  fc.assert(property, { numRuns: 60, seed: 7 });
}

describe('validation: invariants', () => {
  it('refuses what breaks one, and says where', () => {
    assert.deepEqual(broken({ ...observation(), valueString: 'x', dataAbsentReason: { text: 'y' } }), ['obs-6 Observation']);
    assert.deepEqual(broken({ ...patient(), contact: [{ relationship: [{ text: 'x' }] }] }), ['pat-1 Patient.contact[0]']);
    assert.deepEqual(broken({ resourceType: 'Organization', name: 'x', telecom: [{ value: '1', system: 'phone' }, { use: 'home' }] }), [
      'org-3 Organization.telecom[1]',
    ]);
    assert.deepEqual(broken({ ...observation(), valuePeriod: { start: '2021', end: '2020' } }), ['per-1 Observation.value.ofType(Period)']);
    assert.deepEqual(broken({ resourceType: 'StructureMap', status: 'active', url: 'http://x', name: 'x' }), []);
  });

  it('refuses one that only FHIRPath knows', () => {
    const statement = {
      resourceType: 'CapabilityStatement',
      status: 'active',
      date: '2020',
      kind: 'requirements',
      fhirVersion: '4.0.1',
      format: ['json'],
    };
    assert.deepEqual(broken(statement), ['cpb-1 CapabilityStatement', 'cpb-2 CapabilityStatement']);
  });

  it('refuses contained resources that nothing refers to or that have a meta of their own', () => {
    const contained = { resourceType: 'Organization', id: 'o', name: 'x', meta: { versionId: '1' } };
    assert.deepEqual(broken({ ...patient(), contained: [contained] }), ['dom-4 Patient.contained[0]', 'dom-3 Patient.contained[0]']);
    assert.deepEqual(broken({ ...patient(), contained: [contained], managingOrganization: { reference: '#o' } }), [
      'dom-4 Patient.contained[0]',
    ]);
  });

  it('does not ask what is stored for what the door removed', () => {
    const resource = { ...patient(), contact: [{ relationship: [{ text: 'x' }] }] };
    assert.deepEqual(broken(resource, { deidentified: true }), []);
    assert.deepEqual(broken({ ...observation(), valueString: 'x', dataAbsentReason: { text: 'y' } }, { deidentified: true }), [
      'obs-6 Observation',
    ]);
  });

  it('accepts dates that were made coarser', () => {
    assert.deepEqual(broken({ ...observation(), valuePeriod: { start: '2021-05-03', end: '2021' } }), []);
  });

  it('accepts the fixtures', () => {
    for (const fixture of fixtures) assert.deepEqual(broken(fixture()), []);
  });

  it('agrees with the text of the specification', () => {
    for (const [path, all] of Object.entries(loadInvariants())) {
      for (const [key, expression] of Object.entries(all ?? {})) agrees(path, key, expression);
    }
  });
});
