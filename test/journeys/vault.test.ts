// What the vault is for, over HTTP: $match, $reidentify, $merge and $erase; refusals first, and nothing of a person where it does not belong.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@limen/fhir-server';
import pg from 'pg';
import { type Product, startProduct } from '../product.ts';
import { type Answer, assertRefused, database, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

let product: Product;
let fhir: Rest;
let vaultFolder: string;
let vaultCluster: EmbeddedPostgres;
let env: { VAULT_DATABASE_URL: string };
before(async () => {
  vaultFolder = await mkdtemp(path.join(os.tmpdir(), 'limen-vault-'));
  vaultCluster = await startEmbeddedPostgres({ dataDir: vaultFolder });
  env = { VAULT_DATABASE_URL: vaultCluster.connectionString('vault') };
  product = await startProduct({ env });
  fhir = rest(product);
});
after(async () => {
  await product?.stop();
  await vaultCluster?.stop();
  await rm(vaultFolder, { recursive: true, force: true });
});

const system = 'urn:oid:1.2.36.9';
type Parameter = { readonly name: string; readonly [value: string]: unknown };
const parameters = (...parameter: Parameter[]): object => ({ resourceType: 'Parameters', parameter });

function person(mrn: string, family: string, given: string, birthDate: string, more: object = {}): object {
  return {
    resourceType: 'Patient',
    identifier: [{ system, value: mrn }],
    name: [{ use: 'official', family, given: [given] }],
    birthDate,
    gender: 'female',
    telecom: [{ system: 'phone', value: '(02) 5550 1177' }],
    ...more,
  };
}

async function made(resource: object): Promise<string> {
  const { resourceType } = resource as { resourceType: string };
  const answer = await fhir(resourceType, { body: resource });
  assert.equal(answer.status, 201, answer.text);
  return String(answer.json['id']);
}

function observation(patient: string, effectiveDateTime: string): object {
  const coding = [{ system: 'http://loinc.org', code: '8867-4' }];
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime,
    valueQuantity: { value: 71, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  };
}

const post = (path: string, ...given: Parameter[]): Promise<Answer> => fhir(path, { body: parameters(...given) });
const reasonTreat: Parameter = { name: 'purpose', valueCode: 'TREAT' };

/** The store's database, or the vault's, which lies in a cluster of its own. */
async function connected(name: 'limen' | 'vault'): Promise<pg.Client> {
  if (name === 'limen') return database(product);
  const client = new pg.Client({ connectionString: env.VAULT_DATABASE_URL });
  await client.connect();
  return client;
}

async function rows(name: 'limen' | 'vault', text: string, values: unknown[] = []): Promise<{ [column: string]: unknown }[]> {
  const client = await connected(name);
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Tables but the audit trail in which a row matches. */
async function tablesWith(name: 'limen' | 'vault', pattern: string): Promise<string[]> {
  const client = await connected(name);
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_type = 'BASE TABLE'
        and table_schema not in ('pg_catalog', 'information_schema') and table_name not like 'audit%'`,
    );
    assert.ok(tables.length > 3);
    const each = tables.map((table) => `select '${table.name}' as name from ${table.name} t where t::text ~ $1`);
    const { rows: found } = await client.query<{ name: string }>(each.join(' union '), [pattern]);
    return found.map((row) => row.name);
  } finally {
    await client.end();
  }
}

const reference = (literal: string): Parameter => ({ name: 'reference', valueReference: { reference: literal } });
const side = (name: 'source-patient' | 'target-patient', id: string): Parameter => ({
  name,
  valueReference: { reference: `Patient/${id}` },
});
const sought = (resource: object): Parameter => ({ name: 'resource', resource });
const basis: Parameter = { name: 'basis', valueCode: 'consent-withdrawn' };
const gradeOf = (entry: Json | undefined): unknown => list(entry?.['search']?.['extension'])[0]?.['valueCode'];

describe('refusals', () => {
  test('nobody without a token, no other method, no unknown parameter', async () => {
    for (const path of ['Patient/$match', '$reidentify', 'Patient/$merge', 'Patient/x/$erase']) {
      assertRefused(await fhir(path, { body: parameters(), token: '' }), 401);
      assertRefused(await fhir(path), 405);
      assertRefused(await post(path, { name: 'surprise', valueString: 'Quillfeather' }), 400);
    }
  });

  test('what is missing or makes no sense, without repeating it', async () => {
    assertRefused(await post('Patient/$match'), 400, 'required');
    assertRefused(await post('Patient/$match', sought({ resourceType: 'Patient', active: true })), 422);
    assertRefused(await post('Patient/$match', sought({ resourceType: 'Group', type: 'person', actual: true })), 400);
    assertRefused(await post('$reidentify', reference('Patient/x')), 400, 'required');
    assertRefused(await post('$reidentify', reference('Patient/x'), { name: 'purpose', valueCode: 'HMARKT' }), 400, 'value');
    assertRefused(await post('$reidentify', reasonTreat), 400);
    assertRefused(await post('$reidentify', reference('Patient/x'), reasonTreat), 404);
    assertRefused(await post('Patient/$merge'), 400, 'required');
    const nobody = { name: 'source-patient-identifier', valueIdentifier: { system, value: 'nobody-4711' } };
    const refused = await post('Patient/$merge', nobody, side('target-patient', 'x'));
    assertRefused(refused, 422, 'not-found');
    assert.doesNotMatch(refused.text, /4711/);
    const id = await made(person('R-1', 'Alone', 'Ada', '1950-01-01'));
    assertRefused(await post('Patient/$merge', side('source-patient', id), side('target-patient', id)), 422);
    assertRefused(await post(`Patient/${id}/$erase`), 400, 'required');
    assertRefused(await post('Patient/11111111-1111-4111-8111-111111111111/$erase', basis), 404);
    assert.equal((await fhir(`Patient/${id}`)).status, 200);
  });

  test('identities are not answered inside a Bundle', async () => {
    const request = { method: 'POST', url: '$reidentify' };
    const batch = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request, resource: parameters(reference('Patient/x'), reasonTreat) }],
    };
    const answer = await fhir('', { body: batch });
    assert.match(String(entriesOf(answer)[0]?.['response']?.['status']), /^400/, answer.text);
  });
});

describe('$match', () => {
  test('certain for the same person written otherwise, possible for less, none for others; answers are de-identified', async () => {
    const id = await made(person('M-1', 'Quillfeather', 'Zephyrine', '1961-03-14', { address: [{ postalCode: '2913' }] }));
    await made(person('M-2', 'Brambleton', 'Odette', '1972-11-30', { telecom: undefined }));
    const same = await post('Patient/$match', sought(person('M-9', 'QUILLFEATHER', 'Zephyrine', '1961-03-14')));
    assert.equal(same.status, 200, same.text);
    const [first] = entriesOf(same);
    assert.deepEqual([first?.['resource']?.['id'], gradeOf(first)], [id, 'certain'], same.text);
    assert.doesNotMatch(same.text, /Quillfeather|Zephyrine|1961-03-14|5550/i);
    const misspelt = await post('Patient/$match', sought(person('M-9', 'Quilfeather', 'Zephyrine', '1961-03-14', { telecom: undefined })));
    assert.deepEqual([entriesOf(misspelt)[0]?.['resource']?.['id'], gradeOf(entriesOf(misspelt)[0])], [id, 'probable'], misspelt.text);
    const only = await post('Patient/$match', sought(person('M-9', 'Quilfeather', 'Zephyrine', '1961-03-14', { telecom: undefined })), {
      name: 'onlyCertainMatches',
      valueBoolean: true,
    });
    assert.deepEqual(entriesOf(only), []);
    const other = await post(
      'Patient/$match',
      sought(person('M-9', 'Underhill', 'Basil', '1990-01-02', { telecom: undefined, gender: 'male' })),
    );
    assert.deepEqual(entriesOf(other), []);
  });

  test('an identifier is found however it is typed', async () => {
    const id = await made(person('AB 12-34', 'Fennimore', 'Iris', '1944-05-06'));
    const typed = { ...person('ab12-34', 'Fennimore', 'Iris', '1944-05-06'), identifier: [{ system: '1.2.36.9', value: 'ab12-34' }] };
    const found = await post('Patient/$match', sought(typed));
    assert.deepEqual([entriesOf(found)[0]?.['resource']?.['id'], gradeOf(entriesOf(found)[0])], [id, 'certain'], found.text);
  });
});

describe('$reidentify', () => {
  test('a Patient, a resource by reference and a Bundle come back as they were sent; audited with the purpose, not stored', async () => {
    const id = await made(
      person('I-1', 'Thistlewood', 'Maud', '1958-08-09', { address: [{ line: ['9 Larkspur Hollow'], city: 'Dunwick' }] }),
    );
    const pulse = await made(observation(id, '2024-02-29T08:30:00+01:00'));
    const stored = await fhir(`Observation/${pulse}`);
    assert.notEqual(stored.json['effectiveDateTime'], '2024-02-29T08:30:00+01:00');
    const patient = await post(`Patient/${id}/$reidentify`, reasonTreat);
    assert.equal(patient.status, 200, patient.text);
    assert.match(patient.headers.get('cache-control') ?? '', /no-store/);
    assert.equal(patient.json['birthDate'], '1958-08-09');
    assert.deepEqual(list(patient.json['name'])[0]?.['family'], 'Thistlewood');
    assert.ok(
      list(patient.json['identifier']).some((each) => String(each['value']) === 'I-1'),
      patient.text,
    );
    assert.doesNotMatch(JSON.stringify(patient.json['meta']), /PSEUDED|policy/);
    const one = await post('$reidentify', reference(`Observation/${pulse}`), reasonTreat);
    assert.equal(one.json['effectiveDateTime'], '2024-02-29T08:30:00+01:00');
    assert.equal(one.json['subject']?.['display'], 'Maud Thistlewood');
    const bundle = await fhir(`Observation?patient=${id}`);
    const all = await post('$reidentify', { name: 'resource', resource: bundle.json }, reasonTreat);
    assert.equal(entriesOf(all)[0]?.['resource']?.['effectiveDateTime'], '2024-02-29T08:30:00+01:00', all.text);
    const audited = await rows('limen', "select row from audit where row->>'interaction' = 'reidentified'");
    assert.equal(audited.length, 3);
    for (const { row } of audited) assert.deepEqual([(row as Json)['purpose'], (row as Json)['resources']], ['TREAT', [`Patient/${id}`]]);
    assert.doesNotMatch(product.stdout() + product.stderr() + JSON.stringify(audited), /Thistlewood|Larkspur/);
    assert.deepEqual((await fhir(`Observation/${pulse}`)).json, stored.json);
  });
});

describe('the keeper', () => {
  const run = (...given: string[]): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ['scripts/vault.ts', ...given], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      env: { ...process.env, ...env, DATA_DIR: product.dataDir },
    });

  test('is told how a command is written', async () => {
    await assert.rejects(run('open'), /Usage: npm run vault/);
  });

  test('rotates the master key beside the running server; the vault lies where VAULT_DATABASE_URL says', async () => {
    const id = await made(person('V-1', 'Wetherby', 'Enid', '1955-05-05'));
    assert.match((await run('rotate')).stdout, /The master key is a new one/);
    await made(person('V-2', 'Wetherby', 'Enid', '1955-05-06'));
    const answer = await post(`Patient/${id}/$reidentify`, reasonTreat);
    assert.equal(answer.json['birthDate'], '1955-05-05', answer.text);
    const own = await database(product, 'vault');
    assert.equal((await own.query("select to_regnamespace('vault') as schema")).rows[0]?.schema, null);
    await own.end();
  });
});

describe('$merge', () => {
  test('the record moves to the survivor with intervals true; identifiers lead there; a repeat changes nothing', async () => {
    const loser = await made(person('G-1', 'Hartwell', 'Rose', '1949-04-04'));
    const survivor = await made(person('G-2', 'Hartwell', 'Rose', '1949-04-04'));
    const moved = await made(observation(loser, '2024-03-01'));
    const own = await made(observation(survivor, '2024-03-11'));
    const answer = await post('Patient/$merge', side('source-patient', loser), side('target-patient', survivor));
    assert.equal(answer.status, 200, answer.text);
    const after = await fhir(`Observation/${moved}`);
    assert.equal(after.json['subject']?.['reference'], `Patient/${survivor}`);
    const days =
      (Date.parse(String((await fhir(`Observation/${own}`)).json['effectiveDateTime'])) -
        Date.parse(String(after.json['effectiveDateTime']))) /
      86_400_000;
    assert.equal(days, 10);
    assert.equal(entriesOf(await fhir(`Observation?patient=${survivor}`)).length, 2);
    assert.equal(entriesOf(await fhir(`Observation?patient=${loser}`)).length, 0);
    const old = await fhir(`Patient/${loser}`);
    assert.deepEqual(
      [old.json['active'], list(old.json['link'])[0]?.['type'], list(old.json['link'])[0]?.['other']?.['reference']],
      [false, 'replaced-by', `Patient/${survivor}`],
    );
    assert.equal(entriesOf(await fhir(`Patient?identifier=${system}|G-1`))[0]?.['resource']?.['id'], survivor);
    assert.equal((await fhir(`Observation/${moved}/_history/1`)).json['subject']?.['reference'], `Patient/${loser}`);
    const again = await post('Patient/$merge', side('source-patient', loser), side('target-patient', survivor));
    assert.equal(again.status, 200, again.text);
    assert.equal((await fhir(`Observation/${moved}`)).headers.get('etag'), 'W/"2"');
    const late = await made(observation(loser, '2024-03-21'));
    assert.equal((await fhir(`Observation/${late}`)).json['subject']?.['reference'], `Patient/${survivor}`);
    const whole = await post('$reidentify', reference(`Observation/${moved}`), reasonTreat);
    assert.equal(whole.json['effectiveDateTime'], '2024-03-01');
    assertRefused(await post('Patient/$merge', side('source-patient', survivor), side('target-patient', loser)), 409);
  });

  test('killed between vault and store it is finished by the next start; until then nothing of it is seen', async () => {
    const loser = await made(person('K-1', 'Marchbanks', 'Ivo', '1939-07-07'));
    const survivor = await made(person('K-2', 'Marchbanks', 'Ivo', '1939-07-07'));
    const moved = await made(observation(loser, '2024-03-01'));
    const blocker = await database(product);
    await blocker.query('begin; lock table res_hist in exclusive mode');
    const merging = post('Patient/$merge', side('source-patient', loser), side('target-patient', survivor)).catch(() => undefined);
    const started = (): Promise<{ [column: string]: unknown }[]> =>
      rows('vault', 'select from vault.merge where loser_patient = $1', [loser]);
    while ((await started()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await fhir(`Observation/${moved}`)).json['subject']?.['reference'], `Patient/${loser}`);
    await product.kill9();
    await blocker.end().catch(() => undefined);
    await merging;
    product = await startProduct({ dataDir: product.dataDir, env });
    fhir = rest(product);
    assert.equal((await fhir(`Observation/${moved}`)).json['subject']?.['reference'], `Patient/${survivor}`);
    assert.equal((await rows('vault', 'select from vault.merge where loser_patient = $1 and done_at is not null', [loser])).length, 1);
  });
});

describe('$erase', () => {
  test('not under a legal hold', async () => {
    const id = await made(person('E-0', 'Held', 'Hana', '1951-05-05'));
    await rows('vault', "insert into vault.legal_hold (tenant, patient_id, reason) values (1, $1, 'litigation')", [id]);
    assertRefused(await post(`Patient/${id}/$erase`, basis), 409);
    assert.equal((await fhir(`Patient/${id}`)).status, 200);
  });

  test('nothing of the patient is left in any table, of others only the reference goes, the tombstone names nobody', async () => {
    const id = await made(person('E-1', 'Vanterpool', 'Cosima', '1966-06-06'));
    const kept = await made(person('E-2', 'Staying', 'Sol', '1967-07-07'));
    const pulse = await made(observation(id, '2024-03-01'));
    await fhir(`Observation/${pulse}`, { method: 'PUT', body: (await fhir(`Observation/${pulse}`)).json });
    const idempotent = await fhir('Observation', { body: observation(id, '2024-03-02'), headers: { 'idempotency-key': 'erase-me' } });
    const members = [{ entity: { reference: `Patient/${id}` } }, { entity: { reference: `Patient/${kept}` } }];
    const group = await made({ resourceType: 'Group', type: 'person', actual: true, member: members });
    const target = [{ reference: `Observation/${pulse}` }];
    const agent = [{ who: { display: 'system' } }];
    const provenance = await made({ resourceType: 'Provenance', target, agent, recorded: '2024-03-02T00:00:00Z' });
    const answer = await post(`Patient/${id}/$erase`, basis);
    assert.equal(answer.status, 200, answer.text);
    const report = new Map(list(answer.json['parameter']).map((each) => [String(each['name']), each]));
    assert.equal(report.get('status')?.['valueCode'], 'erased', answer.text);
    for (const path of [
      `Patient/${id}`,
      `Observation/${pulse}`,
      `Observation/${pulse}/_history/1`,
      `Observation/${idempotent.json['id']}`,
      `Provenance/${provenance}`,
    ])
      assert.equal((await fhir(path)).status, 404, path);
    assert.equal(list((await fhir(`Group/${group}`)).json['member']).length, 1);
    assert.equal((await fhir(`Group/${group}/_history/1`)).status, 404);
    assert.equal((await fhir(`Patient/${kept}`)).status, 200);
    const sought = `${id}|${pulse}|${idempotent.json['id']}`;
    for (const name of ['limen', 'vault'] as const) assert.deepEqual(await tablesWith(name, sought), []);
    const [tombstone] = await rows('vault', 'select * from vault.erasure where id = $1', [report.get('erasure')?.['valueId']]);
    assert.deepEqual(
      [tombstone?.['patients'], tombstone?.['ids'], tombstone?.['basis'], tombstone?.['client']],
      [null, null, 'consent-withdrawn', 'limen-backend'],
    );
    const anew = await made(person('E-1', 'Vanterpool', 'Cosima', '1966-06-06'));
    assert.notEqual(anew, id);
  });
});
