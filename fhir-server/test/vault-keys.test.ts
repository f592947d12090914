// The vault's keys: a wrong or lost key, rotation beside a running vault and after a crash, a key service in a process of its own, a vault of the first versions.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PersonFacts } from '@limen/deidentification';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { migrate } from '../src/store/migrate.ts';
import { FileKeys } from '../src/vault/file-keys.ts';
import { KeeperError, KeyUnavailable, openVaultParts, VaultKeeper, VaultTooNew } from '../src/vault/index.ts';
import { KeyService } from '../src/vault/key-service.ts';
import { Keyring } from '../src/vault/keyring.ts';
import { deriveKey, keyedHash, seal } from '../src/vault/keys.ts';
import { migrateVault } from '../src/vault/migrations.ts';
import { rotateKeys } from '../src/vault/rotate.ts';
import { vaultSql } from '../src/vault/schema.ts';
import { sourceIdsSql } from '../src/vault/source-ids.ts';

let folder: string;
let database: EmbeddedPostgres;
const pools: pg.Pool[] = [];
let service: ChildProcess;
let serviceUrl: string;
const token = randomBytes(8).toString('hex');

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-keys-'));
  database = await startEmbeddedPostgres({ dataDir: folder });
  service = fork(path.join(import.meta.dirname, 'keyService.ts'), [token]);
  const [port] = (await once(service, 'message')) as [number];
  serviceUrl = `http://127.0.0.1:${port}`;
});
after(async () => {
  service?.disconnect();
  await Promise.all(pools.map((pool) => pool.end()));
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A database of its own for each test, and a folder for its keys. */
async function place(name: string): Promise<{ pool: pg.Pool; keysDir: string; url: string }> {
  const owner = new pg.Client({ connectionString: database.connectionString('limen') });
  await owner.connect();
  await owner.query(`create database ${name}`);
  await owner.end();
  const url = database.connectionString('limen').replace(/limen(?=[^/]*$)/, name);
  const pool = new pg.Pool({ connectionString: url, max: 6 });
  pool.on('error', () => undefined);
  pools.push(pool);
  return { pool, keysDir: path.join(folder, `${name}-keys`), url };
}

const system = 'urn:test:mrn';
const facts = (value: string): PersonFacts => ({
  identifiers: [{ system, value }],
  nameParts: ['Quillfeather'],
  addressLines: [],
  telecom: [],
});
const found = (text: string): { system: string; value: string }[] => [{ system, value: text }];

describe('refusals', () => {
  test('a wrong key, no key and a damaged key: nothing is made, nothing is opened', async () => {
    const { pool, keysDir } = await place('wrong');
    await openVaultParts(pool, { keysDir }, 1);
    const file = path.join(keysDir, 'vault.key');
    await copyFile(file, `${file}.safe`);
    await writeFile(file, randomBytes(32));
    await assert.rejects(openVaultParts(pool, { keysDir }, 1), KeyUnavailable);
    await rm(file);
    await assert.rejects(openVaultParts(pool, { keysDir }, 1), /put it back as vault\.key/);
    assert.deepEqual(await readdir(keysDir), ['vault.key.safe']);
    await copyFile(`${file}.safe`, file);
    await openVaultParts(pool, { keysDir }, 1);
  });

  test('a vault of a newer version', async () => {
    const { pool } = await place('newer');
    await migrateVault(pool);
    await pool.query('insert into limen_vault_version (version) values (99)');
    await assert.rejects(migrateVault(pool), VaultTooNew);
  });

  test('a key service that does not answer, knows nobody or lacks the key', async () => {
    const { pool, keysDir } = await place('refusing');
    await assert.rejects(openVaultParts(pool, { keysDir, service: { url: 'http://127.0.0.1:9' } }, 1), /does not answer/);
    await assert.rejects(openVaultParts(pool, { keysDir, service: { url: serviceUrl, token: 'other' } }, 1), /refuses/);
    const keys = new KeyService({ url: serviceUrl, token });
    const wrapped = await keys.wrap(randomBytes(32), 'a');
    await assert.rejects(keys.unwrap({ ...wrapped, masterId: 'key-99' }, 'a'), /does not know/);
  });
});

describe('rotation', () => {
  test('broken off and begun again beside a vault that is written: everybody is found, the old key opens nothing', async () => {
    const { pool, keysDir } = await place('rotating');
    const { vault } = await openVaultParts(pool, { keysDir }, 1);
    await vault.resolvePersons(Array.from({ length: 1100 }, (_, i) => facts(`r-${i}`)));
    const before = (await pool.query<{ key_id: string }>('select distinct key_id from vault.patient_key')).rows;
    const oldKey = await new FileKeys(keysDir).current();
    await assert.rejects(
      rotateKeys(pool, new FileKeys(keysDir), () => {
        throw new Error('broken off');
      }),
      /broken off/,
    );
    const [during] = await vault.resolvePersons([facts('during')]);
    assert.ok(during?.isNew);
    assert.equal(await rotateKeys(pool, new FileKeys(keysDir)), 600);
    const after = (await pool.query<{ key_id: string }>('select distinct key_id from vault.patient_key')).rows;
    assert.equal(after.length, 1);
    assert.notDeepEqual(after, before);
    assert.deepEqual(await readdir(keysDir), ['vault.key']);
    assert.notDeepEqual(await new FileKeys(keysDir).current(), oldKey);
    for (const known of [vault, (await openVaultParts(pool, { keysDir }, 1)).vault])
      for (const text of ['r-0', 'r-1099', 'during']) assert.ok((await known.findByIdentifier(found(text)))[0], text);
    await writeFile(path.join(keysDir, 'vault.key'), oldKey);
    await assert.rejects(openVaultParts(pool, { keysDir }, 1), KeyUnavailable);
  });

  test('of a key service, by the keeper’s command', async () => {
    const { pool, keysDir, url } = await place('serviced');
    const where = { keysDir, service: { url: serviceUrl, token } };
    const { vault } = await openVaultParts(pool, where, 1);
    const [person] = await vault.resolvePersons([facts('s-1')]);
    const masters = async (): Promise<string[]> =>
      (await pool.query<{ master: string }>('select master from vault.wrapping_key')).rows.map((r) => r.master);
    const [before] = await masters();
    const keeper = new VaultKeeper({ connectionString: url }, where);
    assert.equal(await keeper.rotate(() => undefined), 1);
    assert.deepEqual(await keeper.check(), { persons: 1, withoutKey: 0 });
    await assert.rejects(keeper.hold('some one', 'Because of Quillfeather'), KeeperError);
    await keeper.close();
    assert.notDeepEqual(await masters(), [before]);
    const [again] = await (await openVaultParts(pool, where, 1)).vault.findByIdentifier(found('s-1'));
    assert.equal(again?.pseudonym, person?.pseudonym);
    assert.deepEqual(await readdir(keysDir).catch(() => []), []);
  });
});

describe('loss', () => {
  test('of one patient’s key: that patient is gone, the others stay', async () => {
    const { pool, keysDir } = await place('losing');
    const { vault } = await openVaultParts(pool, { keysDir }, 1);
    const [lost] = await vault.resolvePersons([facts('l-1'), facts('l-2')]);
    await pool.query('delete from vault.patient_key where person_id = $1', [lost?.personId]);
    const { vault: later } = await openVaultParts(pool, { keysDir }, 1);
    assert.deepEqual(await later.findByIdentifier(found('l-1')), [undefined]);
    assert.ok((await later.findByIdentifier(found('l-2')))[0]);
  });
});

test('the vault shares a database with the store when it has none of its own', async () => {
  const { pool, keysDir } = await place('shared');
  const store = [{ name: '0001-any', sql: 'create table any_table (n int4)' }];
  for (const _ of ['first start', 'second start']) {
    await migrate(pool, store);
    await openVaultParts(pool, { keysDir }, 1);
  }
  assert.equal((await pool.query('select from limen_vault_version')).rowCount, 5);
});

describe('a vault of the first versions', () => {
  test('keeps its pseudonyms and hashes; each person gets a key', async () => {
    const { pool, keysDir } = await place('legacy');
    const master = await new FileKeys(keysDir).current();
    await pool.query(vaultSql + sourceIdsSql);
    await pool.query(
      "create table limen_migration (name text primary key); insert into limen_migration values ('0001-vault'), ('0002-source-ids')",
    );
    const personId = '11111111-1111-4111-8111-111111111111';
    const content = JSON.stringify({ offsetDays: -70, secret: randomBytes(32).toString('base64'), facts: facts('Old 1') });
    const sealed = seal(deriveKey(master, 'seal', 1), content, `1|${personId}`);
    await pool.query("insert into vault.person (tenant, person_id, patient_id, pseudonym, sealed) values (1, $1, 'patient', 'P-OLD', $2)", [
      personId,
      sealed,
    ]);
    const { vault, root } = await openVaultParts(pool, { keysDir }, 1);
    assert.deepEqual(root, master);
    const [person] = await vault.findByIdentifier(found('OLD1'));
    assert.deepEqual([person?.pseudonym, person?.offsetDays, person?.patientId], ['P-OLD', -70, 'patient']);
    assert.equal((await pool.query('select from vault.patient_key')).rowCount, 1);
    await assert.rejects(openVaultParts(pool, { keysDir: `${keysDir}-other` }, 1), KeyUnavailable);
    assert.equal(keyedHash(root, 'x').length, 32);
    assert.ok(await Keyring.open(pool, new FileKeys(keysDir)));
  });
});
