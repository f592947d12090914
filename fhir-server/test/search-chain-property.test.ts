// Chains, _has and _filter at random: the index answers what a naive walk over the references in memory answers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type AccessPredicate, type Condition, extractReferences, isCriterion, parseSearch, recheck } from '../src/search/index.ts';
import { definitions, type Entry, everything, type Json, openStore, type Store } from './searchStore.ts';

const patientRids = new Map(Array.from({ length: 5 }, (_, n) => [`p${n}`, BigInt(10 + n)]));
const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const [patients, organizations, encounters, observations] = [[...patientRids.keys()], ids('g', 4), ids('e', 12), ids('o', 40)];

const to = (type: string, of: readonly string[]): fc.Arbitrary<Json> =>
  fc.constantFrom(...of, 'nobody').map((id) => ({ reference: `${type}/${id}` }));
const maybe = (name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Json> =>
  fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [name]: v }));
const together = (...parts: fc.Arbitrary<Json>[]): fc.Arbitrary<Json> => fc.tuple(...parts).map((all) => Object.assign({}, ...all));
const coded = fc.constantFrom('a', 'b', 'c').map((code) => ({ coding: [{ system: 'urn:s', code }] }));

const bodies: { readonly [type: string]: fc.Arbitrary<Json> } = {
  Patient: together(
    maybe('gender', fc.constantFrom('male', 'female')),
    maybe('birthDate', fc.constantFrom('1950-01-01', '1980', '1999-12')),
    maybe('managingOrganization', to('Organization', organizations)),
  ),
  Organization: together(maybe('name', fc.constantFrom('North', 'South')), maybe('partOf', to('Organization', organizations))),
  Encounter: together(
    fc.constantFrom('finished', 'planned').map((status) => ({ status })),
    fc.constantFrom('AMB', 'EMER').map((code) => ({ class: { system: 'urn:class', code } })),
    maybe('subject', to('Patient', patients)),
    maybe('serviceProvider', to('Organization', organizations)),
  ),
  Observation: together(
    fc.constantFrom('final', 'preliminary').map((status) => ({ status })),
    coded.map((code) => ({ code })),
    maybe('subject', to('Patient', patients)),
    maybe('encounter', to('Encounter', encounters)),
    maybe('effectiveDateTime', fc.constantFrom('2010', '2020-05', '2020-05-03T10:00:00Z')),
    maybe(
      'valueQuantity',
      fc.constantFrom(1, 5, 100).map((value) => ({ value })),
    ),
    fc
      .array(fc.oneof(to('Patient', patients), to('Organization', organizations)), { maxLength: 2 })
      .map((performer) => (performer.length > 0 ? { performer } : {})),
    maybe(
      'derivedFrom',
      to('Observation', observations).map((one) => [one]),
    ),
  ),
};

/** Parameters with values, and the references from type to type. */
const simple: { readonly [type: string]: readonly (readonly [string, readonly string[]])[] } = {
  Patient: [
    ['gender', ['male', 'female', 'male,female']],
    ['gender:not', ['male']],
    ['birthdate', ['lt1990', '1980', 'ge1999']],
    ['gender:missing', ['true', 'false']],
    ['_id', ['p0', 'p1,p2']],
  ],
  Organization: [
    ['name', ['no', 'south']],
    ['name:exact', ['North']],
    ['partof:missing', ['true', 'false']],
  ],
  Encounter: [
    ['status', ['finished', 'planned']],
    ['class', ['AMB', 'urn:class|EMER']],
    ['patient', ['p1', 'Patient/p2,Patient/p3']],
  ],
  Observation: [
    ['code', ['a', 'urn:s|b', 'a,c']],
    ['status', ['final']],
    ['code:not', ['a']],
    ['date', ['ge2015', '2020-05', 'lt2015']],
    ['value-quantity', ['gt3', '5']],
    ['performer', ['Patient/p1', 'Organization/g0']],
    ['encounter:missing', ['true']],
  ],
};
const links: readonly (readonly [string, string, string])[] = [
  ['Patient', 'organization', 'Organization'],
  ['Organization', 'partof', 'Organization'],
  ['Encounter', 'patient', 'Patient'],
  ['Encounter', 'subject', 'Patient'],
  ['Encounter', 'service-provider', 'Organization'],
  ['Observation', 'patient', 'Patient'],
  ['Observation', 'subject', 'Patient'],
  ['Observation', 'encounter', 'Encounter'],
  ['Observation', 'performer', 'Patient'],
  ['Observation', 'performer', 'Organization'],
  ['Observation', 'derived-from', 'Observation'],
];

