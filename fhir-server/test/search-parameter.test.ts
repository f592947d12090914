// Search parameters that users define: what is refused, and that a search by them is complete or refused, never less.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FhirResponse } from '@limen/fhir-model';
import pg from 'pg';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

type Json = { [name: string]: unknown };
const system = 'system/*.cruds';

interface Issue {
  readonly code: string;
  readonly details?: { readonly text: string };
  readonly diagnostics: string;
}

const issueOf = (response: FhirResponse): Issue => (json(response)['issue'] as Issue[])[0] as Issue;
const idsOf = (response: FhirResponse): string[] =>
  ((json(response)['entry'] ?? []) as { resource: { id: string } }[]).map((e) => e.resource.id).sort();

const parameter = (id: string, more: Json): Json => ({
  resourceType: 'SearchParameter',
  id,
  url: `http://example.org/${id}`,
  name: 'Example',
  description: 'An example.',
  status: 'active',
  ...more,
});
const eyes = parameter('eyes', {
  code: 'eye-colour',
  base: ['Patient'],
  type: 'token',
  expression: "Patient.extension.where(url = 'http://example.org/eyes').value.ofType(Coding)",
});
const patient = (id: string, colour: string, more: Json = {}): Json => ({
  resourceType: 'Patient',
  id,
  extension: [{ url: 'http://example.org/eyes', valueCoding: { system: 'urn:colour', code: colour } }],
  ...more,
});

function clientOf(server: WriteServer) {
  const client = server.as(system);
  const send = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: Json): Promise<FhirResponse> =>
    client.request({ method, path, ...(body ? { body: body as never } : {}) });
  return {
    send,
    get: (path: string) => send('GET', path),
    put: (body: Json) => send('PUT', `${body['resourceType']}/${body['id']}`, body),
    /** The answer when the parameter is indexed. */
    async found(path: string): Promise<string[]> {
      for (;;) {
        const response = await send('GET', path);
        if (response.status === 200) return idsOf(response);
        assert.equal(response.status, 503, JSON.stringify(response.body));
        await delay(50);
      }
    },
  };
}

