// What a hospital's network will send sooner or later: each is answered clearly, nothing is stored by half, and the process lives on.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyAudit } from '@limen/fhir-server';
import pg from 'pg';
import { type Product, startProduct } from '../product.ts';
import { type Answer, ask, assertRefused, database, entriesOf, type Json, list, type Rest, rest, sendMllp } from '../rest-client.ts';

const root = path.resolve(import.meta.dirname, '../..');
const example = (name: string): string => readFileSync(path.join(root, 'examples', name), 'utf8');

let product: Product;
let fhir: Rest;
let risk: string;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  for (const name of ['hospital.json', 'patient.json']) {
    const answer = await fhir('', { body: example(name) });
    assert.equal(answer.status, 200, answer.text);
    const location = entriesOf(answer).map((e) => String(e['response']?.['location']));
    risk = `${/Patient\/[^/]+/.exec(location.find((l) => l.includes('/Patient/')) ?? '')?.[0]}/$acute-care-risk`;
  }
});
after(() => product?.stop());

const patient = { resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01' };

/** How much is stored, of every kind: versions, index rows, persons of the vault. */
async function stored(): Promise<object> {
  const counts: [string, string][] = [];
  for (const [name, tables] of [
    ['limen', ['res', 'res_hist', 'idx', 'dt', 'str', 'hot', 'idempotency']],
    ['vault', ['vault.person', 'vault.identifier']],
  ] as const) {
    const client = await database(product, name);
    for (const table of tables) {
      const { rows } = await client.query<{ n: string }>(`select count(*) as n from ${table}`);
      counts.push([table, rows[0]?.n ?? '']);
    }
    await client.end();
  }
  return Object.fromEntries(counts);
}

/** Runs what must be refused: nothing more is stored afterwards, and the same process answers. */
async function storesNothing(run: () => Promise<unknown>): Promise<void> {
  const before = await stored();
  await run();
  assert.deepEqual(await stored(), before);
  assert.equal((await ask(`${product.origin}/ready`)).status, 200);
  assert.ok(existsSync(`/proc/${product.pid}`));
}

const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> => fhir('Patient', { body, headers });

describe('a body that is none', () => {
  const cases: [string, string | Buffer, number, Record<string, string>?][] = [
    ['broken JSON', '{"resourceType":"Patient",', 400],
    ['no JSON at all', 'hello', 400],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a number', '1', 400],
    ['XML that is JSON', '{"resourceType":"Patient"}', 400, { 'content-type': 'application/fhir+xml' }],
    [
      'XML with a document type',
      '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><gender value="&e;"/></Patient>',
      400,
      { 'content-type': 'application/fhir+xml' },
    ],
    ['a page', '<html></html>', 415, { 'content-type': 'text/html' }],
    ['a form', 'resourceType=Patient', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a content type that is none', '{}', 415, { 'content-type': 'nonsense' }],
    ['a wish for a page', JSON.stringify(patient), 406, { accept: 'text/html' }],
    ['JSON that is not gzip', JSON.stringify(patient), 400, { 'content-encoding': 'gzip' }],
    ['duplicate keys', '{"resourceType":"Patient","gender":"female","gender":"male"}', 400],
    ['a duplicate key written by an escape', '{"resourceType":"Patient","gender":"female","g\\u0065nder":"male"}', 400],
    ['1,000 deep', `{"resourceType":"Patient","extension":${'[{"url":"a","extension":'.repeat(500)}[]${'}]'.repeat(500)}}`, 400],
    ['100,000 keys', `{"resourceType":"Patient",${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join(',')}}`, 400],
  ];
  test(`${cases.length} kinds: none is stored`, () =>
    storesNothing(async () => {
      for (const [name, body, status, headers] of cases) {
        const answer = await post(body, headers);
        assert.equal(answer.status, status, `${name}: ${answer.status} ${answer.text}`);
        assertRefused(answer, status);
      }
    }));

  test('50 MB', () =>
    storesNothing(async () => {
      const body = `{"resourceType":"Patient","x":"${'a'.repeat(50 * 1024 * 1024)}"}`;
      // A server that answers before the body is through may close the connection: either is a refusal.
      const answer = await post(body).catch((error: Error) => error);
      if (!(answer instanceof Error)) assertRefused(answer, 413, 'too-long');
    }));
});

test('a resource that is none, parameters that are none, references to nothing', () =>
  storesNothing(async () => {
    assertRefused(await fhir('Pateint', { body: { ...patient, resourceType: 'Pateint' } }), 404);
    assertRefused(await fhir('Patient', { body: { ...patient, resourceType: 'Pateint' } }), 400);
    const unknown = assertRefused(await fhir('Patient', { body: { ...patient, favouriteColour: 'ultramarine' } }), 422);
    assert.doesNotMatch(JSON.stringify(unknown), /ultramarine/, 'no input value in the answer');
    assertRefused(await fhir('Patient', { body: { ...patient, gender: ['female'] } }), 422);
    assertRefused(await fhir('Patient', { body: { ...patient, birthDate: '1970-02-31' } }), 422);
    assertRefused(await fhir('Patient?favourite-colour=blue'), 400);
    assertRefused(await fhir('Patient?birthdate=yesterday'), 400);
    assertRefused(await fhir('Patient?_count=many'), 400);
    assertRefused(await fhir('Patient?_cursor=AAAA'), 400);
    assertRefused(await fhir('Patient/%ZZ'), 400);
    assertRefused(await fhir('Patient/a/b/c'), 404);
    assertRefused(await fhir(`Patient/${randomUUID()}`), 404);
    assertRefused(await fhir('Patient/1', { method: 'PATCH', body: [] }), 415);
    assertRefused(await fhir('Patient/$no-such-operation', { body: { resourceType: 'Parameters' } }), 404);
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${randomUUID()}` },
    };
    assertRefused(await fhir('Observation', { body: observation }), 422);
  }));

test('a method that an address does not take is 405 and says which it does; entries of a batch may read what everybody may', () =>
  storesNothing(async () => {
    const id = randomUUID();
    for (const [method, url] of [
      ['POST', `Patient/${id}`],
      ['DELETE', `Patient/${id}/_history/1`],
      ['PUT', '_history'],
      ['DELETE', 'metadata'],
      ['PATCH', ''],
    ] as const) {
      const answer = await fhir(url, { method, ...(method === 'DELETE' ? {} : { body: patient }) });
      assertRefused(answer, 405);
      assert.match(answer.headers.get('allow') ?? '', /^[A-Z]+(, [A-Z]+)*$/, `${method} ${url}`);
      assert.ok(!answer.headers.get('allow')?.split(', ').includes(method), `${method} ${url}`);
    }
    const entry = (method: string, url: string): object => ({ request: { method, url } });
    const batch = await fhir('', {
      body: {
        resourceType: 'Bundle',
        type: 'batch',
        entry: [entry('GET', 'metadata'), entry('HEAD', 'Patient?_count=1'), entry('HEAD', `Patient/${id}`), entry('PUT', 'metadata')],
      },
    });
    assert.equal(batch.status, 200, batch.text);
    const [metadata, head, none, put] = entriesOf(batch);
    assert.equal((metadata?.['resource'] as Json | undefined)?.['resourceType'], 'CapabilityStatement');
    const statuses = [metadata, head, none, put].map((each) => (each?.['response'] as Json | undefined)?.['status']);
    assert.deepEqual(
      statuses.map((status) => String(status).slice(0, 3)),
      ['200', '200', '404', '405'],
    );
    assert.equal(head?.['resource'], undefined, 'HEAD has no content');
  }));

test('If-None-Match: a read that has not changed is 304, a search is answered all the same', () =>
  storesNothing(async () => {
    const found = entriesOf(await fhir('Patient?_count=1'))[0]?.['resource'] as Json | undefined;
    const read = await fhir(`Patient/${found?.['id']}`);
    const headers = { 'if-none-match': read.headers.get('etag') ?? 'none' };
    assert.equal((await fhir(`Patient/${found?.['id']}`, { headers })).status, 304);
    assert.equal((await fhir('Patient?_count=1', { headers })).status, 200);
  }));

test('stale If-Match, id mismatch, a transaction with one bad entry', () =>
  storesNothing(async () => {
    const found = entriesOf(await fhir('Patient?_count=1'))[0]?.['resource'];
    const url = `Patient/${found?.['id']}`;
    assertRefused(await fhir(url, { method: 'PUT', body: found, headers: { 'if-match': 'W/"99"' } }), 412);
    assertRefused(await fhir(url, { method: 'PUT', body: found, headers: { 'if-match': 'not an etag' } }), 412);
    assertRefused(await fhir(url, { method: 'PUT', body: { ...found, id: randomUUID() } }), 400);
    const entry = (resource: object): object => ({ resource, request: { method: 'POST', url: 'Patient' } });
    const send = (...entries: object[]): Promise<Answer> =>
      fhir('', { body: { resourceType: 'Bundle', type: 'transaction', entry: entries } });
    const outcome = assertRefused(await send(entry(patient), entry({ ...patient, gender: 'blue' })), 422);
    assert.match(outcome.issue[0]?.expression?.[0] ?? '', /entry\[1\]/, 'it says which');
    assertRefused(await send(entry(patient), {}), 400);
    assertRefused(await fhir('', { body: { resourceType: 'Bundle', type: 'transaction', entry: 'all of them' } }), 400);
    assertRefused(await fhir('', { body: { resourceType: 'Bundle', type: 'document' } }), 400);
    assertRefused(await fhir('', { body: { resourceType: 'Bundle', type: 'transaction', entry: [null] } }), 400);
  }));

describe('tokens', () => {
  async function token(scope: string): Promise<string> {
    const { client_id: id, client_secret: secret } = product.credentials.backendClient;
    const answer = await ask(`${product.origin}/oauth/token`, {
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }).toString(),
      headers: {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    assert.equal(answer.status, 200, answer.text);
    return String(answer.json['access_token']);
  }

  test('none, foreign, expired: 401 with a challenge', () =>
    storesNothing(async () => {
      const expired = await token('system/*.cruds');
      const client = await database(product);
      // The table keeps the hash of the token; time is not waited for.
      const { rowCount } = await client.query(
        "update operational.oidc set expires_at = now() - interval '1 second' where kind = 'ClientCredentials' and payload->>'scope' = 'system/*.cruds'",
      );
      await client.end();
      assert.ok(rowCount, createHash('sha256').update(expired).digest('hex'));
      const foreign = 'eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2VsLnNld2hlcmUifQ.';
      for (const wrong of ['', expired, foreign, 'A'.repeat(43)]) {
        const answer = await ask(`${product.fhirBase}/Patient`, { body: patient, token: wrong });
        assertRefused(answer, 401, 'login');
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /);
      }
    }));

  test('without the scope: 403, and not even the vault hears of it', () =>
    storesNothing(async () => {
      const reader = await token('system/Observation.rs');
      const named = {
        ...patient,
        identifier: [{ system: 'https://limen.example/mrn', value: 'never-stored' }],
        name: [{ family: 'Neverstored' }],
      };
      assertRefused(await fhir('Patient', { body: named, token: reader }), 403);
      assertRefused(
        await fhir('', {
          body: { resourceType: 'Bundle', type: 'transaction', entry: [{ resource: named, request: { method: 'POST', url: 'Patient' } }] },
          token: reader,
        }),
        403,
      );
      assertRefused(await fhir('Patient', { token: reader }), 403);
      assertRefused(await fhir(risk, { body: { resourceType: 'Parameters' }, token: reader }), 403);
      assert.equal((await fhir('Observation?_count=1', { token: reader })).status, 200);
    }));
});

test('MLLP garbage is answered or dropped, and the next message is processed', async () => {
  await storesNothing(async () => {
    assert.match(await sendMllp(product.mllpPort, 'GET / HTTP/1.1\r\n\r\n'), /^$|MSA\|A[ER]/);
    const adt = example('adt-a04.hl7');
    const withoutPatient = adt.replace(/PID\|[^\r]*\r/, '');
    for (const message of [
      'MSH|^~\\&|',
      'PID|1||no header',
      adt.replace('ADT^A04^ADT_A01', 'ZZZ^Z99'),
      adt.replace('|P|2.5.1', '|X|9.9'),
      withoutPatient,
    ]) {
      const answer = await sendMllp(product.mllpPort, message);
      assert.match(answer, /^$|MSA\|A[ER]\|/, `${message.slice(0, 40)} -> ${answer}`);
      if (answer !== '') assert.match(answer, /ERR\|/);
    }
  });
  assert.match(await sendMllp(product.mllpPort, example('adt-a04.hl7')), /MSA\|AA\|EX-ADT-0001/);
});

test('a hook without context, of another service, of no service', () =>
  storesNothing(async () => {
    const hook = (id: string, body: unknown): Promise<Answer> =>
      ask(`${product.origin}/cds-services/${id}`, {
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    const refused = async (answer: Promise<Answer>): Promise<void> => {
      const { status, text } = await answer;
      assert.ok(status >= 400 && status < 500, `${status} ${text}`);
      assert.match(text, /OperationOutcome/);
    };
    await refused(hook('medication-safety', { hook: 'order-sign', hookInstance: randomUUID() }));
    await refused(hook('medication-safety', {}));
    await refused(hook('medication-safety', '{"hook":'));
    await refused(hook('acute-care-risk', { hook: 'order-sign', hookInstance: randomUUID(), context: {} }));
    await refused(hook('no-such-service', { hook: 'order-sign' }));
  }));

const patientView = (): object => ({
  hook: 'patient-view',
  hookInstance: randomUUID(),
  context: { userId: 'Practitioner/1', patientId: '1' },
  prefetch: {
    patient: { resourceType: 'Patient', id: '1', birthDate: '1950-01-01', gender: 'female' },
    encounters: { resourceType: 'Bundle', type: 'searchset', entry: [] },
    conditions: { resourceType: 'Bundle', type: 'searchset', entry: [] },
    medications: { resourceType: 'Bundle', type: 'searchset', entry: [] },
    observations: { resourceType: 'Bundle', type: 'searchset', entry: [] },
  },
});

function childOf(parent: number, word: string): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const mother = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1];
      if (mother === String(parent) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)) return Number(pid);
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
}

async function until<T>(what: string, seconds: number, probe: () => Promise<T | undefined>): Promise<T> {
  for (const deadlineMs = Date.now() + seconds * 1000; Date.now() < deadlineMs; await sleep(50)) {
    const found = await probe();
    if (found !== undefined) return found;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

test('sidecar killed: operation and hook say so, and both come back', async () => {
  const operation = (): Promise<Answer> => fhir(risk, { body: { resourceType: 'Parameters' } });
  assert.equal((await operation()).status, 200);
  const before = await stored();
  // It is back within a second, so the kill is repeated until an answer falls into the gap.
  const refusal = await until('an answer without the sidecar', 30, async () => {
    const pid = childOf(product.pid, 'sidecar/main.ts');
    if (pid) process.kill(pid, 'SIGKILL');
    const answer = await operation();
    return answer.status === 200 ? undefined : answer;
  });
  assert.ok([502, 503, 504].includes(refusal.status), `${refusal.status} ${refusal.text}`);
  assertRefused(refusal, refusal.status);
  const pid = childOf(product.pid, 'sidecar/main.ts');
  if (pid) process.kill(pid, 'SIGKILL');
  const hook = await ask(`${product.origin}/cds-services/acute-care-risk`, {
    body: JSON.stringify(patientView()),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(hook.status, 200, hook.text);
  assert.ok(list(hook.json['cards']).length > 0, 'silence must not look like safety');
  assert.deepEqual(await stored(), before);
  assert.equal((await fhir('Patient?_count=1')).status, 200, 'the rest goes on meanwhile');
  await until('the operation works again', 60, async () => ((await operation()).status === 200 ? true : undefined));
  assert.ok(existsSync(`/proc/${product.pid}`));
});

test('PostgreSQL killed in the middle of transactions: 503 with Retry-After, then all is as if nothing had been', async () => {
  const bundle = (): object => ({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [1, 2, 3].map(() => ({ resource: patient, request: { method: 'POST', url: 'Patient' } })),
  });
  const total = async (): Promise<number> => Number((await fhir('Patient?_summary=count')).json['total']);
  const before = await total();
  const send = (key: number): Promise<Answer> => fhir('', { body: bundle(), headers: { 'idempotency-key': `killed-${key}` } });
  await product.backendToken();
  const postmaster = Number(readFileSync(path.join(product.dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  const keys = Array.from({ length: 30 }, (_, i) => i);
  const sent = keys.map(async (key) => {
    await sleep(key * 5);
    if (key === 10) process.kill(postmaster, 'SIGKILL');
    return send(key);
  });
  const answers = await Promise.all(sent);
  const refused = answers.filter((a) => a.status !== 200);
  assert.ok(refused.length > 0, 'the kill came too late to be seen');
  for (const answer of refused) {
    assertRefused(answer, 503, 'transient');
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
  }
  for (const key of keys) await until(`transaction ${key}`, 60, async () => ((await send(key)).status === 200 ? true : undefined));
  assert.equal(await total(), before + 3 * keys.length, 'each stored once, none by half');
  assert.ok(existsSync(`/proc/${product.pid}`));
  const pool = new pg.Pool({ host: path.join(product.dataDir, 'socket'), user: 'limen', database: 'limen' });
  const audit = await verifyAudit(pool, 1);
  await pool.end();
  assert.deepEqual(audit.breaks, []);
  assert.doesNotMatch(product.stdout() + product.stderr(), /"event":"bug"/);
});

test('no answer of this file was a 500', async () => {
  const client = await database(product);
  const { rows } = await client.query<{ row: Json }>("select row from audit where (row->>'status')::int = 500");
  await client.end();
  assert.deepEqual(rows, []);
  assert.doesNotMatch(product.stdout() + product.stderr(), /"event":"bug"/);
});
