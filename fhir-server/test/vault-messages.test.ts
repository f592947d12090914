// The inbox of HL7 v2 messages and its dead letters on the embedded PostgreSQL: refusals, order, repeats, nothing readable, nothing left behind.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/index.ts';
import { openVaultParts, type VaultMessages } from '../src/vault/index.ts';

let folder: string;
let database: EmbeddedPostgres;
let pool: pg.Pool;
let messages: VaultMessages;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-messages-'));
  database = await startEmbeddedPostgres({ dataDir: folder });
  pool = new pg.Pool({ connectionString: database.connectionString('vault'), max: 8 });
  pool.on('error', () => undefined);
  ({ messages } = await openVaultParts(pool, { keysDir: path.join(folder, 'vault-keys') }, 1));
});
after(async () => {
  await pool?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => pool.query('truncate vault.inbox, vault.message, vault.message_key, vault.dead_letter'));

const hour = 3600;
const message = (id: string, text = `MSH|${id}|QUILLFEATHER`) => ({ channel: 'ward', type: 'ADT^A01', key: `S|F|${id}`, body: text, text });
const reason = { acknowledgement: 'AE', code: '102', segment: 'PID', ordinal: 1, field: 7 };
const texts = async (except: string[] = []): Promise<string[]> => (await messages.waiting(except, 100)).map(({ text }) => text);
const keyCount = async (): Promise<number> => (await pool.query('select from vault.message_key')).rowCount ?? 0;

async function stored(id: string, text?: string): Promise<string> {
  const acceptance = await messages.accept(message(id, text));
  assert.equal(acceptance.outcome, 'stored');
  return acceptance.outcome === 'stored' ? acceptance.id : '';
}

describe('refusals', () => {
  test('the same control id with another body, waiting or done', async () => {
    const id = await stored('C1');
    assert.deepEqual(await messages.accept(message('C1', 'other')), { outcome: 'other-body' });
    await messages.done([id]);
    assert.deepEqual(await messages.accept(message('C1', 'other')), { outcome: 'other-body' });
  });

  test('twins that arrive together: one is stored, also when their bodies differ', async () => {
    const outcomes = await Promise.all([
      messages.accept(message('C1')),
      messages.accept(message('C1')),
      messages.accept(message('C1', 'x')),
    ]);
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['stored', 'repeat', 'other-body'],
    );
  });

  test('an unknown dead letter is neither shown nor mended', async () => {
    const unknown = '00000000-0000-4000-8000-000000000000';
    assert.equal(await messages.deadLetters.show(unknown), undefined);
    assert.equal(await messages.deadLetters.mend(unknown, 'x'), false);
  });

  test('a text moved to another row cannot be opened', async () => {
    await stored('C1');
    await stored('C2');
    await pool.query('update vault.inbox i set sealed = j.sealed from vault.inbox j where j.seq <> i.seq');
    await assert.rejects(texts());
  });
});

describe('the inbox', () => {
  test('keeps the order of arrival over batches and hands out what the caller lacks', async () => {
    const ids = await Promise.all(Array.from({ length: 300 }, (_, n) => stored(`C${n}`, `text ${n}`)));
    assert.deepEqual(
      (await messages.waiting([], 300)).map(({ text }) => text),
      Array.from({ length: 300 }, (_, n) => `text ${n}`),
    );
    assert.deepEqual(await texts(ids.slice(0, 298)), ['text 298', 'text 299']);
  });

  test('a repeat says whether the first is done', async () => {
    const id = await stored('C1');
    assert.deepEqual(await messages.accept(message('C1')), { outcome: 'repeat', done: false });
    await messages.done([id]);
    assert.deepEqual(await messages.accept(message('C1')), { outcome: 'repeat', done: true });
    assert.deepEqual(await texts(), []);
    assert.equal(await keyCount(), 0);
  });

  test('nothing of the text, sender or control id can be read in its rows', async () => {
    await stored('CONTROL-77');
    await messages.deadLetters.keep(message('CONTROL-78'), reason, hour);
    const { rows } = await pool.query(
      "select encode(sealed, 'escape') || encode(key, 'escape') || encode(body, 'escape') || channel || type as bytes from vault.inbox union all select encode(sealed, 'escape') || encode(key, 'escape') || encode(body, 'escape') || reason::text from vault.dead_letter",
    );
    assert.equal(rows.length, 2);
    for (const { bytes } of rows) assert.doesNotMatch(bytes, /QUILLFEATHER|CONTROL/);
  });

  test('tells how many wait and how long', async () => {
    await stored('C1');
    await pool.query("update vault.inbox set received_at = now() - interval '90 seconds'");
    const [backlog] = await messages.backlog();
    assert.equal(backlog?.channel, 'ward');
    assert.equal(backlog?.waiting, 1);
    assert.ok((backlog?.oldestSeconds ?? 0) >= 90);
  });
});

