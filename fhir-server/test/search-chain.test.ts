// Chains, _has, _filter and the modifiers that need a look-up, against hand-written answers and a naive walk over the references.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AccessPredicate } from '../src/search/index.ts';
import { type Entry, everything, type Json, openStore, type Store } from './searchStore.ts';

const patientRids = new Map(Array.from({ length: 6 }, (_, n) => [`p${n}`, BigInt(10 + n)]));
const loinc = 'http://loinc.org';

function entry(resource: Json & { resourceType: string; id: string }, rid: bigint, patient?: string): Entry {
  return { resource, rid, shard: Number(rid % 7n), pat: patient === undefined ? undefined : patientRids.get(patient), lu: new Date(0) };
}

const organizations = [
  { id: 'top', name: 'Northern Trust', partOf: undefined },
  { id: 'ward', name: 'Cardiology', partOf: 'top' },
  { id: 'other', name: 'Southern', partOf: undefined },
];
const patients = [...patientRids.keys()].map((id, n) => ({
  resourceType: 'Patient',
  id,
  gender: n % 2 ? 'male' : 'female',
  birthDate: `19${50 + n * 5}-01-01`,
  name: [{ family: n < 3 ? 'Åsen' : 'Berg' }],
  identifier: [{ system: 'urn:mrn', value: `m${n}`, type: { coding: [{ system: 'urn:t', code: n % 2 ? 'MR' : 'SS' }] } }],
  managingOrganization: { reference: `Organization/${organizations[n % 3]?.id}` },
}));
const codes = [
  { code: '8480-6', display: 'Systolic blood pressure' },
  { code: '8867-4', display: 'Heart rate' },
  { code: '2345-7', display: 'Glucose [Mass/volume] in Serum' },
];
const units = ['mm[Hg]', '/min', 'mg/dL'];
const observations = Array.from({ length: 60 }, (_, n) => ({
  resourceType: 'Observation',
  id: `o${n}`,
  status: n % 4 ? 'final' : 'preliminary',
  code: { coding: [{ system: loinc, ...codes[n % 3] }] },
  subject: { reference: `Patient/p${n % 6}` },
  encounter: { reference: `Encounter/e${n % 12}` },
  ...(n % 5 ? { effectiveDateTime: `20${10 + (n % 10)}-06-01` } : {}),
  valueQuantity: { value: 60 + n * 2, unit: 'u', system: 'http://unitsofmeasure.org', code: units[n % 3] },
}));
const encounters = Array.from({ length: 12 }, (_, n) => ({
  resourceType: 'Encounter',
  id: `e${n}`,
  status: 'finished',
  class: { system: 'urn:class', code: n % 2 ? 'EMER' : 'AMB' },
  subject: { reference: `Patient/p${n % 6}` },
  serviceProvider: { reference: `Organization/${organizations[n % 2]?.id}` },
}));
const valueSets = ['http://a.example/vs', 'http://a.example/vs/one', 'http://a.example/vs/one/two', 'http://b.example/vs'].map(
  (url, n) => ({
    resourceType: 'ValueSet',
    id: `v${n}`,
    status: 'active',
    url,
  }),
);
const places = [
  { id: 'here', position: { latitude: 42.25475478, longitude: -83.6945691 } },
  { id: 'near', position: { latitude: 42.26, longitude: -83.7 } },
  { id: 'far', position: { latitude: 41.0, longitude: -83.7 } },
].map((p) => ({ resourceType: 'Location', ...p }));

let store: Store;
before(async () => {
  store = await openStore(patientRids, {
    in: async (url) =>
      url === 'urn:vitals'
        ? [
            { system: loinc, code: '8480-6' },
            { system: loinc, code: '8867-4' },
          ]
        : undefined,
    below: async ({ system, code }) => (system === loinc && code === 'vitals' ? [{ system, code: '8867-4' }] : []),
    above: async () => [],
  });
  const number = (n: number): bigint => BigInt(n);
  await store.put(1, [
    ...patients.map((p) => entry(p, patientRids.get(p.id) ?? 0n, p.id)),
    ...organizations.map((o, n) =>
      entry(
        {
          resourceType: 'Organization',
          id: o.id,
          name: o.name,
          ...(o.partOf ? { partOf: { reference: `Organization/${o.partOf}` } } : {}),
        },
        number(100 + n),
      ),
    ),
    ...observations.map((o, n) => entry(o, number(200 + n), `p${n % 6}`)),
    ...encounters.map((e, n) => entry(e, number(300 + n), `p${n % 6}`)),
    ...valueSets.map((v, n) => entry(v, number(400 + n))),
    ...places.map((p, n) => entry(p, number(500 + n))),
  ]);
  await store.pool.query('analyze');
});
after(() => store?.close());

