// What a page asks for while it is open: one small search a turn, and more only when something is new.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '@limen/fhir-model';
import { FhirError, type Page } from '../src/fhir/http.ts';
import { type PartType, partTypes } from '../src/record/record.ts';
import { type News, type Searches, Watch } from '../src/record/watch.ts';

const serverTime = new Date('2026-01-01T12:00:00Z');
const resource = (resourceType: PartType, id: string, versionId = '1'): Resource =>
  ({ resourceType, id, meta: { versionId } }) as unknown as Resource;

/** A server that keeps what it was asked; `fresh` is what was written since the page was opened, oldest first. */
function server(options: { timesHidden?: boolean } = {}) {
  const asked: string[] = [];
  const stored = new Map<PartType, Resource[]>();
  const fresh = new Map<PartType, Resource[]>();
  const state = { failing: undefined as PartType | undefined };
  const page = (resources: readonly Resource[], total?: number): Page<Resource> => ({ resources, cut: false, total, serverTime });
  const http = {
    async search(type: PartType, query: string) {
      asked.push(`${type}?${query}`);
      if (state.failing === type) throw new FhirError(503, 'down');
      if (!query.includes('_lastUpdated=')) return page([...(stored.get(type) ?? []), ...(fresh.get(type) ?? [])]);
      if (options.timesHidden) throw new FhirError(400, 'not searchable');
      const found = fresh.get(type) ?? [];
      return query.includes('_count=1&') ? page(found.slice(-1), found.length) : page(found);
    },
    async count(type: PartType) {
      asked.push(`${type} count`);
      return (stored.get(type)?.length ?? 0) + (fresh.get(type)?.length ?? 0);
    },
  } as unknown as Searches;
  const watch = new Watch(http, 'p');
  for (const type of partTypes) watch.loaded(type, page(stored.get(type) ?? []));
  const turn = async (): Promise<readonly [News[], string[]]> => {
    const news: News[] = [];
    asked.length = 0;
    await watch.turn((one) => void news.push(one));
    return [news, [...asked]];
  };
  return { fresh, state, turn, watch };
}

const ids = (news: readonly News[]): string[] => news.flatMap(({ type, resources }) => resources.map((r) => `${type}/${r.id}`));

test('a search that fails loses no news: what came before it was taken, and itself is asked again', async () => {
  const { fresh, state, turn, watch } = server();
  fresh.set('Observation', [resource('Observation', 'o')]).set('Encounter', [resource('Encounter', 'e')]);
  state.failing = 'Encounter';
  const taken: News[] = [];
  await assert.rejects(
    watch.turn((one) => void taken.push(one)),
    FhirError,
  );
  assert.deepEqual(ids(taken), ['Observation/o']);
  state.failing = undefined;
  assert.deepEqual(ids((await turn())[0]), ['Encounter/e']);
});

test('with nothing new a turn is one search for one value; every tenth looks at all types', async () => {
  const { turn } = server();
  for (let i = 1; i < 10; i++) {
    const [news, asked] = await turn();
    assert.deepEqual(news, []);
    assert.deepEqual(asked, ['Observation?patient=p&_lastUpdated=ge2026-01-01T11:59:45.000Z&_sort=-_lastUpdated&_count=1&_total=accurate']);
  }
  assert.equal((await turn())[1].length, partTypes.length);
});

test('a new value is read once, a new version of it again, and one that was committed late too', async () => {
  const { fresh, turn } = server();
  fresh.set('Observation', [resource('Observation', 'o')]);
  assert.deepEqual(ids((await turn())[0]), ['Observation/o']);
  assert.deepEqual(ids((await turn())[0]), []);
  fresh.set('Observation', [resource('Observation', 'o', '2')]);
  assert.deepEqual(ids((await turn())[0]), ['Observation/o']);
  fresh.set('Observation', [resource('Observation', 'late'), resource('Observation', 'o', '2')]);
  assert.deepEqual(ids((await turn())[0]), ['Observation/late', 'Observation/o']);
});

test('a value brings the looks at the other types forward', async () => {
  const { fresh, turn } = server();
  fresh.set('Encounter', [resource('Encounter', 'e')]);
  assert.deepEqual(ids((await turn())[0]), []);
  fresh.set('Observation', [resource('Observation', 'o')]);
  assert.deepEqual(ids((await turn())[0]), ['Observation/o', 'Encounter/e']);
});

test('where times are hidden the count decides, and the type is read in full', async () => {
  const { fresh, turn } = server({ timesHidden: true });
  assert.equal((await turn())[1].at(-1), 'Observation count');
  assert.deepEqual((await turn())[1], ['Observation count']);
  fresh.set('Observation', [resource('Observation', 'o')]);
  const [news, asked] = await turn();
  assert.deepEqual(ids(news), ['Observation/o']);
  assert.equal(asked[1], 'Observation?patient=p&_sort=-date&_count=1000');
});
