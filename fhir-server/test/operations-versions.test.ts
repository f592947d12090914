// $meta, $meta-add, $meta-delete, $diff and $convert on the whole server, and differences that are patches.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FhirResponse, type Parameters, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { Difference } from '../src/operations/difference.ts';
import { parsePatch } from '../src/patch/index.ts';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

const definitions = loadDefinitions();

function differenceOf(from: object, to: object): Parameters {
  const type = (to as Resource).resourceType;
  const difference = new Difference(definitions);
  difference.compare(from as never, to as never, type, type);
  return { resourceType: 'Parameters', parameter: difference.operations as never };
}

/** The patch of a difference makes the one of the other. */
function assertPatches(from: object, to: object): void {
  const patch = differenceOf(from, to);
  const { resource } = parsePatch(definitions, patch, (to as Resource).resourceType)(structuredClone(from) as Resource);
  assert.deepEqual(JSON.parse(JSON.stringify(resource)), to, JSON.stringify(patch));
}

describe('differences', () => {
  const base = {
    resourceType: 'Patient',
    active: true,
    name: [{ family: 'A', given: ['x', 'y', 'z'] }, { text: 'B' }, { text: 'C' }],
    contact: [{ gender: 'male', name: { family: 'K' } }],
  };

  test('of equal resources are none', () => {
    assert.deepEqual(differenceOf(base, structuredClone(base)).parameter, []);
  });

  test('are patches: values, lists, choices, backbones, primitives with extensions', () => {
    const masked = { extension: [{ url: 'http://example.org/e', valueCode: 'masked' }] };
    const cases: (readonly [object, object])[] = [
      [base, { ...base, active: false }],
      [base, { resourceType: 'Patient', active: true }],
      [{ resourceType: 'Patient' }, base],
      [base, { ...base, name: [base.name[2], base.name[0]] }],
      [base, { ...base, name: [{ family: 'A', given: ['x', 'z', 'q'], use: 'usual' }, { text: 'N' }, ...base.name.slice(1)] }],
      [
        { ...base, deceasedBoolean: true },
        { ...base, deceasedDateTime: '2020-01-01' },
      ],
      [
        base,
        { ...base, contact: [...base.contact, { relationship: [{ text: 'aunt' }, { text: 'guardian' }], telecom: [{ value: '1' }] }] },
      ],
      [base, { ...base, birthDate: '1970', _birthDate: masked }],
      [
        { ...base, _birthDate: masked },
        { ...base, birthDate: '1970' },
      ],
      [base, { ...base, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' } }],
      [base, { ...base, contained: [{ resourceType: 'Organization', id: 'o', name: 'O' }], managingOrganization: { reference: '#o' } }],
      [base, { ...base, extension: [{ url: 'http://example.org/e', valueQuantity: { value: 2, unit: 'kg' } }] }],
    ];
    for (const [from, to] of cases) {
      assertPatches(from, to);
      assertPatches(to, from);
    }
  });

  test('say an element by its place', () => {
    const [operation] =
      differenceOf(base, { ...base, name: [{ family: 'A', given: ['x', 'q', 'z'] }, ...base.name.slice(1)] }).parameter ?? [];
    assert.deepEqual(operation?.part, [
      { name: 'type', valueCode: 'replace' },
      { name: 'path', valueString: 'Patient.name[0].given[1]' },
      { name: 'previousValue', valueString: 'y' },
      { name: 'value', valueString: 'q' },
    ]);
  });
});

describe('on the server', () => {
  let server: WriteServer;
  let path = '';
  const ward = { system: 'http://example.org/ward', code: 'w1' };

  const call = (scope: string, method: 'GET' | 'POST', at: string, body?: object): Promise<FhirResponse> =>
    server.as(scope).request({ method, path: at, ...(body ? { body } : {}) });
  const withMeta = (valueMeta: object): object => ({ resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta }] });
  const metaIn = (response: FhirResponse): { tag?: { code: string }[]; profile?: string[]; versionId?: string } => {
    assert.equal(response.status, 200, JSON.stringify(response.body));
    return (json(response)['parameter'] as { valueMeta: object }[])[0]?.valueMeta as object;
  };
  const codesIn = (response: FhirResponse): string[] => (metaIn(response).tag ?? []).map(({ code }) => code);

  before(async () => {
    server = await startWriteServer();
    const made = await call('system/*.cruds', 'POST', 'Organization', {
      resourceType: 'Organization',
      active: true,
      name: 'North Hospital',
    });
    path = `Organization/${json(made)['id']}`;
  });
  after(() => server.stop());

  test('$meta-add and $meta-delete refuse what is no meta, what the token may not write, what was never there', async () => {
    assert.equal((await call('system/*.cruds', 'POST', `${path}/$meta-add`)).status, 400);
    assert.equal((await call('system/*.cruds', 'POST', `${path}/$meta-add`, withMeta({ tag: [{ color: 'red' }] }))).status, 400);
    assert.equal((await call('system/*.rs', 'POST', `${path}/$meta-add`, withMeta({ tag: [ward] }))).status, 403);
    assert.equal((await call('system/*.rs', 'POST', `${path}/$meta-delete`, withMeta({ tag: [ward] }))).status, 200);
    assert.equal((await call('system/*.cruds', 'POST', `Organization/none/$meta-add`, withMeta({ tag: [ward] }))).status, 404);
    assert.equal((await call('system/*.cruds', 'GET', `${path}/$meta-add`)).status, 405);
    assert.equal((await call('system/*.cruds', 'POST', 'Organization/$meta-add', withMeta({ tag: [ward] }))).status, 404);
  });

  test("the policy's label and tag can be neither removed nor replaced", async () => {
    const { security, tag } = metaIn(await call('system/*.rs', 'GET', `${path}/$meta`)) as { security: object[]; tag: object[] };
    assert.equal((await call('system/*.cruds', 'POST', `${path}/$meta-delete`, withMeta({ security }))).status, 422);
    assert.equal((await call('system/*.cruds', 'POST', `${path}/$meta-delete`, withMeta({ tag }))).status, 422);
    const other = { system: (tag[0] as { system: string }).system, code: 'synthetic' };
    assert.equal((await call('system/*.cruds', 'POST', `${path}/$meta-add`, withMeta({ tag: [other] }))).status, 422);
  });

  test('tags come and go; adding one again changes nothing', async () => {
    assert.ok(codesIn(await call('system/*.cruds', 'POST', `${path}/$meta-add`, withMeta({ tag: [ward] }))).includes('w1'));
    assert.equal(metaIn(await call('system/*.cruds', 'POST', `${path}/$meta-add`, withMeta({ tag: [ward] }))).versionId, '2');
    assert.ok(codesIn(await call('system/*.rs', 'GET', `${path}/$meta`)).includes('w1'));
    assert.ok(codesIn(await call('system/Organization.rs', 'GET', 'Organization/$meta')).includes('w1'));
    assert.ok(codesIn(await call('system/Organization.rs', 'GET', '$meta')).includes('w1'));
    assert.ok(!codesIn(await call('system/*.cruds', 'POST', `${path}/$meta-delete`, withMeta({ tag: [ward] }))).includes('w1'));
    assert.ok(!codesIn(await call('system/*.rs', 'GET', 'Organization/$meta')).includes('w1'));
    const organization = await call('system/*.rs', 'GET', path);
    assert.equal(json(organization)['active'], true);
  });

  test('$meta tells nothing of types that the token may not search', async () => {
    assert.equal((await call('system/Patient.rs', 'GET', 'Organization/$meta')).status, 403);
    assert.equal((await call('system/Patient.rs', 'GET', `${path}/$meta`)).status, 403);
    assert.deepEqual(metaIn(await call('system/Patient.rs', 'GET', '$meta')), {});
    assert.equal((await call('openid', 'GET', '$meta')).status, 403);
  });

  test('$diff refuses versions that are not there, other types, and who may not read', async () => {
    assert.equal((await call('system/*.rs', 'GET', `${path}/$diff?fromVersion=99`)).status, 404);
    assert.equal((await call('system/*.rs', 'GET', `${path}/$diff?fromVersion=x`)).status, 400);
    assert.equal((await call('system/*.rs', 'GET', `${path}/$diff?toVersion=1`)).status, 422);
    assert.equal((await call('system/*.rs', 'GET', `$diff?from=${path}&to=Patient/1`)).status, 400);
    assert.equal((await call('system/*.rs', 'GET', '$diff?from=elsewhere&to=x')).status, 400);
    assert.equal((await call('system/Patient.rs', 'GET', `${path}/$diff`)).status, 403);
  });

  test('$diff tells what the last version changed, without meta unless asked', async () => {
    assert.equal(json(await call('system/*.rs', 'GET', `${path}/$diff`))['parameter'], undefined);
    const current = json(await call('system/*.rs', 'GET', path));
    await server.as('system/*.cruds').request({ method: 'PUT', path, body: { ...current, active: false } });
    const [operation, ...more] = json(await call('system/*.rs', 'GET', `${path}/$diff`))['parameter'] as { part: object[] }[];
    assert.deepEqual(operation?.part[1], { name: 'path', valueString: 'Organization.active' });
    assert.deepEqual(more, []);
    assert.match(JSON.stringify(json(await call('system/*.rs', 'GET', `${path}/$diff?includeMeta=true`))), /Organization\.meta/);
    const between = await call('system/*.rs', 'GET', `$diff?from=${path}/_history/1&to=${path}`);
    assert.match(JSON.stringify(json(between)), /Organization\.active/);
  });

  test('$convert gives back what it got, and refuses what the other format has no place for', async () => {
    assert.equal((await call('system/Patient.r', 'POST', '$convert')).status, 400);
    assert.equal((await call('system/Patient.r', 'POST', '$convert', { resourceType: 'Ward' })).status, 400);
    assert.equal((await call('system/Patient.r', 'POST', '$convert', { resourceType: 'Patient', colour: 'red' })).status, 422);
    const body = parseExact('{"resourceType":"Observation","valueQuantity":{"value":1.50}}') as object;
    const converted = await call('system/Patient.r', 'POST', '$convert', body);
    assert.equal(JSON.stringify(converted.body), '{"resourceType":"Observation","valueQuantity":{"value":1.5}}');
    const input = { resourceType: 'Parameters', parameter: [{ name: 'input', resource: { resourceType: 'Patient', active: true } }] };
    assert.deepEqual((await call('system/Patient.r', 'POST', '$convert', input)).body, { resourceType: 'Patient', active: true });
  });
});