async function finds(query: string, expected: readonly string[], access?: (type: string) => AccessPredicate): Promise<void> {
  for (const chains of [true, false]) {
    const found = await store.ids(query, { chains, ...(access ? { accessTo: access } : {}) });
    assert.deepEqual(found.sort(), [...expected].sort(), `${query} (${chains ? 'followed' : 'as a sub-query'})`);
    assert.equal(await store.count(query, { chains, ...(access ? { accessTo: access } : {}) }), expected.length, query);
  }
}
const observationIds = (meets: (o: (typeof observations)[number], n: number) => boolean): string[] =>
  observations.filter(meets).map((o) => o.id);
const patientOf = (o: { subject: { reference: string } }): (typeof patients)[number] | undefined =>
  patients.find((p) => `Patient/${p.id}` === o.subject.reference);

describe('chains', () => {
  test('through the own patient', async () => {
    await finds(
      'Observation?patient.gender=male',
      observationIds((o) => patientOf(o)?.gender === 'male'),
    );
    await finds(
      'Observation?subject:Patient.name=asen&status=final',
      observationIds((o, n) => n % 6 < 3 && o.status === 'final'),
    );
    await finds('Observation?patient.name=nobody', []);
  });
  test('through another reference, several steps', async () => {
    await finds(
      'Observation?encounter.class=EMER',
      observationIds((_, n) => (n % 12) % 2 === 1),
    );
    await finds(
      'Observation?encounter.service-provider.name=northern',
      observationIds((_, n) => (n % 12) % 2 === 0),
    );
    await finds(
      'Observation?encounter.service-provider.partof.name=northern',
      observationIds((_, n) => (n % 12) % 2 === 1),
    );
    await finds(
      'Observation?patient.organization.name=southern',
      observationIds((_, n) => (n % 6) % 3 === 2),
    );
  });
  test('a reference is that of the parameter, not any of the resource', async () => {
    await finds('Observation?performer:Patient.gender=male', []);
  });
});

describe('_has', () => {
  test('by the own patient and by another reference', async () => {
    await finds('Patient?_has:Observation:patient:code=8480-6', ['p0', 'p3']);
    await finds(
      'Encounter?_has:Observation:encounter:code=2345-7',
      encounters.filter((_, n) => observations.some((_o, m) => m % 12 === n && m % 3 === 2)).map((e) => e.id),
    );
    await finds('Patient?_has:Observation:patient:code=none', []);
    await finds('Patient?_has:Observation:performer:code=8480-6', []);
  });
  test('nested, and with a chain inside', async () => {
    await finds('Organization?_has:Patient:organization:_has:Observation:patient:code=8867-4', ['ward']);
    await finds('Organization?_has:Encounter:service-provider:patient.gender=male', ['ward']);
    await finds(
      'Observation?patient._has:Encounter:patient:class=EMER',
      observationIds((_, n) => (n % 6) % 2 === 1),
    );
  });
});

describe('access of every hop', () => {
  test('a chain and a _has see only what the caller may see of the type they visit', async () => {
    const onlyP1: AccessPredicate = [{ patientRid: 11n, criteria: [] }];
    const access = (type: string): AccessPredicate => (type === 'Encounter' ? onlyP1 : everything);
    await finds(
      'Observation?encounter.class=EMER',
      observationIds((_, n) => n % 6 === 1),
      access,
    );
    await finds('Patient?_has:Encounter:patient:status=finished', ['p1'], access);
    await finds('Patient?_has:Encounter:patient:status=finished', [], () => []);
  });
});

describe('_filter', () => {
  test('and, or, not, parentheses, prefixes, chains', async () => {
    await finds(
      'Observation?_filter=code eq 8867-4 or (status eq preliminary and not (date pr true))',
      observationIds((o, n) => n % 3 === 1 || (o.status === 'preliminary' && n % 5 === 0)),
    );
    await finds(
      'Observation?_filter=date ge 2015 and value-quantity gt 100',
      observationIds((_, n) => n % 5 !== 0 && n % 10 >= 5 && 60 + n * 2 > 100),
    );
    await finds(
      'Observation?_filter=not (date ge 2015)',
      observationIds((_, n) => n % 5 === 0 || n % 10 < 5),
    );
    await finds(
      'Observation?_filter=patient.gender eq male and status ne final',
      observationIds((o) => patientOf(o)?.gender === 'male' && o.status !== 'final'),
    );
    await finds('Patient?_filter=name co "se"', ['p0', 'p1', 'p2']);
  });
});

