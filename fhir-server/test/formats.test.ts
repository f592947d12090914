// Content negotiation, bodies in both formats, compressed answers and bodies: on a small app of the same parts, without a store.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { OperationOutcomeError } from '@limen/fhir-model';
import Fastify from 'fastify';
import { compressAnswers, preferredEncoding, unpackBodies } from '../src/http/encodings.ts';
import { negotiate, parseFhirBodies, rendered } from '../src/http/formats.ts';
import { mountApp } from '../src/http/static-app.ts';

const kindOf = (accept: string | undefined, query = ''): string => negotiate(new URLSearchParams(query), accept).kind;
const patient = '{"resourceType":"Patient","id":"p","multipleBirthInteger":1}';
const patientXml = '<Patient xmlns="http://hl7.org/fhir"><id value="p"/><multipleBirthInteger value="1"/></Patient>';

describe('the format of the answer', () => {
  const refused = [
    'text/html',
    'image/png, text/*',
    'application/fhir+json;q=0',
    'application/fhir+json; fhirVersion=3.0',
    'xml',
    'application/pdf;q=1, application/xml;q=0',
  ];
  for (const accept of refused) {
    test(`406: ${accept}`, () =>
      assert.throws(
        () => kindOf(accept),
        (error) => error instanceof OperationOutcomeError && error.status === 406,
      ));
  }
  for (const format of ['html', 'application/pdf', 'application/fhir+json;fhirVersion=5.0', 'constructor']) {
    test(`406: _format=${format}`, () =>
      assert.throws(
        () => kindOf(undefined, new URLSearchParams({ _format: format }).toString()),
        (error) => error instanceof OperationOutcomeError && error.status === 406 && !JSON.stringify(error.outcome).includes(format),
      ));
  }

  const cases: readonly (readonly [accept: string | undefined, query: string, kind: string])[] = [
    [undefined, '', 'json'],
    ['*/*', '', 'json'],
    ['application/*', '', 'json'],
    ['application/fhir+xml', '', 'xml'],
    ['TEXT/XML', '', 'xml'],
    ['application/xml', '', 'xml'],
    ['application/json; charset=utf-8', '', 'json'],
    ['application/fhir+json;fhirVersion="4.0"', '', 'json'],
    ['application/fhir+xml;q=0.5, application/fhir+json;q=0.4', '', 'xml'],
    ['application/fhir+xml;q=0.4, application/fhir+json;q=0.5', '', 'json'],
    ['application/fhir+xml, application/fhir+json', '', 'xml'],
    ['application/fhir+json, application/fhir+xml', '', 'json'],
    ['*/*, application/fhir+xml', '', 'xml'],
    ['application/fhir+json;q=0, */*', '', 'xml'],
    ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', '', 'xml'],
    ['text/html, */*;q=0.1', '', 'json'],
    ['application/fhir+xml', '_format=json', 'json'],
    ['text/html', '_format=xml', 'xml'],
    [undefined, '_format=application/fhir+xml', 'xml'],
    [undefined, '_format=application%2Ffhir%2Bxml', 'xml'],
    [undefined, '_format=text/xml', 'xml'],
    [undefined, '_format=application/fhir%2Bxml;charset=utf-8', 'xml'],
  ];
  for (const [accept, query, kind] of cases) test(`${kind}: ${accept} ${query}`, () => assert.equal(kindOf(accept, query), kind));

  test('stored text is not touched; pretty text keeps its digits', () => {
    const text = '{"a":1.00,  "b":[]}';
    assert.equal(rendered(text, { kind: 'json', pretty: false }).text, text);
    assert.equal(rendered(text, { kind: 'json', pretty: true }).text, '{\n  "a": 1.00,\n  "b": []\n}');
    assert.equal(negotiate(new URLSearchParams('_pretty=true'), undefined).pretty, true);
    assert.ok(rendered(patient, { kind: 'xml', pretty: false }).text.endsWith(patientXml));
  });
});

