// The index answers what a naive scan answers: random resources, random queries, the real schema on the real PostgreSQL.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Resource } from '@limen/fhir-model';
import fc from 'fast-check';
import {
  type AccessPredicate,
  extractReferences,
  isCriterion,
  parseSearch,
  planMatch,
  planSearch,
  recheck,
  revincludeQuery,
} from '../src/search/index.ts';
import { definitions, type Entry, everything, indexer, type Json, openStore, type Store } from './searchStore.ts';

const tenant = 1;
const patientCount = 4;
const patients = new Map(Array.from({ length: patientCount }, (_, n) => [`p${n}`, BigInt(10 + n)]));
const codes = ['a', 'b', 'c'];
const systems = ['urn:s:1', 'urn:s:2'];
const dates = ['2019', '2020', '2020-05', '2020-05-03', '2020-05-03T10:00:00Z', '2020-05-03T10:00:00.250+02:00', '2021-01-01'];
const numbers = [1, 1.5, 2, 100, 5.4, -3];
const words = ['Ärger', 'arg', 'Bergen', 'fifty%', 'under_score', 'Bergen op Zoom', "O'Neil", 'back\\slash'];

const coding = fc
  .record({ system: fc.constantFrom(...systems, undefined), code: fc.constantFrom(...codes) })
  .map(({ system, code }) => (system ? { system, code } : { code }));
const concept = fc.array(coding, { minLength: 1, maxLength: 2 }).map((list) => ({ coding: list }));
const quantity = fc
  .record({
    value: fc.constantFrom(...numbers),
    unit: fc.constantFrom('mg', 'g', undefined),
    comparator: fc.constantFrom('<', '>=', undefined, undefined, undefined),
  })
  .map(({ value, unit, comparator }) => ({
    value,
    ...(comparator ? { comparator } : {}),
    ...(unit ? { unit, system: 'http://unitsofmeasure.org', code: unit } : {}),
  }));
const period = fc
  .record({ start: fc.constantFrom(...dates, undefined), end: fc.constantFrom(...dates, undefined) })
  .map(({ start, end }) => ({ ...(start ? { start } : {}), ...(end ? { end } : {}) }));
const reference = fc.constantFrom('p0', 'p1', 'p2', 'p3').map((id) => ({ reference: `Patient/${id}` }));
const value = fc.oneof(
  quantity.map((q) => ({ valueQuantity: q })),
  concept.map((c) => ({ valueCodeableConcept: c })),
  fc.constantFrom(...words).map((s) => ({ valueString: s })),
  fc.constantFrom(...dates).map((d) => ({ valueDateTime: d })),
  fc.constant({}),
);
const effective = fc.oneof(
  fc.constantFrom(...dates).map((d) => ({ effectiveDateTime: d })),
  period.map((p) => ({ effectivePeriod: p })),
  fc.constant({}),
);
const component = fc.record({ code: concept, value }).map(({ code, value: v }) => ({ code, ...v }));
const observation = fc
  .record({
    status: fc.constantFrom('final', 'preliminary'),
    code: concept,
    category: fc.array(concept, { maxLength: 2 }),
    component: fc.array(component, { maxLength: 2 }),
    subject: fc.option(reference, { nil: undefined }),
    performer: fc.array(
      fc.oneof(
        reference,
        fc.constantFrom(
          { identifier: { system: 'urn:s:1', value: 'a' } },
          { reference: 'urn:uuid:1' },
          { reference: 'Practitioner/p0/_history/3' },
        ),
      ),
      { maxLength: 2 },
    ),
    value,
    effective,
  })
  .map(
    ({ value: v, effective: e, subject, category, component: parts, performer, ...rest }): Json => ({
      ...rest,
      ...v,
      ...e,
      ...(subject ? { subject } : {}),
      ...(category.length > 0 ? { category } : {}),
      ...(parts.length > 0 ? { component: parts } : {}),
      ...(performer.length > 0 ? { performer } : {}),
    }),
  );

