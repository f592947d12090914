// The terminology operations on the whole server, under a de-identifying policy: signatures, refusals, answers.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FhirClient, FhirResponse, OperationOutcome, Parameters, Resource } from '@limen/fhir-model';
import { startWriteServer, type WriteServer } from './writeServer.ts';

const own = 'https://own.example';
const secret = 'Quintessa';
const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
type Json = { readonly [name: string]: unknown };

const resources: readonly Json[] = [
  {
    resourceType: 'CodeSystem',
    url: `${own}/answers`,
    version: '1',
    name: 'Answers',
    status: 'active',
    content: 'complete',
    concept: [
      { code: 'yes', display: 'Yes', designation: [{ language: 'de', value: 'Ja' }], concept: [{ code: 'surely', display: 'Surely' }] },
      { code: 'no', display: 'No' },
    ],
  },
  {
    resourceType: 'ValueSet',
    url: `${own}/affirmative`,
    status: 'active',
    compose: { include: [{ system: `${own}/answers`, filter: [isA('yes')] }] },
  },
  {
    resourceType: 'ConceptMap',
    url: `${own}/to-v2`,
    status: 'active',
    sourceUri: `${own}/affirmative`,
    group: [
      {
        source: `${own}/answers`,
        target: 'http://terminology.hl7.org/CodeSystem/v2-0136',
        element: [
          { code: 'yes', target: [{ code: 'Y', equivalence: 'equivalent' }] },
          { code: 'surely', target: [{ code: 'Y', equivalence: 'wider' }] },
        ],
        unmapped: { mode: 'fixed', code: 'N' },
      },
    ],
  },
];
function isA(value: string): Json {
  return { property: 'concept', op: 'is-a', value };
}

