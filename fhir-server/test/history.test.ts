// https://hl7.org/fhir/R4/http.html#history on one resource, a type and the whole server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FhirClient, Resource } from '@limen/fhir-model';
import { verifies } from '../../test/verifies.ts';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

interface Link {
  readonly relation: string;
  readonly url: string;
}

const minuteMs = 60_000;
let server: WriteServer;
let backend: FhirClient;
let url: string;
let other: string;
/** Of each version of `url`: made, changed, deleted. */
const times: string[] = [];
before(async () => {
  server = await startWriteServer();
  // The middle of a year: a test that asks for a year must not run over its end.
  server.later(Date.UTC(new Date().getUTCFullYear() + 1, 5, 15) - Date.now());
  backend = server.as('system/*.cruds');
  const remember = async (path: string, method: 'POST' | 'PUT' | 'DELETE', body?: Resource): Promise<string> => {
    server.later(10 * minuteMs);
    const answer = await backend.request({ method, path, ...(body ? { body } : {}) });
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    if (answer.body?.meta?.lastUpdated) times.push(answer.body.meta.lastUpdated);
    return `${answer.body?.resourceType}/${answer.body?.id}`;
  };
  url = await remember('Patient', 'POST', { resourceType: 'Patient', gender: 'female' });
  await remember(url, 'PUT', { resourceType: 'Patient', id: url.slice('Patient/'.length), gender: 'male' });
  await remember(url, 'DELETE');
  other = await remember('Organization', 'POST', { resourceType: 'Organization', name: 'x' });
});
after(() => server?.stop());

async function versions(path: string, client: FhirClient = backend): Promise<string[]> {
  const answer = await client.request({ method: 'GET', path });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const entries = (json(answer)['entry'] ?? []) as { fullUrl: string; response: { etag: string } }[];
  const own = entries.filter(({ fullUrl }) => fullUrl.endsWith(url) || fullUrl.endsWith(other));
  return own.map(({ fullUrl, response }) => `${fullUrl.endsWith(url) ? 'P' : 'O'}${response.etag.replace(/\D/g, '')}`);
}
const from = (time: string | undefined, minutes: number): string => new Date(Date.parse(time ?? '') + minutes * minuteMs).toISOString();
const levels = (): readonly (readonly [path: string, all: readonly string[]])[] => [
  [`${url}/_history`, ['P3', 'P2', 'P1']],
  ['Patient/_history', ['P3', 'P2', 'P1']],
  ['_history', ['O1', 'P3', 'P2', 'P1']],
];

describe('refusals', () => {
  test('who may not see system times gets no _since and no _at, at any level', async () => {
    const app = server.as('user/*.cruds', { plane: 'stored' });
    for (const [path] of levels()) {
      assert.equal((await app.request({ method: 'GET', path: `${path}?_since=2024-01-01T00:00:00Z` })).status, 400);
      assert.equal((await app.request({ method: 'GET', path: `${path}?_at=2024` })).status, 400);
    }
  });

  test('what is no time, both at once, twice, or an unknown parameter is 400', async () => {
    for (const query of ['_since=Canary', '_at=2024-13', '_since=2024&_at=2024', '_at=2024&_at=2025', '_sort=_lastUpdated', '_count=x'])
      for (const [path] of levels()) {
        const answer = await backend.request({ method: 'GET', path: `${path}?${query}` });
        assert.equal(answer.status, 400, query);
        assert.ok(!JSON.stringify(answer.body).includes('Canary'));
      }
  });

  test('a token without search scopes is 403 for types; of the whole server it sees its types and its patient only', async () => {
    verifies('smart-app-launch', 95, 243, 266);
    for (const path of ['Patient/_history', '_history'])
      assert.equal((await server.as('system/*.cr').request({ method: 'GET', path })).status, 403);
    assert.deepEqual(await versions('_history', server.as('user/Organization.s')), ['O1']);
    const bound = server.as('patient/*.rs', { patient: url.slice('Patient/'.length) });
    assert.deepEqual(await versions('_history?_count=200', bound), ['P3', 'P2', 'P1']);
    for (const path of ['Patient/_history', '_history']) {
      assert.deepEqual(await versions(`${path}?_count=2`, bound), ['P3', 'P2']);
      assert.deepEqual(await versions(path, server.as('patient/*.rs', { patient: other.slice('Organization/'.length) })), []);
      assert.deepEqual(await versions(path, server.as('patient/*.rs')), []);
    }
    assert.deepEqual(await versions('_history?_count=200', server.as('patient/Patient.rs user/Organization.rs')), ['O1']);
    const granular = server.as('user/Observation.rs?status=final');
    assert.equal((await granular.request({ method: 'GET', path: '_history' })).status, 403);
  });
});

describe('three levels', () => {
  test('all versions, newest first, in pages that neither repeat nor lose', async () => {
    for (const [path, all] of levels()) {
      assert.deepEqual(await versions(`${path}?_count=200`), all);
      const paged: string[] = [];
      for (let next: string | undefined = `${path}?_count=1`; next && paged.length < 50; ) {
        paged.push(...(await versions(next)));
        const answer = json(await backend.request({ method: 'GET', path: next }));
        const link: Link | undefined = (answer['link'] as Link[]).find((l) => l.relation === 'next');
        next = link?.url.split('/fhir/')[1];
      }
      assert.deepEqual(paged, all);
    }
  });

  test('_since: what was made at that instant and later', async () => {
    for (const [path, all] of levels()) {
      assert.deepEqual(await versions(`${path}?_count=200&_since=${times[1]}`), all.slice(0, -1));
      assert.deepEqual(await versions(`${path}?_count=200&_since=${from(times[1], 1)}`), all.slice(0, -2));
    }
  });

  test('_at: what was current then; a period takes each that was current in it; nothing of a deleted resource', async () => {
    for (const [path, all] of levels()) {
      const isSystem = all.length === 4;
      assert.deepEqual(await versions(`${path}?_at=${from(times[0], -1)}`), []);
      assert.deepEqual(await versions(`${path}?_at=${from(times[0], 5)}`), ['P1']);
      assert.deepEqual(await versions(`${path}?_at=${from(times[1], 5)}`), ['P2']);
      assert.deepEqual(await versions(`${path}?_at=${from(times[1], 15)}`), []);
      const year = await versions(`${path}?_count=200&_at=${times[0]?.slice(0, 4)}`);
      assert.deepEqual(year, isSystem ? ['O1', 'P2', 'P1'] : ['P2', 'P1']);
    }
  });

  test('the links say what was asked', async () => {
    const answer = await backend.request({ method: 'GET', path: `_history?_count=1&_since=${times[0]}` });
    for (const { url: link } of json(answer)['link'] as { url: string }[]) assert.match(link, /\/fhir\/_history\?_count=1&_since=/);
  });
});
