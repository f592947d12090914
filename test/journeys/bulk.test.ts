// Bulk data as a client of the product sees it: $import by address and by body, $export, refusals, and kill -9 in the middle of both. Under date-shift.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type Product, startProduct } from '../product.ts';
import { type Answer, allPages, ask, assertRefused, database, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

const respondAsync = { prefer: 'respond-async' };
const ndjson = { 'content-type': 'application/fhir+ndjson' };

let product: Product;
let fhir: Rest;
let inbox: string;

interface Made {
  readonly resourceType: string;
  readonly id: string;
  readonly [name: string]: unknown;
}

const patient = (n: number): Made => ({
  resourceType: 'Patient',
  id: `src-pat-${n}`,
  identifier: [{ system: 'urn:test:mrn', value: `MRN-${n}-4711` }],
  name: [{ family: `Zwickelbauer${n}`, given: ['Ottokar'] }],
  gender: 'male',
  birthDate: '1971-03-0'.concat(String((n % 9) + 1)),
});
const encounter = (n: number): Made => ({
  resourceType: 'Encounter',
  id: `src-enc-${n}`,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: `Patient/src-pat-${n}` },
});
const observation = (n: number, of: number): Made => ({
  resourceType: 'Observation',
  id: `src-obs-${n}`,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: n % 2 === 0 ? '8867-4' : '2823-3' }] },
  subject: { reference: `Patient/src-pat-${of}` },
  encounter: { reference: `Encounter/src-enc-${of}` },
  effectiveDateTime: '2021-05-04T10:00:00Z',
  valueQuantity: { value: n, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
});

const lines = (resources: readonly object[]): string => resources.map((r) => `${JSON.stringify(r)}\n`).join('');

function put(name: string, content: string): string {
  writeFileSync(path.join(inbox, name), content);
  return pathToFileURL(path.join(inbox, name)).href;
}

const order = (inputs: readonly (readonly [type: string, url: string])[], more: readonly object[] = []): object => ({
  resourceType: 'Parameters',
  parameter: [
    { name: 'inputFormat', valueCode: 'application/fhir+ndjson' },
    { name: 'inputSource', valueUri: 'https://source.example/fhir' },
    { name: 'storageDetail', part: [{ name: 'type', valueCode: 'file' }] },
    ...inputs.map(([type, url]) => ({
      name: 'input',
      part: [
        { name: 'type', valueCode: type },
        { name: 'url', valueUri: url },
      ],
    })),
    ...more,
  ],
});

function jobOf(answer: Answer): string {
  assert.equal(answer.status, 202, answer.text);
  const place = answer.headers.get('content-location') ?? '';
  assert.match(place, /\/fhir\/_jobs\/[0-9a-f-]{36}$/);
  return place;
}

async function finished(call: Rest, place: string): Promise<Json> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await call(place);
    if (answer.status === 200) {
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.ok(answer.headers.get('expires'));
      return answer.json;
    }
    assert.equal(answer.status, 202, answer.text);
    assert.ok(answer.headers.get('retry-after'));
    assert.ok((answer.headers.get('x-progress') ?? '').length > 0);
    await pause(100);
  }
  throw new Error('the job does not end');
}

/** A file of a manifest, at the product as it runs now. */
async function download(file: Json): Promise<Response> {
  const url = `${product.origin}${new URL(String(file['url'])).pathname}`;
  return fetch(url, { headers: { authorization: `Bearer ${await product.backendToken()}`, accept: 'application/fhir+ndjson' } });
}

async function linesOf(file: Json): Promise<Made[]> {
  const answer = await download(file);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/fhir\+ndjson/);
  const found = text.split('\n').filter(Boolean);
  assert.equal(found.length, Number(file['count']));
  return found.map((line) => JSON.parse(line) as Made);
}

async function resourcesOf(manifest: Json): Promise<Made[]> {
  return (await Promise.all(list(manifest['output']).map(linesOf))).flat();
}

async function exported(call: Rest, address: string): Promise<Made[]> {
  const manifest = await finished(call, jobOf(await call(address, { headers: respondAsync })));
  assert.equal(manifest['requiresAccessToken'] as unknown, true);
  assert.deepEqual(list(manifest['error']), []);
  return resourcesOf(manifest);
}

const stored = (manifest: Json): object =>
  Object.fromEntries(list(manifest['output']).map((each) => [String(each['type']), Number(each['count'])]));