describe('modifiers with a look-up', () => {
  test(':text by the start of the text or of a word', async () => {
    const heart = observationIds((_, n) => n % 3 === 1);
    await finds('Observation?code:text=heart', heart);
    await finds('Observation?combo-code:text=RATE', heart);
    await finds(
      'Observation?code:text=glucose [mass',
      observationIds((_, n) => n % 3 === 2),
    );
    await finds('Observation?code:text=eart', []);
  });
  test(':in, :not-in, :below', async () => {
    await finds(
      'Observation?code:in=urn:vitals',
      observationIds((_, n) => n % 3 !== 2),
    );
    await finds(
      'Observation?code:not-in=urn:vitals',
      observationIds((_, n) => n % 3 === 2),
    );
    await finds(
      `Observation?code:below=${loinc}|vitals`,
      observationIds((_, n) => n % 3 === 1),
    );
    await assert.rejects(store.ids('Observation?code:in=urn:unknown'), /not known/);
  });
  test(':of-type: all three in the same identifier', async () => {
    await finds('Patient?identifier:of-type=urn:t|MR|m1', ['p1']);
    await finds('Patient?identifier:of-type=urn:t|SS|m1', []);
  });
  test('uris above, below, containing', async () => {
    await finds('ValueSet?url:below=http://a.example/vs', ['v0', 'v1', 'v2']);
    await finds('ValueSet?url:below=http://a.example/v', []);
    await finds('ValueSet?url:above=http://a.example/vs/one/two', ['v0', 'v1', 'v2']);
    await finds('ValueSet?url:contains=b.example', ['v3']);
    await finds('ValueSet?url=http://a.example/vs', ['v0']);
  });
});

describe('places and units', () => {
  test('near with a distance', async () => {
    await finds('Location?near=42.256500|-83.694810|11.20|km', ['here', 'near']);
    await finds('Location?near=42.256500|-83.694810|100|[mi_i]', ['far', 'here', 'near']);
    await finds('Location?near=42.256500|-83.694810|250|m', ['here']);
  });
  test('quantities of one dimension are compared in base units', async () => {
    const glucose = (above: number): string[] => observationIds((_, n) => n % 3 === 2 && 60 + n * 2 > above);
    await finds('Observation?value-quantity=gt100|http://unitsofmeasure.org|mg/dL', glucose(100));
    await finds('Observation?value-quantity=gt1|http://unitsofmeasure.org|g/L', glucose(100));
    await finds(`Observation?code-value-quantity=${loinc}|2345-7$gt1|http://unitsofmeasure.org|g/L`, glucose(100));
    await finds(`Observation?code-value-quantity=${loinc}|2345-7$gt100||mg/dL`, glucose(100));
    await finds('Observation?value-quantity=64||mg/dL', ['o2']);
    await finds('Observation?value-quantity=0.64|http://unitsofmeasure.org|g/L', ['o2']);
    await finds('Observation?value-quantity=gt1|http://unitsofmeasure.org|kg', []);
  });
  test('codes sort by their text', async () => {
    const ids = await store.ids('Observation?_sort=code,_id');
    assert.equal(ids[0], 'o11');
    assert.deepEqual(
      [...new Set(ids.map((id) => observations.find((o) => o.id === id)?.code.coding[0]?.code))],
      ['2345-7', '8480-6', '8867-4'],
    );
    assert.deepEqual((await store.ids('Observation?_sort=-status,_id')).slice(0, 1), ['o0']);
  });
});

describe('many values', () => {
  const many = Array.from({ length: 1500 }, (_, n) => `x${n}`).join(',');
  test('an OR of 1,500 codes, in and outside of one patient', async () => {
    await finds(
      `Observation?code=${many},8867-4`,
      observationIds((_, n) => n % 3 === 1),
    );
    await finds(
      `Observation?patient=p1&code=${many},8867-4`,
      observationIds((_, n) => n % 6 === 1),
    );
    await finds(
      `Observation?code:not=${many},8867-4`,
      observationIds((_, n) => n % 3 !== 1),
    );
    await finds(
      `Observation?encounter=${many},e5`,
      observationIds((_, n) => n % 12 === 5),
    );
    await finds(
      `Observation?patient=${many},p1`,
      observationIds((_, n) => n % 6 === 1),
    );
  });
});
