// Input that means harm: expressions that never end, names of prototypes, bombs of depth, size and compression, page links that were changed.
// Each is refused with a clear answer, and the process is well afterwards.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { type Product, startProduct } from '../product.ts';
import { type Answer, ask, assertRefused, entriesOf, list, type Rest, rest } from '../rest-client.ts';
import { assertWell, vitalSigns } from './vital-signs.ts';

let product: Product;
let fhir: Rest;
const ids: string[] = [];
const family = `${'a'.repeat(60)}!`;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  for (let n = 0; n < 6; n += 1) {
    const made = await fhir('Patient', { body: { resourceType: 'Patient', gender: 'female', birthDate: `197${n}-01-01` } });
    assert.equal(made.status, 201, made.text);
    ids.push(String(made.json['id']));
  }
  const organization = { resourceType: 'Organization', name: family, identifier: [{ system: 'urn:x', value: family }] };
  assert.equal((await fhir('Organization', { body: organization })).status, 201);
});
after(() => product?.stop());

type Attack = readonly [name: string, send: () => Promise<Answer>, expected: readonly number[]];

/** Each attack, its answer, and how the process is afterwards. */
async function survives(context: TestContext, attacks: readonly Attack[]): Promise<void> {
  await vitalSigns(product);
  const wrong: string[] = [];
  for (const [name, send, expected] of attacks) {
    const beganMs = performance.now();
    const answer = await send();
    const tookMs = Math.round(performance.now() - beganMs);
    if (!expected.includes(answer.status)) wrong.push(`${name}: ${answer.status} ${answer.text.slice(0, 300)}`);
    else if (answer.status >= 400) assertRefused(answer, answer.status);
    await assertWell(product, `${name} (${answer.status} after ${tookMs} ms)`, (line) => context.diagnostic(line));
  }
  assert.deepEqual(wrong, []);
}

const form = (target: string, body: string): Promise<Answer> =>
  fhir(target, { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
const jsonPatch = (body: unknown): Promise<Answer> =>
  fhir(`Patient/${ids[0]}`, {
    method: 'PATCH',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json-patch+json' },
  });
const fhirPathPatch = (path: string): Promise<Answer> =>
  fhir(`Patient/${ids[0]}`, {
    method: 'PATCH',
    body: {
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'delete' },
            { name: 'path', valueString: path },
          ],
        },
      ],
    },
  });
const view = (path: string, where?: string): Promise<Answer> =>
  fhir('$viewdefinition-run', {
    body: {
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'viewResource',
          resource: {
            resourceType: 'ViewDefinition',
            resource: 'Organization',
            status: 'active',
            select: [{ column: [{ name: 'x', path }] }],
            ...(where ? { where: [{ path: where }] } : {}),
          },
        },
      ],
    },
  });
const graphQl = (query: string): Promise<Answer> =>
  fhir('$graphql', { body: JSON.stringify({ query }), headers: { 'content-type': 'application/json' } });

