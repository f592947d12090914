// $everything and $lastn on the whole server: refusals, the caller's rights on each type, pages that together give all, once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bundle, FhirResponse, Principal } from '@limen/fhir-model';
import { json, refusalOf, startWriteServer, type WriteServer } from './writeServer.ts';

let server: WriteServer;
let patient = '';
let other = '';
let encounter = '';
let practitioner = '';

async function create(resource: { resourceType: string; [name: string]: unknown }): Promise<string> {
  const made = await server.as('system/*.cruds').request({ method: 'POST', path: resource.resourceType, body: resource });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return `${resource.resourceType}/${json(made)['id']}`;
}

const get = (scope: string, path: string, principal: Partial<Principal> = {}): Promise<FhirResponse> =>
  server.as(scope, principal).request({ method: 'GET', path });

function observation(code: string, day: string, more: object = {}): Promise<string> {
  return create({
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
    code: { coding: [{ system: 'http://loinc.org', code }] },
    subject: { reference: patient },
    effectiveDateTime: day,
    ...more,
  });
}

function referencesIn(response: FhirResponse, mode?: string): string[] {
  assert.equal(response.status, 200, JSON.stringify(response.body));
  return ((response.body as Bundle).entry ?? [])
    .filter(({ search }) => mode === undefined || search?.mode === mode)
    .map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);
}

/** All pages from a first one; each is looked at. */
async function pages(scope: string, first: string): Promise<string[][]> {
  const found: string[][] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const page = await get(scope, path);
    found.push(referencesIn(page, 'match'));
    const next: string | undefined = (page.body as Bundle).link?.find(({ relation }) => relation === 'next')?.url;
    path = next?.split('/fhir/')[1];
    assert.ok(found.length < 50);
  }
  return found;
}

before(async () => {
  server = await startWriteServer('synthetic');
  practitioner = await create({ resourceType: 'Practitioner', active: true });
  patient = await create({ resourceType: 'Patient', gender: 'female' });
  other = await create({ resourceType: 'Patient', gender: 'male', link: [{ other: { reference: patient }, type: 'seealso' }] });
  encounter = await create({
    resourceType: 'Encounter',
    status: 'finished',
    class: { code: 'AMB' },
    subject: { reference: patient },
    participant: [{ individual: { reference: practitioner } }],
    period: { start: '2020-01-01', end: '2020-01-02' },
  });
  await observation('8867-4', '2020-01-01', { encounter: { reference: encounter }, performer: [{ reference: patient }] });
  await observation('8867-4', '2021-01-01');
  await observation('8867-4', '2022-01-01');
  await observation('9279-1', '2021-06-01');
  await create({ resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: other } });
  await create({
    resourceType: 'Condition',
    subject: { reference: patient },
    encounter: { reference: encounter },
    onsetDateTime: '2019-05-05',
  });
});
after(() => server.stop());

describe('$everything refuses', () => {
  test('who may not read the patient as if it did not exist', async () => {
    const absent = await get('patient/*.rs', 'Patient/00000000-0000-4000-8000-000000000000/$everything', { patient: other.slice(8) });
    const hidden = await get('patient/*.rs', `${patient}/$everything`, { patient: other.slice(8) });
    assert.equal(hidden.status, 404);
    assert.deepEqual(refusalOf(hidden), refusalOf(absent));
    assert.equal((await get('system/Observation.rs', `${patient}/$everything`)).status, 403);
  });

  test('unknown parameters and types, types without a scope, forged cursors', async () => {
    assert.equal((await get('system/*.rs', `${patient}/$everything?status=final`)).status, 400);
    assert.equal((await get('system/*.rs', `${patient}/$everything?_type=Ward`)).status, 400);
    assert.equal((await get('system/*.rs', `${encounter}/$everything?start=2020`)).status, 400);
    assert.equal((await get('system/Patient.rs', `${patient}/$everything?_type=Observation`)).status, 403);
    assert.equal((await get('system/*.rs', `${patient}/$everything?_cursor=abc`)).status, 400);
    assert.equal((await get('system/*.rs', `${patient}/$everything?_count=none`)).status, 400);
  });

  test('a cursor with another question than the one that it was given for', async () => {
    const first = await get('system/*.rs', `${patient}/$everything?_count=1`);
    const next = (first.body as Bundle).link?.find(({ relation }) => relation === 'next')?.url.split('/fhir/')[1] ?? '';
    assert.equal((await get('system/*.rs', next)).status, 200);
    assert.equal((await get('system/*.rs', `${next}&_type=Observation`)).status, 400);
    assert.equal((await get('system/*.rs', `${next}&start=2020-01-01`)).status, 400);
    assert.equal((await get('system/*.rs', next.replace(patient, other))).status, 400);
  });

  test('other types, other levels, other methods', async () => {
    assert.equal((await get('system/*.rs', `${practitioner}/$everything`)).status, 404);
    assert.equal((await get('system/*.rs', 'Patient/$everything')).status, 404);
    assert.equal((await server.as('system/*.cruds').request({ method: 'DELETE', path: `${patient}/$everything` })).status, 405);
  });
});

