// Field masks of roles: a masked element comes out nowhere and nothing can be searched by it; who may not know system times never sees one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FhirClient, FhirResponse, Principal } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import shipped from '../src/authorization/roles.json' with { type: 'json' };
import { compileAccessPolicy } from '../src/authorization/roles.ts';
import { StartError } from '../src/postgres/start-error.ts';
import { compileMasks, searchesMasked } from '../src/view/index.ts';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

const masks = ['Patient.address', 'Observation.valueString', '*.text', 'Observation.note'];
const secret = 'Hidden-Street-77';
const reader: Partial<Principal> = { plane: 'stored', role: 'researcher', purpose: 'HRESCH', masks, reidentify: false };
const scope = 'user/*.rs';

let server: WriteServer;
let masked: FhirClient;
let whole: FhirClient;
let patient = '';
let observation = '';

const get = (client: FhirClient, path: string): Promise<FhirResponse> => client.request({ method: 'GET', path });

before(async () => {
  server = await startWriteServer('synthetic');
  masked = server.as(scope, reader);
  whole = server.as('system/*.cruds');
  const narrative = { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${secret}</div>` };
  const made = await whole.request({
    method: 'POST',
    path: 'Patient',
    body: {
      resourceType: 'Patient',
      text: narrative,
      gender: 'female',
      birthDate: '1960-01-01',
      address: [{ line: [secret], city: 'Hamlet' }],
    },
  });
  patient = String(json(made)['id']);
  const body = {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: '2020-01-01',
    issued: '2020-01-02T10:00:00Z',
    valueString: secret,
    note: [{ text: secret }],
  };
  observation = String(json(await whole.request({ method: 'POST', path: 'Observation', body }))['id']);
});
after(() => server.stop());

test('no way to the data shows a masked element or a system time', async () => {
  const paths = [
    `Patient/${patient}`,
    `Patient/${patient}/_history/1`,
    `Patient/${patient}/_history`,
    'Patient',
    `Patient?_id=${patient}&_elements=address,gender`,
    `Observation?_include=Observation:subject`,
    `Patient?_revinclude=Observation:subject`,
    `Patient/${patient}/Observation`,
    `Patient/${patient}/$everything`,
    `Observation/$lastn?patient=Patient/${patient}&code=8302-2`,
    '?_type=Patient,Observation',
  ];
  for (const path of paths) {
    const open = JSON.stringify((await get(whole, path)).body);
    const answer = await get(masked, path);
    if (!path.startsWith('Patient/') || !path.endsWith('_history')) assert.match(open, /Hidden-Street-77/, path);
    assert.doesNotMatch(JSON.stringify(answer.body ?? {}), /Hidden-Street-77|Hamlet|lastUpdated|lastModified|"issued"/, path);
    assert.equal(answer.headers['last-modified'], undefined, path);
  }
  const shown = await get(masked, `Patient/${patient}`);
  assert.deepEqual([json(shown)['gender'], shown.status], ['female', 200]);
  assert.match(JSON.stringify(shown.body), /SUBSETTED/);
});

test('entries of a batch are masked too', async () => {
  const entry = [`Patient/${patient}`, `Observation/${observation}`, 'Patient'].map((url) => ({ request: { method: 'GET', url } }));
  const answer = await masked.request({ method: 'POST', path: '', body: { resourceType: 'Bundle', type: 'batch', entry } });
  assert.equal(answer.status, 200);
  assert.match(JSON.stringify(answer.body), /female/);
  assert.doesNotMatch(JSON.stringify(answer.body), /Hidden-Street-77|Hamlet/);
});

test('a search, sort, chain, _has or filter by what is masked is refused; by the rest it works', async () => {
  for (const path of [
    'Patient?address=Hamlet',
    'Patient?address-city=Hamlet',
    'Patient?address-city:exact=Hamlet',
    'Patient?_sort=address-city',
    'Patient?address:missing=false',
    'Observation?subject:Patient.address-city=Hamlet',
    'Patient?_has:Observation:subject:value-string=x',
    'Observation?value-string=Hidden',
    'Observation?combo-value-concept=x&value-string=Hidden',
    `Patient?_filter=${encodeURIComponent('address-city eq "Hamlet"')}`,
    'Patient?_lastUpdated=gt2020-01-01',
    'Patient?_sort=_lastUpdated',
  ]) {
    const answer = await get(masked, path);
    assert.equal(answer.status, 400, path);
    assert.doesNotMatch(JSON.stringify(answer.body), /Hamlet|Hidden/);
  }
  assert.equal((await get(masked, 'Patient?gender=female')).status, 200);
  assert.equal((await get(masked, 'Observation?value-quantity=5')).status, 200);
});

test('of a choice only the masked type is closed', () => {
  const definitions = loadDefinitions();
  const closed = (name: string): boolean => searchesMasked(definitions, compileMasks(['Observation.valueString']), 'Observation', name);
  assert.deepEqual([closed('value-string'), closed('value-quantity'), closed('code')], [true, false, false]);
});

test('a policy file that is wrong in any role stops the start, and says where', () => {
  const changed = (change: object, role = 'nurse'): unknown => {
    const { roles } = structuredClone(shipped) as { roles: { [name: string]: object } };
    return { roles: { ...roles, [role]: { ...roles[role], ...change } } };
  };
  const wrong = [
    {},
    { roles: {} },
    changed({}, 'superuser'),
    changed({ interactions: { Patent: 'r' } }),
    changed({ interactions: { Patient: 'rx' } }),
    changed({ masks: ['Observation.valueString'] }),
    changed({ masks: ['Patient.nothing'] }),
    changed({ purposes: [] }),
    changed({ purposes: ['FUN'] }),
    changed({ secondFactor: 'sometimes' }),
    changed({ extra: true }),
  ];
  for (const policy of wrong) assert.throws(() => compileAccessPolicy(policy), StartError, JSON.stringify(policy).slice(0, 80));
  assert.equal(compileAccessPolicy(changed({ interactions: { Patient: 'sr' }, masks: ['Patient.address'] })).get('nurse')?.masks.length, 1);
});
