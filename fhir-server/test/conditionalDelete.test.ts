// https://hl7.org/fhir/R4/http.html#cdelete with several matches, which is a setting: all in one commit, or none.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FhirClient, FhirResponse, Resource } from '@limen/fhir-model';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

const system = 'urn:test:device';
let server: WriteServer;
let backend: FhirClient;
before(async () => {
  server = await startWriteServer('synthetic', { conditionalDelete: 'multiple' });
  backend = server.as('system/*.cruds');
});
after(() => server?.stop());

const device = (value: string): object => ({ resourceType: 'Device', identifier: [{ system, value }] });

async function transaction(...entry: object[]): Promise<FhirResponse> {
  return backend.request({ method: 'POST', path: '', body: { resourceType: 'Bundle', type: 'transaction', entry } as unknown as Resource });
}

async function make(count: number, value: string): Promise<void> {
  const entry = { resource: device(value), request: { method: 'POST', url: 'Device' } };
  const made = await transaction(...Array.from({ length: count }, () => entry));
  assert.equal(made.status, 200, JSON.stringify(made.body));
}

const remove = (value: string, headers: { [name: string]: string } = {}): Promise<FhirResponse> =>
  backend.request({ method: 'DELETE', path: `Device?identifier=${system}|${value}`, headers });

async function left(value: string): Promise<unknown> {
  return json(await backend.request({ method: 'GET', path: `Device?identifier=${system}|${value}&_summary=count` }))['total'];
}

const codeOf = (response: FhirResponse): unknown => (json(response)['issue'] as { code: string }[])[0]?.code;

test('more than a thousand are 412 too-costly, and all stay', async () => {
  await make(1001, 'many');
  const refused = await remove('many');
  assert.deepEqual([refused.status, codeOf(refused), await left('many')], [412, 'too-costly', 1001]);
});

test('If-Match that one of them does not meet is 412, and all stay', async () => {
  await make(2, 'versions');
  const [first] = (json(await backend.request({ method: 'GET', path: `Device?identifier=${system}|versions` }))['entry'] ?? []) as {
    resource: Resource;
  }[];
  const { id } = (first as { resource: Resource }).resource as { id: string };
  await backend.request({
    method: 'PUT',
    path: `Device/${id}`,
    body: { ...device('versions'), id, status: 'active' } as unknown as Resource,
  });
  assert.equal((await remove('versions', { 'if-match': 'W/"1"' })).status, 412);
  assert.equal(await left('versions'), 2);
});

test('what the token does not cover is neither deleted nor counted', async () => {
  await make(2, 'scoped');
  const scoped = server.as(`system/Device.ds?identifier=${system}|other`);
  const answer = await scoped.request({ method: 'DELETE', path: `Device?identifier=${system}|scoped` });
  assert.deepEqual([answer.status, await left('scoped')], [204, 2]);
});

test('several are deleted together; there is no version to tell, and none is left for a second one', async () => {
  await make(3, 'several');
  const answer = await remove('several');
  assert.deepEqual([answer.status, answer.headers['etag'], await left('several')], [204, undefined, 0]);
  assert.equal((await remove('several')).status, 204);
});

test('in a transaction, with a repeat of the request', async () => {
  await make(2, 'bundled');
  const entries = [
    { resource: device('next'), request: { method: 'POST', url: 'Device' } },
    { request: { method: 'DELETE', url: `Device?identifier=${system}|bundled` } },
  ];
  const body = { resourceType: 'Bundle', type: 'transaction', entry: entries } as unknown as Resource;
  const send = (): Promise<FhirResponse> => backend.request({ method: 'POST', path: '', body, headers: { 'idempotency-key': 'bundled' } });
  const statuses = (response: FhirResponse): string[] =>
    (json(response)['entry'] as { response: { status: string } }[]).map(({ response: { status } }) => status);
  assert.deepEqual(statuses(await send()), ['201 Created', '204 No Content']);
  assert.deepEqual(statuses(await send()), ['201 Created', '204 No Content']);
  assert.deepEqual([await left('bundled'), await left('next')], [0, 1]);
});

test('two deletions of the same at once: both are done, nothing twice', async () => {
  await make(20, 'race');
  const answers = await Promise.all([remove('race'), remove('race')]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [204, 204],
  );
  assert.equal(await left('race'), 0);
});

test('the statement of capabilities says so', async () => {
  const { rest } = (await server.statement()) as { rest: { resource: { type: string; conditionalDelete: string }[] }[] };
  assert.equal(rest[0]?.resource.find(({ type }) => type === 'Device')?.conditionalDelete, 'multiple');
});
