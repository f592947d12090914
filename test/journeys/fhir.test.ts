// https://hl7.org/fhir/R4/http.html and https://hl7.org/fhir/R4/search.html over HTTP, from outside, under date-shift.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'fhir-kit-client';
import { type Product, startProduct } from '../product.ts';
import { type Answer, allPages, assertRefused, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const mrnSystem = 'https://limen.example/mrn';
const examples = path.resolve(import.meta.dirname, '../../examples');
const example = (name: string): Json => JSON.parse(readFileSync(path.join(examples, name), 'utf8')) as Json;

let product: Product;
let fhir: Rest;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
});
after(() => product?.stop());

const patient = (extra: object = {}): object => ({ resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01', ...extra });
const withMrn = (value: string): object => patient({ identifier: [{ system: mrnSystem, value }] });
const observation = (subject: string, extra: object = {}): object => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }] },
  subject: { reference: subject },
  effectiveDateTime: '2024-03-05T10:00:00Z',
  valueQuantity: { value: 4.1, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
  ...extra,
});

async function made(body: object): Promise<string> {
  const answer = await fhir(String((body as Json)['resourceType']), { body });
  assert.equal(answer.status, 201, answer.text);
  return `${answer.json['resourceType']}/${answer.json['id']}`;
}

async function count(query: string): Promise<number> {
  const answer = await fhir(`${query}${query.includes('?') ? '&' : '?'}_summary=count`);
  assert.equal(answer.status, 200, answer.text);
  return Number(answer.json['total']);
}

const idsOf = (entries: readonly Json[]): string[] => entries.map((entry) => String(entry['resource']?.['id']));

describe('one resource: refusals', () => {
  test('a stale If-Match is 412 and changes nothing', async () => {
    const url = await made(patient());
    const body = { ...patient({ gender: 'male' }), id: url.split('/')[1] };
    assertRefused(await fhir(url, { method: 'PUT', body, headers: { 'if-match': 'W/"7"' } }), 412);
    assertRefused(await fhir(url, { method: 'DELETE', headers: { 'if-match': 'W/"7"' } }), 412);
    assert.equal((await fhir(url)).headers.get('etag'), 'W/"1"');
  });

  test('an id that is not that of the URL, or no id, is 400', async () => {
    const url = await made(patient());
    assertRefused(await fhir(url, { method: 'PUT', body: { ...patient(), id: randomUUID() } }), 400);
    assertRefused(await fhir(url, { method: 'PUT', body: patient() }), 400);
    assert.equal((await fhir(url)).headers.get('etag'), 'W/"1"');
  });

  test('an update of what does not exist is no create: 405', async () => {
    const id = randomUUID();
    const answer = await fhir(`Patient/${id}`, { method: 'PUT', body: { ...patient(), id } });
    assertRefused(answer, 405);
    assertRefused(await fhir(`Patient/${id}`), 404);
  });

  test('a second Patient with an identifier that is known is 409', async () => {
    await made(withMrn('fhir-second'));
    assertRefused(await fhir('Patient', { body: withMrn('fhir-second') }), 409, 'duplicate');
  });

  test('a type that is not that of the URL is 400, one that does not exist 404', async () => {
    assertRefused(await fhir('Observation', { body: patient() }), 400);
    assertRefused(await fhir('Pateint', { body: patient() }), 404);
  });
});

test('create, read, vread, update, delete, 410, history of the instance and of the type', async () => {
  const created = await fhir('Patient', { body: patient() });
  assert.equal(created.status, 201);
  assert.equal(created.headers.get('etag'), 'W/"1"');
  const url = `Patient/${created.json['id']}`;
  assert.equal(created.headers.get('location'), `${product.fhirBase}/${url}/_history/1`);
  const body = { ...patient({ gender: 'male' }), id: created.json['id'] };
  const updated = await fhir(url, { method: 'PUT', body, headers: { 'if-match': 'W/"1"' } });
  assert.equal(updated.status, 200, updated.text);
  assert.equal(updated.json['meta']?.['versionId'], '2');
  assert.equal((await fhir(`${url}/_history/1`)).json['gender'], 'female');
  assert.equal((await fhir(url)).json['gender'], 'male');
  assert.equal((await fhir(url, { method: 'DELETE' })).status, 204);
  assertRefused(await fhir(url), 410, 'deleted');
  assertRefused(await fhir(`${url}/_history/3`), 410);
  assert.equal((await fhir(url, { method: 'DELETE' })).status, 204, 'once more is no error');
  const history = await allPages(fhir, `${url}/_history?_count=2`);
  assert.deepEqual(
    history.map((entry) => entry['request']?.['method']),
    ['DELETE', 'PUT', 'POST'],
  );
  const ofType = (await allPages(fhir, 'Patient/_history?_count=5')).filter((entry) => String(entry['fullUrl']).endsWith(url));
  assert.equal(ofType.length, 3);
  assert.equal(idsOf(entriesOf(await fhir(`Patient?_id=${created.json['id']}`))).length, 0);
});