describe('the encoding of the answer', () => {
  const cases: readonly (readonly [header: string | undefined, encoding: string | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['deflate', undefined],
    ['gzip;q=0', undefined],
    ['gzip;q=0, *', 'br'],
    ['gzip, deflate, br', 'gzip'],
    ['gzip;q=0.5, br;q=0.9', 'br'],
    ['br', 'br'],
    ['X-GZIP', 'gzip'],
    ['*', 'gzip'],
  ];
  for (const [header, encoding] of cases) test(`${header}: ${encoding}`, () => assert.equal(preferredEncoding(header), encoding));
});

const limitBytes = 100_000;
const app = Fastify({ bodyLimit: limitBytes });
app.removeAllContentTypeParsers();
parseFhirBodies(app);
unpackBodies(app, limitBytes);
compressAnswers(app);
app.setErrorHandler(async (error, _request, reply) => {
  const known = error as { status?: number; statusCode?: number };
  return reply.code(known.status ?? known.statusCode ?? 500).send({});
});
app.post('/', async (request) => request.body);
app.get('/long', async (_request, reply) => reply.header('vary', 'Origin').type('application/fhir+json').send('x'.repeat(5000)));
app.get('/short', async (_request, reply) => reply.type('application/fhir+json').send('x'.repeat(1000)));
app.get('/picture', async (_request, reply) => reply.type('image/png').send(Buffer.alloc(5000)));
after(() => app.close());

async function send(body: string | Buffer, headers: Record<string, string>): Promise<{ status: number; json: unknown }> {
  const answer = await app.inject({ method: 'POST', url: '/', headers, payload: body });
  return { status: answer.statusCode, json: answer.body === '' ? undefined : answer.json() };
}

describe('bodies', () => {
  const json = { 'content-type': 'application/fhir+json' };
  const gzipped = { ...json, 'content-encoding': 'gzip' };

  test('415: other types, character sets, releases and encodings', async () => {
    for (const type of ['text/plain', 'text/html', 'application/fhir+json; charset=iso-8859-1', 'application/fhir+xml; fhirVersion=3.0'])
      assert.equal((await send(patient, { 'content-type': type })).status, 415, type);
    for (const encoding of ['br', 'deflate', 'gzip, gzip'])
      assert.equal((await send(patient, { ...json, 'content-encoding': encoding })).status, 415, encoding);
  });

  test('400: what is not gzip, or only its beginning', async () => {
    assert.equal((await send(patient, gzipped)).status, 400);
    assert.equal((await send(gzipSync(patient).subarray(0, 30), gzipped)).status, 400);
    assert.equal((await send(gzipSync(patient), json)).status, 400);
  });

  test('413: a small body that unpacks to a big one', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    assert.ok(bomb.length < limitBytes);
    assert.equal((await send(bomb, gzipped)).status, 413);
    assert.equal((await send(gzipSync(`${patient}${' '.repeat(limitBytes - patient.length)}`), gzipped)).status, 200);
  });

  test('both formats become the same values', async () => {
    const expected = { status: 200, json: JSON.parse(patient) };
    for (const type of ['application/fhir+json', 'application/json; charset=UTF-8', 'application/json+fhir; fhirVersion=4.0'])
      assert.deepEqual(await send(patient, { 'content-type': type }), expected, type);
    for (const type of ['application/fhir+xml', 'application/xml', 'text/xml; charset=utf-8'])
      assert.deepEqual(await send(patientXml, { 'content-type': type }), expected, type);
    assert.deepEqual(await send(gzipSync(patient), gzipped), expected);
    assert.deepEqual(await send(gzipSync(patientXml), { 'content-type': 'application/fhir+xml', 'content-encoding': 'x-gzip' }), expected);
  });
});

describe('answers', () => {
  const get = (url: string, encoding: string, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url, headers: { 'accept-encoding': encoding } });

  test("short ones, pictures, and those for clients that can't unpack stay as they are", async () => {
    for (const [url, encoding] of [
      ['/short', 'gzip'],
      ['/picture', 'gzip'],
      ['/long', 'identity'],
    ] as const)
      assert.equal((await get(url, encoding)).headers['content-encoding'], undefined, url);
    assert.equal((await get('/long', 'identity')).headers['vary'], 'Origin, Accept-Encoding');
  });

  test('long ones are compressed as asked', async () => {
    const packed = await get('/long', 'gzip');
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.equal(packed.headers['vary'], 'Origin, Accept-Encoding');
    assert.equal(Number(packed.headers['content-length']), packed.rawPayload.length);
    assert.equal(gunzipSync(packed.rawPayload).toString(), 'x'.repeat(5000));
    const other = await get('/long', 'br');
    assert.equal(brotliDecompressSync(other.rawPayload).toString(), 'x'.repeat(5000));
  });

  test('HEAD has the headers of GET', async () => {
    const [head, whole] = [await get('/long', 'gzip', 'HEAD'), await get('/long', 'gzip')];
    for (const name of ['content-type', 'content-encoding', 'content-length', 'vary'])
      assert.equal(head.headers[name], whole.headers[name], name);
    assert.equal(head.body, '');
  });
});

describe('files of the app', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-formats-'));
  const script = 'let a = 1;\n'.repeat(500);
  const files = Fastify();
  before(() => {
    writeFileSync(path.join(folder, 'index.html'), '<html></html>');
    writeFileSync(path.join(folder, 'a.js'), script);
    mountApp(files, folder);
  });
  after(async () => {
    await files.close();
    rmSync(folder, { recursive: true });
  });
  const get = (headers: Record<string, string>) => files.inject({ method: 'GET', url: '/app/a.js', headers });

  test('a part of a file, and a short one, stay as they are', async () => {
    const part = await get({ 'accept-encoding': 'gzip', range: 'bytes=0-9' });
    assert.equal(part.statusCode, 206);
    assert.equal(part.headers['content-encoding'], undefined);
    assert.equal(part.body, script.slice(0, 10));
    assert.equal(
      (await files.inject({ url: '/app/index.html', headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'],
      undefined,
    );
  });

  test('a whole one is compressed while it is read', async () => {
    const whole = await get({ 'accept-encoding': 'gzip' });
    assert.equal(whole.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(whole.rawPayload).toString(), script);
    assert.match(String(whole.headers['etag']), /^W\//);
    const again = await get({ 'accept-encoding': 'gzip', 'if-none-match': String(whole.headers['etag']) });
    assert.equal(again.statusCode, 304);
  });
});