const escaped = (text: string): string => text.replace(/[\\,$|]/g, '\\$&');
const prefix = fc.constantFrom('', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap');
const token = fc.oneof(
  fc.constantFrom(...codes, 'z'),
  fc.tuple(fc.constantFrom(...systems), fc.constantFrom(...codes)).map((t) => t.join('|')),
  fc.constantFrom(...codes).map((c) => `|${c}`),
  fc.constantFrom(...systems).map((s) => `${s}|`),
);
const exactToken = token.filter((t) => !t.endsWith('|'));
const dateValue = fc.tuple(prefix, fc.constantFrom(...dates, '2020-05-03T08:00Z', '1999')).map((t) => t.join(''));
const quantityValue = fc
  .tuple(
    prefix,
    fc.constantFrom('1', '1.5', '100', '1e2', '5.40', '5.4', '-3', '2'),
    fc.constantFrom('', '||mg', '|http://unitsofmeasure.org|g'),
  )
  .map((t) => t.join(''));
const list = (one: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.array(one, { minLength: 1, maxLength: 2 }).map((l) => l.join(','));
const text = fc.constantFrom(...words, 'ARG', 'ber', 'o', 'zoom', 'arger').map(escaped);
const criterion = fc.oneof(
  fc.tuple(
    fc.constantFrom('code', 'category', 'combo-code', 'value-concept', 'status', 'code:not', 'category:not', 'component-code'),
    list(token),
  ),
  fc.tuple(fc.constantFrom('date', 'value-date'), list(dateValue)),
  fc.tuple(fc.constantFrom('value-quantity', 'combo-value-quantity'), list(quantityValue)),
  fc.tuple(fc.constantFrom('value-string', 'value-string:exact', 'value-string:contains'), list(text)),
  fc.tuple(
    fc.constantFrom('patient', 'subject', 'subject:Patient', 'performer'),
    list(fc.constantFrom('Patient/p0', 'Patient/p1', 'p2', 'Patient/none')),
  ),
  fc.tuple(fc.constant('performer'), list(fc.constantFrom('urn:uuid:1', 'Practitioner/p0'))),
  fc.tuple(fc.constant('performer:identifier'), list(token)),
  fc.tuple(
    fc
      .constantFrom('code', 'category', 'value-string', 'date', 'value-quantity', 'patient', 'component-code-value-quantity')
      .map((p) => `${p}:missing`),
    fc.constantFrom('true', 'false'),
  ),
  fc.tuple(
    fc.constantFrom('code-value-quantity', 'component-code-value-quantity', 'combo-code-value-quantity'),
    fc.tuple(exactToken, quantityValue).map((t) => t.join('$')),
  ),
  fc.tuple(
    fc.constantFrom('code-value-concept', 'combo-code-value-concept'),
    fc.tuple(exactToken, exactToken).map((t) => t.join('$')),
  ),
  fc.tuple(
    fc.constant('code-value-date'),
    fc.tuple(exactToken, dateValue).map((t) => t.join('$')),
  ),
  fc.tuple(
    fc.constant('code-value-string'),
    fc.tuple(exactToken, text).map((t) => t.join('$')),
  ),
);
const sort = fc.constantFrom(
  '',
  'date',
  '-date',
  '_lastUpdated',
  '-_lastUpdated',
  '_id',
  'value-string',
  '-value-quantity',
  'value-date,-date',
);
const pair = ([name, v]: readonly [string, string]): string => `${name}=${encodeURIComponent(v)}`;
const query = fc
  .tuple(fc.array(criterion, { maxLength: 3 }), sort)
  .map(([criteria, s]) => `Observation?${[...criteria.map(pair), ...(s ? [`_sort=${s}`] : [])].join('&')}`);

let store: Store;
let entries: Entry[];

before(async () => {
  store = await openStore(patients);
  entries = fc.sample(observation, { numRuns: 150, seed: 20 }).map((body, n) => {
    // Without a subject a resource belongs to the one patient that it mentions (DECISIONS 12).
    const mentioned = [body['subject'] ?? body['performer'] ?? []].flat() as { reference?: string }[];
    const subject = mentioned.length === 1 ? mentioned[0]?.reference?.slice('Patient/'.length) : undefined;
    const lu = new Date(Date.UTC(2024, 0, 1 + (n % 60)));
    return {
      resource: { resourceType: 'Observation', id: `o${(n * 7) % 150}`, meta: { lastUpdated: lu.toISOString() }, ...body },
      rid: BigInt(1000 + n),
      shard: n % 5,
      pat: patients.get(subject ?? ''),
      lu,
    };
  });
  await store.put(tenant, entries);
  // The same resources of another tenant must never be seen.
  await store.put(
    2,
    entries.slice(0, 30).map((e) => ({ ...e, resource: { ...e.resource, id: `other-${e.resource.id}` } })),
  );
  // Many patients elsewhere: what an index of patients is for.
  await store.pool.query(`insert into idx (tenant, shard, type, detailed, rid, self, ts, te, pat, tok)
    select 3, 0, 1, false, 100000 + n, n, now() - n * interval '1 hour', now(), 1000 + n, '{}' from generate_series(1, 5000) n`);
  await store.pool.query('analyze');
});
after(() => store?.close());

function scan(search: string, inside: (entry: Entry) => boolean = () => true): string[] {
  const { criteria } = parseSearch(definitions, 'Observation', search.slice('Observation?'.length), { lenient: false });
  return entries.filter((e) => inside(e) && recheck({ criteria }, e.resource)).map((e) => e.resource.id);
}

const grants: readonly { readonly access: AccessPredicate; readonly inside: (entry: Entry) => boolean }[] = [
  { access: [], inside: () => false },
  { access: [{ patientRid: 11n, criteria: [] }], inside: (e) => e.pat === 11n },
  {
    access: [
      { patientRid: 10n, criteria: [] },
      {
        criteria: parseSearch(definitions, 'Observation', 'category=urn:s:1|a&status=final', { lenient: false }).criteria.filter(
          isCriterion,
        ),
      },
    ],
    inside: (e) =>
      e.pat === 10n || recheck(parseSearch(definitions, 'Observation', 'category=urn:s:1|a&status=final', { lenient: false }), e.resource),
  },
];

describe('index answer = naive scan', () => {
  test('nothing outside of the grants, whatever is asked', async () => {
    const searches = fc.sample(query, { numRuns: 60, seed: 5 });
    for (const [n, search] of searches.entries()) {
      const grant = grants[n % grants.length];
      assert.ok(grant);
      assert.deepEqual((await store.ids(search, { access: grant.access })).sort(), scan(search, grant.inside).sort(), search);
      assert.equal(await store.count(search, { access: grant.access }), scan(search, grant.inside).length, search);
    }
  });

  test('every page of every search, in any order', async () => {
    let matched = 0;
    for (const search of fc.sample(query, { numRuns: 240, seed: 4 })) {
      const expected = scan(search);
      matched += expected.length > 0 && expected.length < entries.length ? 1 : 0;
      assert.deepEqual((await store.ids(search, { pageSize: 9 })).sort(), expected.sort(), search);
    }
    assert.ok(matched > 60, `only ${matched} searches had some matches and not all`);
  });

  test('counts and conditional matches', async () => {
    for (const search of fc.sample(query, { numRuns: 60, seed: 3 })) {
      const expected = scan(search);
      assert.equal(await store.count(search), expected.length, search);
      const parsed = parseSearch(definitions, 'Observation', search.slice('Observation?'.length), { lenient: false });
      const found = await store.run(planMatch(parsed, store.context()));
      assert.equal(found.length, Math.min(2, expected.length), search);
    }
  });

  test('reverse includes are the references of the naive scan, inside the grants', async () => {
    const performers = extractReferences(definitions, 'Observation', 'performer');
    const targets = ['Patient/p0', 'Practitioner/p0'];
    for (const { access, inside } of [{ access: everything, inside: () => true }, ...grants]) {
      const rows = await store.run(revincludeQuery('Observation', ['performer'], targets, { ...store.context({ access }) }, 1000));
      const expected = entries
        .filter((e) => inside(e) && performers(e.resource).some((r) => targets.includes(r)))
        .map((e) => e.resource.id);
      assert.deepEqual(rows.map((r) => r.id).sort(), expected.sort());
    }
  });

  test('only what lies far enough back, and the undated of such a patient', async () => {
    const visibleBeforeMs = Date.UTC(2020, 3, 1);
    // An open start says nothing about when: then the end counts.
    const dated = entries.map((e) => {
      const { tsMs, teMs } = indexer.index(e.resource as unknown as Resource, tenant);
      return { ...e, ts: tsMs === Number.NEGATIVE_INFINITY ? teMs : tsMs };
    });
    const seen = new Set(dated.filter((e) => e.ts !== undefined && e.ts < visibleBeforeMs && e.pat !== undefined).map((e) => e.pat));
    const expected = dated
      .filter((e) => (e.ts === undefined ? e.pat === undefined || seen.has(e.pat) : e.ts < visibleBeforeMs))
      .map((e) => e.resource.id);
    assert.ok(expected.length > 10 && expected.length < entries.length);
    assert.deepEqual((await store.ids('Observation?', { visibleBeforeMs })).sort(), expected.sort());
    const nobodys = dated.filter((e) => e.ts === undefined && e.pat === undefined).map((e) => e.resource.id);
    assert.deepEqual((await store.ids('Observation?', { visibleBeforeMs: Date.UTC(1990, 0, 1) })).sort(), nobodys.sort());
  });
});

type Key = string | number | undefined;
const rowsOf = (e: Entry): ReturnType<typeof indexer.index> => indexer.index(e.resource as unknown as Resource, tenant);
const keys: { readonly [sort: string]: (e: Entry) => Key } = {
  date: (e) => rowsOf(e).tsMs,
  _lastUpdated: (e) => e.lu.getTime(),
  _id: (e) => e.resource.id,
  'value-string': (e) =>
    rowsOf(e)
      .strings.map((s) => s.norm)
      .sort()[0],
};

describe('order', () => {
  for (const [name, keyOf] of Object.entries(keys)) {
    for (const direction of ['', '-']) {
      test(`_sort=${direction}${name}: missing last, stable over pages`, async () => {
        const byId = new Map(entries.map((e) => [e.resource.id, e]));
        for (const search of [
          'Observation?',
          'Observation?code=a&',
          'Observation?code=a&patient=p1&',
          'Observation?category=a&status=final&',
          'Observation?date=lt2100&',
          'Observation?code=a&date=gt1900&',
        ]) {
          const ids = await store.ids(`${search}_sort=${direction}${name}`, { pageSize: 4 });
          const found = ids.map((id) => keyOf(byId.get(id) as Entry));
          const present = found.filter((k) => k !== undefined);
          assert.deepEqual(found.slice(0, present.length), present, 'missing keys come last');
          const ordered = present.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
          assert.deepEqual(present, direction ? ordered.reverse() : ordered);
          assert.deepEqual(ids, await store.ids(`${search}_sort=${direction}${name}`, { pageSize: 100 }));
        }
      });
    }
  }
});

describe('statements', () => {
  const planOf = (search: string, access?: AccessPredicate): ReturnType<typeof planSearch> =>
    planSearch(parseSearch(definitions, 'Observation', search, { lenient: false }), store.context(access ? { access } : {}));

  test('one text for each shape, no value in it', () => {
    const shape = (...v: string[]): string =>
      `code=${v[0]}&date=ge${v[1]}&value-quantity=lt${v[2]}&value-string=${v[3]}&subject=Patient/${v[4]}&_sort=-date`;
    const [one, two] = [planOf(shape('a', '2020', '5', 'x', 'p1')), planOf(shape('urn:s|b', '2021-01-01', '7.5', 'yy', 'p2'))];
    assert.equal(one.text, two.text);
    assert.doesNotMatch(one.text, /2020|'a'|'x'/);
  });

  test('each parameter of a statement is named in its text', () => {
    for (const search of fc.sample(query, { numRuns: 100, seed: 9 })) {
      for (const { access } of [...grants, { access: undefined }]) {
        const { text, values } = planOf(search.slice('Observation?'.length), access);
        for (const n of values.keys()) assert.match(text, new RegExp(`\\$${n + 1}\\b`), search);
      }
    }
  });
});

describe('access paths', () => {
  const indexOf = async (search: string): Promise<string> => {
    const client = await store.pool.connect();
    try {
      await client.query('set enable_seqscan = off; set enable_sort = off');
      const plan = planSearch(parseSearch(definitions, 'Observation', search, { lenient: false }), store.context());
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${plan.text}`, plan.values);
      return rows.map((r) => r['QUERY PLAN']).join('\n');
    } finally {
      client.release(true);
    }
  };
  test('patient and code, newest first: the hot index of the patient gives the order', async () => {
    assert.match(await indexOf('patient=p1&code=a&_sort=-date'), /Index.*Scan using hot_pat/);
  });
  test('code, newest first: the hot index of the code gives the order', async () => {
    assert.match(await indexOf('code=a&_sort=-date'), /Index.*Scan using hot_code/);
  });
  test('patient, newest first', async () => {
    assert.match(await indexOf('patient=p1&_sort=-date'), /Index.*Scan using idx_pat/);
  });
  test('who asks for a date gets no statement for what has none', async () => {
    const patient = 'patient=p1&code=a';
    assert.match(await indexOf(`${patient}&date=ge1900&_sort=-date`), /^(?![\s\S]*Append)[\s\S]*Scan using hot_pat/);
    for (const undated of [`${patient}&value-date=ge1900`, patient]) assert.match(await indexOf(`${undated}&_sort=-date`), /Append/);
  });
  test('several tokens are intersected before they are ordered', async () => {
    assert.match(await indexOf('category=a&status=final&_sort=-date'), /CTE c\n[\s\S]*tok @>[\s\S]*CTE Scan on c i/);
  });
});
