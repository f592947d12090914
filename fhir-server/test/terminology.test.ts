// Terminology as pure code: code systems, value sets, searches' codes; systems in hand, those of R4, and grammars.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationOutcomeError, type Resource } from '@limen/fhir-model';
import { expand, expandSignature } from '../src/operations/expand.ts';
import { Input } from '../src/operations/terminology-input.ts';
import { type CodeSystem, codesOf, type Members, publishedTerminology, sourceOf, type ValueSet } from '../src/terminology/index.ts';
import { safePattern } from '../src/terminology/regex.ts';

const own = 'https://own.example';
const animals: CodeSystem = {
  resourceType: 'CodeSystem',
  url: `${own}/animals`,
  version: '2',
  status: 'active',
  content: 'complete',
  property: [
    { code: 'legs', type: 'integer' },
    { code: 'under', type: 'code', uri: 'http://hl7.org/fhir/concept-properties#parent' },
  ],
  concept: [
    {
      code: 'animal',
      display: 'Animal',
      property: [{ code: 'notSelectable', valueBoolean: true }],
      concept: [
        { code: 'dog', display: 'Dog', property: [{ code: 'legs', valueInteger: 4 }], designation: [{ language: 'de', value: 'Hündin' }] },
        { code: 'bird', display: 'Bird', property: [{ code: 'legs', valueInteger: 2 }], concept: [{ code: 'owl', display: 'Tawny Owl' }] },
      ],
    },
    {
      code: 'dodo',
      display: 'Dodo',
      property: [
        { code: 'inactive', valueBoolean: true },
        { code: 'under', valueCode: 'bird' },
      ],
    },
  ],
};
type Filter = NonNullable<NonNullable<NonNullable<ValueSet['compose']>['include']>[number]['filter']>[number];
type Include = NonNullable<NonNullable<ValueSet['compose']>['include']>[number];
const valueSet = (name: string, include: Include[], exclude?: Include[]): ValueSet => ({
  resourceType: 'ValueSet',
  url: `${own}/${name}`,
  status: 'active',
  compose: { include, ...(exclude ? { exclude } : {}) },
});
const of = (...filter: Filter[]): Include => ({ system: animals.url ?? '', ...(filter.length > 0 ? { filter } : {}) });
const big: CodeSystem = {
  resourceType: 'CodeSystem',
  url: `${own}/big`,
  status: 'active',
  content: 'complete',
  concept: Array.from({ length: 10_001 }, (_, i) => ({ code: `c${i}` })),
};
const resources: readonly Resource[] = [
  animals,
  big,
  valueSet('birds', [of({ property: 'concept', op: 'is-a', value: 'bird' })]),
  valueSet('ring', [{ valueSet: [`${own}/ring`] }]),
  valueSet('all-big', [{ system: big.url ?? '' }]),
  valueSet('units', [{ system: 'http://unitsofmeasure.org' }]),
];
const service = publishedTerminology(sourceOf(resources), [], () => new Date(0));
const page = { offset: 0, limit: 1000 };
const codes = ({ members }: Members): string[] => members.map(({ code }) => code);
const listed = async (...args: Parameters<typeof valueSet>): Promise<string[]> => codes(await service.list(valueSet(...args), page));
const by = (op: NonNullable<Filter['op']>, value: string, property = 'concept'): Promise<string[]> =>
  listed('x', [of({ property, op, value })]);
const refusal =
  (status: number, code: string) =>
  (error: unknown): boolean =>
    error instanceof OperationOutcomeError && error.status === status && error.issues[0]?.code === code;

