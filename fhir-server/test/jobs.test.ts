// Jobs in one process: whose they are, lines of a stream, addresses that an import may read, files that go on after a crash, ids of a source.
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { OperationOutcomeError } from '@limen/fhir-model';
import fc from 'fast-check';
import { JobFolder, NdjsonWriter } from '../src/jobs/export/files.ts';
import { isAllowedSource, openSource } from '../src/jobs/import/source.ts';
import { openOrder, sealOrder } from '../src/jobs/seal.ts';
import { linesOf } from '../src/operations/ndjson-lines.ts';
import { startWriteServer, type WriteServer } from './writeServer.ts';

const respondAsync = { prefer: 'respond-async' };

describe('whose a job is', () => {
  let server: WriteServer;
  before(async () => {
    server = await startWriteServer();
  });
  after(() => server?.stop());

  test('another client finds no job, and can remove none', async () => {
    const mine = server.as('system/*.cruds');
    const taken = await mine.request({ method: 'GET', path: '$export?_type=Patient', headers: respondAsync });
    assert.equal(taken.status, 202);
    const place = /_jobs\/.*$/.exec(taken.headers['content-location'] ?? '')?.[0] ?? '';
    for (const other of [{ clientId: 'other' }, { userId: '3f0c3d1e-0000-4000-8000-000000000000' }]) {
      const theirs = server.as('system/*.cruds', other);
      assert.equal((await theirs.request({ method: 'GET', path: place })).status, 404);
      assert.equal((await theirs.request({ method: 'DELETE', path: place })).status, 404);
    }
    assert.notEqual((await mine.request({ method: 'GET', path: place })).status, 404);
    assert.equal((await mine.request({ method: 'POST', path: place })).status, 405);
    assert.equal((await mine.request({ method: 'DELETE', path: place })).status, 202);
    assert.equal((await mine.request({ method: 'GET', path: place })).status, 404);
  });

  test('scopes of a patient or a user are no bulk, and who sees no system times gets none', async () => {
    for (const scope of ['patient/*.rs', 'user/*.rs', 'system/Patient.r']) {
      const { status } = await server.as(scope).request({ method: 'GET', path: '$export?_type=Patient', headers: respondAsync });
      assert.equal(status, 403, scope);
    }
    const stored = server.as('system/*.cruds', { plane: 'stored' });
    assert.equal((await stored.request({ method: 'GET', path: '$export', headers: respondAsync })).status, 403);
    assert.equal((await stored.request({ method: 'POST', path: '$import', headers: respondAsync })).status, 403);
  });
});

describe('an order', () => {
  test('opens only for its own job, unchanged', () => {
    const key = Buffer.alloc(32, 7);
    const sealed = sealOrder(key, { url: 'https://source/?token=4711' }, 'one');
    assert.ok(!sealed.toString('latin1').includes('4711'));
    assert.deepEqual(openOrder(key, sealed, 'one'), { url: 'https://source/?token=4711' });
    assert.throws(() => openOrder(key, sealed, 'two'));
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    assert.throws(() => openOrder(key, sealed, 'one'));
  });
});