describe('under synthetic', () => {
  let server: WriteServer;
  let client: ReturnType<typeof clientOf>;
  let other: pg.Client;
  before(async () => {
    server = await startWriteServer('synthetic');
    client = clientOf(server);
    other = new pg.Client({ connectionString: server.database });
    await other.connect();
    for (const [n, colour] of ['blue', 'brown', 'blue', 'green'].entries())
      assert.equal((await client.put(patient(`p${n}`, colour))).status, 201);
  });
  after(async () => {
    await other?.end();
    await server?.stop();
  });

  test('refused: what this server would search wrongly or not at all', async () => {
    const refused: [Json, RegExp][] = [
      [{ base: ['Resource'] }, /Resource and DomainResource/],
      [{ code: 'gender' }, /R4 has a search parameter/],
      [{ code: '_id' }, /letters, digits and hyphens/],
      [{ code: 'a.b' }, /letters, digits and hyphens/],
      [{ type: 'special' }, /special/],
      [{ expression: undefined }, /needs an expression/],
      [{ expression: 'Patient.name.first()' }, /outside of what this server can search by/],
      [{ expression: 'Patient.name.family +' }, /outside of what this server can search by/],
      [{ expression: 'Patient.nothing' }, /selects no element/],
      [{ expression: 'Observation.code' }, /selects no element/],
      [{ expression: 'Patient.birthDate' }, /no value of the type/],
      [{ expression: `Patient.${'('.repeat(41)}` }, /too long/],
      [{ expression: `Patient${'.extension.value'.repeat(6)}` }, /outside of what|no value/],
      [{ type: 'composite', expression: 'Patient' }, /two components/],
      [
        {
          type: 'composite',
          expression: 'Patient',
          component: [
            { definition: 'http://hl7.org/fhir/SearchParameter/individual-gender', expression: 'gender' },
            { definition: 'http://example.org/eyes', expression: 'active' },
          ],
        },
        /not a search parameter that R4 defines/,
      ],
    ];
    for (const [more, text] of refused) {
      const { expression: given, ...rest } = { ...eyes, ...more } as Json;
      const response = await client.put({ ...rest, ...(given ? { expression: given } : {}) });
      assert.equal(response.status, 422, JSON.stringify(more));
      assert.match(issueOf(response).diagnostics, text);
    }
    assert.equal((await client.get('Patient?eye-colour=blue')).status, 400);
    assert.equal((await client.put({ ...eyes, status: 'draft' })).status, 201);
    assert.equal((await client.get('Patient?eye-colour=blue')).status, 400);
  });

  test('a search is refused until all that is stored is indexed', async () => {
    // A write that began before the parameter was known.
    await other.query('begin');
    await other.query('select pg_current_xact_id()');
    assert.equal((await client.put(eyes)).status, 200);
    for (const search of [
      'Patient?eye-colour=blue',
      'Patient?_sort=eye-colour',
      'Patient?_filter=eye-colour eq blue',
      'Observation?patient.eye-colour=blue',
    ]) {
      const response = await client.get(search);
      assert.equal(response.status, 503, search);
      assert.match(issueOf(response).diagnostics, /still being indexed: 0 of about \d resources/);
      assert.equal(response.headers['retry-after'], '2');
    }
    assert.equal((await client.get('Patient?active:missing=true')).status, 200);
    await other.query('commit');
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), ['p0', 'p2']);
  });

  test('new writes are found at once; sort, modifiers, chains, _has, _filter', async () => {
    await client.put(patient('p4', 'blue'));
    assert.deepEqual(await client.found('Patient?eye-colour=urn:colour|blue'), ['p0', 'p2', 'p4']);
    await client.put(patient('p4', 'green'));
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), ['p0', 'p2']);
    assert.deepEqual(await client.found('Patient?eye-colour:not=blue'), ['p1', 'p3', 'p4']);
    assert.deepEqual(await client.found('Patient?_filter=eye-colour eq green or eye-colour eq brown'), ['p1', 'p3', 'p4']);
    const sorted = json(await client.get('Patient?_sort=-eye-colour,_id'));
    assert.deepEqual(
      (sorted['entry'] as { resource: { id: string } }[]).map((e) => e.resource.id),
      ['p3', 'p4', 'p1', 'p0', 'p2'],
    );
    await client.put({ resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/p1' } });
    assert.deepEqual(await client.found('Observation?patient.eye-colour=brown'), ['o']);
    assert.deepEqual(await client.found('Observation?patient.eye-colour=blue'), []);
  });

  test('a reference: includes, _has, and chains through it', async () => {
    const response = await client.put(
      parameter('second', {
        code: 'second',
        base: ['Observation'],
        type: 'reference',
        target: ['Patient'],
        expression: "Observation.extension('http://example.org/second').value as Reference",
      }),
    );
    assert.equal(response.status, 201);
    const extension = [{ url: 'http://example.org/second', valueReference: { reference: 'Patient/p2' } }];
    await client.put({ resourceType: 'Observation', id: 'two', status: 'final', code: { text: 'x' }, extension });
    assert.deepEqual(await client.found('Observation?second=Patient/p2'), ['two']);
    assert.deepEqual(await client.found('Observation?second:Patient.eye-colour=blue'), ['two']);
    assert.deepEqual(await client.found('Patient?_has:Observation:second:status=final'), ['p2']);
    assert.deepEqual(await client.found('Observation?_id=two&_include=Observation:second'), ['p2', 'two']);
    assert.deepEqual(await client.found('Patient?_id=p2&_revinclude=Observation:second'), ['p2', 'two']);
  });

  test('a composite of R4 parameters leaves the rows of others as they are', async () => {
    const component = [
      { definition: 'http://hl7.org/fhir/SearchParameter/clinical-code', expression: 'code' },
      { definition: 'http://hl7.org/fhir/SearchParameter/Observation-value-quantity', expression: 'value.as(Quantity)' },
    ];
    const made = await client.put(
      parameter('final', {
        code: 'final-value',
        base: ['Observation'],
        type: 'composite',
        expression: "Observation.where(status = 'final')",
        component,
      }),
    );
    assert.equal(made.status, 201, JSON.stringify(made.body));
    for (const [id, status] of [
      ['q1', 'final'],
      ['q2', 'preliminary'],
    ] as const)
      await client.put({ resourceType: 'Observation', id, status, code: { coding: [{ code: 'k' }] }, valueQuantity: { value: 5 } });
    assert.deepEqual(await client.found('Observation?final-value=k$5'), ['q1']);
    assert.deepEqual(await client.found('Observation?code-value-quantity=k$5'), ['q1', 'q2']);
  });

  test('another expression: all is indexed anew; nothing of the old one answers', async () => {
    const changed = { ...eyes, expression: "Patient.extension('http://example.org/other').value.as(Coding)" };
    assert.equal((await client.put(changed)).status, 200);
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), []);
    assert.equal((await client.put(eyes)).status, 200);
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), ['p0', 'p2']);
  });

  test('the CapabilityStatement lists them with their types', async () => {
    const { rest } = (await server.metadata()) as { rest: { resource: { type: string; searchParam: { name: string }[] }[] }[] };
    const listing = rest[0]?.resource.filter((r) => r.searchParam.some((p) => p.name === 'eye-colour')).map((r) => r.type);
    assert.deepEqual(listing, ['Patient']);
  });

  test('a second parameter with the code is refused, not for another type', async () => {
    const twin = await client.put({ ...eyes, id: 'twin' });
    assert.equal(twin.status, 422);
    assert.match(issueOf(twin).diagnostics, /Another active SearchParameter/);
    assert.equal(
      (await client.put({ ...eyes, id: 'twin', base: ['Practitioner'], expression: 'Practitioner.qualification.code' })).status,
      201,
    );
    assert.deepEqual(await client.found('Practitioner?eye-colour=x'), []);
  });

  test('a write that was planned with older parameters is planned again', async () => {
    await other.query('update search_stamp set stamp = stamp + 1');
    assert.equal((await client.put(patient('p5', 'blue'))).status, 201);
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), ['p0', 'p2', 'p5']);
  });

  test('retired or deleted it is unknown', async () => {
    assert.equal((await client.put({ ...eyes, status: 'retired' })).status, 200);
    assert.equal((await client.get('Patient?eye-colour=blue')).status, 400);
    assert.equal((await client.put(eyes)).status, 200);
    assert.deepEqual(await client.found('Patient?eye-colour=blue'), ['p0', 'p2', 'p5']);
    assert.equal((await client.send('DELETE', 'SearchParameter/eyes')).status, 204);
    assert.equal((await client.get('Patient?eye-colour=blue')).status, 400);
    assert.equal((await client.get('Practitioner?eye-colour=x')).status, 200);
  });

  test('_text, _content and an estimated total', async () => {
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Chronic cough</div>' };
    await client.put({ resourceType: 'Basic', id: 'b', code: { text: 'Letter' }, text });
    assert.deepEqual(idsOf(await client.get('Basic?_text=cough')), ['b']);
    assert.deepEqual(idsOf(await client.get('Basic?_content=letter')), ['b']);
    assert.deepEqual(idsOf(await client.get('Basic?_text=letter')), []);
    assert.equal(json(await client.get('Patient?_total=estimate'))['total'], 6);
  });
});

