// https://hl7.org/fhir/R4/http.html#patch over HTTP: the media types of a patch, and that a name in it is not stored.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { type Answer, assertRefused, type Rest, rest } from '../rest-client.ts';

let product: Product;
let fhir: Rest;
let url: string;
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  const made = await fhir('Patient', { body: { resourceType: 'Patient', gender: 'female' } });
  url = `Patient/${made.json['id']}`;
});
after(() => product?.stop());

const patch = (body: string, type: string): Promise<Answer> => fhir(url, { method: 'PATCH', body, headers: { 'content-type': type } });
const gender = JSON.stringify([{ op: 'replace', path: '/gender', value: 'other' }]);
const xml = `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
  <part><name value="type"/><valueCode value="replace"/></part><part><name value="path"/><valueString value="Patient.gender"/></part>
  <part><name value="value"/><valueCode value="male"/></part></parameter></Parameters>`;

test('other media types are 415, broken JSON 400, a failed test 422, a stale If-Match 412', async () => {
  assertRefused(await patch('gender=other', 'text/plain'), 415);
  assertRefused(await patch('<diff/>', 'application/xml-patch+xml'), 400);
  assertRefused(await patch('<diff/>', 'application/fhir+xml'), 400);
  const posted = await fhir('Patient', { body: '<diff/>', headers: { 'content-type': 'application/xml-patch+xml' } });
  assertRefused(posted, 415);
  assertRefused(await patch(gender, 'application/fhir+json'), 415);
  assertRefused(await patch('[', 'application/json-patch+json'), 400);
  assertRefused(await patch(JSON.stringify([{ op: 'test', path: '/gender', value: 'male' }]), 'application/json-patch+json'), 422);
  const headers = { 'content-type': 'application/json-patch+json', 'if-match': 'W/"7"' };
  assertRefused(await fhir(url, { method: 'PATCH', body: gender, headers }), 412);
  assert.equal((await fhir(url)).headers.get('etag'), 'W/"1"');
});

test('JSON Patch, FHIRPath Patch in XML and XML Patch; a name leaves no trace in the answer', async () => {
  const json = await patch(gender, 'application/json-patch+json');
  assert.deepEqual([json.status, json.json['gender'], json.headers.get('etag')], [200, 'other', 'W/"2"'], json.text);
  const fhirPath = await patch(xml, 'application/fhir+xml');
  assert.equal(fhirPath.status, 200, fhirPath.text);
  assert.equal((await fhir(url)).json['gender'], 'male');
  const xmlPatch = '<diff xmlns="http://hl7.org/fhir"><replace sel="f:Patient/f:gender/@value">unknown</replace></diff>';
  const patchedXml = await patch(xmlPatch, 'application/xml-patch+xml; charset=utf-8');
  assert.deepEqual(
    [patchedXml.status, patchedXml.json['gender'], patchedXml.headers.get('etag')],
    [200, 'unknown', 'W/"4"'],
    patchedXml.text,
  );
  const name = JSON.stringify([{ op: 'add', path: '/name', value: [{ family: 'Quillfeather' }] }]);
  assert.equal((await patch(name, 'application/json-patch+json')).status, 200);
  assert.doesNotMatch((await fhir(`${url}/_history`)).text, /Quillfeather/);
});