describe('dead letters', () => {
  test('a failed message leaves the inbox, and a mended one may have its control id', async () => {
    await messages.deadLetters.failed(await stored('C1'), reason, hour);
    assert.deepEqual(await texts(), []);
    const [letter] = await messages.deadLetters.list({}, 10);
    assert.deepEqual(letter?.reason, reason);
    assert.equal(JSON.stringify(letter).includes('QUILLFEATHER'), false);
    await stored('C1', 'mended');
  });

  test('one that fails again leaves one letter and one key', async () => {
    for (let times = 0; times < 3; times += 1) await messages.deadLetters.failed(await stored('C1'), reason, hour);
    await messages.deadLetters.keep(message('C1'), { ...reason, code: '103' }, hour);
    const letters = await messages.deadLetters.list({}, 10);
    assert.deepEqual(
      letters.map((each) => each.reason.code),
      ['103'],
    );
    assert.equal((await messages.deadLetters.show(letters[0]?.id ?? ''))?.text, message('C1').text);
    assert.equal(await keyCount(), 1);
  });

  test('a channel that keeps none leaves neither letter nor key', async () => {
    await messages.deadLetters.failed(await stored('C1'), reason, 0);
    await messages.deadLetters.keep(message('C2'), reason, 0);
    assert.deepEqual(await messages.deadLetters.list({}, 10), []);
    assert.equal(await keyCount(), 0);
  });

  test('replay by id, by filter and by time, in the order in which they came', async () => {
    let told = 0;
    messages.onArrival(() => {
      told += 1;
    });
    for (const id of ['C1', 'C2', 'C3']) await messages.deadLetters.keep({ ...message(id), type: `ADT^${id}` }, reason, hour);
    const [first] = await messages.deadLetters.list({}, 10);
    assert.equal(await messages.deadLetters.replay({ ids: [first?.id ?? ''] }), 1);
    assert.equal(await messages.deadLetters.replay({ type: 'ADT^C9' }), 0);
    assert.equal(await messages.deadLetters.replay({ before: new Date(0) }), 0);
    assert.equal(await messages.deadLetters.replay({ code: '102', since: new Date(0) }), 2);
    assert.deepEqual(
      await texts(),
      ['C1', 'C2', 'C3'].map((id) => message(id).text),
    );
    assert.equal(told, 2);
    messages.onArrival(() => undefined);
  });

  test('a mended text is replayed instead of what came', async () => {
    await messages.deadLetters.keep(message('C1'), reason, hour);
    const [letter] = await messages.deadLetters.list({}, 10);
    assert.equal(await messages.deadLetters.mend(letter?.id ?? '', 'mended'), true);
    assert.deepEqual(await texts(), ['mended']);
    assert.deepEqual(await messages.deadLetters.list({}, 10), []);
    assert.equal(await keyCount(), 1);
  });

  test('dropped and expired ones are gone with their keys', async () => {
    for (const id of ['C1', 'C2']) await messages.deadLetters.keep(message(id), reason, hour);
    const [first] = await messages.deadLetters.list({}, 10);
    assert.equal(await messages.deadLetters.drop({ ids: [first?.id ?? ''] }), 1);
    await pool.query("update vault.dead_letter set expires_at = now() - interval '1 second'");
    assert.deepEqual(await messages.deadLetters.list({}, 10), []);
    assert.equal(await messages.purge(), 1);
    assert.equal(await keyCount(), 0);
  });
});