describe('expressions that never end', () => {
  test('in a FHIRPath Patch', (context) =>
    survives(context, [
      ['matches', () => fhirPathPatch(`Patient.name.where(family.matches('^(a+)+$'))`), [400]],
      ['replaceMatches', () => fhirPathPatch(`Patient.name.where(family.replaceMatches('(a+)+$', 'b') = 'b')`), [400]],
      ['repeat', () => fhirPathPatch('Patient.repeat($this)'), [400]],
      ['parentheses', () => fhirPathPatch(`${'('.repeat(240)}Patient${')'.repeat(240)}`), [400, 422]],
      ['5,000 parentheses', () => fhirPathPatch(`${'('.repeat(5000)}Patient${')'.repeat(5000)}`), [400]],
      ['descending', () => fhirPathPatch(`Patient.where(${'Patient.where('.repeat(30)}true${')'.repeat(30)})`), [400, 422]],
    ]));

  test('in a ViewDefinition', (context) =>
    survives(context, [
      ['matches', () => view(`'${family}'.matches('^(a+)+$')`), [422]],
      ['in the condition', () => view('id', `'${family}'.matches('^(a|aa)+$')`), [422]],
      ['repeat', () => view(`name.repeat($this & 'x').count()`), [422]],
      [
        'a combination that doubles',
        () => view(`name${'.combine(name)'.repeat(12)}.combine($this)${'.select($this.combine($this))'.repeat(30)}.count()`),
        [422],
      ],
      ['5,000 parentheses', () => view(`${'('.repeat(5000)}id${')'.repeat(5000)}`), [422]],
    ]));

  test('in GraphQL', (context) =>
    survives(context, [
      [
        'matches',
        () =>
          graphQl(
            `{ Organization(id: "x") { id name @include(if: true) } OrganizationList(name: "a") { identifier(fhirpath: "value.matches('^(a+)+$')") { value } } }`,
          ),
        [200, 400, 404, 422],
      ],
      ['depth', () => graphQl(`${'{ PatientList '.repeat(2000)}{ id }${'}'.repeat(2000)}`), [400, 422]],
      ['width', () => graphQl(`{ ${Array.from({ length: 20_000 }, (_, n) => `a${n}: PatientList { id }`).join(' ')} }`), [400, 422]],
      [
        'fragments in a circle',
        () => graphQl('{ PatientList { ...a } } fragment a on Patient { ...b } fragment b on Patient { ...a }'),
        [400, 422],
      ],
    ]));

  test('in searches', (context) =>
    survives(context, [
      ['a pattern for a value', () => fhir(`Organization?name:contains=${encodeURIComponent('(a+)+$'.repeat(50))}`), [200, 400]],
      ['_filter with parentheses', () => form('Patient/_search', `_filter=${encodeURIComponent('('.repeat(100_000))}`), [400, 413]],
      [
        '_filter with quotes',
        () => form('Patient/_search', `_filter=${encodeURIComponent(`gender eq "${'\\'.repeat(50_000)}`)}`),
        [400, 413],
      ],
      [
        '_filter of many terms',
        () =>
          form('Patient/_search', `_filter=${encodeURIComponent(Array.from({ length: 5000 }, () => 'gender eq female').join(' and '))}`),
        [400, 413],
      ],
      ['10,000 values', () => form('Patient/_search', `_id=${Array.from({ length: 10_000 }, (_, n) => `a${n}`).join(',')}`), [400, 413]],
      ['50,000 parameters', () => form('Patient/_search', Array.from({ length: 50_000 }, () => 'gender=female').join('&')), [400, 413]],
      [
        'a chain of 20',
        () => fhir(`Observation?${'subject:Patient.general-practitioner:Organization.partof:Organization.'.repeat(7)}name=x`),
        [400],
      ],
      ['a form of 20 MB', () => form('Patient/_search', `gender=${'a'.repeat(20 * 1024 * 1024)}`), [400, 413]],
      ['_count beyond all', () => fhir('Patient?_count=1000000000'), [200, 400]],
      ['%00', () => fhir('Organization?name=%00'), [200, 400]],
      ['half a surrogate', () => fhir('Organization?name=%ED%A0%80'), [200, 400]],
      ['_include of everything, again and again', () => fhir('Patient?_include:iterate=*&_revinclude=*&_revinclude:iterate=*'), [200, 400]],
      ['dates without end', () => fhir('Patient?birthdate=99999999999-99-99'), [400]],
      ['a number without end', () => fhir(`Observation?value-quantity=${'9'.repeat(5000)}`), [200, 400]],
      ['an exponent', () => fhir('Observation?value-quantity=1e999999999'), [200, 400]],
    ]));
});

describe('names of prototypes', () => {
  const body = (key: string): string => `{"resourceType":"Patient","${key}":{"isAdmin":true,"toString":"x"}}`;
  test('as properties, pointers, paths, parameters, types', async (context) => {
    const wrong = [400, 404, 422];
    await survives(context, [
      ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '\\u005f_proto__'].map(
        (key): Attack => [`property ${key}`, () => fhir('Patient', { body: body(key) }), [400, 422]],
      ),
      ['nested', () => fhir('Patient', { body: '{"resourceType":"Patient","contact":[{"__proto__":{"x":1}}]}' }), [400, 422]],
      [
        'extension',
        () => fhir('Patient', { body: '{"resourceType":"Patient","extension":[{"url":"urn:a","constructor":{"prototype":{"x":1}}}]}' }),
        [400, 422],
      ],
      ['pointer __proto__', () => jsonPatch([{ op: 'add', path: '/__proto__/isAdmin', value: true }]), wrong],
      ['pointer constructor', () => jsonPatch([{ op: 'add', path: '/constructor/prototype/isAdmin', value: true }]), wrong],
      ['pointer to the whole', () => jsonPatch('[{"op":"add","path":"/__proto__","value":{"isAdmin":true}}]'), wrong],
      ['FHIRPath', () => fhirPathPatch('Patient.__proto__.isAdmin'), wrong.concat(200)],
      ['FHIRPath constructor', () => fhirPathPatch('Patient.constructor.prototype'), wrong.concat(200)],
      ['column', () => view('constructor.constructor'), [200, 422]],
      ['parameter', () => fhir('Patient?__proto__=x'), [400]],
      ['parameter constructor', () => fhir('Patient?constructor=x'), [400]],
      ['parameter with a modifier', () => fhir('Patient?__proto__:exact=x&constructor:missing=true'), [400]],
      ['chain', () => fhir('Observation?subject:constructor.__proto__=x'), [400]],
      ['_has', () => fhir('Patient?_has:constructor:__proto__:x=x'), [400]],
      ['_filter', () => fhir(`Patient?_filter=${encodeURIComponent('gender constructor female')}`), [400]],
      ['_filter of a parameter', () => fhir(`Patient?_filter=${encodeURIComponent('__proto__ eq female')}`), [400]],
      ['_type', () => fhir('?_type=constructor'), [400]],
      ['sort', () => fhir('Patient?_sort=__proto__'), [400]],
      ['include', () => fhir('Patient?_include=Patient:__proto__'), [400]],
      ['modifier', () => fhir('Patient?gender:constructor=x'), [400]],
      ['_elements', () => fhir('Patient?_elements=__proto__,constructor'), [200, 400]],
      ['type', () => fhir('__proto__'), [404]],
      ['type constructor', () => fhir('constructor/1'), [404]],
      ['operation', () => fhir('$__proto__', { body: '{}' }), [400, 404]],
      ['operation of a type', () => fhir('Patient/$constructor', { body: '{}' }), [400, 404]],
      [
        'reference',
        () =>
          fhir('Observation', {
            body: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: '__proto__/1' } },
          }),
        [400, 422],
      ],
      ['resourceType', () => fhir('', { body: '{"resourceType":"__proto__"}' }), [400, 422]],
      [
        'XML element',
        () =>
          fhir('Patient', {
            body: '<Patient xmlns="http://hl7.org/fhir"><__proto__ value="x"/></Patient>',
            headers: { 'content-type': 'application/fhir+xml' },
          }),
        [400, 422],
      ],
      ['GraphQL', () => graphQl('{ __proto__ { constructor } }'), [200, 400, 422]],
    ]);
    const read = await fhir(`Patient/${ids[0]}`);
    assert.doesNotMatch(read.text, /isAdmin/);
  });
});