async function tokenFor(scope: string): Promise<string> {
  const { client_id, client_secret } = product.credentials.backendClient;
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64');
  const answer = await fetch(`${product.origin}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const start = (dataDir?: string): Promise<Product> =>
  startProduct({ bodyCodec: 'text', env: { IMPORT_SOURCES: `${pathToFileURL(inbox).href}/` }, ...(dataDir ? { dataDir } : {}) });

async function restart(): Promise<void> {
  product = await start(product.dataDir);
  fhir = rest(product);
}

/** The product has another port after a restart. */
const placeNow = (place: string): string => `${product.origin}${new URL(place).pathname}`;

before(async () => {
  inbox = mkdtempSync(path.join(os.tmpdir(), 'limen-inbox-'));
  product = await start();
  fhir = rest(product);
});
after(async () => {
  await product?.stop();
  rmSync(inbox, { recursive: true, force: true });
});

describe('refusals', () => {
  test('of the kick-off: nothing is taken in', async () => {
    assertRefused(await fhir('$export'), 400, 'invalid');
    const refusedExports = [
      '$export?_outputFormat=text/csv',
      '$export?_type=Nonsense',
      '$export?_since=2021',
      '$export?includeAssociatedData=LatestProvenanceResources',
      '$export?unheardOf=1',
      '$export?_typeFilter=Observation',
      '$export?_type=Patient&_typeFilter=Observation%3Fcode%3D1',
      '$export?_typeFilter=Observation%3F_sort%3Ddate',
      '$export?_typeFilter=Observation%3Fsubject:Patient.gender%3Dmale',
      '$export?_typeFilter=Patient%3Fname%3DZwickelbauer',
      '$export?_elements=nonsense',
      'Patient/$export?_type=Practitioner',
      'Patient/$export?patient=Patient/1',
    ];
    for (const address of refusedExports) assertRefused(await fhir(address, { headers: respondAsync }), 400);
    assertRefused(await fhir('Group/unheard-of/$export', { headers: respondAsync }), 404, 'not-found');
    assertRefused(await fhir('Observation/$export', { headers: respondAsync }), 404);
    const url = put('refused.ndjson', lines([patient(1)]));
    assertRefused(await fhir('$import', { body: order([['Patient', url]]) }), 400, 'invalid');
    for (const address of [
      'http://169.254.169.254/latest',
      'file:///etc/passwd',
      'gopher://x/y',
      `${url}/../../passwd`,
      url.replace('limen-inbox', 'limen-inbox-evil'),
    ])
      assertRefused(await fhir('$import', { body: order([['Patient', address]]), headers: respondAsync }), 400);
    assertRefused(await fhir('$import', { body: order([]), headers: respondAsync }), 400, 'required');
    assertRefused(await fhir('$import', { body: order([['Nonsense', url]]), headers: respondAsync }), 400);
    assertRefused(await fhir('Patient', { body: lines([patient(1)]), headers: ndjson }), 415, 'not-supported');
    assert.deepEqual(
      readdirSync(path.join(product.dataDir)).filter((name) => name === 'exports'),
      [],
    );
  });

  test('of scopes that do not reach all of a type', async () => {
    const reader = await tokenFor('system/Observation.rs');
    assertRefused(await fhir('$export?_type=Patient', { headers: respondAsync, token: reader }), 403, 'forbidden');
    const url = put('refused.ndjson', lines([patient(1)]));
    assertRefused(await fhir('$import', { body: order([['Patient', url]]), headers: respondAsync, token: reader }), 403, 'forbidden');
    const only = await tokenFor('system/Observation.r');
    assertRefused(await fhir('$export?_type=Observation', { headers: respondAsync, token: only }), 403, 'forbidden');
  });
});

describe('$import', () => {
  test('by address: crosswalked ids, rewritten references, no trace of the source; bad lines and dangling references are told', async () => {
    const patients = put('patients.ndjson', lines([patient(1), patient(2), { resourceType: 'Patient', id: 'x', gender: 'nonsense4711' }]));
    const encounters = put('encounters.ndjson', lines([encounter(1), encounter(2)]));
    const observations = put(
      'observations.ndjson',
      `${lines([observation(1, 1), observation(2, 2), observation(3, 9), { ...observation(4, 1), encounter: { reference: 'Encounter/src-enc-2' } }])}
{"resourceType":"Observation"
${lines([
  { ...observation(5, 1), derivedFrom: [{ reference: 'Observation/src-obs-77' }] },
  { ...observation(6, 1), basedOn: [{ reference: 'ServiceRequest?identifier=urn:x|4711' }] },
])}`,
    );
    // The order of the inputs does not matter: patients come first.
    const body = order([
      ['Observation', observations],
      ['Encounter', encounters],
      ['Patient', patients],
    ]);
    const manifest = await finished(fhir, jobOf(await fhir('$import', { body, headers: respondAsync })));
    assert.deepEqual(stored(manifest), { Encounter: 2, Observation: 3, Patient: 2 });
    const [file] = list(manifest['error']);
    assert.ok(file);
    const outcomes = (await linesOf(file)) as unknown as readonly Json[];
    const places = outcomes.map((o) => `${list(o['extension'])[0]?.['valueString']} ${list(o['issue'])[0]?.['code']}`).sort();
    // An unknown patient, another patient's encounter, no JSON, a conditional reference; and a reference to what never came.
    assert.deepEqual(places, [
      '1:3 code-invalid',
      '3:3 not-found',
      '3:4 business-rule',
      '3:6 structure',
      '3:7 not-found',
      '3:8 not-supported',
    ]);
    assert.doesNotMatch(JSON.stringify(outcomes), /4711|Zwickelbauer|src-/);
    const found = await allPages(fhir, 'Observation?code=http://loinc.org|2823-3,http://loinc.org|8867-4');
    assert.equal(found.length, 3);
    const text = JSON.stringify(found);
    assert.doesNotMatch(text, /src-|4711|2021-05-04/);
    for (const entry of found) {
      const subject = await fhir(String(entry['resource']?.['subject']?.['reference']));
      assert.equal(String(subject.json['resourceType']), 'Patient');
      assert.equal((await fhir(String(entry['resource']?.['encounter']?.['reference']))).status, 200);
    }
  });

  test('the same again changes nothing; a change makes version 2 of the same resource', async () => {
    const versions = async (): Promise<string[]> =>
      (await allPages(fhir, 'Observation')).map((e) => `${e['resource']?.['id']}/${e['resource']?.['meta']?.['versionId']}`).sort();
    const earlier = await versions();
    const again = put('again.ndjson', lines([observation(1, 1), observation(2, 2)]));
    await finished(fhir, jobOf(await fhir('$import', { body: order([['Observation', again]]), headers: respondAsync })));
    assert.deepEqual(await versions(), earlier);
    const changed = put('changed.ndjson', lines([{ ...observation(1, 1), status: 'amended' }]));
    await finished(fhir, jobOf(await fhir('$import', { body: order([['Observation', changed]]), headers: respondAsync })));
    const now = await versions();
    assert.equal(now.length, earlier.length);
    assert.equal(now.filter((v) => v.endsWith('/2')).length, 1);
  });

  test('by body, streamed; a repeat with the same key is the same job', async () => {
    const body = lines([patient(3), encounter(3), ...Array.from({ length: 450 }, (_, n) => observation(1000 + n, 3))]);
    const headers = { ...ndjson, 'idempotency-key': 'nightly-17' };
    const place = jobOf(await fhir('$import', { body, headers }));
    const manifest = await finished(fhir, place);
    assert.deepEqual(stored(manifest), { Encounter: 1, Observation: 450, Patient: 1 });
    assert.deepEqual(list(manifest['error']), []);
    assert.equal(jobOf(await fhir('$import', { body, headers })), place);
    const found = await fhir('Observation?_summary=count');
    assert.equal(Number(found.json['total']), 453);
  });
});

describe('$export', () => {
  test('of the system: all of it once, compressed where asked, for its own client only; removed when told', async () => {
    const place = jobOf(await fhir('$export?_type=Patient,Observation', { headers: respondAsync }));
    const manifest = await finished(fhir, place);
    const found = await resourcesOf(manifest);
    assert.equal(found.filter((r) => r.resourceType === 'Observation').length, 453);
    assert.equal(found.filter((r) => r.resourceType === 'Patient').length, 3);
    assert.equal(new Set(found.map((r) => r.id)).size, found.length);
    const read = await fhir(`Observation/${found.find((r) => r.resourceType === 'Observation')?.id}`);
    assert.ok(found.some((r) => JSON.stringify(r) === JSON.stringify(read.json)));
    const url = String(list(manifest['output'])[0]?.['url']);
    assert.equal((await download(list(manifest['output'])[0] ?? {})).headers.get('content-encoding'), 'gzip');
    for (const address of [place, url]) assert.equal((await ask(address)).status, 401);
    assertRefused(await fhir(place.replace(/.{4}$/, '0000')), 404, 'not-found');
    assertRefused(await fhir(`${place}/Patient-9.ndjson`), 404, 'not-found');
    assertRefused(await fhir(`${place}/..%2f..%2fcredentials.json`), 404, 'not-found');
    const id = place.slice(-36);
    assert.equal((await fhir(place, { method: 'DELETE' })).status, 202);
    for (const address of [place, url]) assertRefused(await fhir(address), 404, 'not-found');
    assert.ok(!readdirSync(path.join(product.dataDir, 'exports')).includes(id));
  });

  test('limited by filter, elements, group and patient', async () => {
    const filter = encodeURIComponent('Observation?code=http://loinc.org|8867-4');
    const filtered = await exported(fhir, `$export?_type=Observation&_typeFilter=${filter}`);
    assert.equal(filtered.length, 226);
    const [part] = await exported(fhir, `$export?_type=Patient&_elements=gender`);
    assert.deepEqual(Object.keys(part ?? {}).sort(), ['gender', 'id', 'meta', 'resourceType']);
    const owner = String((await fhir('Encounter?_count=1')).json['entry']?.['0' as never]?.['resource']?.['subject']?.['reference']);
    const group = await fhir('Group', {
      body: { resourceType: 'Group', type: 'person', actual: true, member: [{ entity: { reference: owner } }] },
    });
    assert.equal(group.status, 201, group.text);
    const ofGroup = await exported(fhir, `Group/${group.json['id']}/$export?_type=Patient,Encounter`);
    assert.deepEqual(ofGroup.map((r) => r.resourceType).sort(), ['Encounter', 'Patient']);
    const body = {
      resourceType: 'Parameters',
      parameter: [
        { name: 'patient', valueReference: { reference: owner } },
        { name: '_type', valueString: 'Encounter' },
      ],
    };
    const manifest = await finished(fhir, jobOf(await fhir('Patient/$export', { body, headers: respondAsync })));
    assert.deepEqual(stored(manifest), { Encounter: 1 });
    const whole = await exported(fhir, 'Patient/$export');
    // The Group belongs to its only patient.
    assert.equal(whole.length, 3 + 3 + 453 + 1);
  });

  test('since an earlier one: exactly what changed, deletions too', async () => {
    const first = await finished(fhir, jobOf(await fhir('$export?_type=Observation', { headers: respondAsync })));
    const since = encodeURIComponent(String(first['transactionTime']));
    const [one, two] = entriesOf(await fhir('Observation?_count=2')).map((e) => e['resource'] as unknown as Made);
    assert.ok(one && two);
    const changed = await fhir(`Observation/${one.id}`, { method: 'PUT', body: { ...one, status: 'corrected' } });
    assert.equal(changed.status, 200, changed.text);
    assert.equal((await fhir(`Observation/${two.id}`, { method: 'DELETE' })).status, 204);
    const second = await finished(fhir, jobOf(await fhir(`$export?_type=Observation&_since=${since}`, { headers: respondAsync })));
    assert.deepEqual(stored(second), { Observation: 1 });
    const [file] = list(second['output']);
    const [gone] = list(second['deleted']);
    assert.ok(file && gone);
    assert.equal((await linesOf(file))[0]?.id, one.id);
    const [bundle] = await linesOf(gone);
    assert.equal(JSON.stringify(bundle?.['entry']), JSON.stringify([{ request: { method: 'DELETE', url: `Observation/${two.id}` } }]));
  });
});

describe('a direct import that breaks off', () => {
  test('has failed, keeps what came, and goes on when it is sent again with the same key', async () => {
    const body = lines([patient(4), ...Array.from({ length: 899 }, (_, n) => ({ ...observation(3000 + n, 4), encounter: undefined }))]);
    const headers = { ...ndjson, 'idempotency-key': 'broken-off' };
    const client = await database(product);
    const kept = async (): Promise<number> =>
      Number((await client.query("select count(*) as n from idempotency where client like 'job:%'")).rows[0]?.n);
    const before = await kept();
    const { hostname, port } = new URL(product.origin);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    const token = await product.backendToken();
    const head = [
      'POST /fhir/$import HTTP/1.1',
      `Host: ${hostname}`,
      `Authorization: Bearer ${token}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, body.length / 2)}`);
    while ((await kept()) < before + 2) await pause(20);
    socket.destroy();
    let answer = await fhir('$import', { body, headers });
    for (; answer.status === 409; answer = await fhir('$import', { body, headers })) await pause(50);
    const manifest = await finished(fhir, jobOf(answer));
    assert.deepEqual(stored(manifest), { Observation: 899, Patient: 1 });
    assert.equal(await kept(), before + 5);
    await client.end();
    const total = await fhir('Observation?value-quantity=ge3000&_summary=count');
    assert.equal(Number(total.json['total']), 899);
  });
});

describe('what is kept', () => {
  test('holds nothing that the source said of a person: no file of the data folder, write-ahead log included', async () => {
    const client = await database(product);
    await client.query('checkpoint');
    await client.end();
    const found = (text: string): string => spawnSync('grep', ['-r', '-l', '-a', '-F', text, product.dataDir], { encoding: 'utf8' }).stdout;
    // The control: what is to be kept is found the same way.
    assert.notEqual(found('8867-4'), '');
    for (const text of ['Zwickelbauer', 'MRN-1-4711', 'src-pat-', 'src-obs-', 'source.example', 'limen-inbox', 'nightly-17', '1971-03-0'])
      assert.equal(found(text), '', text);
  });
});

describe('kill -9', () => {
  test('in the middle of an import: the next start goes on, nothing is missing or twice', async () => {
    const count = 6000;
    const patients = put('many-patients.ndjson', lines(Array.from({ length: 20 }, (_, n) => patient(100 + n))));
    const observations = put(
      'many.ndjson',
      lines(Array.from({ length: count }, (_, n) => ({ ...observation(10_000 + n, 100 + (n % 20)), encounter: undefined }))),
    );
    const body = order([
      ['Patient', patients],
      ['Observation', observations],
    ]);
    const place = jobOf(await fhir('$import', { body, headers: respondAsync }));
    const client = await database(product);
    while ((await batches(client, place)) < 3) await pause(10);
    // From here on no batch can be stored.
    await client.query('begin; lock table idempotency in share row exclusive mode');
    const before = await batches(client, place);
    await product.kill9();
    assert.ok(before < count / 200, `${before} batches before the kill`);
    await restart();
    const manifest = await finished(fhir, placeNow(place));
    assert.deepEqual(stored(manifest), { Observation: count, Patient: 20 });
    assert.deepEqual(list(manifest['error']), []);
    const total = await fhir('Observation?value-quantity=ge10000&_summary=count');
    assert.equal(Number(total.json['total']), count);
  });

  test('in the middle of an export: complete, and of the moment when it began', async () => {
    const old = jobOf(await fhir('$export?_type=Group', { headers: respondAsync }));
    await finished(fhir, old);
    const client = await database(product);
    await client.query("update operational.job set expires_at = now() - interval '1 second' where id = $1", [old.slice(-36)]);
    // Older versions are read page by page: so the export stands still after it has begun.
    await client.query('begin; lock table res_hist in access exclusive mode');
    const place = jobOf(await fhir('$export?_type=Observation', { headers: respondAsync }));
    while ((await fhir(place)).headers.get('x-progress') === 'waiting') await pause(10);
    const late = await fhir('Observation', { body: { resourceType: 'Observation', status: 'registered', code: { text: 'late' } } });
    assert.equal(late.status, 201, late.text);
    await product.kill9();
    await restart();
    const manifest = await finished(fhir, placeNow(place));
    const found = await resourcesOf(manifest);
    const ids = new Set(found.map((r) => r.id));
    assert.equal(ids.size, found.length);
    assert.ok(!ids.has(String(late.json['id'])));
    const total = await fhir('Observation?_summary=count');
    assert.equal(found.length, Number(total.json['total']) - 1);
    // A day after its end a job is gone with its files.
    assertRefused(await fhir(placeNow(old)), 404, 'not-found');
    assert.ok(!readdirSync(path.join(product.dataDir, 'exports')).includes(old.slice(-36)));
  });
});

async function batches(client: Awaited<ReturnType<typeof database>>, place: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>('select count(*) as n from idempotency where client = $1', [
    `job:${place.slice(-36)}`,
  ]);
  return Number(rows[0]?.n);
}