describe('what terminology refuses', () => {
  it('filters that it does not know, and patterns that could run away', async () => {
    await assert.rejects(by('nothing' as 'in', 'dog'), refusal(422, 'not-supported'));
    await assert.rejects(by('is-a', 'dog', 'legs'), refusal(422, 'not-supported'));
    for (const pattern of [
      '(a+)+',
      '(a|a)*b',
      'a*a*a*a*b',
      '(?=a)b',
      '\\1',
      'a{1,99999}',
      '(a?)(a?)'.repeat(20),
      'a?'.repeat(30),
      '[',
      'x'.repeat(201),
    ])
      assert.throws(() => safePattern(pattern), refusal(422, 'not-supported'), pattern);
  });

  it('value sets that include each other, unknown parts, and systems without a list', async () => {
    await assert.rejects(listed('x', [{ valueSet: [`${own}/ring`] }]), refusal(422, 'too-costly'));
    const often = Array.from({ length: 300 }, () => ({ valueSet: [`${own}/ring`] }));
    await assert.rejects(service.has(valueSet('x', often), [{ system: own, code: 'a' }]), refusal(422, 'too-costly'));
    const layers = Array.from({ length: 9 }, (_, i) =>
      valueSet(
        `layer${i}`,
        Array.from({ length: 90 }, () => ({ valueSet: [`${own}/layer${i + 1}`] })),
      ),
    );
    const wide = publishedTerminology(sourceOf([...layers, valueSet('layer9', [])]), [], () => new Date(0));
    const [top] = layers;
    assert.ok(top);
    await assert.rejects(wide.list(top, page), refusal(422, 'too-costly'));
    await assert.rejects(wide.has(top, [{ system: own, code: 'a' }]), refusal(422, 'too-costly'));
    await assert.rejects(listed('x', [{ valueSet: [`${own}/none`] }]), refusal(422, 'not-found'));
    await assert.rejects(listed('x', [{ system: `${own}/none` }]), refusal(422, 'not-found'));
    await assert.rejects(listed('x', [{ system: 'http://unitsofmeasure.org' }]), refusal(422, 'too-costly'));
    await assert.rejects(listed('x', [of()], [{ system: animals.url ?? '', valueSet: [`${own}/none`] }]), refusal(422, 'not-found'));
  });
});

describe('$expand', () => {
  const expanded = async (query: string): Promise<ValueSet> =>
    (await expand(service, new Input(expandSignature, { query: new URLSearchParams(query), body: undefined }), new Date(0))) as ValueSet;

  it('gives at most 10,000 codes, and those only where a page is asked for', async () => {
    await assert.rejects(expanded(`url=${own}/all-big`), refusal(422, 'too-costly'));
    await assert.rejects(expanded(`url=${own}/units`), refusal(422, 'too-costly'));
    const { expansion } = await expanded(`url=${own}/all-big&offset=9999&count=99999`);
    assert.deepEqual(
      expansion?.contains?.map(({ code }) => code),
      ['c9999', 'c10000'],
    );
    assert.equal((await expanded(`url=${own}/all-big&count=0`)).expansion?.total, 10_001);
  });
});

describe('filters', () => {
  it('follow the hierarchy, nested or by property', async () => {
    assert.deepEqual(await by('is-a', 'bird'), ['bird', 'owl', 'dodo']);
    assert.deepEqual(await by('descendent-of', 'bird'), ['owl', 'dodo']);
    assert.deepEqual(await by('is-not-a', 'bird'), ['animal', 'dog']);
    assert.deepEqual(await by('generalizes', 'dodo'), ['animal', 'bird', 'dodo']);
    assert.deepEqual(await by('is-a', 'cat'), []);
  });

  it('compare codes and properties', async () => {
    assert.deepEqual(await by('=', '4', 'legs'), ['dog']);
    assert.deepEqual(await by('in', '2, 4', 'legs'), ['dog', 'bird']);
    assert.deepEqual(await by('not-in', '2,4', 'legs'), ['animal', 'owl', 'dodo']);
    assert.deepEqual(await by('exists', 'true', 'legs'), ['dog', 'bird']);
    assert.deepEqual(await by('exists', 'false', 'legs'), ['animal', 'owl', 'dodo']);
    assert.deepEqual(await by('=', 'animal', 'parent'), ['dog', 'bird']);
    assert.deepEqual(await by('regex', 'd.*', 'code'), ['dog', 'dodo']);
    assert.deepEqual(await by('regex', 'd[a-z]{2}|owl', 'code'), ['dog', 'owl']);
    assert.deepEqual(await by('regex', 'T\\w+ Owl', 'display'), ['owl']);
  });

  it('hold together', async () => {
    const both = of({ property: 'concept', op: 'is-a', value: 'bird' }, { property: 'code', op: 'regex', value: '...' });
    assert.deepEqual(await listed('x', [both]), ['owl']);
  });
});