describe('under a policy that removes', () => {
  let server: WriteServer;
  let client: ReturnType<typeof clientOf>;
  before(async () => {
    server = await startWriteServer('date-shift');
    client = clientOf(server);
  });
  after(() => server?.stop());
  const post = (more: Json): Promise<FhirResponse> => {
    const { id: _id, ...body } = parameter('x', more);
    return client.send('POST', 'SearchParameter', body);
  };

  test('refused: elements that are removed, replaced or not foreseen', async () => {
    const refused: [string, string, string][] = [
      ['Patient', 'string', 'Patient.contact.name'],
      ['Patient', 'token', 'Patient.contact.telecom'],
      ['Patient', 'token', 'Patient.contact.gender | Patient.contact.telecom'],
      ['Patient', 'token', "Patient.contact.where(name.family = 'a').gender"],
      ['Patient', 'token', "Patient.extension('http://example.org/eyes').value.as(Coding)"],
      ['Observation', 'token', 'Observation.subject.identifier'],
      ['Practitioner', 'string', 'Practitioner.qualification.code.text'],
    ];
    for (const [base, type, expression] of refused) {
      const response = await post({ code: 'mine', base: [base], type, expression });
      assert.equal(response.status, 422, expression);
      assert.equal(issueOf(response).details?.text, 'removed-by-policy', expression);
    }
    for (const search of ['Patient?_text=a', 'Patient?_content=a']) {
      const response = await client.get(search);
      assert.equal(response.status, 400);
      assert.equal(issueOf(response).details?.text, 'removed-by-policy');
    }
  });

  test('elements that stay are searched', async () => {
    const response = await post({ code: 'interpretation', base: ['Observation'], type: 'token', expression: 'Observation.interpretation' });
    assert.equal(response.status, 201, JSON.stringify(response.body));
    assert.deepEqual(await client.found('Observation?interpretation=H'), []);
    const high = await client.send('POST', 'Observation', {
      resourceType: 'Observation',
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
      interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H' }] }],
    });
    assert.equal(high.status, 201, JSON.stringify(high.body));
    assert.equal((await client.found('Observation?interpretation=H')).length, 1);
    assert.equal((await client.found('Observation?interpretation=L')).length, 0);
  });
});