describe('terminology operations', () => {
  let server: WriteServer;
  let client: FhirClient;
  const ids = new Map<string, string>();

  const get = (path: string): Promise<FhirResponse> => client.request({ method: 'GET', path });
  const post = (path: string, body: unknown): Promise<FhirResponse> => client.request({ method: 'POST', path, body: body as Resource });
  const parameters = (...parameter: Json[]): Json => ({ resourceType: 'Parameters', parameter });
  /** The values of the answer's parameters, by name; several of a name as a list. */
  function said({ status, body }: FhirResponse): Json {
    assert.equal(status, 200, JSON.stringify(body));
    const entries = ((body as Parameters).parameter ?? []).map(
      ({ name = '', part, ...value }) => [name, part ?? Object.values(value)[0]] as const,
    );
    return Object.fromEntries(entries);
  }
  const codes = ({ status, body }: FhirResponse): unknown => {
    assert.equal(status, 200, JSON.stringify(body));
    return (body as { expansion: { contains?: Json[] } }).expansion.contains?.map(({ code }) => code);
  };
  async function refuses(answer: Promise<FhirResponse>, status: number, code: string): Promise<void> {
    const found = await answer;
    const { issue } = found.body as OperationOutcome;
    assert.deepEqual([found.status, issue[0]?.code], [status, code], JSON.stringify(found.body));
    assert.ok(!JSON.stringify(found.body).includes(secret));
  }

  before(async () => {
    server = await startWriteServer();
    client = server.as('system/*.cruds');
    for (const body of resources) {
      const made = await post(String(body['resourceType']), body);
      assert.equal(made.status, 201, JSON.stringify(made.body));
      ids.set(String(body['url']), (made.body as { id: string }).id);
    }
  });
  after(() => server.stop());

  it('refuse who may not read the type, and take the operation’s own scope', async () => {
    const path = `ValueSet/$expand?url=${gender}`;
    assert.equal((await server.as('system/Patient.rs').request({ method: 'GET', path })).status, 403);
    assert.equal((await server.as('system/ValueSet.r?status=active').request({ method: 'GET', path })).status, 403);
    assert.equal((await server.as('system/$expand').request({ method: 'GET', path })).status, 200);
    assert.equal((await server.as('user/ValueSet.rs').request({ method: 'GET', path })).status, 200);
  });

  it('refuse calls that are none', async () => {
    await refuses(get(`ValueSet/$lookup?url=${gender}`), 404, 'not-supported');
    await refuses(get(`CodeSystem/${ids.get(`${own}/answers`)}/$lookup?code=yes`), 404, 'not-supported');
    await refuses(get('ValueSet/$expand'), 400, 'invalid');
    await refuses(get(`ValueSet/$expand?url=${gender}&nickname=${secret}`), 400, 'invalid');
    await refuses(get(`ValueSet/$expand?url=${gender}&date=2024-01-01`), 422, 'not-supported');
    await refuses(get(`ValueSet/$expand?url=${gender}&count=${secret}`), 400, 'invalid');
    await refuses(get(`ValueSet/$expand?url=${gender}&url=${secret}`), 400, 'invalid');
    await refuses(post('ValueSet/$expand', { resourceType: 'Patient' }), 400, 'invalid');
    await refuses(post('ValueSet/$expand', parameters({ name: 'url', valueUri: gender, valueString: 'x' })), 400, 'structure');
    await refuses(
      client.request({ method: 'PUT', path: 'ValueSet/$expand', body: parameters() as unknown as Resource }),
      405,
      'not-supported',
    );
    await refuses(get('ValueSet/none/$expand'), 404, 'not-found');
  });

  it('refuse what is not known, and too much', async () => {
    await refuses(get(`ValueSet/$expand?url=${own}/${secret}`), 404, 'not-found');
    await refuses(get(`CodeSystem/$lookup?system=${own}/${secret}&code=x`), 404, 'not-found');
    await refuses(get(`CodeSystem/$lookup?system=${own}/answers&code=${secret}`), 404, 'not-found');
    await refuses(get(`CodeSystem/$lookup?system=${own}/answers&version=9&code=yes`), 404, 'not-found');
    await refuses(get(`CodeSystem/$subsumes?system=${own}/answers&codeA=yes&codeB=${secret}`), 404, 'not-found');
    await refuses(get(`ConceptMap/$translate?url=${own}/${secret}&system=${own}&code=x`), 404, 'not-found');
    await refuses(get('ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/mimetypes'), 422, 'too-costly');
  });

  it('$expand: by url, instance, Parameters and value set', async () => {
    assert.deepEqual(codes(await get(`ValueSet/$expand?url=${gender}`)), ['male', 'female', 'other', 'unknown']);
    assert.deepEqual(codes(await get(`ValueSet/${ids.get(`${own}/affirmative`)}/$expand`)), ['yes', 'surely']);
    assert.deepEqual(
      codes(await post('ValueSet/$expand', parameters({ name: 'url', valueUri: gender }, { name: 'filter', valueString: 'male' }))),
      ['male', 'female'],
    );
    const inline = resources[1];
    assert.deepEqual(codes(await post('ValueSet/$expand?count=1', inline)), ['yes']);
    assert.deepEqual(codes(await post('ValueSet/$expand', parameters({ name: 'valueSet', resource: inline }))), ['yes', 'surely']);
  });

  it('$expand: says what it used, and speaks other languages', async () => {
    const { body } = await get(`ValueSet/$expand?url=${own}/affirmative&displayLanguage=de&includeDesignations=true&count=1`);
    const { compose, expansion } = body as unknown as { compose?: Json; expansion: Json & { contains: Json[]; parameter: Json[] } };
    assert.equal(compose, undefined);
    assert.equal(expansion['total'], 2);
    assert.match(String(expansion['identifier']), /^urn:uuid:/);
    assert.deepEqual(expansion.contains, [
      { system: `${own}/answers`, version: '1', code: 'yes', display: 'Ja', designation: [{ language: 'de', value: 'Ja' }] },
    ]);
    assert.ok(expansion.parameter.some(({ name, valueUri }) => name === 'version' && valueUri === `${own}/answers|1`));
    assert.equal((await post('ValueSet/$validate', body)).status, 200);
  });

  it('$validate-code in a value set', async () => {
    const path = `ValueSet/$validate-code?url=${own}/affirmative`;
    assert.deepEqual(said(await get(`${path}&system=${own}/answers&code=surely`)), { result: true, display: 'Surely' });
    assert.equal(said(await get(`${path}&system=${own}/answers&code=no`))['result'], false);
    assert.equal(said(await get(`${path}&system=${own}/answers&code=yes&display=JA`))['result'], true);
    const wrong = await get(`${path}&system=${own}/answers&code=yes&display=${secret}`);
    assert.deepEqual(said(wrong), { result: false, message: 'The display is none of the code.', display: 'Yes' });
    const coding = (code: string): Json => ({ system: `${own}/answers`, code });
    const concept = { name: 'codeableConcept', valueCodeableConcept: { coding: [coding('no'), coding('yes')] } };
    assert.equal(said(await post(`ValueSet/${ids.get(`${own}/affirmative`)}/$validate-code`, parameters(concept)))['result'], true);
    await refuses(
      get('ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/observation-vitalsignresult&system=http://loinc.org&code=1'),
      422,
      'not-found',
    );
    await refuses(get(path), 400, 'invalid');
  });

  it('$validate-code in a code system', async () => {
    assert.equal(said(await get(`CodeSystem/$validate-code?url=${own}/answers&code=no`))['result'], true);
    assert.equal(said(await get(`CodeSystem/$validate-code?url=${own}/answers&code=${secret}`))['result'], false);
    assert.equal(said(await get('CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mg/dL'))['result'], true);
    assert.equal(said(await get(`CodeSystem/${ids.get(`${own}/answers`)}/$validate-code?code=yes`))['result'], true);
    const abstract = 'CodeSystem/$validate-code?url=http://terminology.hl7.org/CodeSystem/v3-ActCode&code=_ActAccountCode';
    assert.equal(said(await get(abstract))['result'], false);
    assert.equal(said(await get(`${abstract}&abstract=true`))['result'], true);
  });

  it('$lookup', async () => {
    const found = await get(`CodeSystem/$lookup?system=${own}/answers&code=yes`);
    const { name, version, display } = said(found);
    assert.deepEqual([name, version, display], ['Answers', '1', 'Yes']);
    const properties = ((found.body as Parameters).parameter ?? [])
      .filter((each) => each.name === 'property')
      .map(({ part }) => [part?.[0]?.valueCode, part?.[1]?.valueCode ?? part?.[1]?.valueBoolean]);
    assert.deepEqual(properties, [
      ['inactive', false],
      ['child', 'surely'],
    ]);
    assert.equal(said(await get(`CodeSystem/$lookup?system=${own}/answers&code=yes&displayLanguage=de`))['display'], 'Ja');
    const coding = { name: 'coding', valueCoding: { system: 'http://hl7.org/fhir/administrative-gender', code: 'male' } };
    assert.equal(
      said(await post('CodeSystem/$lookup', parameters(coding, { name: 'property', valueCode: 'none' })))['property'],
      undefined,
    );
  });

  it('$subsumes', async () => {
    const ask = async (codeA: string, codeB: string): Promise<unknown> =>
      said(await get(`CodeSystem/$subsumes?system=${own}/answers&codeA=${codeA}&codeB=${codeB}`))['outcome'];
    assert.equal(await ask('yes', 'surely'), 'subsumes');
    assert.equal(await ask('surely', 'yes'), 'subsumed-by');
    assert.equal(await ask('yes', 'yes'), 'equivalent');
    assert.equal(await ask('no', 'surely'), 'not-subsumed');
    const path = `CodeSystem/${ids.get(`${own}/answers`)}/$subsumes?codeA=yes&codeB=surely`;
    assert.equal(said(await get(path))['outcome'], 'subsumes');
    const other = parameters(
      { name: 'codingA', valueCoding: { system: own, code: 'yes' } },
      { name: 'codingB', valueCoding: { system: `${own}/answers`, code: 'no' } },
    );
    await refuses(post('CodeSystem/$subsumes', other), 400, 'invalid');
  });

  it('$translate: by map, by system, in reverse', async () => {
    const v2 = 'http://terminology.hl7.org/CodeSystem/v2-0136';
    const match = (answer: FhirResponse): unknown =>
      ((answer.body as Parameters).parameter ?? [])
        .filter(({ name }) => name === 'match')
        .map(({ part }) => [part?.[0]?.valueCode, part?.[1]?.valueCoding?.code]);
    for (const path of [
      `ConceptMap/$translate?url=${own}/to-v2&system=${own}/answers&code=surely`,
      `ConceptMap/$translate?system=${own}/answers&code=surely&targetsystem=${v2}`,
      `ConceptMap/$translate?system=${own}/answers&code=surely&source=${own}/affirmative`,
      `ConceptMap/${ids.get(`${own}/to-v2`)}/$translate?system=${own}/answers&code=surely`,
    ]) {
      const answer = await get(path);
      assert.equal(said(answer)['result'], true, path);
      assert.deepEqual(match(answer), [['wider', 'Y']], path);
    }
    assert.deepEqual(match(await get(`ConceptMap/$translate?url=${own}/to-v2&system=${own}/answers&code=no`)), [['inexact', 'N']]);
    assert.deepEqual(match(await get(`ConceptMap/$translate?url=${own}/to-v2&system=${v2}&code=Y&reverse=true`)), [
      ['equivalent', 'yes'],
      ['narrower', 'surely'],
    ]);
    assert.equal(said(await get(`ConceptMap/$translate?system=${own}/nothing&code=${secret}`))['result'], false);
    const r4 = await get('ConceptMap/$translate?system=http://hl7.org/fhir/administrative-gender&code=male');
    assert.deepEqual(match(r4), [
      ['equal', 'M'],
      ['equal', 'M'],
    ]);
  });

  it('search :in and :below use the same codes', async () => {
    assert.equal(
      (
        await post('Observation', {
          resourceType: 'Observation',
          status: 'final',
          code: { coding: [{ system: `${own}/answers`, code: 'surely' }] },
        })
      ).status,
      201,
    );
    const found = async (query: string): Promise<unknown> =>
      ((await get(`Observation?${query}&_total=accurate`)).body as { total?: number }).total;
    assert.equal(await found(`code:below=${own}/answers|yes`), 1);
    assert.equal(await found(`code:below=${own}/answers|no`), 0);
    assert.equal(await found(`code:in=${own}/affirmative`), 1);
    assert.equal(await found(`code:not-in=${own}/affirmative`), 0);
  });

  it('a changed code system counts at once', async () => {
    const id = ids.get(`${own}/answers`);
    const changed = { ...resources[0], id, concept: [{ code: 'yes', display: 'Yes' }] };
    assert.equal((await client.request({ method: 'PUT', path: `CodeSystem/${id}`, body: changed as unknown as Resource })).status, 200);
    assert.deepEqual(codes(await get(`ValueSet/$expand?url=${own}/affirmative`)), ['yes']);
  });
});
