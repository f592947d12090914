// Bodies come back as they were written: with the dictionary, longer than zlib's window, and those that earlier settings of zlib wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import type { Pool } from 'pg';
import { openCodec } from '../src/store/codec.ts';
import { typeNumbers } from '../src/store/ids.ts';

const definitions = loadDefinitions();
const types = typeNumbers(definitions);

/** A database without dictionaries, which keeps the one that is stored for Observation. */
function emptyDatabase(): { pool: Pool; dictionary(): Buffer } {
  let stored = Buffer.alloc(0);
  const query = (_text: string, values?: readonly [number, readonly number[], readonly Buffer[]]): Promise<{ rows: never[] }> => {
    if (values) stored = Buffer.from(values[2][values[1].indexOf(types.number('Observation'))] ?? '');
    return Promise.resolve({ rows: [] });
  };
  return { pool: { query } as unknown as Pool, dictionary: () => stored };
}

const short = '{"resourceType":"Observation","status":"final","code":{"text":"körperlänge"}}';
// Its parts repeat from further away than the window reaches.
const long = JSON.stringify({
  resourceType: 'Observation',
  note: Array.from({ length: 6000 }, (_, n) => ({ text: `n${(n * n) % 4093}` })),
});

for (const kind of ['deflate', 'text'] as const) {
  test(`a body comes back from ${kind}`, async () => {
    const codec = await openCodec(emptyDatabase().pool, definitions, types, kind);
    for (const text of [short, long]) assert.equal(codec.decode('Observation', codec.current, codec.encode('Observation', text)), text);
  });
}

test('deflate makes a short body shorter, by the dictionary of its type', async () => {
  const codec = await openCodec(emptyDatabase().pool, definitions, types, 'deflate');
  assert.ok(codec.encode('Observation', short).length < deflateRawSync(short).length);
});

test('a body written with the whole window is read', async () => {
  const { pool, dictionary } = emptyDatabase();
  const codec = await openCodec(pool, definitions, types, 'deflate');
  const body = deflateRawSync(long, { dictionary: dictionary(), level: 6 });
  assert.ok(dictionary().length > 1000);
  assert.equal(codec.decode('Observation', codec.current, body), long);
});
