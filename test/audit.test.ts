// DECISIONS 17: whatever was asked, refused or not, leaves one audit row; the rows are chained, so that a change shows.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyAudit } from '@limen/fhir-server';
import pg from 'pg';
import { type Product, startProduct } from './product.ts';
import { type Answer, ask, entriesOf, type Rest, rest, sendMllp } from './rest-client.ts';

const tenant = 1;
const examples = path.resolve(import.meta.dirname, '../examples');
const message = readFileSync(path.join(examples, 'adt-a04.hl7'), 'utf8');

let product: Product;
let fhir: Rest;
let pool: pg.Pool;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  pool = new pg.Pool({ host: path.join(product.dataDir, 'socket'), user: 'limen', database: 'limen' });
  pool.on('error', () => undefined);
});
after(async () => {
  await pool?.end();
  await product?.stop();
});

interface Row {
  readonly interaction: string;
  readonly client: string;
  readonly status: number;
  readonly resources?: readonly string[];
}

/** The rows that a call added, oldest first. */
async function rowsOf(call: () => Promise<unknown>): Promise<Row[]> {
  const keys = 'select lane::text || n as key, row from audit order by at, lane, n';
  const before = new Set((await pool.query<{ key: string }>(keys)).rows.map(({ key }) => key));
  await call();
  return (await pool.query<{ key: string; row: Row }>(keys)).rows.filter(({ key }) => !before.has(key)).map(({ row }) => row);
}