describe('compositions', () => {
  it('are put together, without doubles and what is excluded', async () => {
    const twice = [of(), { system: animals.url ?? '', concept: [{ code: 'dog' }] }];
    assert.deepEqual(await listed('x', twice), ['animal', 'dog', 'bird', 'owl', 'dodo']);
    assert.deepEqual(await listed('x', [of()], [{ valueSet: [`${own}/birds`] }]), ['animal', 'dog']);
    assert.deepEqual(await listed('x', [{ ...of({ property: 'code', op: 'regex', value: 'd.*' }), valueSet: [`${own}/birds`] }]), ['dodo']);
    assert.deepEqual(await listed('x', [{ valueSet: [`${own}/birds`] }]), ['bird', 'owl', 'dodo']);
  });

  it('list what the system has, as they call it', async () => {
    const concept = [{ code: 'dog', display: 'Good dog' }, { code: 'unicorn' }];
    const { members } = await service.list(valueSet('x', [{ system: animals.url ?? '', concept }]), page);
    assert.deepEqual(
      members.map(({ code, display, version }) => [code, display, version]),
      [['dog', 'Good dog', '2']],
    );
    const foreign = { system: `${own}/none`, concept: [{ code: 'z' }] };
    assert.deepEqual(await listed('x', [foreign]), ['z']);
  });

  it('are paged and filtered by text in any designation, without marks or case', async () => {
    const all = valueSet('x', [of()]);
    assert.deepEqual(codes(await service.list(all, { offset: 1, limit: 2 })), ['dog', 'bird']);
    assert.equal((await service.list(all, { offset: 1, limit: 2 })).total, 5);
    assert.deepEqual(codes(await service.list(all, { ...page, text: 'hundin' })), ['dog']);
    assert.deepEqual(codes(await service.list(all, { ...page, text: 'OWL tawny' })), ['owl']);
    assert.deepEqual(codes(await service.list(all, { ...page, activeOnly: true })), ['animal', 'dog', 'bird', 'owl']);
    const active: ValueSet = { ...all, compose: { inactive: false, include: [of()] } };
    assert.ok(!codes(await service.list(active, page)).includes('dodo'));
  });

  it('stored expansions count where there is no composition', async () => {
    const stored: ValueSet = {
      resourceType: 'ValueSet',
      status: 'active',
      expansion: { timestamp: '2024-01-01', contains: [{ system: own, code: 'a', contains: [{ system: own, code: 'b' }] }] },
    };
    assert.deepEqual(codes(await service.list(stored, page)), ['a', 'b']);
    assert.deepEqual(
      await service.has(stored, [
        { system: own, code: 'b' },
        { system: own, code: 'c' },
      ]),
      [true, false],
    );
  });

  it('say of a code whether it is a member, or that they do not know', async () => {
    const ask = async (set: ValueSet, ...pairs: [string, string][]): Promise<readonly (boolean | undefined)[]> =>
      service.has(
        set,
        pairs.map(([system, code]) => ({ system, code })),
      );
    const birds = valueSet('x', [{ valueSet: [`${own}/birds`] }], [{ system: animals.url ?? '', concept: [{ code: 'owl' }] }]);
    const system = animals.url ?? '';
    assert.deepEqual(await ask(birds, [system, 'dodo'], [system, 'owl'], [system, 'dog'], [own, 'dodo']), [true, false, false, false]);
    assert.deepEqual(await ask(valueSet('x', [{ system: `${own}/none` }]), [`${own}/none`, 'a'], [own, 'a']), [undefined, false]);
    const units = valueSet('x', [{ system: 'http://unitsofmeasure.org' }]);
    assert.deepEqual(await ask(units, ['http://unitsofmeasure.org', 'mg/dL'], ['http://unitsofmeasure.org', 'pounds']), [true, false]);
  });
});