describe('$everything gives', () => {
  test('the compartment, each once, and what it refers to', async () => {
    const response = await get('system/*.rs', `${patient}/$everything`);
    const matches = referencesIn(response, 'match');
    assert.equal(new Set(matches).size, matches.length);
    assert.equal(matches[0], patient);
    assert.equal(matches.filter((each) => each.startsWith('Observation/')).length, 4);
    assert.equal(matches.filter((each) => each.startsWith('Condition/')).length, 1);
    assert.deepEqual(referencesIn(response, 'include'), [practitioner]);
    assert.equal(referencesIn(await get('system/*.rs', `${other}/$everything`), 'match').length, 2);
  });

  test('only types that the token may search', async () => {
    const found = referencesIn(await get('system/Patient.rs system/Condition.rs', `${patient}/$everything`));
    assert.deepEqual(
      found.map((each) => each.split('/')[0]),
      ['Patient', 'Condition'],
    );
    const mine = referencesIn(await get('patient/*.rs', `${patient}/$everything`, { patient: patient.slice(8) }), 'match');
    assert.equal(mine.length, 7);
  });

  test('the same in pages of any size', async () => {
    const whole = (await pages('system/*.rs', `${patient}/$everything`)).flat();
    for (const count of [1, 2, 3]) {
      const parts = await pages('system/*.rs', `${patient}/$everything?_count=${count}`);
      assert.ok(parts.every((part) => part.length <= count));
      assert.deepEqual(parts.flat().sort(), [...whole].sort());
    }
  });

  test('types that are named, and care dates', async () => {
    assert.equal(
      referencesIn(await get('system/*.rs', `${patient}/$everything?_type=Observation&start=2021-01-01&end=2021-12-31`)).length,
      2,
    );
    const body = { resourceType: 'Parameters', parameter: [{ name: '_type', valueCode: 'Condition' }] };
    const posted = await server.as('system/*.rs').request({ method: 'POST', path: `${patient}/$everything`, body });
    assert.equal(referencesIn(posted).length, 1);
    assert.equal(referencesIn(await get('system/*.rs', `${patient}/$everything?_since=2999-01-01`)).length, 0);
  });

  test("an encounter's own, with its patient beside", async () => {
    const response = await get('system/*.rs', `${encounter}/$everything`);
    assert.deepEqual(
      referencesIn(response, 'match')
        .map((each) => each.split('/')[0])
        .sort(),
      ['Condition', 'Encounter', 'Observation'],
    );
    assert.deepEqual(referencesIn(response, 'include').sort(), [patient, practitioner].sort());
  });
});

describe('Observation/$lastn', () => {
  const question = (): string => `Observation/$lastn?patient=${patient}&category=vital-signs`;

  test('refuses calls without patient, without category and code, with a maximum that is none, without a scope', async () => {
    assert.equal((await get('system/*.rs', 'Observation/$lastn?category=vital-signs')).status, 400);
    assert.equal((await get('system/*.rs', `Observation/$lastn?patient=${patient}`)).status, 400);
    assert.equal((await get('system/*.rs', `${question()}&max=0`)).status, 400);
    assert.equal((await get('system/*.rs', `${question()}&_include=Observation:subject`)).status, 400);
    assert.equal((await get('system/Patient.rs', question())).status, 403);
    assert.equal((await get('system/*.rs', 'Condition/$lastn')).status, 404);
  });

  test('gives the newest of each code', async () => {
    const days = async (path: string): Promise<unknown[]> =>
      ((await get('system/Observation.rs', path)).body as Bundle).entry?.map(
        ({ resource }) => (resource as { effectiveDateTime?: string }).effectiveDateTime,
      ) ?? [];
    assert.deepEqual(await days(question()), ['2022-01-01', '2021-06-01']);
    assert.deepEqual(await days(`${question()}&max=2`), ['2022-01-01', '2021-01-01', '2021-06-01']);
    assert.deepEqual(await days(`Observation/$lastn?subject=${patient}&code=9279-1&max=5`), ['2021-06-01']);
    assert.deepEqual(await days(`Observation/$lastn?patient=${other}&category=vital-signs`), []);
  });
});