describe('lines', () => {
  const all = async (chunks: Iterable<Buffer>): Promise<[number, string][]> => {
    const found: [number, string][] = [];
    for await (const { number, bytes } of linesOf(Readable.from(chunks))) found.push([number, bytes.toString('utf8')]);
    return found;
  };

  test('a line that is too long is refused before it lies in memory', async () => {
    const piece = Buffer.alloc(1024 * 1024, 0x61);
    let given = 0;
    const endless = function* (): Generator<Buffer> {
      for (; given < 1000; given++) yield piece;
    };
    await assert.rejects(all(endless()), (error) => error instanceof OperationOutcomeError && error.status === 413);
    assert.ok(given < 100, String(given));
  });

  test('are the same however the bytes are split; empty ones count but do not come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('', '{}', '{"a":"ä€"}', 'x'.repeat(50))),
        fc.array(fc.nat(20)),
        fc.boolean(),
        async (texts, cuts, crlf) => {
          const bytes = Buffer.from(texts.join(crlf ? '\r\n' : '\n'));
          const chunks: Buffer[] = [];
          let start = 0;
          for (const cut of cuts) {
            chunks.push(bytes.subarray(start, start + cut));
            start += cut;
          }
          chunks.push(bytes.subarray(start));
          const expected = texts.map((text, i): [number, string] => [i + 1, text]).filter(([, text]) => text !== '');
          assert.deepEqual(await all(chunks), expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('addresses of an import', () => {
  const allowed = ['https://files.example/in/', 'file:///srv/in/'];
  const is = (text: string): boolean => isAllowedSource(allowed, new URL(text));

  test('only below what is listed', () => {
    for (const text of [
      'https://files.example/other/a.ndjson',
      'https://files.example/in/../other/a.ndjson',
      'https://files.example/in/%2e%2e/other',
      'https://files.example/in',
      'https://files.example/inner/a.ndjson',
      'https://files.example:8443/in/a.ndjson',
      'https://files.example.evil/in/a.ndjson',
      'https://files.example@evil/in/a.ndjson',
      'https://user:secret@files.example/in/a.ndjson',
      'http://files.example/in/a.ndjson',
      'ftp://files.example/in/a.ndjson',
      'file:///srv/in/../../etc/passwd',
      'file:///etc/passwd',
      'file://host/srv/in/a',
    ])
      assert.equal(is(text), false, text);
    for (const text of ['https://files.example/in/a.ndjson', 'https://files.example/in/b/a.ndjson?sig=1', 'file:///srv/in/a.ndjson'])
      assert.equal(is(text), true, text);
  });

  test('a link does not lead out of the folder', async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), 'limen-source-'));
    try {
      await mkdir(path.join(root, 'in'));
      await writeFile(path.join(root, 'secret'), 'x\n');
      await writeFile(path.join(root, 'in/plain'), 'y\n');
      await symlink(path.join(root, 'secret'), path.join(root, 'in/link'));
      const folder = [`${pathToFileURL(path.join(root, 'in')).href}/`];
      const at = (name: string): string => pathToFileURL(path.join(root, 'in', name)).href;
      for (const name of ['link', 'missing']) await assert.rejects(openSource(folder, at(name)), OperationOutcomeError);
      const found: string[] = [];
      for await (const chunk of await openSource(folder, at('plain'))) found.push(String(chunk));
      assert.deepEqual(found, ['y\n']);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

describe('files of a job', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'limen-files-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  test('go on after a crash at the checkpoint: what came after it is cut off', async () => {
    const folder = new JobFolder(root);
    await folder.make('job');
    const first = new NdjsonWriter(folder, 'job', 'Patient', 'Patient', 3);
    await first.append(['{"n":1}', '{"n":2}']);
    const checkpoint = first.files;
    await first.append(['{"n":3}', '{"n":4}']);
    await appendFile(folder.path('job', 'Patient-1.ndjson'), '{"half');
    const second = new NdjsonWriter(folder, 'job', 'Patient', 'Patient', 3, checkpoint);
    await second.append(['{"n":3}', '{"n":4}', '{"n":5}', '{"n":6}', '{"n":7}']);
    assert.deepEqual(
      second.files.map(({ name, count }) => [name, count]),
      [
        ['Patient-1.ndjson', 3],
        ['Patient-2.ndjson', 3],
        ['Patient-3.ndjson', 1],
      ],
    );
    const texts = await Promise.all(second.files.map(({ name }) => readFile(folder.path('job', name), 'utf8')));
    assert.equal(texts.join(''), [1, 2, 3, 4, 5, 6, 7].map((n) => `{"n":${n}}\n`).join(''));
    await folder.remove('job');
    assert.equal(await folder.size('job', 'Patient-1.ndjson'), undefined);
  });
});