type Pair = readonly [string, string];
const leaf = (type: string): fc.Arbitrary<Pair> =>
  fc.constantFrom(...(simple[type] ?? [])).chain(([name, values]) => fc.constantFrom(...values).map((value): Pair => [name, value]));

/** A name that ends in a plain parameter after at most so many steps along the references, forwards or backwards. */
function walk(type: string, steps: number): fc.Arbitrary<Pair> {
  if (steps === 0) return leaf(type);
  const forward = links.filter(([from]) => from === type);
  const backward = links.filter(([, , target]) => target === type);
  const chain =
    forward.length === 0
      ? []
      : [
          fc
            .constantFrom(...forward)
            .chain(([, param, target]) => walk(target, steps - 1).map(([name, value]): Pair => [`${param}:${target}.${name}`, value])),
        ];
  const has = fc
    .constantFrom(...backward)
    .chain(([from, param]) => walk(from, steps - 1).map(([name, value]): Pair => [`_has:${from}:${param}:${name}`, value]));
  return fc.oneof(leaf(type), ...chain, ...(backward.length > 0 ? [has] : []));
}

/** What _filter can say of a type: comparisons, chains in them. */
function comparison(type: string): fc.Arbitrary<string> {
  const own: { readonly [type: string]: readonly string[] } = {
    Patient: ['gender eq male', 'gender ne female', 'birthdate lt 1990', 'organization.name co "ort"', 'organization pr true'],
    Encounter: ['status eq finished', 'class eq EMER', 'patient.gender eq female', 'service-provider:Organization.name sw south'],
    Observation: [
      'code eq a',
      'code ne urn:s|b',
      'date ge 2015',
      'value-quantity gt 3',
      'patient.gender eq male',
      'encounter.class eq AMB',
      'date pr false',
    ],
    Organization: ['name sw north', 'partof.name eq south', 'partof pr true'],
  };
  return fc.constantFrom(...(own[type] ?? []));
}
function filter(type: string, depth: number): fc.Arbitrary<string> {
  if (depth === 0) return comparison(type);
  const inner = filter(type, depth - 1);
  return fc.oneof(
    comparison(type),
    inner.map((f) => `not (${f})`),
    fc.tuple(inner, fc.constantFrom('and', 'or'), inner).map(([a, joint, b]) => `(${a}) ${joint} ${b}`),
  );
}

const query = fc.constantFrom(...Object.keys(simple)).chain((type) =>
  fc
    .array(
      fc.oneof(
        walk(type, 3),
        walk(type, 2),
        filter(type, 2).map((f): Pair => ['_filter', f]),
      ),
      { minLength: 1, maxLength: 2 },
    )
    .map((pairs) => `${type}?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`),
);

