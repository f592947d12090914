// The vault on the embedded PostgreSQL: refusals, one person under concurrency, nothing readable in its rows.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PersonFacts } from '@limen/deidentification';
import { OperationOutcomeError } from '@limen/fhir-model';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { FileKeys } from '../src/vault/file-keys.ts';
import { pseudonymOf, tenantPseudonyms, type Vault } from '../src/vault/index.ts';
import { Keyring } from '../src/vault/keyring.ts';
import { seal, unseal } from '../src/vault/keys.ts';
import { migrateVault } from '../src/vault/migrations.ts';
import { openVault as openVaultOn } from '../src/vault/vault.ts';

let folder: string;
let database: EmbeddedPostgres;
let pool: pg.Pool;
const masterKey = randomBytes(32);
let keyring: Keyring;
const openVault = (on: pg.Pool, tenant: number): Vault => openVaultOn(on, keyring, tenant);

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-vault-'));
  database = await startEmbeddedPostgres({ dataDir: folder });
  pool = new pg.Pool({ connectionString: database.connectionString('vault'), max: 8 });
  pool.on('error', () => undefined);
  await migrateVault(pool);
  keyring = await Keyring.open(pool, new FileKeys(path.join(folder, 'vault-keys')));
});
after(async () => {
  await pool?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

const system = 'urn:test:mrn';
function facts(...values: string[]): PersonFacts {
  return {
    identifiers: values.map((value) => ({ system, value })),
    nameParts: ['Zephyrine', 'Quillfeather'],
    birthDate: '1950-02-03',
    addressLines: ['12 Larkspur Hollow'],
    telecom: ['555-867-5309'],
  };
}

describe('refusals', () => {
  test('identifiers that lead to two persons', async () => {
    const vault = openVault(pool, 1);
    await vault.resolvePersons([facts('two-a'), facts('two-b')]);
    const both = vault.resolvePersons([facts('two-a', 'two-b')]);
    await assert.rejects(
      both,
      (error) => error instanceof OperationOutcomeError && error.status === 409 && error.issues[0]?.code === 'conflict',
    );
    await assert.rejects(both, (error) => !JSON.stringify(error).includes('two-a'));
  });

  test('a find never makes a person', async () => {
    const vault = openVault(pool, 1);
    assert.deepEqual(await vault.findByIdentifier([{ system, value: 'nobody' }]), [undefined]);
    assert.equal((await vault.findByPatientId(['nobody'])).size, 0);
    assert.deepEqual(await vault.findByIdentifier([{ system, value: 'nobody' }]), [undefined]);
  });

  test('a sealed text in another row, changed, or under another key', () => {
    const sealed = seal(masterKey, 'text', '1|a');
    assert.equal(unseal(masterKey, sealed, '1|a'), 'text');
    assert.throws(() => unseal(masterKey, sealed, '1|b'));
    assert.throws(() => unseal(randomBytes(32), sealed, '1|a'));
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
    assert.throws(() => unseal(masterKey, sealed, '1|a'));
  });

  test('another tenant finds nothing', async () => {
    await openVault(pool, 1).resolvePersons([facts('mine')]);
    assert.deepEqual(await openVault(pool, 2).findByIdentifier([{ system, value: 'mine' }]), [undefined]);
  });

  test('a key file that others can read, or that is damaged', async () => {
    const dir = path.join(folder, 'bad-keys');
    await new FileKeys(dir).current();
    const file = path.join(dir, 'vault.key');
    await chmod(file, 0o644);
    await assert.rejects(new FileKeys(dir).current(), /mode 600/);
    await chmod(file, 0o600);
    await writeFile(file, 'short');
    await assert.rejects(new FileKeys(dir).current(), /damaged/);
  });
});

describe('persons', () => {
  test('new ones are random: offset of whole weeks, pseudonym, v4 id', async () => {
    const vault = openVault(pool, 1);
    const persons = await vault.resolvePersons(Array.from({ length: 60 }, (_, i) => facts(`new-${i}`)));
    assert.equal(new Set(persons.map((p) => p.pseudonym)).size, 60);
    for (const person of persons) {
      assert.ok(person.isNew);
      assert.ok(Math.abs(person.offsetDays % 7) === 0 && person.offsetDays <= -7 && person.offsetDays >= -364);
      assert.match(person.pseudonym, /^P-[A-Z2-7]{16}$/);
      assert.match(person.patientId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(person.secret.length, 32);
    }
    assert.ok(new Set(persons.map((p) => p.offsetDays)).size > 15);
  });

  test('the same again is the same person, found by each of its identifiers', async () => {
    const vault = openVault(pool, 1);
    const [first] = await vault.resolvePersons([facts('again')]);
    const [second] = await vault.resolvePersons([{ ...facts('again', 'again-too'), nameParts: ['Newname'] }]);
    assert.equal(second?.personId, first?.personId);
    assert.equal(second?.isNew, false);
    assert.deepEqual(second?.facts.nameParts, ['Zephyrine', 'Quillfeather', 'Newname']);
    const fresh = openVault(pool, 1);
    const found = await fresh.findByIdentifier([
      { system, value: ' again-too ' },
      { system: '', value: 'again' },
      { system: 'https://limen.example/pseudonym', value: first?.pseudonym ?? '' },
    ]);
    assert.deepEqual(
      found.map((p) => p?.personId),
      [first?.personId, first?.personId, first?.personId],
    );
    const byId = (await fresh.findByPatientId([first?.patientId ?? ''])).get(first?.patientId ?? '');
    assert.deepEqual(byId?.facts.nameParts, second?.facts.nameParts);
    assert.deepEqual(byId?.secret, first?.secret);
    assert.equal(byId?.offsetDays, first?.offsetDays);
  });

  test('a value that leads to several persons when no system is given leads to none', async () => {
    const vault = openVault(pool, 1);
    const other = { ...facts(), identifiers: [{ system: 'urn:test:other', value: 'shared' }] };
    await vault.resolvePersons([facts('shared'), other]);
    assert.deepEqual(await vault.findByIdentifier([{ system: '', value: 'shared' }]), [undefined]);
  });

  test('one batch with the same person twice makes one', async () => {
    const [a, b] = await openVault(pool, 1).resolvePersons([facts('twice'), facts('twice', 'twice-more')]);
    assert.equal(a?.personId, b?.personId);
  });

  test('many at once with overlapping identifiers make one person, and every fact survives', async () => {
    const vaults = Array.from({ length: 4 }, () => openVault(pool, 1));
    const calls = Array.from({ length: 24 }, (_, i) =>
      (vaults[i % 4] as (typeof vaults)[number]).resolvePersons([
        { ...facts(...(i % 2 ? ['race', `race-${i}`] : [`race-${i}`, 'race'])), nameParts: [`Name${i}`] },
      ]),
    );
    const persons = (await Promise.all(calls)).flat();
    assert.equal(new Set(persons.map((p) => p.personId)).size, 1);
    assert.equal(persons.filter((p) => p.isNew).length, 1);
    const [found] = await openVault(pool, 1).findByIdentifier([{ system, value: 'race-23' }]);
    assert.equal(found?.facts.nameParts.length, 24);
  });

  test('opposite orders of two batches do not wait for each other for ever', async () => {
    const vault = openVault(pool, 1);
    const one = Array.from({ length: 30 }, (_, i) => facts(`order-${i}`));
    const [x, y] = await Promise.all([vault.resolvePersons(one), vault.resolvePersons([...one].reverse())]);
    assert.deepEqual(
      x.map((p) => p.personId),
      y.map((p) => p.personId).reverse(),
    );
  });

  test('nothing that identifies can be read in the rows', async () => {
    await openVault(pool, 1).resolvePersons([facts('canary-4711')]);
    const { rows } = await pool.query(
      "select p::text as p, encode(sealed, 'escape') as s, i::text as i from vault.person p join vault.identifier i using (tenant, person_id)",
    );
    const all = JSON.stringify(rows);
    for (const canary of ['canary-4711', 'Zephyrine', 'Quillfeather', 'Larkspur', '867-5309', '1950-02-03'])
      assert.ok(!all.includes(canary));
    assert.ok(rows.length > 0);
  });
});

describe('pseudonyms and keys', () => {
  test('depend on the secret, type, system and value, and on nothing else', async () => {
    const [a, b] = await openVault(pool, 1).resolvePersons([facts('pa'), facts('pb')]);
    assert.ok(a && b);
    const of = pseudonymOf(a);
    const made = of('Encounter', 's', 'v');
    assert.match(made, /^[0-9a-f]{32}$/);
    assert.equal(pseudonymOf(a)('Encounter', 's', 'v'), made);
    for (const other of [
      of('Observation', 's', 'v'),
      of('Encounter', 't', 'v'),
      of('Encounter', 's', 'w'),
      of('Encounters', '', 'v'),
      pseudonymOf(b)('Encounter', 's', 'v'),
    ]) {
      assert.notEqual(other, made);
    }
    assert.equal(tenantPseudonyms(masterKey)('a', 'b', 'c'), tenantPseudonyms(masterKey)('a', 'b', 'c'));
    assert.notEqual(tenantPseudonyms(masterKey)('a', 'b', 'c'), tenantPseudonyms(randomBytes(32))('a', 'b', 'c'));
  });

  test('the key is made once, for the owner alone, by whoever comes first', async () => {
    const dir = path.join(folder, 'keys');
    const keys = await Promise.all(Array.from({ length: 5 }, () => new FileKeys(dir).current()));
    assert.equal(new Set(keys.map((k) => k.toString('hex'))).size, 1);
    assert.equal((await stat(path.join(dir, 'vault.key'))).mode & 0o777, 0o600);
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
  });
});
