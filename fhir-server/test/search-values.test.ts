// Every search parameter of R4 compiles, throws on nothing, and selects what fhirpath selects.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Resource } from '@limen/fhir-model';
import { loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { clinicalDateParameter, compileIndexer } from '../src/search/index.ts';
import { compilePaths } from '../src/search/path.ts';

const definitions = loadDefinitions();
const types = resourceTypes(definitions);
const indexer = await compileIndexer(definitions);
type Json = { [name: string]: unknown };

const primitives: { readonly [type: string]: unknown } = {
  boolean: true,
  integer: 3,
  positiveInt: 4,
  unsignedInt: 5,
  decimal: 1.5,
  date: '2020-05-03',
  dateTime: '2020-05-03T10:00:00Z',
  instant: '2020-05-03T10:00:00.000Z',
  time: '10:00:00',
  base64Binary: 'AAAA',
  xhtml: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
};
const depthMaximum = 7;

/** A resource with a value for every element; of choices and references the `variant`-th possibility, lists with two items. */
function sample(type: string, variant: number, depth: number): unknown {
  const definition = definitions.types[type];
  if (type in primitives) return primitives[type];
  if (!definition || definition.kind === 'primitive-type') return `${type}-${variant}`;
  const found: Json = definition.kind === 'resource' ? { resourceType: type } : {};
  for (const element of definition.elements) {
    const choice = element.types[variant % element.types.length];
    const skipped =
      element.name === 'extension' || element.name === 'modifierExtension' || element.name === 'contained' || choice?.code === 'Resource';
    if (!choice || skipped || depth > depthMaximum || (element.types[0]?.code === type && depth > 2)) continue;
    const name = element.name.endsWith('[x]')
      ? element.name.slice(0, -3) + choice.code.charAt(0).toUpperCase() + choice.code.slice(1)
      : element.name;
    const value = elementValue(choice.code, choice.targets, element.name, variant, depth);
    found[name] = element.max === 1 ? value : [value, elementValue(choice.code, choice.targets, element.name, variant + 1, depth)];
  }
  return found;
}

const enumerated: { readonly [name: string]: readonly string[] } = {
  system: ['phone', 'email'],
  type: ['composed-of', 'depends-on', 'derived-from', 'predecessor', 'successor'],
};

function elementValue(code: string, targets: readonly string[] | undefined, name: string, variant: number, depth: number): unknown {
  if (code === 'Reference')
    return {
      reference: `${targets?.[variant % targets.length] ?? 'Patient'}/${variant}`,
      identifier: { system: 'urn:i', value: String(variant) },
    };
  const values = code === 'code' ? enumerated[name] : undefined;
  return values ? values[variant % values.length] : sample(code, variant, depth + 1);
}

/** Text of a value whatever the order of its properties. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) =>
    v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v,
  );
const unique = (values: readonly unknown[]): string[] => [...new Set(values.map(canonical))].sort();

function partsFor(type: string, expression: string): string {
  return expression
    .split('|')
    .map((part) => part.trim())
    .filter((part) => new RegExp(`^\\(?(?:${type}(?:\\.|$)|[a-z])`).test(part))
    .join(' | ');
}

describe('search parameters', () => {
  test('every one with an expression compiles for each of its types, and no resource makes it throw', () => {
    let compiled = 0;
    for (const { type: kind, expression, base } of definitions.searchParameters) {
      if (kind === 'special' || expression === undefined) continue;
      compiled++;
      for (const type of base.includes('Resource') || base.includes('DomainResource') ? types : base) {
        assert.ok(compilePaths(definitions, type, expression).length > 0, `${type} ${expression}`);
      }
    }
    assert.equal(compiled, 1374);
    for (const type of types) {
      for (const variant of [0, 1, 2, 3, 4]) indexer.index(sample(type, variant, 0) as Resource, 1);
      const empty = indexer.index({ resourceType: type } as Resource, 1);
      assert.equal(empty.tsMs, undefined);
      assert.equal(empty.dates.length + empty.strings.length + empty.composites.length, 0);
    }
  });

  test('they select what fhirpath selects', () => {
    let compared = 0;
    let selected = 0;
    for (const { type: kind, expression, base } of definitions.searchParameters) {
      if (kind === 'special' || expression === undefined || expression.includes('resolve()')) continue;
      for (const type of base.filter((b) => types.includes(b))) {
        const parts = partsFor(type, expression);
        const oracle = fhirpath.compile(parts, r4) as (resource: unknown) => unknown[];
        const paths = compilePaths(definitions, type, expression);
        for (const variant of [0, 1, 2]) {
          const resource = sample(type, variant, 0);
          const found: unknown[] = [];
          for (const path of paths) path.collect(resource, resource, found);
          const expected = oracle(resource);
          assert.deepEqual(unique(found), unique(expected), `${type} ${parts}`);
          compared++;
          selected += expected.length > 0 ? 1 : 0;
        }
      }
    }
    assert.ok(compared > 3000 && selected > compared / 2, `${selected} of ${compared} selected something`);
  });

  test('a reference is judged by the type that its text names', () => {
    const [path] = compilePaths(definitions, 'Observation', 'Observation.subject.where(resolve() is Patient)');
    const selects = (subject: unknown): boolean => {
      const out: unknown[] = [];
      path?.collect({ subject }, {}, out);
      return out.length === 1;
    };
    assert.deepEqual(
      ['Patient/1', 'https://x.test/fhir/Patient/1/_history/2', 'Group/1', 'urn:uuid:1', '#p'].map((reference) => selects({ reference })),
      [true, true, false, false, false],
    );
    assert.equal(selects({ type: 'Patient', identifier: { value: '1' } }), true);
  });

  test('unknown functions and syntax are refused', () => {
    for (const text of ['Patient.name.first()', 'Patient.name.', 'Patient.(name', 'Patient.name = 1', "'x'"]) {
      assert.throws(() => compilePaths(definitions, 'Patient', text), SyntaxError, text);
    }
  });
});

describe('index rows', () => {
  const index = (resource: Json): ReturnType<typeof indexer.index> => indexer.index(resource as unknown as Resource, 1);

  test('clinical dates: the span of the primary parameter, the substitute where there is none', () => {
    const day = (text: string): number => Date.parse(text);
    assert.equal(index({ resourceType: 'Observation', effectiveDateTime: '2020-05' }).tsMs, day('2020-05-01'));
    const ended = index({ resourceType: 'Encounter', period: { end: '2020-05-03' } });
    assert.deepEqual([ended.tsMs, ended.teMs, ended.detailed], [Number.NEGATIVE_INFINITY, day('2020-05-04'), false]);
    const twice = index({ resourceType: 'ServiceRequest', occurrenceTiming: { event: ['2020-01-01', '2021-01-01'] } });
    assert.deepEqual([twice.tsMs, twice.teMs, twice.detailed, twice.dates.length], [day('2020-01-01'), day('2021-01-02'), true, 2]);
    assert.equal(index({ resourceType: 'Condition', recordedDate: '2020-01-02' }).tsMs, day('2020-01-02'));
    assert.equal(index({ resourceType: 'Condition', onsetDateTime: '2019-01-02', recordedDate: '2020-01-02' }).tsMs, day('2019-01-02'));
    assert.equal(index({ resourceType: 'Patient', birthDate: '1980-01-01' }).tsMs, undefined);
    assert.equal(clinicalDateParameter('MedicationRequest'), 'authoredon');
    assert.equal(clinicalDateParameter('Patient'), undefined);
  });

  test('each named clinical date is a date parameter of its type', () => {
    for (const type of types) {
      const code = clinicalDateParameter(type);
      if (code)
        assert.ok(
          definitions.searchParameters.some((p) => p.code === code && p.type === 'date' && p.base.includes(type)),
          type,
        );
    }
  });

  test('no row differs only by tenant, and no token is equal in two tenants', () => {
    const resource = sample('Observation', 0, 0) as Resource;
    const [one, two] = [indexer.index(resource, 1), indexer.index(resource, 2)];
    assert.ok(one.tokens.length > 20);
    assert.equal(one.tokens.filter((t) => two.tokens.includes(t)).length, 0);
  });

  test('hot holds the codes of `code` only', () => {
    const code = { coding: [{ system: 'urn:l', code: 'x' }, { code: 'y' }] };
    const { hot, tokens } = index({ resourceType: 'Observation', code, category: [code] });
    assert.equal(hot.length, 4);
    assert.ok(hot.every((h) => tokens.includes(h)));
  });
});