let store: Store;
let entries: Entry[];
before(async () => {
  store = await openStore(patientRids);
  let rid = 1000n;
  const made = ([type, of]: readonly [string, readonly string[]], seed: number): Entry[] =>
    fc.sample(bodies[type] ?? fc.constant<Json>({}), { numRuns: of.length, seed }).map((body, n) => {
      const id = of[n] ?? '';
      rid += 1n;
      const subject = (body['subject'] as { reference: string } | undefined)?.reference.slice('Patient/'.length);
      const own = type === 'Patient' ? patientRids.get(id) : patientRids.get(subject ?? '');
      return {
        resource: { resourceType: type, id, ...body },
        rid: type === 'Patient' && own ? own : rid,
        shard: n % 3,
        pat: own,
        lu: new Date(n),
      };
    });
  entries = (
    [
      ['Patient', patients],
      ['Organization', organizations],
      ['Encounter', encounters],
      ['Observation', observations],
    ] as const
  ).flatMap(made);
  await store.put(1, entries);
  await store.put(2, entries.slice(0, 20));
  await store.pool.query('analyze');
});
after(() => store?.close());

interface World {
  /** Whether the caller may see it. */
  sees(entry: Entry): boolean;
}

const referencesOf = (entry: Entry, param: string): string[] =>
  extractReferences(definitions, entry.resource.resourceType, param)(entry.resource);

function holds(condition: Condition, entry: Entry, world: World): boolean {
  if (isCriterion(condition)) return recheck({ criteria: [condition] }, entry.resource);
  const others = (type: string): Entry[] => entries.filter((e) => e.resource.resourceType === type && world.sees(e));
  switch (condition.kind) {
    case 'chain':
      return condition.alternatives.some((target) =>
        others(target.type).some(
          (o) => referencesOf(entry, condition.param).includes(`${target.type}/${o.resource.id}`) && holds(target.condition, o, world),
        ),
      );
    case 'has':
      return others(condition.source).some(
        (o) => referencesOf(o, condition.param).includes(`${condition.type}/${entry.resource.id}`) && holds(condition.condition, o, world),
      );
    case 'and':
      return condition.conditions.every((c) => holds(c, entry, world));
    case 'or':
      return condition.conditions.some((c) => holds(c, entry, world));
    case 'not':
      return !condition.conditions.every((c) => holds(c, entry, world));
  }
}

function naive(search: string, world: World): string[] {
  const [type = '', asked = ''] = search.split(/\?(.*)/s);
  const { criteria } = parseSearch(definitions, type, asked, { lenient: false });
  return entries
    .filter((e) => e.resource.resourceType === type && world.sees(e) && criteria.every((c) => holds(c, e, world)))
    .map((e) => e.resource.id)
    .sort();
}

describe('index answer = naive walk', () => {
  test('of everything, followed and as sub-queries', async () => {
    let some = 0;
    for (const search of fc.sample(query, { numRuns: 100, seed: 12 })) {
      const expected = naive(search, { sees: () => true });
      some += expected.length > 0 ? 1 : 0;
      for (const chains of [true, false])
        assert.deepEqual((await store.ids(search, { chains, pageSize: 7 })).sort(), expected, `${search} ${chains}`);
    }
    assert.ok(some > 35, `only ${some} searches found something`);
  });

  test('of what the caller may see, at every step', async () => {
    const grants: readonly (readonly [AccessPredicate, (entry: Entry) => boolean])[] = [
      [[{ patientRid: 11n, criteria: [] }], (e) => e.pat === 11n],
      [[], () => false],
    ];
    for (const [n, search] of fc.sample(query, { numRuns: 40, seed: 13 }).entries()) {
      const [access, inside] = grants[n % grants.length] ?? [[], () => false];
      for (const limited of ['Encounter', 'Patient', 'Observation']) {
        const sees = (e: Entry): boolean => e.resource.resourceType !== limited || inside(e);
        const accessTo = (type: string): AccessPredicate => (type === limited ? access : everything);
        for (const chains of [true, false])
          assert.deepEqual((await store.ids(search, { chains, accessTo })).sort(), naive(search, { sees }), `${search} ${limited}`);
      }
    }
  });

  test('counts', async () => {
    for (const search of fc.sample(query, { numRuns: 40, seed: 14 }))
      assert.equal(await store.count(search), naive(search, { sees: () => true }).length, search);
  });
});