describe('conditional create', () => {
  test('201, then 200 for the same, 412 for a condition that several meet', async () => {
    const call = (): Promise<Answer> =>
      fhir('Patient', { body: withMrn('fhir-cc'), headers: { 'if-none-exist': `identifier=${mrnSystem}|fhir-cc` } });
    const [first, second] = [await call(), await call()];
    assert.deepEqual([first.status, second.status], [201, 200]);
    assert.equal(first.json['id'], second.json['id']);
    const subject = `Patient/${first.json['id']}`;
    await made(observation(subject));
    await made(observation(subject));
    const several = { 'if-none-exist': `code=http://loinc.org|2823-3&subject=${subject}` };
    assertRefused(await fhir('Observation', { body: observation(subject), headers: several }), 412);
    assert.equal(await count(`Observation?subject=${subject}`), 2);
  });

  test('twenty in parallel make exactly one resource', async () => {
    const headers = { 'if-none-exist': `identifier=${mrnSystem}|fhir-20` };
    const answers = await Promise.all(Array.from({ length: 20 }, () => fhir('Patient', { body: withMrn('fhir-20'), headers })));
    assert.deepEqual(answers.map((a) => a.status).sort(), [...Array<number>(19).fill(200), 201]);
    assert.equal(new Set(answers.map((a) => a.json['id'])).size, 1);
    assert.equal(await count(`Patient?identifier=${mrnSystem}|fhir-20`), 1);
  });

  test('conditional update and delete find one by its raw identifier', async () => {
    const condition = `Patient?identifier=${mrnSystem}|fhir-cu`;
    const first = await fhir(condition, { method: 'PUT', body: withMrn('fhir-cu') });
    assert.equal(first.status, 201, first.text);
    const second = await fhir(condition, { method: 'PUT', body: { ...withMrn('fhir-cu'), gender: 'other' } });
    assert.equal(second.status, 200, second.text);
    assert.equal(second.json['id'], first.json['id']);
    assert.equal((await fhir(condition, { method: 'DELETE' })).status, 204);
    assertRefused(await fhir(`Patient/${first.json['id']}`), 410);
  });
});

describe('Idempotency-Key', () => {
  test('another body under the same key is 422; the same again gives the same answer', async () => {
    const headers = { 'idempotency-key': 'fhir-key-1' };
    const before = await count('Patient');
    const first = await fhir('Patient', { body: patient(), headers });
    const again = await fhir('Patient', { body: patient(), headers });
    assert.deepEqual([first.status, again.status], [201, 201]);
    assert.equal(again.text, first.text);
    assert.equal(again.headers.get('location'), first.headers.get('location'));
    assertRefused(await fhir('Patient', { body: patient({ gender: 'male' }), headers }), 422);
    assert.equal(await count('Patient'), before + 1);
  });

  test('two in parallel make one resource', async () => {
    const before = await count('Patient');
    const headers = { 'idempotency-key': 'fhir-key-2' };
    const answers = await Promise.all([1, 2].map(() => fhir('Patient', { body: patient(), headers })));
    for (const answer of answers) assert.ok([201, 409].includes(answer.status), answer.text);
    assert.ok(answers.some((a) => a.status === 201));
    assert.equal(await count('Patient'), before + 1);
  });

  test('a transaction sent twice is stored once', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: patient(), request: { method: 'POST', url: 'Patient' } }],
    };
    const headers = { 'idempotency-key': 'fhir-key-3' };
    const [first, again] = [await fhir('', { body: bundle, headers }), await fhir('', { body: bundle, headers })];
    assert.equal(first.status, 200, first.text);
    assert.equal(again.text, first.text);
  });
});

