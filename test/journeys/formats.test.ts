// https://hl7.org/fhir/R4/http.html: XML beside JSON, compressed, HEAD; and parts of resources by _summary and _elements. From outside, under date-shift.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Product, startProduct } from '../product.ts';
import { type Answer, assertRefused, entriesOf, type Json, list, type Rest, rest } from '../rest-client.ts';

let product: Product;
let fhir: Rest;
let patientUrl: string;
let observationUrl: string;

const xml = { accept: 'application/fhir+xml' };
const observation = (status: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<Observation xmlns="http://hl7.org/fhir">
  <status value="${status}"/>
  <code><coding><system value="http://loinc.org"/><code value="2823-3"/></coding></code>
  <subject><reference value="${patientUrl}"/></subject>
  <effectiveDateTime value="2024-03-05T10:00:00Z"/>
  <valueQuantity><value value="4.10"/><unit value="mmol/L"/><system value="http://unitsofmeasure.org"/><code value="mmol/L"/></valueQuantity>
  <referenceRange><low><value value="3.50"/></low></referenceRange>
</Observation>`;
const asXml = (body: string): { body: string; headers: Record<string, string> } => ({
  body,
  headers: { 'content-type': 'application/fhir+xml', ...xml },
});

function assertXml(answer: Answer, status: number, type: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/fhir+xml; charset=utf-8');
  assert.ok(answer.text.startsWith(`<?xml version="1.0" encoding="UTF-8"?><${type} xmlns="http://hl7.org/fhir">`), answer.text);
}

before(async () => {
  product = await startProduct();
  fhir = rest(product);
  const patient = await fhir('Patient', { body: { resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01' } });
  patientUrl = `Patient/${patient.json['id']}`;
  const made = await fhir('Observation', asXml(observation('preliminary')));
  assertXml(made, 201, 'Observation');
  observationUrl = /Observation\/[^/]+/.exec(made.headers.get('location') ?? '')?.[0] ?? '';
});
after(() => product?.stop());

describe('XML', () => {
  test('refusals are XML where XML was asked, and repeat nothing', async () => {
    const unknown = await fhir('Patient/none?_format=xml');
    assertXml(unknown, 404, 'OperationOutcome');
    const broken = await fhir('Observation', asXml(observation('final').replace('<status', '<secret4711')));
    assertXml(broken, 400, 'OperationOutcome');
    assert.doesNotMatch(broken.text, /secret4711/);
    const invalid = await fhir('Observation', asXml(observation('nonsense4711')));
    assertXml(invalid, 422, 'OperationOutcome');
    assert.doesNotMatch(invalid.text, /nonsense4711/);
    assertRefused(await fhir(observationUrl, { headers: { accept: 'text/html' } }), 406, 'not-supported');
    const anonymous = await fetch(`${product.fhirBase}/${observationUrl}`, { headers: xml });
    assert.equal(anonymous.status, 401);
    assert.match(anonymous.headers.get('content-type') ?? '', /fhir\+xml/);
  });

  test('what came in as XML is the same resource in both formats, with its digits', async () => {
    const json = await fhir(observationUrl);
    assert.match(json.text, /"value":4\.10/);
    assert.equal(json.json['status'], 'preliminary');
    const asked = await fhir(observationUrl, { headers: xml });
    assertXml(asked, 200, 'Observation');
    assert.match(asked.text, /<value value="4\.10"\/>/);
    assert.equal(asked.headers.get('etag'), json.headers.get('etag'));
    assert.equal((await fhir(`${observationUrl}?_format=application/fhir+xml`)).text, asked.text);
    const again = await fhir(observationUrl, { method: 'PUT', ...asXml(asked.text.replace('preliminary', 'final')) });
    assertXml(again, 200, 'Observation');
    assert.equal(again.headers.get('etag'), 'W/"2"');
  });

  test('searches, histories, transactions and the CapabilityStatement', async () => {
    assertXml(await fhir(`Observation?patient=${patientUrl}`, { headers: xml }), 200, 'Bundle');
    assertXml(await fhir(`${observationUrl}/_history?_format=xml`), 200, 'Bundle');
    assertXml(await fhir('metadata', { headers: xml }), 200, 'CapabilityStatement');
    const bundle = `<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource>${observation('final').replace(/<\?.*?\?>\s*/, '')}</resource>
      <request><method value="POST"/><url value="Observation"/></request></entry></Bundle>`;
    const done = await fhir('', asXml(bundle));
    assertXml(done, 200, 'Bundle');
    assert.match(done.text, /<status value="201/);
    const form = await fhir('Observation/_search', {
      body: `patient=${patientUrl}&_format=xml`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assertXml(form, 200, 'Bundle');
  });

  test('an operation called by its address', async () => {
    const done = await fhir(`${patientUrl}/$acute-care-risk?_format=xml`);
    assert.match(done.headers.get('content-type') ?? '', /fhir\+xml/);
    assert.doesNotMatch(done.text, /no such parameter/);
  });

  test('_pretty indents both', async () => {
    assert.match((await fhir(`${observationUrl}?_pretty=true`)).text, /\n {2}"status": "/);
    assert.match((await fhir(`${observationUrl}?_pretty=true&_format=xml`)).text, /\n {2}<status value=/);
  });
});

describe('HTTP', () => {
  test('HEAD has the status and headers of GET and no body', async () => {
    for (const url of [
      observationUrl,
      `${observationUrl}/_history/1`,
      `${observationUrl}/_history`,
      `Observation?patient=${patientUrl}`,
      'metadata',
      'Patient/none',
    ]) {
      const [head, get] = [await fhir(url, { method: 'HEAD' }), await fhir(url)];
      assert.equal(head.status, get.status, url);
      assert.equal(head.text, '');
      for (const name of ['content-type', 'content-length', 'etag', 'last-modified', 'cache-control', 'vary'])
        assert.equal(head.headers.get(name), get.headers.get(name), `${url} ${name}`);
    }
  });

  test('bodies and answers may be compressed', async () => {
    const body = gzipSync(observation('final'));
    const made = await fhir('Observation', { body, headers: { 'content-type': 'application/fhir+xml', 'content-encoding': 'gzip' } });
    assert.equal(made.status, 201, made.text);
    for (const encoding of ['gzip', 'br']) {
      const answer = await fhir('metadata', { headers: { 'accept-encoding': encoding } });
      assert.equal(answer.headers.get('content-encoding'), encoding);
      assert.equal(answer.json['resourceType'], 'CapabilityStatement');
    }
    assert.equal((await fhir('metadata', { headers: { 'accept-encoding': 'identity' } })).headers.get('content-encoding'), null);
    const token = await fetch(`${product.origin}/oauth/jwks`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(token.headers.get('content-encoding'), null);
  });

  test('a bomb is 413', async () => {
    const bomb = gzipSync(Buffer.alloc(33 * 1024 * 1024, 0x20));
    assertRefused(await fhir('Observation', { body: bomb, headers: { 'content-encoding': 'gzip' } }), 413, 'too-long');
  });
});

describe('parts of resources', () => {
  const isPart = (resource: Json | undefined): boolean =>
    list(resource?.['meta']?.['tag']).some((tag) => String(tag['code']) === 'SUBSETTED');

  test('refusals', async () => {
    for (const query of ['_summary=yes', '_summary=count', '_elements=nickname', '_elements=code&_summary=true'])
      assertRefused(await fhir(`${observationUrl}?${query}`), 400, 'invalid');
    assertRefused(await fhir('Observation?_elements=nickname'), 400, 'invalid');
    assertRefused(await fhir('Observation/_history?_summary=count'), 400);
  });

  test('read and vread', async () => {
    for (const url of [observationUrl, `${observationUrl}/_history/1`]) {
      const summary = await fhir(`${url}?_summary=true`);
      assert.ok(isPart(summary.json), summary.text);
      assert.ok('valueQuantity' in summary.json && !('referenceRange' in summary.json), summary.text);
      const elements = await fhir(`${url}?_elements=referenceRange`);
      assert.ok('referenceRange' in elements.json && 'status' in elements.json && !('valueQuantity' in elements.json), elements.text);
      assert.match(elements.text, /3\.50/);
      assert.ok(!isPart((await fhir(`${url}?_summary=false`)).json));
    }
  });

  test('searches: matches and what is included, and the links say so', async () => {
    const found = await fhir(`Observation?patient=${patientUrl}&_include=Observation:patient&_elements=code,Patient.gender&_count=1`);
    assert.equal(found.status, 200, found.text);
    const [match, included] = entriesOf(found);
    assert.ok(isPart(match?.['resource']) && isPart(included?.['resource']), found.text);
    assert.ok(!('birthDate' in (included?.['resource'] ?? {})) && 'gender' in (included?.['resource'] ?? {}));
    for (const link of list(found.json['link'])) assert.match(String(link['url']), /_elements=code/);
    const next = list(found.json['link']).find((link) => String(link['relation']) === 'next');
    const second = await fhir(String(next?.['url']));
    assert.ok(isPart(entriesOf(second)[0]?.['resource']), second.text);
    const counted = await fhir(`Observation?patient=${patientUrl}&_summary=count`);
    assert.ok(Number(counted.json['total']) >= 3 && entriesOf(counted).length === 0, counted.text);
  });

  test('histories and entries of a batch', async () => {
    const history = await fhir(`${observationUrl}/_history?_summary=text`);
    assert.ok(entriesOf(history).length > 0 && entriesOf(history).every((entry) => isPart(entry['resource'])), history.text);
    assert.match(String(list(history.json['link'])[0]?.['url']), /_summary=text/);
    assert.deepEqual(entriesOf(await fhir(`${observationUrl}/_history?_summary=count`)), []);
    const batch = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ request: { method: 'GET', url: `${observationUrl}?_elements=code` } }],
    };
    const done = await fhir('', { body: batch });
    assert.ok(isPart(entriesOf(done)[0]?.['resource']), done.text);
  });
});