describe('bombs', () => {
  const nested = (open: string, close: string, times: number): string => open.repeat(times) + close.repeat(times);
  const gzip = (bytes: Buffer | string): Promise<Answer> =>
    fhir('Patient', { body: gzipSync(bytes), headers: { 'content-encoding': 'gzip' } });
  const xml = (body: string): Promise<Answer> => fhir('Patient', { body, headers: { 'content-type': 'application/fhir+xml' } });

  test('of depth', (context) =>
    survives(context, [
      ['a million lists', () => fhir('Patient', { body: nested('[', ']', 1_000_000) }), [400]],
      ['a million objects', () => fhir('Patient', { body: `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}` }), [400]],
      ['a million open brackets in a patch', () => jsonPatch('['.repeat(1_000_000)), [400]],
      [
        'XML elements',
        () => xml(`<Patient xmlns="http://hl7.org/fhir">${nested('<extension url="a">', '</extension>', 100_000)}</Patient>`),
        [400],
      ],
      [
        'a narrative',
        () =>
          xml(
            `<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">${nested('<b>', '</b>', 100_000)}</div></text></Patient>`,
          ),
        [400],
      ],
      [
        'a narrative in JSON',
        () =>
          fhir('Patient', {
            body: {
              resourceType: 'Patient',
              text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${nested('<b>', '</b>', 100_000)}</div>` },
            },
          }),
        [400, 422],
      ],
      [
        'contained in contained',
        () => fhir('Patient', { body: `${'{"resourceType":"Patient","contained":['.repeat(30)}${']}'.repeat(30)}` }),
        [400, 422],
      ],
    ]));

  test('of size', (context) =>
    survives(context, [
      [
        'one property of 30 MB',
        () => fhir('Patient', { body: { resourceType: 'Patient', gender: 'a'.repeat(30 * 1024 * 1024) } }),
        [400, 413, 422],
      ],
      [
        'a million numbers',
        () => fhir('Patient', { body: `{"resourceType":"Patient","x":[${'1,'.repeat(1_000_000)}1]}` }),
        [400, 413, 422],
      ],
      [
        'a number of a million digits',
        () =>
          fhir('Observation', {
            body: `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${'9'.repeat(1_000_000)}}}`,
          }),
        [400, 413, 422],
      ],
      [
        '20,000 entries',
        () =>
          fhir('', {
            body: `{"resourceType":"Bundle","type":"transaction","entry":[${Array.from({ length: 20_000 }, () => '{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}}').join(',')}]}`,
          }),
        [400, 413, 422],
      ],
      [
        '10,000 attributes',
        () => xml(`<Patient xmlns="http://hl7.org/fhir" ${Array.from({ length: 10_000 }, (_, n) => `a${n}="b"`).join(' ')}/>`),
        [400],
      ],
      [
        'entities',
        () =>
          xml(
            `<!DOCTYPE x [${Array.from({ length: 9 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')}]><Patient xmlns="http://hl7.org/fhir"><id value="&e9;"/></Patient>`,
          ),
        [400],
      ],
      [
        '5,000 operations of a patch',
        () => jsonPatch(Array.from({ length: 5000 }, () => ({ op: 'copy', from: '', path: '/contained' }))),
        [400, 422],
      ],
      [
        'copies that double',
        () =>
          jsonPatch([
            { op: 'add', path: '/extension', value: [{ url: 'a' }] },
            ...Array.from({ length: 30 }, () => ({ op: 'copy', from: '/extension', path: '/extension/0/extension' })),
          ]),
        [400, 422],
      ],
    ]));

  test('of compression', (context) =>
    survives(context, [
      ['200 MB of zeros in gzip', () => gzip(Buffer.alloc(200 * 1024 * 1024)), [413]],
      ['gzip in gzip', () => gzip(gzipSync(Buffer.alloc(50 * 1024 * 1024))), [400, 413]],
      [
        'half of a gzip',
        () =>
          gzip('x').then(() =>
            fhir('Patient', { body: gzipSync('{"resourceType":"Patient"}').subarray(0, 20), headers: { 'content-encoding': 'gzip' } }),
          ),
        [400],
      ],
      ['depth in gzip', () => gzip(nested('[', ']', 5_000_000)), [400]],
      [
        'brotli',
        () => fhir('Patient', { body: brotliCompressSync(Buffer.alloc(1024 * 1024)), headers: { 'content-encoding': 'br' } }),
        [415],
      ],
      ['gzip, gzip', () => fhir('Patient', { body: gzipSync(gzipSync('{}')), headers: { 'content-encoding': 'gzip, gzip' } }), [415]],
    ]));

  test('a length that is announced and never comes', async (context) => {
    const socket = connect(new URL(product.origin).port as unknown as number, '127.0.0.1');
    socket.write(
      `POST /fhir/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await product.backendToken()}\r\ncontent-type: application/fhir+json\r\ncontent-length: 5368709120\r\n\r\n{`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
    socket.destroy();
    await assertWell(product, '5 GB announced', (line) => context.diagnostic(line));
  });
});

describe('page links that were changed', () => {
  async function nextOf(query: string, token?: string): Promise<URL> {
    const answer = await fhir(query, token === undefined ? {} : { token });
    assert.equal(answer.status, 200, answer.text);
    const next = list(answer.json['link']).find((link) => String(link['relation']) === 'next');
    assert.ok(next, `no second page of ${query}`);
    return new URL(String(next['url']));
  }
  const cursorOf = (url: URL): string => url.searchParams.get('_cursor') ?? '';

  test('another bit, another length, another query, another order, another type, history: 400; another size of page: its page', async () => {
    const next = await nextOf('Patient?gender=female&_sort=birthdate&_count=2');
    const cursor = cursorOf(next);
    const flipped = `${cursor.slice(0, -2)}${cursor.at(-2) === 'A' ? 'B' : 'A'}${cursor.at(-1)}`;
    for (const wrong of [flipped, cursor.slice(0, 20), cursor.slice(4), `${cursor}AAAA`, 'A'.repeat(10_000), '', '%00'])
      assertRefused(await fhir(`Patient?gender=female&_sort=birthdate&_count=2&_cursor=${wrong}`), 400);
    for (const other of [
      'Patient?gender=male&_sort=birthdate',
      'Patient?_sort=birthdate',
      'Patient?gender=female&_sort=-birthdate',
      'Patient?gender=female&_sort=_lastUpdated',
      'Patient?gender=female',
      'Organization?_sort=name',
      'Patient/_history?',
      `Patient/${ids[0]}/_history?`,
      '_history?',
      '?_type=Patient',
      `Patient/${ids[0]}/$everything?`,
    ])
      assertRefused(await fhir(`${other}&_cursor=${cursor}`), 400);
    assert.equal(entriesOf(await fhir(next.href)).length, 2);
    next.searchParams.set('_count', '1');
    assert.equal(entriesOf(await fhir(next.href)).length, 1);
  });

  test('the same client with another token goes on', async () => {
    const next = await nextOf('Patient?_count=2');
    const answer = await ask(`${product.origin}/oauth/token`, {
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.rs' }).toString(),
      headers: {
        authorization: `Basic ${Buffer.from(`${product.credentials.backendClient.client_id}:${product.credentials.backendClient.client_secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    assert.equal((await fhir(next.href, { token: String(answer.json['access_token']) })).status, 200);
  });
});

test('no answer of this file was a bug', () => {
  assert.doesNotMatch(product.stdout() + product.stderr(), /"event":"bug"/);
});
