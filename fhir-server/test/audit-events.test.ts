// The trail over FHIR: who may not see it, what a row says, whether it is what IHE BALP asks for, and that one request leaves one row.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bundle, FhirClient, FhirResponse, Principal, Resource } from '@limen/fhir-model';
import { startWriteServer, type WriteServer } from './writeServer.ts';

type Event = Extract<Resource, { resourceType: 'AuditEvent' }>;

let server: WriteServer;
let backend: FhirClient;
let auditor: FhirClient;
const ids: string[] = [];
const physicianId = '00000000-0000-4000-8000-00000000d0c0';
const physician: Partial<Principal> = { role: 'physician', userId: physicianId, fhirUser: 'Practitioner/p1', purpose: 'TREAT' };

const get = (client: FhirClient, path: string): Promise<FhirResponse> => client.request({ method: 'GET', path });
const eventsOf = ({ body }: FhirResponse): Event[] => ((body as Bundle).entry ?? []).map(({ resource }) => resource as Event);
const found = async (query: string, client = auditor): Promise<Event[]> => {
  const response = await get(client, `AuditEvent?${query}`);
  assert.equal(response.status, 200, JSON.stringify(response.body));
  return eventsOf(response);
};
const asResource = (resource: object): Resource => resource as Resource;

before(async () => {
  server = await startWriteServer();
  backend = server.as('system/*.cruds');
  auditor = server.as('user/AuditEvent.rs', { role: 'auditor', clientId: 'audit-app', userId: 'a1', purpose: 'HCOMPL', systemTimes: true });
  for (const gender of ['female', 'male']) {
    const made = await backend.request({ method: 'POST', path: 'Patient', body: asResource({ resourceType: 'Patient', gender }) });
    ids.push(String((made.body as { id?: string }).id));
  }
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '718-7' }] },
    subject: { reference: `Patient/${ids[0]}` },
  };
  const made = await backend.request({ method: 'POST', path: 'Observation', body: asResource(observation) });
  ids.push(String((made.body as { id?: string }).id));
});
after(async () => server?.stop());

describe('refused', () => {
  const others: [string, string, Partial<Principal>][] = [
    ['a physician with a scope for everything', 'user/*.rs', { ...physician, userId: 'd2', purpose: 'BTG' }],
    ['a nurse', 'user/AuditEvent.rs', { role: 'nurse' }],
    ['an auditor without the scope', 'user/Provenance.rs', { role: 'auditor' }],
    ['a system whose scope does not name the type', 'system/*.cruds', {}],
    ['a patient without a record', 'patient/*.rs', { role: 'patient' }],
    ['an auditor with a narrowed scope', 'user/AuditEvent.rs?patient=Patient/x', { role: 'auditor' }],
  ];
  for (const [name, scope, principal] of others)
    test(`to see the trail: ${name}`, async () => {
      const client = server.as(scope, principal);
      for (const path of ['AuditEvent', `AuditEvent/${'0'.repeat(8)}-0000-4000-8000-000000000000-1`, `Patient/${ids[0]}/AuditEvent`])
        assert.equal((await get(client, path)).status, 403, path);
    });

  test('to write, change or delete an event', async () => {
    const client = server.as('system/AuditEvent.cruds');
    const [event] = await found('_count=1', client);
    assert.ok(event);
    const body = asResource({ ...event });
    for (const [method, path] of [
      ['POST', 'AuditEvent'],
      ['PUT', `AuditEvent/${event.id}`],
      ['PATCH', `AuditEvent/${event.id}`],
      ['DELETE', `AuditEvent/${event.id}`],
      ['DELETE', 'AuditEvent?action=R'],
    ] as const) {
      const response = await client.request({ method, path, ...(method === 'DELETE' ? {} : { body }) });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers['allow'], 'GET');
    }
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: body, request: { method: 'POST', url: 'AuditEvent' } }],
    };
    assert.equal((await client.request({ method: 'POST', path: '', body: asResource(bundle) })).status, 405);
  });

  test('what the trail does not know', async () => {
    for (const query of ['colour=blue', 'date=yesterday', '_sort=patient', '_cursor=AAAA', '_count=many', 'entity=x'])
      assert.equal((await get(auditor, `AuditEvent?${query}`)).status, 400, query);
    for (const path of [
      'AuditEvent/x',
      'AuditEvent/x/_history/1',
      'AuditEvent/_history',
      `AuditEvent/${'0'.repeat(8)}-0000-4000-8000-000000000000-1`,
    ])
      assert.equal((await get(auditor, path)).status, 404, path);
  });

  test('to a patient: the dates of events, and events about others', async () => {
    const patient = server.as('patient/*.rs', { role: 'patient', patient: ids[0] ?? '', plane: 'stored', purpose: 'PATRQT' });
    assert.equal((await get(patient, 'AuditEvent?date=gt2020')).status, 400);
    assert.deepEqual(await found(`patient=${ids[1]}`, patient), []);
    const own = await found('', patient);
    assert.ok(own.length > 0);
    for (const event of own) {
      assert.equal(event.recorded, undefined, 'system times are not for patients');
      assert.ok(!JSON.stringify(event).includes(ids[1] ?? '-'));
    }
    const [foreign] = await found(`patient=${ids[1]}&action=C`);
    assert.equal((await get(patient, `AuditEvent/${foreign?.id}`)).status, 404);
  });
});

