// $viewdefinition-run on the whole server: what it refuses, whose resources it shows, and the three formats.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FhirResponse } from '@limen/fhir-model';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

let server: WriteServer;
const ids: string[] = [];

const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });
const columns = (...names: string[]): object => ({ column: names.map((name) => ({ name, path: name })) });
const view = (resource: string, ...select: object[]): object => ({ resourceType: 'ViewDefinition', resource, status: 'active', select });
const named = (resource: object): object => ({ name: 'viewResource', resource });

function run(scope: string, body: object, path = '$viewdefinition-run', principal = {}): Promise<FhirResponse> {
  return server.as(scope, principal).request({ method: 'POST', path, body });
}

/** The table of an answer in process: a Binary. */
function textOf(response: FhirResponse): string {
  assert.equal(response.status, 200, JSON.stringify(response.body));
  return Buffer.from(String(json(response)['data']), 'base64').toString('utf8');
}

before(async () => {
  server = await startWriteServer('synthetic');
  const client = server.as('system/*.cruds');
  for (const gender of ['female', 'male']) {
    const made = await client.request({ method: 'POST', path: 'Patient', body: { resourceType: 'Patient', gender } });
    ids.push(String(json(made)['id']));
  }
  for (const [i, id] of [0, 0, 1].entries()) {
    const body = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: `a "quoted", code ${i}` },
      subject: { reference: `Patient/${ids[id]}` },
      valueInteger: i,
    };
    assert.equal((await client.request({ method: 'POST', path: 'Observation', body })).status, 201);
  }
});
after(() => server.stop());

describe('$viewdefinition-run refuses', () => {
  const scope = 'system/Patient.rs';

  test('calls without a view, with two, with unknown parameters, by GET', async () => {
    assert.equal((await run(scope, parameters())).status, 400);
    const reference = { name: 'viewReference', valueReference: { reference: 'Binary/1' } };
    assert.equal((await run(scope, parameters(named(view('Patient', columns('id'))), reference))).status, 400);
    assert.equal((await run(scope, parameters({ name: 'group', valueString: 'x' }))).status, 400);
    assert.equal((await server.as(scope).request({ method: 'GET', path: '$viewdefinition-run' })).status, 405);
    assert.equal((await run(scope, { resourceType: 'Patient' })).status, 400);
  });

  test('views at fault, with the place of the fault', async () => {
    const refused = await run(scope, parameters(named(view('Patient', { column: [{ name: 'id', path: 'id.(' }] }))));
    assert.equal(refused.status, 422);
    assert.match(JSON.stringify(refused.body), /ViewDefinition\.select\[0\]\.column\[0\]\.path/);
    assert.doesNotMatch(JSON.stringify(refused.body), /id\.\(/);
  });

  test('types that the token may not search, and a view of another type than the address', async () => {
    const patients = parameters(named(view('Patient', columns('id'))));
    assert.equal((await run('system/Observation.rs', patients)).status, 403);
    assert.equal((await run('system/Patient.r', patients)).status, 403);
    assert.equal((await run(scope, patients, 'Observation/$viewdefinition-run')).status, 400);
  });

  test('formats and limits that are none', async () => {
    const patients = named(view('Patient', columns('id')));
    assert.equal((await run(scope, parameters(patients, { name: '_format', valueCode: 'parquet' }))).status, 406);
    assert.equal((await run(scope, parameters(patients, { name: '_limit', valueInteger: 0 }))).status, 400);
  });

  test('a pattern that never ends', async () => {
    const costly = view('Patient', { column: [{ name: 'a', path: `('${'a'.repeat(50)}!').matches('^(a+)+$')` }] });
    const refused = await run(scope, parameters(named(costly)));
    assert.equal(refused.status, 422);
    assert.match(JSON.stringify(refused.body), /too-costly/);
  });
});

describe('$viewdefinition-run gives', () => {
  const observations = named(
    view('Observation', {
      column: [
        { name: 'patient', path: 'subject.getReferenceKey(Patient)' },
        { name: 'value', path: 'value.ofType(integer)' },
      ],
    }),
  );

  test('a row a resource, and no more than asked for', async () => {
    const rows = JSON.parse(textOf(await run('system/Observation.rs', parameters(observations)))) as { patient: string; value: number }[];
    assert.deepEqual(rows.map(({ value }) => value).sort(), [0, 1, 2]);
    const limited = JSON.parse(textOf(await run('system/Observation.rs', parameters(observations, { name: '_limit', valueInteger: 2 }))));
    assert.equal(limited.length, 2);
  });

  test('only what the token may see, and of one patient when asked', async () => {
    const mine = JSON.parse(
      textOf(await run('patient/Observation.rs', parameters(observations), '$viewdefinition-run', { patient: ids[1] })),
    );
    assert.deepEqual(mine, [{ patient: ids[1], value: 2 }]);
    const one = parameters(observations, { name: 'patient', valueReference: { reference: `Patient/${ids[0]}` } });
    assert.equal(JSON.parse(textOf(await run('system/Observation.rs', one))).length, 2);
    const patients = parameters(named(view('Patient', columns('id', 'gender'))), { name: 'patient', valueString: ids[0] });
    assert.deepEqual(JSON.parse(textOf(await run('system/Patient.rs', patients))), [{ id: ids[0], gender: 'female' }]);
  });

  test('CSV with quoted fields, NDJSON with a line a row, a view of nothing', async () => {
    const texts = named(
      view('Observation', {
        column: [
          { name: 'text', path: 'code.text' },
          { name: 'none', path: 'note.text' },
        ],
      }),
    );
    const csv = textOf(await run('system/Observation.rs', parameters(texts, { name: '_format', valueCode: 'csv' })));
    assert.deepEqual(csv.split('\r\n').sort().slice(1), [
      '"a ""quoted"", code 0",',
      '"a ""quoted"", code 1",',
      '"a ""quoted"", code 2",',
      'text,none',
    ]);
    const lines = textOf(await run('system/Observation.rs', parameters(texts, { name: '_format', valueCode: 'ndjson' }))).split('\n');
    assert.equal(lines.length, 4);
    assert.equal(JSON.parse(lines[0] ?? '').none, null);
    assert.equal(textOf(await run('system/Slot.rs', parameters(named(view('Slot', columns('id')))))), '[]');
  });

  test('rows of resources that come with the call', async () => {
    const resource = { resourceType: 'Patient', id: 'p', name: [{ family: 'A' }, { family: 'B' }] };
    const names = named(view('Patient', { forEach: 'name', column: [{ name: 'family', path: 'family' }] }));
    assert.deepEqual(JSON.parse(textOf(await run('system/Slot.r', parameters(names, { name: 'resource', resource })))), [
      { family: 'A' },
      { family: 'B' },
    ]);
  });

  test('a view that is kept as a Binary', async () => {
    const data = Buffer.from(JSON.stringify(view('Patient', columns('gender')))).toString('base64');
    const body = { resourceType: 'Binary', contentType: 'application/json', data };
    const made = await server.as('system/Binary.cr').request({ method: 'POST', path: 'Binary', body });
    const call = parameters({ name: 'viewReference', valueReference: { reference: `Binary/${json(made)['id']}` } });
    assert.equal(JSON.parse(textOf(await run('system/Binary.r system/Patient.rs', call))).length, 2);
    assert.equal((await run('system/Patient.rs', call)).status, 403);
  });
});
