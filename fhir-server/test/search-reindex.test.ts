// Indexing for parameters that came later: goes on after a crash, by whichever node; refuses what was indexed without them. And estimates.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationOutcomeError, type Resource } from '@limen/fhir-model';
import { pino } from 'pino';
import {
  compileIndexer,
  estimatedRows,
  parseSearch,
  planEstimate,
  planSearch,
  SearchParameters,
  type SearchQuery,
} from '../src/search/index.ts';
import type { Codec } from '../src/store/codec.ts';
import { typeNumbers } from '../src/store/ids.ts';
import { ParameterReindexer } from '../src/store/reindex-parameters.ts';
import { definitions, type Entry, openStore, type Store } from './searchStore.ts';

const count = 1200;
const types = typeNumbers(definitions);
const codec: Codec = { current: 0, encode: (_type, text) => Buffer.from(text), decode: (_type, _codec, body) => body.toString('utf8') };
const log = pino({ level: 'silent' });

const entry = (resource: Entry['resource'], rid: bigint): Entry => ({
  resource,
  rid,
  shard: Number(rid % 5n),
  pat: undefined,
  lu: new Date(0),
});
const parameter = entry(
  {
    resourceType: 'SearchParameter',
    id: 'kind',
    url: 'http://example.org/kind',
    status: 'active',
    code: 'kind',
    base: ['Basic'],
    type: 'token',
    expression: 'Basic.modifierExtension.value.as(code)',
  },
  1n,
);
const basic = (n: number): Entry =>
  entry(
    { resourceType: 'Basic', id: `b${n}`, modifierExtension: [{ url: 'urn:kind', valueCode: n % 3 ? 'even' : 'third' }] },
    BigInt(100 + n),
  );

interface Node {
  readonly parameters: SearchParameters;
  /** Works until it has nothing to do or breaks off. */
  work(breakAfter?: number): Promise<number>;
}

let store: Store;
function node(): Node {
  const parameters = new SearchParameters({
    pool: store.pool,
    tenant: 1,
    codec,
    types,
    rules: { definitions, keepsElements: () => true },
    log,
    changed: () => undefined,
  });
  return {
    parameters,
    async work(breakAfter = Number.POSITIVE_INFINITY) {
      const indexer = await compileIndexer(definitions, { inUse: () => parameters.inUse });
      let indexed = 0;
      let over: (() => void) | undefined;
      const ended = new Promise<void>((resolve) => {
        over = resolve;
      });
      const reindexer = new ParameterReindexer({
        pool: store.pool,
        tenant: 1,
        codec,
        types,
        log,
        indexer: {
          index(resource: Resource, tenant: number) {
            indexed += 1;
            if (indexed <= breakAfter) return indexer.index(resource, tenant);
            over?.();
            throw new Error('crash');
          },
        },
        poll: () => parameters.poll(),
        refresh: () => parameters.refresh(),
      });
      reindexer.start();
      while ((await open()) > 0 && !(await Promise.race([ended.then(() => true), delay(20, false)])));
      await reindexer.stop();
      return indexed;
    },
  };
}

async function open(): Promise<number> {
  const { rows } = await store.pool.query<{ n: string }>('select count(*) as n from search_parameter where not complete');
  return Number(rows[0]?.n);
}
const asked = (parameters: SearchParameters, search = 'kind=third'): SearchQuery =>
  parseSearch(parameters.definitions, 'Basic', search, { lenient: false });

before(async () => {
  store = await openStore(new Map());
  await store.put(1, [...Array.from({ length: count }, (_, n) => basic(n)), parameter]);
});
after(() => store?.close());

describe('a parameter that came later', () => {
  test('is refused until all is indexed; a crash in the middle costs a batch, not the beginning', async () => {
    const first = node();
    await first.parameters.refresh();
    await assert.rejects(
      first.parameters.answers(asked(first.parameters)),
      (error) => error instanceof OperationOutcomeError && error.status === 503,
    );
    assert.equal(await first.work(700), 701);
    await assert.rejects(first.parameters.answers(asked(first.parameters)), /500 of about 1200/);
    const second = node();
    assert.equal(await second.work(), count - 500);
    assert.equal(await second.parameters.answers(asked(second.parameters)), true);
    const rows = await store.run(planSearch({ ...asked(second.parameters), count: 1000 }, store.context()));
    assert.equal(rows.length, count / 3);
  });

  test('a node that knows an older set is told, and its rows are refused', async () => {
    const stale = node();
    await stale.parameters.refresh();
    await store.pool.query('update search_stamp set stamp = stamp + 1');
    assert.equal(await stale.parameters.answers(asked(stale.parameters)), false);
    assert.equal(await stale.parameters.answers(asked(stale.parameters)), true);
    await assert.rejects(store.put(1, [basic(count)]), (error: { code?: string }) => error.code === 'LM001');
  });

  test('what came in without a check and cannot be searched is left out', async () => {
    await store.pool.query(
      "update res set body = convert_to(replace(convert_from(body, 'utf8'), '\"Basic\"', '\"Resource\"'), 'utf8'), seq = nextval('change_seq') where rid = 1",
    );
    const other = node();
    await other.parameters.poll();
    assert.throws(() => asked(other.parameters), /unknown/);
    assert.equal(await open(), 0);
  });
});

test('an estimate comes from the planner', async () => {
  await store.pool.query('analyze');
  const estimate = async (search: string): Promise<number> =>
    estimatedRows(await store.run(planEstimate(parseSearch(definitions, 'Basic', search, { lenient: false }), store.context())));
  const all = await estimate('');
  assert.ok(Math.abs(all - count) < count / 4, `${all} of ${count}`);
  assert.ok((await estimate('_id=b1')) < all / 2);
});