describe('what was done is found', () => {
  before(async () => {
    const doctor = server.as('user/*.rs', physician);
    await get(doctor, `Observation/${ids[2]}`);
    await get(doctor, `Observation?patient=${ids[0]}&_sort=-date&given%20name=x`);
    await get(doctor, `Observation?patient=${ids[0]}&_sort=-date`);
    await get(doctor, 'Observation/00000000-0000-4000-8000-000000000000');
    await backend.request({ method: 'DELETE', path: `Patient/${ids[1]}` });
  });

  const searches: [string, (ids: string[]) => string, string[]][] = [
    ['by user', () => `altid=${physicianId}&_count=4`, ['refused', 'search-type', 'refused', 'read']],
    ['by practitioner', () => 'agent=Practitioner/p1&outcome=0', ['search-type', 'read']],
    ['by patient and user', ([patient]) => `patient=${patient}&altid=${physicianId}`, ['search-type', 'read']],
    ['by purpose', () => 'purpose=http://terminology.hl7.org/CodeSystem/v3-ActReason|TREAT&action=R', ['refused', 'refused', 'read']],
    ['by entity', ([, , observation]) => `entity=Observation/${observation}`, ['read', 'create']],
    ['by what was done', ([, patient]) => `action=D&patient=Patient/${patient}`, ['delete']],
    ['by outcome', () => `outcome=4&altid=${physicianId}`, ['refused', 'refused']],
    ['by subtype', () => `subtype=read&altid=${physicianId}`, ['read']],
    ['by type', () => 'type=110114', []],
    ['nothing before', () => 'date=lt2020', []],
    ['any of several values', ([a, b]) => `patient=${a},${b}&action=C,D`, ['delete', 'create', 'create', 'create']],
  ];
  for (const [name, query, expected] of searches)
    test(name, async () => {
      const events = await found(query(ids));
      const interactions = events.map(({ subtype = [] }) => subtype.at(-1)?.code);
      assert.deepEqual(interactions, expected);
    });

  test('a row holds names of known parameters and no values', async () => {
    const [event] = await found(`altid=${physicianId}&subtype=search&outcome=0`);
    const query = event?.entity?.find((entity) => entity.query)?.query ?? '';
    assert.equal(Buffer.from(query, 'base64').toString(), 'Observation?patient=&_sort=');
    assert.ok(!JSON.stringify(await found(`altid=${physicianId}`)).includes('given name'));
  });

  test('page by page, each event once, newest first', async () => {
    const all = await found('date=gt2020&_count=1000');
    const paged: Event[] = [];
    for (
      let path: string | undefined = 'AuditEvent?date=gt2020&_count=3&_total=accurate';
      path !== undefined && paged.length < all.length;
    ) {
      const response = await get(auditor, path);
      const bundle = response.body as Bundle;
      if (paged.length === 0) assert.ok((bundle.total ?? 0) >= all.length);
      paged.push(...eventsOf(response));
      path = bundle.link?.find(({ relation }) => relation === 'next')?.url.replace(/^.*\/fhir\//, '');
    }
    // Each page that is read adds an event before the first one: those seen once are all of the others.
    assert.equal(new Set(paged.map(({ id }) => id)).size, paged.length);
    const times = paged.map(({ recorded }) => recorded ?? '');
    assert.deepEqual(times, [...times].sort().reverse());
  });

  test('read and vread give what the search gave', async () => {
    const [event] = await found(`altid=${physicianId}&_count=1`);
    assert.deepEqual((await get(auditor, `AuditEvent/${event?.id}`)).body, event);
    assert.deepEqual((await get(auditor, `AuditEvent/${event?.id}/_history/1`)).body, event);
  });

  test('one request that searches inside itself leaves one row, which says what it ran and whom it touched', async () => {
    const before = (await found('_summary=count').then(() => found('_count=1')))[0]?.id;
    assert.equal((await get(backend, `Patient/${ids[0]}/$everything`)).status, 200);
    const events = await found('_count=5');
    const since = events.slice(
      0,
      events.findIndex(({ id }) => id === before),
    );
    const [everything, ...rest] = since.filter(({ subtype = [] }) =>
      subtype.some(({ code }) => code === '$everything' || code === 'operation'),
    );
    assert.equal(rest.length, 0);
    assert.ok(since.length <= 2, `${since.length} rows`);
    assert.ok(everything?.entity?.some(({ what }) => what?.reference === `Patient/${ids[0]}`));
    assert.ok(everything?.entity?.some(({ detail = [] }) => detail.some(({ valueString }) => valueString === 'search-type Observation')));
  });
});

/** The musts of https://profiles.ihe.net/ITI/BALP that are the same in Read, Query, Create, Update and Delete and their Patient forms. */
function balpFaults(event: Event): string[] {
  const profile = event.meta?.profile?.[0]?.split('IHE.BasicAudit.')[1] ?? '';
  const kind = profile.replace('Patient', '');
  const faults: string[] = [];
  const must = (holds: unknown, what: string): void => {
    if (!holds) faults.push(`${profile}: ${what}`);
  };
  const agents = (code: string): Event['agent'] => event.agent.filter(({ type }) => type?.coding?.some((coding) => coding.code === code));
  const entities = (code: string, role?: string): Event['entity'] =>
    (event.entity ?? []).filter((entity) => entity.type?.code === code && (role === undefined || entity.role?.code === role));
  const [client, servers] = kind === 'Read' ? [agents('110152'), agents('110153')] : [agents('110153'), agents('110152')];
  must(event.type.code === 'rest' && event.type.system?.endsWith('/audit-event-type'), 'type rest');
  const subtype = { Read: 'read', Query: 'search', Create: 'create', Update: 'update', Delete: 'delete' }[kind];
  must(
    event.subtype?.some(({ code, system }) => code === subtype && system === 'http://hl7.org/fhir/restful-interaction'),
    'subtype',
  );
  must(event.action === { Read: 'R', Query: 'E', Create: 'C', Update: 'U', Delete: 'D' }[kind], 'action');
  must(event.recorded && event.outcome === '0' && event.source.observer, 'recorded, outcome, source');
  must(client.length === 1 && servers.length === 1, 'one client and one server');
  must(
    [...client, ...servers].every(({ who, network }) => who && network?.address && network.type),
    'who and network of both',
  );
  must(event.agent.filter(({ requestor }) => requestor).length === 1, 'one requestor');
  must(entities('XrequestId')?.length === 1, 'the request id');
  must(kind !== 'Query' || entities('2', '24')?.[0]?.query, 'the query');
  must(kind === 'Query' || entities('2', '4')?.filter(({ what }) => what?.reference).length === 1, 'one resource');
  must(
    !profile.startsWith('Patient') || entities('1', '1')?.filter(({ what }) => what?.reference?.startsWith('Patient/')).length === 1,
    'one patient',
  );
  return faults;
}

test('every event is valid, and those of one resource or search are what BALP asks for', async () => {
  const update = await get(backend, `Patient/${ids[0]}`);
  const changed = { ...update.body, active: true };
  assert.equal((await backend.request({ method: 'PUT', path: `Patient/${ids[0]}`, body: asResource(changed) })).status, 200);
  await get(backend, `Patient/${ids[0]}/_history/1`);
  await get(backend, 'Patient?gender=female');
  const events = await found('_count=1000');
  const profiles = new Set(events.flatMap(({ meta }) => meta?.profile ?? []).map((url) => url.split('IHE.BasicAudit.')[1]));
  for (const profile of ['PatientRead', 'PatientQuery', 'PatientCreate', 'PatientUpdate', 'PatientDelete', 'Query'])
    assert.ok(profiles.has(profile), profile);
  assert.deepEqual(events.filter(({ meta }) => meta?.profile).flatMap(balpFaults), []);
  const shapes = [
    ...new Map(events.map((event) => [`${event.meta?.profile} ${event.subtype?.at(-1)?.code} ${event.outcome}`, event])).values(),
  ];
  for (const event of shapes) {
    const { status, body } = await backend.request({ method: 'POST', path: 'AuditEvent/$validate', body: asResource({ ...event }) });
    const errors = ((body as { issue?: { severity: string }[] } | undefined)?.issue ?? []).filter(({ severity }) => severity === 'error');
    assert.deepEqual({ status, errors }, { status: 200, errors: [] }, JSON.stringify(event));
  }
});

test('the CapabilityStatement offers reading and searching only', async () => {
  const { rest } = (await server.metadata()) as {
    rest?: { resource: { type: string; interaction: { code: string }[]; searchParam: { name: string }[] }[] }[];
  };
  const trail = rest?.[0]?.resource.find(({ type }) => type === 'AuditEvent');
  assert.deepEqual(
    trail?.interaction.map(({ code }) => code),
    ['read', 'vread', 'search-type'],
  );
  for (const { name } of trail?.searchParam ?? []) {
    const value = { date: '2026', entity: 'Patient/x' }[name] ?? 'x';
    assert.equal((await get(auditor, `AuditEvent?${name}=${value}`)).status, 200, name);
  }
});