describe('what comes with R4', () => {
  it('value sets by code system, by list, by filter', async () => {
    const codesOfSet = async (name: string): Promise<string[]> => {
      const found = await service.valueSet(name);
      assert.ok(found, name);
      return codes(await service.list(found, page));
    };
    assert.deepEqual(await codesOfSet('http://hl7.org/fhir/ValueSet/administrative-gender'), ['male', 'female', 'other', 'unknown']);
    assert.ok((await codesOfSet('http://terminology.hl7.org/ValueSet/v3-ActEncounterCode')).includes('IMP'));
    const [two, three, digits] = await Promise.all(
      ['2', '3', 'N'].map((form) => codesOfSet(`http://hl7.org/fhir/ValueSet/iso3166-1-${form}`)),
    );
    assert.deepEqual([two?.length, three?.length, digits?.length], [249, 249, 249]);
    // Unicode's data know the numeric codes too.
    for (const [i, number] of digits?.entries() ?? []) assert.equal(new Intl.Locale(`und-${number}`).region, two?.[i]);
    assert.equal(three?.[two?.indexOf('CH') ?? -1], 'CHE');
  });

  it('no codes of those who do not let them be republished', async () => {
    const vitals = await service.valueSet('http://hl7.org/fhir/ValueSet/observation-vitalsignresult');
    assert.ok(vitals);
    await assert.rejects(service.list(vitals, page), refusal(422, 'not-found'));
    assert.deepEqual(await service.has(vitals, [{ system: 'http://loinc.org', code: '8867-4' }]), [undefined]);
  });

  it('systems with a grammar, checked', async () => {
    const known = async (url: string, code: string): Promise<boolean> =>
      (await (await service.codingSystem(url))?.concept(code)) !== undefined;
    for (const [url, good, bad] of [
      ['http://unitsofmeasure.org', 'mm[Hg]', 'mmHg'],
      ['http://unitsofmeasure.org', '{score}', ' mg'],
      ['urn:ietf:bcp:13', 'application/fhir+json; charset=utf-8', 'json'],
      ['urn:ietf:bcp:47', 'de-CH', 'german_language'],
      ['urn:iso:std:iso:4217', 'CHF', 'XYZ'],
      ['urn:iso:std:iso:3166', 'CH', 'ZZ'],
      ['urn:iso:std:iso:3166', '756', 'CHX'],
      ['urn:ietf:rfc:3986', 'urn:a:b', 'no uri'],
    ] as const) {
      assert.equal(await known(url, good), true, good);
      assert.equal(await known(url, bad), false, bad);
    }
  });
});

describe('the codes of a search', () => {
  const search = codesOf(service);
  const only = (found: readonly { code: string }[] | undefined): string[] | undefined => found?.map(({ code }) => code);
  const animal = (code: string): { system: string; code: string } => ({ system: animals.url ?? '', code });

  it('in a value set, below and above a code', async () => {
    assert.deepEqual(only(await search.in(`${own}/birds`)), ['bird', 'owl', 'dodo']);
    assert.deepEqual(only(await search.below(animal('bird'))), ['bird', 'owl', 'dodo']);
    assert.deepEqual(only(await search.above(animal('owl'))), ['animal', 'bird', 'owl']);
    assert.deepEqual(await search.below(animal('cat')), []);
  });

  it('are undefined for what is not known, refused where there are too many', async () => {
    assert.equal(await search.in(`${own}/none`), undefined);
    assert.equal(await search.below({ system: `${own}/none`, code: 'a' }), undefined);
    await assert.rejects(search.in(`${own}/all-big`), refusal(422, 'too-costly'));
    await assert.rejects(search.in(`${own}/units`), refusal(422, 'too-costly'));
  });
});