describe('bundles', () => {
  const entry = (resource: object, request: object, fullUrl?: string): object => ({ ...(fullUrl ? { fullUrl } : {}), resource, request });
  const send = (type: string, ...entries: object[]): Promise<Answer> =>
    fhir('', { body: { resourceType: 'Bundle', type, entry: entries } });
  const post = (resource: object): object => entry(resource, { method: 'POST', url: String((resource as Json)['resourceType']) });

  test('one bad entry of a transaction: nothing of it is stored', async () => {
    const before = [await count('Patient'), await count('Observation')];
    assertRefused(await send('transaction', post(patient()), post(observation(`Patient/${randomUUID()}`))), 422);
    assertRefused(await send('transaction', post(patient()), post(patient({ gender: 'unheard-of' }))), 422);
    assertRefused(await send('transaction', post(patient()), entry(patient(), { method: 'POST', url: 'Observation' })), 400);
    assert.deepEqual([await count('Patient'), await count('Observation')], before);
  });

  test('a GET of a transaction that cannot be answered refuses all of it', async () => {
    const before = await count('Patient');
    assertRefused(await send('transaction', post(patient()), { request: { method: 'GET', url: `Patient/${randomUUID()}` } }), 404);
    assertRefused(await send('transaction', post(patient()), { request: { method: 'GET', url: 'Patient?favourite-colour=blue' } }), 400);
    assert.equal(await count('Patient'), before);
    const good = await send('transaction', post(patient()), { request: { method: 'GET', url: 'Patient?_summary=count' } });
    assert.equal(entriesOf(good)[1]?.['resource']?.['total'], before + 1, 'it sees what the others wrote');
  });

  test('a batch sent twice under one Idempotency-Key is stored once', async () => {
    const body = { resourceType: 'Bundle', type: 'batch', entry: [post(patient()), post(patient())] };
    const before = await count('Patient');
    for (let i = 0; i < 2; i++) assert.equal((await fhir('', { body, headers: { 'idempotency-key': 'fhir-key-batch' } })).status, 200);
    assert.equal(await count('Patient'), before + 2);
  });

  test('two entries with the same condition make one resource', async () => {
    const conditional = (): object =>
      entry(
        withMrn('fhir-twice'),
        { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${mrnSystem}|fhir-twice` },
        `urn:uuid:${randomUUID()}`,
      );
    const answer = await send('transaction', conditional(), conditional());
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await count(`Patient?identifier=${mrnSystem}|fhir-twice`), 1);
    const locations = entriesOf(answer).map((e) => String(e['response']?.['location']));
    assert.equal(new Set(locations).size, 1, answer.text);
  });

  test('urn:uuid references and conditional references lead to what was made', async () => {
    const uuid = `urn:uuid:${randomUUID()}`;
    const first = await send('transaction', entry(withMrn('fhir-urn'), { method: 'POST', url: 'Patient' }, uuid), post(observation(uuid)));
    assert.equal(first.status, 200, first.text);
    const second = await send('transaction', post(observation(`Patient?identifier=${mrnSystem}|fhir-urn`)));
    assert.equal(second.status, 200, second.text);
    const found = entriesOf(await fhir(`Patient?identifier=${mrnSystem}|fhir-urn&_revinclude=Observation:subject`));
    assert.deepEqual(
      found.map((e) => e['search']?.['mode']),
      ['match', 'include', 'include'],
    );
    const subject = `Patient/${idsOf(found)[0]}`;
    for (const e of found.slice(1)) assert.equal(e['resource']?.['subject']?.['reference'], subject);
  });

  test('a conditional reference to nothing refuses the transaction', async () => {
    assertRefused(await send('transaction', post(observation(`Patient?identifier=${mrnSystem}|nobody-has-this`))), 412);
  });

  test('entries of a batch stand on their own', async () => {
    const before = await count('Patient');
    const answer = await send(
      'batch',
      post(patient()),
      post(patient({ gender: 'unheard-of' })),
      { request: { method: 'GET', url: `Patient/${randomUUID()}` } },
      post(patient()),
    );
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      entriesOf(answer).map((e) => Number.parseInt(String(e['response']?.['status']), 10)),
      [201, 422, 404, 201],
    );
    assert.equal(await count('Patient'), before + 2);
  });
});

describe('search', () => {
  test('a parameter that does not exist is 400; ignored and said so when the client is lenient', async () => {
    assertRefused(await fhir('Patient?favourite-colour=blue'), 400);
    const lenient = await fhir('Patient?favourite-colour=blue&gender=female&_count=1', { headers: { prefer: 'handling=lenient' } });
    assert.equal(lenient.status, 200);
    assert.ok(
      entriesOf(lenient).some((e) => String(e['search']?.['mode']) === 'outcome'),
      lenient.text,
    );
    assert.doesNotMatch(String(list(lenient.json['link'])[0]?.['url']), /favourite/);
  });

  test('what the policy removes is refused, not empty', async () => {
    assertRefused(await fhir('Patient?family=Abernatty'), 400);
    assertRefused(await fhir('Patient?address-city=Springfield'), 400);
  });

  test('pages by keyset: each once, whatever is written meanwhile', async () => {
    const subject = await made(patient());
    const expected = new Set<string>();
    for (let i = 0; i < 23; i++) expected.add((await made(observation(subject))).split('/')[1] ?? '');
    for (const query of [`Observation?subject=${subject}&_count=5`, `Observation?subject=${subject}&_count=5&_sort=-date`]) {
      const found = idsOf(await allPages(fhir, query, () => made(observation(subject))));
      assert.equal(new Set(found).size, found.length, 'no resource twice');
      assert.deepEqual(
        [...expected].filter((id) => !found.includes(id)),
        [],
        'none that was there is missing',
      );
    }
  });

  test('_sort, _total, _include', async () => {
    const subject = await made(patient());
    for (const day of ['05', '19', '12'])
      await made(observation(subject, { effectiveDateTime: `2024-03-${day}T10:00:00Z`, valueQuantity: { value: Number(day) } }));
    const values = async (sort: string): Promise<number[]> =>
      entriesOf(await fhir(`Observation?subject=${subject}&_sort=${sort}`)).map((e) => Number(e['resource']?.['valueQuantity']?.['value']));
    assert.deepEqual(await values('date'), [5, 12, 19]);
    assert.deepEqual(await values('-date'), [19, 12, 5]);
    const answer = await fhir(`Observation?subject=${subject}&_count=1&_total=accurate&_include=Observation:subject`);
    assert.equal(answer.json['total'], 3);
    assert.deepEqual(
      entriesOf(answer).map((e) => [e['resource']?.['resourceType'], e['search']?.['mode']]),
      [
        ['Observation', 'match'],
        ['Patient', 'include'],
      ],
    );
  });

  test('the raw MRN finds its patient, another value none, and the stored identifier is not the MRN', async () => {
    const url = await made(withMrn('fhir-raw-mrn'));
    const found = await fhir(`Patient?identifier=${mrnSystem}|fhir-raw-mrn`);
    assert.deepEqual(
      entriesOf(found).map((e) => `Patient/${e['resource']?.['id']}`),
      [url],
    );
    assert.doesNotMatch(JSON.stringify(entriesOf(found)), /fhir-raw-mrn/);
    assert.equal(await count('Patient?identifier=fhir-raw-mrn'), 1);
    assert.equal(await count(`Patient?identifier=${mrnSystem}|fhir-raw`), 0);
    const byForm = await fhir('Patient/_search', {
      body: new URLSearchParams({ identifier: `${mrnSystem}|fhir-raw-mrn` }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.equal(entriesOf(byForm).length, 1, byForm.text);
  });
});

/** Every full date or instant of a resource with its place, but those of meta. */
function datesOf(value: unknown, place = ''): [string, string][] {
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? [[place, value]] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'meta' ? [] : datesOf(inner, `${place}.${key}`)));
}

describe('examples/*.json', () => {
  let sent: Json;
  let answer: Answer;
  before(async () => {
    const hospital = await fhir('', { body: example('hospital.json') });
    assert.equal(hospital.status, 200, hospital.text);
    sent = example('patient.json');
    answer = await fhir('', { body: sent });
    assert.equal(answer.status, 200, answer.text);
  });

  test('all dates move by the same number of whole weeks, 1 to 52, into the past', async () => {
    const shifts = new Map<number, string>();
    let seen = 0;
    for (const [i, entry] of list(sent['entry']).entries()) {
      const location = String(entriesOf(answer)[i]?.['response']?.['location']);
      const stored = await fhir(location.replace(/\/_history\/\d+$/, ''));
      assert.equal(stored.status, 200, stored.text);
      const after = new Map(datesOf(stored.json));
      for (const [place, value] of datesOf(entry['resource'])) {
        const moved = after.get(place);
        if (moved === undefined || entry['resource']?.['resourceType'] === undefined) continue;
        seen += 1;
        shifts.set((Date.parse(value) - Date.parse(moved)) / 86_400_000, `${entry['resource']['resourceType']}${place}`);
      }
    }
    assert.ok(seen > 10, `${seen} dates`);
    assert.deepEqual([...shifts].slice(1), [], `one shift only: ${[...shifts].join('; ')}`);
    const [days = 0] = shifts.keys();
    assert.equal(days % 7, 0, 'weekdays stay');
    assert.ok(days >= 7 && days <= 364, `${days} days`);
  });

  test('sent again, nothing that carries a condition is stored twice', async () => {
    const before = await count('Patient');
    const again = await fhir('', { body: sent });
    assert.equal(again.status, 200, again.text);
    assert.equal(await count('Patient'), before);
  });
});

test('decimals come back byte-true', async () => {
  const subject = await made(patient());
  const digits = ['1.00', '12345678901234567.890', '0.10', '1.0e2', '-0.000'];
  for (const number of digits) {
    const text = JSON.stringify(observation(subject, { valueQuantity: { value: 'DIGITS' } })).replace('"DIGITS"', number);
    const created = await fhir('Observation', { body: text });
    assert.equal(created.status, 201, created.text);
    const literal = (body: string): string | undefined => /"valueQuantity":\{"value":([^,}]+)/.exec(body)?.[1];
    assert.equal(literal(created.text), number);
    const read = await fhir(`Observation/${created.json['id']}`);
    assert.equal(literal(read.text), number);
    const back = await fhir(`Observation/${created.json['id']}`, { method: 'PUT', body: read.text });
    assert.equal(literal(back.text), number, 'also after it was put back');
    assert.equal(literal((await fhir(`Observation?_id=${created.json['id']}`)).text), number);
  }
});

test('read and put back unchanged, twenty times: nothing changes but meta', async () => {
  const patientUrl = await made(withMrn('fhir-again'));
  const observationUrl = await made(observation(patientUrl, { note: [{ text: 'taken before breakfast' }] }));
  for (const url of [patientUrl, observationUrl]) {
    const content = (answer: Answer): Json =>
      ({ ...answer.json, meta: { ...answer.json['meta'], versionId: '', lastUpdated: '' } }) as unknown as Json;
    const first = await fhir(url);
    for (let i = 0; i < 20; i++) {
      const put = await fhir(url, { method: 'PUT', body: (await fhir(url)).text });
      assert.equal(put.status, 200, put.text);
    }
    assert.deepEqual(content(await fhir(url)), content(first));
  }
});

test('a FHIR client that nobody here wrote', async () => {
  const client = new Client({ baseUrl: product.fhirBase, bearerToken: await product.backendToken() });
  const created = await client.create({ resourceType: 'Patient', body: patient() as never });
  const id = String(created['id']);
  assert.equal((await client.read({ resourceType: 'Patient', id }))['gender'], 'female');
  await client.update({ resourceType: 'Patient', id, body: { ...created, gender: 'other' } as never });
  assert.equal((await client.vread({ resourceType: 'Patient', id, version: '2' }))['gender'], 'other');
  const found = await client.search({ resourceType: 'Patient', searchParams: { _id: id } });
  assert.equal(list((found as unknown as Json)['entry']).length, 1);
  const history = await client.history({ resourceType: 'Patient', id });
  assert.equal(list((history as unknown as Json)['entry']).length, 2);
  await client.delete({ resourceType: 'Patient', id });
  await assert.rejects(
    client.read({ resourceType: 'Patient', id }),
    (error: { response?: { status?: number } }) => error.response?.status === 410,
  );
});
