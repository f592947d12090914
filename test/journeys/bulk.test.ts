// Bulk data as a client of the product sees it: $import by address and by body, $export, refusals, and what is kept. Under date-shift.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Product } from '../product.ts';
import { allPages, ask, assertRefused, database, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';
import {
  download,
  encounter,
  exported,
  finished,
  jobOf,
  lines,
  linesOf,
  type Made,
  ndjson,
  observation,
  order,
  patient,
  put,
  resourcesOf,
  respondAsync,
  startBulk,
  stored,
} from './bulk-steps.ts';

let product: Product;
let fhir: Rest;
let inbox: string;

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

before(async () => {
  inbox = mkdtempSync(path.join(os.tmpdir(), 'limen-inbox-'));
  product = await startBulk(inbox);
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
    const url = put(inbox, 'refused.ndjson', lines([patient(1)]));
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
    const url = put(inbox, 'refused.ndjson', lines([patient(1)]));
    assertRefused(await fhir('$import', { body: order([['Patient', url]]), headers: respondAsync, token: reader }), 403, 'forbidden');
    const only = await tokenFor('system/Observation.r');
    assertRefused(await fhir('$export?_type=Observation', { headers: respondAsync, token: only }), 403, 'forbidden');
  });
});

describe('$import', () => {
  test('by address: crosswalked ids, rewritten references, no trace of the source; bad lines and dangling references are told', async () => {
    const patients = put(
      inbox,
      'patients.ndjson',
      lines([patient(1), patient(2), { resourceType: 'Patient', id: 'x', gender: 'nonsense4711' }]),
    );
    const encounters = put(inbox, 'encounters.ndjson', lines([encounter(1), encounter(2)]));
    const observations = put(
      inbox,
      'observations.ndjson',
      `${lines([observation(1, 1), observation(2, 2), observation(3, 9), { ...observation(4, 1), encounter: { reference: 'Encounter/src-enc-2' } }])}
{"resourceType":"Observation"
${lines([
  { ...observation(5, 1), derivedFrom: [{ reference: 'Observation/src-obs-77' }] },
  { ...observation(7, 1), basedOn: [{ reference: 'urn:uuid:27de96c6-6910-4f0f-8f10-00ce6090f447' }] },
  { ...observation(8, 1), meta: { tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }] } },
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
    const outcomes = (await linesOf(product, file)) as unknown as readonly Json[];
    const places = outcomes.map((o) => `${list(o['extension'])[0]?.['valueString']} ${list(o['issue'])[0]?.['code']}`).sort();
    // An unknown patient, another patient's encounter, no JSON, a conditional reference; and a reference to what never came.
    assert.deepEqual(places, [
      '1:3 code-invalid',
      '3:10 not-supported',
      '3:3 not-found',
      '3:4 business-rule',
      '3:6 structure',
      '3:7 not-found',
      '3:8 not-supported',
      '3:9 business-rule',
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
    const again = put(inbox, 'again.ndjson', lines([observation(1, 1), observation(2, 2)]));
    await finished(fhir, jobOf(await fhir('$import', { body: order([['Observation', again]]), headers: respondAsync })));
    assert.deepEqual(await versions(), earlier);
    const changed = put(inbox, 'changed.ndjson', lines([{ ...observation(1, 1), status: 'amended' }]));
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
    const found = await resourcesOf(product, manifest);
    assert.equal(found.filter((r) => r.resourceType === 'Observation').length, 453);
    assert.equal(found.filter((r) => r.resourceType === 'Patient').length, 3);
    assert.equal(new Set(found.map((r) => r.id)).size, found.length);
    const read = await fhir(`Observation/${found.find((r) => r.resourceType === 'Observation')?.id}`);
    assert.ok(found.some((r) => JSON.stringify(r) === JSON.stringify(read.json)));
    const url = String(list(manifest['output'])[0]?.['url']);
    assert.equal((await download(product, list(manifest['output'])[0] ?? {})).headers.get('content-encoding'), 'gzip');
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
    const filtered = await exported(product, fhir, `$export?_type=Observation&_typeFilter=${filter}`);
    assert.equal(filtered.length, 226);
    const both = encodeURIComponent('Observation?code=http://loinc.org|8867-4,Patient?gender=female');
    assert.equal((await exported(product, fhir, `$export?_type=Observation,Patient&_typeFilter=${both}`)).length, 226);
    const [part] = await exported(product, fhir, `$export?_type=Patient&_elements=gender`);
    assert.deepEqual(Object.keys(part ?? {}).sort(), ['gender', 'id', 'meta', 'resourceType']);
    const owner = String((await fhir('Encounter?_count=1')).json['entry']?.['0' as never]?.['resource']?.['subject']?.['reference']);
    const group = await fhir('Group', {
      body: { resourceType: 'Group', type: 'person', actual: true, member: [{ entity: { reference: owner } }] },
    });
    assert.equal(group.status, 201, group.text);
    const ofGroup = await exported(product, fhir, `Group/${group.json['id']}/$export?_type=Patient,Encounter`);
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
    const whole = await exported(product, fhir, 'Patient/$export');
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
    assert.equal((await linesOf(product, file))[0]?.id, one.id);
    const [bundle] = await linesOf(product, gone);
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