const patient = { resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01' };
const entry = (method: string, url: string, resource?: object): object => ({ ...(resource ? { resource } : {}), request: { method, url } });
const bundle = (type: string, ...entry: object[]): object => ({ resourceType: 'Bundle', type, entry });

describe('one row', () => {
  let url: string;
  before(async () => {
    url = `Patient/${(await fhir('Patient', { body: patient })).json['id']}`;
  });

  const refusals: [string, () => Promise<Answer>, number, string][] = [
    ['no token', () => fhir('Patient', { token: '' }), 401, 'unauthenticated'],
    ['a wrong token', () => fhir('Patient', { token: 'A'.repeat(43) }), 401, 'unauthenticated'],
    ['broken JSON', () => fhir('Patient', { body: '{"' }), 400, 'refused'],
    ['a wrong content type', () => fhir('Patient', { body: 'x', headers: { 'content-type': 'text/plain' } }), 415, 'refused'],
    ['a wish for CSV', () => fhir('Patient', { headers: { accept: 'text/csv' } }), 406, 'refused'],
    ['nothing there', () => fhir(`Patient/${randomUUID()}`), 404, 'refused'],
    ['an unknown parameter', () => fhir('Patient?colour=blue'), 400, 'refused'],
    ['an invalid resource', () => fhir('Patient', { body: { ...patient, gender: 1 } }), 422, 'refused'],
    ['a stale If-Match', () => fhir(url, { method: 'DELETE', headers: { 'if-match': 'W/"9"' } }), 412, 'refused'],
    ['an invalid transaction', () => fhir('', { body: bundle('transaction', entry('POST', 'Patient')) }), 400, 'refused'],
    ['an unknown operation', () => fhir('Patient/$nothing', { body: { resourceType: 'Parameters' } }), 404, 'refused'],
  ];
  for (const [name, call, status, interaction] of refusals) {
    test(`for a refusal: ${name}`, async () => {
      const rows = await rowsOf(async () => assert.equal((await call()).status, status));
      assert.deepEqual(
        rows.map((row) => [row.interaction, row.status]),
        [[interaction, status]],
      );
      assert.equal(rows[0]?.client, interaction === 'refused' ? 'limen-backend' : '-');
    });
  }

  const interactions: [string, () => Promise<Answer>, number][] = [
    ['create', () => fhir('Patient', { body: patient }), 201],
    ['read', () => fhir(url), 200],
    ['vread', () => fhir(`${url}/_history/1`), 200],
    ['history-instance', () => fhir(`${url}/_history`), 200],
    ['history-type', () => fhir('Patient/_history'), 200],
    ['search-type', () => fhir('Patient?gender=female'), 200],
    ['update', async () => fhir(url, { method: 'PUT', body: (await fhir(url)).text }), 200],
    [
      'transaction',
      () => fhir('', { body: bundle('transaction', entry('POST', 'Patient', patient), entry('POST', 'Patient', patient)) }),
      200,
    ],
    ['delete', () => fhir(url, { method: 'DELETE' }), 204],
  ];
  for (const [interaction, call, status] of interactions) {
    test(`for ${interaction}`, async () => {
      const rows = await rowsOf(async () => assert.equal((await call()).status, status));
      // The update reads first.
      const expected = interaction === 'update' ? ['read', 'update'] : [interaction];
      assert.deepEqual(rows.map((row) => row.interaction).sort(), expected);
      if (['create', 'update', 'delete'].includes(interaction))
        assert.equal(rows.at(-1)?.resources?.length ?? rows[0]?.resources?.length, 1);
      if (interaction === 'transaction') assert.equal(rows[0]?.resources?.length, 2, 'a transaction is one event with all that it touched');
    });
  }

  test('for each entry of a batch, also the refused', async () => {
    let answer: Answer | undefined;
    const rows = await rowsOf(async () => {
      answer = await fhir('', { body: bundle('batch', entry('POST', 'Patient', patient), entry('GET', `Patient/${randomUUID()}`)) });
    });
    assert.equal(answer && entriesOf(answer).length, 2);
    assert.deepEqual(rows.map((row) => [row.interaction, row.status]).sort(), [
      ['create', 201],
      ['refused', 404],
    ]);
  });

  test('for a message by MLLP, and for one sent again', async () => {
    const rows = await rowsOf(async () => assert.match(await sendMllp(product.mllpPort, message), /MSA\|AA/));
    assert.deepEqual(
      rows.map((row) => [row.interaction, row.client]),
      [['transaction', 'hl7-channel']],
    );
    const again = await rowsOf(async () => assert.match(await sendMllp(product.mllpPort, message), /MSA\|AA/));
    assert.equal(again.length, 1, 'a repeat is an event too');
  });

  test('for a hook, answered or not', async () => {
    const hook = (body: string): Promise<Answer> =>
      ask(`${product.origin}/cds-services/medication-safety`, { body, headers: { 'content-type': 'application/json' } });
    for (const body of ['{}', '{"']) {
      const rows = await rowsOf(async () => assert.equal((await hook(body)).status, 400));
      assert.deepEqual(
        rows.map((row) => [row.interaction, row.status]),
        [['cds-hook', 400]],
      );
    }
  });
});

test('fifty at once: fifty rows, and every chain holds', async () => {
  const rows = await rowsOf(() => Promise.all(Array.from({ length: 50 }, (_, i) => fhir('Patient', i % 2 ? {} : { body: patient }))));
  assert.equal(rows.length, 50);
  const { breaks, rows: all } = await verifyAudit(pool, tenant);
  assert.ok(all > 50);
  assert.deepEqual(breaks, []);
});

test('an answer without its row is not given: when the trail cannot be written, the request is refused', async () => {
  await pool.query('alter table audit rename to audit_away');
  try {
    for (const call of [() => fhir('Patient?_count=1'), () => fhir('Patient', { body: patient })]) {
      const answer = await call();
      assert.ok(answer.status >= 500, `${answer.status}`);
      assert.doesNotMatch(answer.text, /"Patient"/);
    }
  } finally {
    await pool.query('alter table audit_away rename to audit');
  }
  assert.equal((await fhir('Patient?_count=1')).status, 200);
});

/** As the database's administrator could; everybody else is refused. */
async function mayTamper(client: pg.PoolClient): Promise<void> {
  await client.query('set local session_replication_role = replica');
}

describe('tampering is refused, and found where it was not', () => {
  for (const sql of ["update audit set row = '{}'", 'delete from audit', 'truncate audit'])
    test(sql, async () => {
      await assert.rejects(pool.query(sql), { code: 'LM003' });
    });

  const victim = "(select ctid from audit where row->>'interaction' = 'read' order by n limit 1)";
  const tampering: [string, string][] = [
    ['another text', `update audit set row = row || '{"status":599}' where ctid = ${victim}`],
    ['another time', `update audit set at = at + interval '1 millisecond' where ctid = ${victim}`],
    ['a row taken out', `delete from audit where ctid = ${victim}`],
  ];
  for (const [name, sql] of tampering) {
    test(name, async () => {
      assert.deepEqual((await verifyAudit(pool, tenant)).breaks, []);
      const client = await pool.connect();
      try {
        await client.query('begin');
        await mayTamper(client);
        assert.equal((await client.query(sql)).rowCount, 1);
        const { breaks } = await verifyAudit(client as unknown as pg.Pool, tenant);
        assert.equal(breaks.length, 1);
      } finally {
        await client.query('rollback');
        client.release();
      }
    });
  }
});
