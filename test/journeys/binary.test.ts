// https://hl7.org/fhir/R4/binary.html#rest over HTTP: content in its own type, as it came; under a de-identifying policy there is none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { assertRefused, type Rest, rest } from '../rest-client.ts';

let product: Product;
let fhir: Rest;
const bytes = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 0xff, 0x0a, 0x0d]);
const pdf = { 'content-type': 'application/pdf' };

async function fetched(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${product.fhirBase}/${path}`, { headers: { authorization: `Bearer ${await product.backendToken()}`, ...headers } });
}
const contentOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe('under synthetic', () => {
  before(async () => {
    product = await startProduct({ policy: 'synthetic' });
    fhir = rest(product);
  });
  after(() => product?.stop());

  async function made(headers: Record<string, string> = pdf): Promise<string> {
    const answer = await fhir('Binary', { body: bytes, headers });
    assert.equal(answer.status, 201, answer.text);
    return `Binary/${answer.json['id']}`;
  }

  test('content for anything but a Binary is 415, and so is a type that is none', async () => {
    assertRefused(await fhir('Patient', { body: bytes, headers: pdf }), 415);
    assertRefused(await fhir('Patient/_search', { body: bytes, headers: pdf }), 415);
    assertRefused(await fhir('Binary/$validate', { body: bytes, headers: pdf }), 415);
    assertRefused(await fhir('Binary', { body: bytes, headers: { 'content-type': 'application/p<d>f' } }), 415);
  });

  test('content comes back as it was sent, by read and by version, also to who takes anything', async () => {
    const url = await made();
    for (const [path, accept] of [
      [url, 'application/pdf'],
      [url, '*/*'],
      [`${url}/_history/1`, 'image/png, application/pdf'],
    ] as const) {
      const response = await fetched(path, { accept });
      assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/pdf'], accept);
      assert.deepEqual(await contentOf(response), bytes);
    }
    const { headers } = await fetched(url, { accept: 'application/pdf' });
    assert.deepEqual([headers.get('etag'), headers.get('content-disposition')], ['W/"1"', 'attachment']);
    assert.match(headers.get('content-security-policy') ?? '', /sandbox/);
    assert.match(headers.get('vary') ?? '', /Accept/);
  });

  test('a format of FHIR that is asked for by its name gives the resource', async () => {
    const url = await made();
    const json = (await fhir(url, { headers: { accept: 'application/fhir+json' } })).json;
    assert.deepEqual([json['resourceType'], json['contentType'], json['data']], ['Binary', 'application/pdf', bytes.toString('base64')]);
    for (const [path, accept] of [
      [url, 'application/fhir+xml'],
      [`${url}?_format=xml`, 'application/pdf'],
    ] as const) {
      const response = await fetched(path, { accept });
      assert.match(await response.text(), /<Binary xmlns/, accept);
    }
    assert.equal(((await (await fetched(`${url}?_elements=contentType`)).json()) as { data?: string }).data, undefined);
  });

  test('an update replaces it, with its precondition; what the client has is 304', async () => {
    const url = await made();
    const put = (etag: string) =>
      fhir(url, { method: 'PUT', body: Buffer.from('text'), headers: { 'content-type': 'text/plain; charset=utf-8', 'if-match': etag } });
    assertRefused(await put('W/"2"'), 412);
    assert.equal((await put('W/"1"')).status, 200);
    const response = await fetched(url, { accept: 'text/plain' });
    assert.deepEqual([response.headers.get('content-type'), String(await contentOf(response))], ['text/plain; charset=utf-8', 'text']);
    assert.equal((await fetched(url, { accept: 'text/plain', 'if-none-match': 'W/"2"' })).status, 304);
  });

  test('X-Security-Context goes in and out', async () => {
    const patient = await fhir('Patient', { body: { resourceType: 'Patient' } });
    const context = `Patient/${patient.json['id']}`;
    const url = await made({ ...pdf, 'x-security-context': context });
    assert.equal((await fetched(url, { accept: 'application/pdf' })).headers.get('x-security-context'), context);
  });

  test('who may not read gets no content either', async () => {
    const url = await made();
    assert.equal((await fetch(`${product.fhirBase}/${url}`, { headers: { accept: 'application/pdf' } })).status, 401);
    assertRefused(await fhir('Binary/none', { headers: { accept: 'application/pdf' } }), 404);
  });
});

describe('under date-shift', () => {
  before(async () => {
    product = await startProduct();
    fhir = rest(product);
  });
  after(() => product?.stop());

  test('content is refused: nothing is stored without being said', async () => {
    const outcome = assertRefused(await fhir('Binary', { body: bytes, headers: pdf }), 422, 'business-rule');
    assert.match(outcome.issue[0]?.diagnostics ?? '', /keeps no content/);
  });

  test('a resource loses its content at the door; who takes nothing but content gets 406', async () => {
    const answer = await fhir('Binary', {
      body: { resourceType: 'Binary', contentType: 'application/pdf', data: bytes.toString('base64') },
    });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.json['data'], undefined);
    const url = `Binary/${answer.json['id']}`;
    assertRefused(await fhir(url, { headers: { accept: 'application/pdf' } }), 406);
    assert.equal((await fhir(url, { headers: { accept: '*/*' } })).json['contentType'], 'application/pdf');
  });
});
