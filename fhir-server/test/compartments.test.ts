// https://hl7.org/fhir/R4/compartmentdefinition.html — searches in the five compartments of R4, what a token opens in them, and whose page links go on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bundle, FhirResponse, Principal } from '@limen/fhir-model';
import { verifies } from '../../test/verifies.ts';
import { json, refusalOf, startWriteServer, type WriteServer } from './writeServer.ts';

let server: WriteServer;
/** Of what was made, by name. */
const made: { [name: string]: string } = {};
const to = (name: string): { reference: string } => ({ reference: made[name] ?? '' });

async function create(name: string, resource: { resourceType: string; [name: string]: unknown }): Promise<void> {
  const answer = await server.as('system/*.cruds').request({ method: 'POST', path: resource.resourceType, body: resource });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  made[name] = `${resource.resourceType}/${json(answer)['id']}`;
}

const get = (scope: string, path: string, principal: Partial<Principal> = {}): Promise<FhirResponse> =>
  server.as(scope, principal).request({ method: 'GET', path });

async function found(scope: string, path: string, principal: Partial<Principal> = {}): Promise<string[]> {
  const answer = await get(scope, path, principal);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return ((answer.body as Bundle).entry ?? []).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`).sort();
}

const named = (...names: string[]): string[] => names.map((name) => made[name] ?? '').sort();
const nextOf = ({ body }: FhirResponse): string =>
  (body as Bundle).link?.find(({ relation }) => relation === 'next')?.url.split(/\/fhir\/?/)[1] ?? '';

before(async () => {
  server = await startWriteServer('synthetic');
  await create('mine', { resourceType: 'Patient', gender: 'female' });
  await create('other', { resourceType: 'Patient', gender: 'male' });
  await create('doctor', { resourceType: 'Practitioner', active: true });
  await create('device', { resourceType: 'Device', status: 'active' });
  await create('sister', { resourceType: 'RelatedPerson', patient: to('mine') });
  const observation = (subject: string, code: string, more: object = {}): { resourceType: string } => ({
    resourceType: 'Observation',
    ...{ status: 'final', code: { coding: [{ system: 'http://loinc.org', code }] }, subject: to(subject), ...more },
  });
  const visit = { resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' } };
  await create('visit', { ...visit, subject: to('mine'), participant: [{ individual: to('doctor') }, { individual: to('sister') }] });
  await create('observed', observation('mine', '8867-4', { encounter: to('visit'), performer: [to('doctor')] }));
  await create('measured', observation('other', '8867-4', { device: to('device'), performer: [to('doctor')] }));
  await create('told', observation('mine', '2823-3', { performer: [to('sister')] }));
  await create('problem', { resourceType: 'Condition', subject: to('mine'), encounter: to('visit'), asserter: to('doctor') });
});
after(() => server?.stop());

describe('refusals', () => {
  test('types that are no members, owners that own nothing, what is no id, other methods', async () => {
    assert.equal((await get('system/*.rs', `${made['visit']}/Organization`)).status, 404);
    assert.equal((await get('system/*.rs', `${made['device']}/Device`)).status, 404);
    assert.equal((await get('system/*.rs', `${made['observed']}/Condition`)).status, 404);
    assert.equal((await get('system/*.rs', 'Encounter/a_b/Observation')).status, 400);
    const posted = { method: 'POST', path: `${made['visit']}/Observation`, body: {} } as const;
    assert.match(String((await server.as('system/*.cruds').request(posted)).status), /^40[45]$/);
  });

  test('a type that the token may not search', async () => {
    assert.equal((await get('system/Condition.rs', `${made['doctor']}/Observation`)).status, 403);
    assert.equal((await get('system/Observation.r', `${made['doctor']}/Observation`)).status, 403);
    assert.deepEqual(await found('system/Condition.rs', `${made['doctor']}/*`), named('problem'));
  });

  test('a patient-bound token sees its own patient only, whoever owns the compartment', async () => {
    const bound = { patient: made['other']?.slice('Patient/'.length) ?? '' };
    assert.deepEqual(await found('patient/*.rs', `${made['doctor']}/Observation`, bound), named('measured'));
    assert.deepEqual(await found('patient/*.rs', `${made['visit']}/*`, bound), []);
    assert.deepEqual(await found('patient/*.rs', 'Observation/_history', bound), named('measured'));
    assert.deepEqual(await found('patient/*.rs', '_history', bound), named('measured', 'other'));
    assert.deepEqual(await found('patient/*.rs', `${made['sister']}/*`, bound), []);
  });

  test('a granular scope holds in a compartment', async () => {
    verifies('smart-app-launch', 370);
    const scope = 'system/Observation.rs?code=http://loinc.org|2823-3';
    assert.deepEqual(await found(scope, `${made['doctor']}/Observation`), []);
    assert.deepEqual(await found(scope, `${made['sister']}/*`), named('told'));
  });

  test('a page link of another client, user, launch patient or tenant', async () => {
    const caller: Partial<Principal> = { clientId: 'one', userId: 'u1', patient: made['mine']?.slice('Patient/'.length) ?? '' };
    const searches = [
      'Observation?_count=1',
      `${made['doctor']}/*?_count=1`,
      '?_type=Observation,Condition&_count=1',
      'Observation/_history?_count=1',
    ];
    for (const path of searches) {
      const next = nextOf(await get('system/*.rs', path, caller));
      assert.match(next, /_cursor=/, path);
      assert.equal((await get('system/*.rs', next, caller)).status, 200);
      const others: Partial<Principal>[] = [{ clientId: 'two' }, { userId: 'u2' }, { patient: 'p2' }, { tenant: 'elsewhere' }];
      const forged = refusalOf(await get('system/*.rs', next.replace(/_cursor=[^&]*/, '_cursor=abcd'), caller));
      for (const other of others) {
        const refused = await get('system/*.rs', next, { ...caller, ...other });
        assert.equal(refused.status, 400, path);
        assert.deepEqual(refusalOf(refused), forged);
      }
    }
  });
});

describe('members', () => {
  test('of an encounter, which is its own', async () => {
    assert.deepEqual(await found('system/*.rs', `${made['visit']}/Observation`), named('observed'));
    assert.deepEqual(await found('system/*.rs', `${made['visit']}/Encounter`), named('visit'));
    assert.deepEqual(await found('system/*.rs', `${made['visit']}/Observation?code=2823-3`), []);
    assert.deepEqual(await found('system/*.rs', `${made['visit']}/*`), named('observed', 'problem', 'visit'));
  });

  test('of a practitioner, a device and a related person', async () => {
    assert.deepEqual(await found('system/*.rs', `${made['doctor']}/*`), named('doctor', 'measured', 'observed', 'problem', 'visit'));
    assert.deepEqual(await found('system/*.rs', `${made['doctor']}/*?_type=Observation`), named('measured', 'observed'));
    assert.deepEqual(await found('system/*.rs', `${made['device']}/Observation`), named('measured'));
    assert.deepEqual(await found('system/*.rs', `${made['sister']}/*`), named('sister', 'told', 'visit'));
  });

  test('the CapabilityStatement names the five', async () => {
    const [rest] = (await server.metadata())['rest'] as { compartment: string[] }[];
    assert.deepEqual(rest?.compartment.map((url) => url.split('/').at(-1)).sort(), [
      'device',
      'encounter',
      'patient',
      'practitioner',
      'relatedPerson',
    ]);
  });
});
