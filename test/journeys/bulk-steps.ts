// What the journeys of bulk data share: resources as a source has them, orders, and waiting for jobs.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type Product, startProduct } from '../product.ts';
import { type Answer, type Json, list, type Rest } from '../rest-client.ts';

export const respondAsync = { prefer: 'respond-async' };
export const ndjson = { 'content-type': 'application/fhir+ndjson' };

export interface Made {
  readonly resourceType: string;
  readonly id: string;
  readonly [name: string]: unknown;
}

export const patient = (n: number): Made => ({
  resourceType: 'Patient',
  id: `src-pat-${n}`,
  identifier: [{ system: 'urn:test:mrn', value: `MRN-${n}-4711` }],
  name: [{ family: `Zwickelbauer${n}`, given: ['Ottokar'] }],
  gender: 'male',
  birthDate: '1971-03-0'.concat(String((n % 9) + 1)),
});
export const encounter = (n: number): Made => ({
  resourceType: 'Encounter',
  id: `src-enc-${n}`,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: `Patient/src-pat-${n}` },
});
export const observation = (n: number, of: number): Made => ({
  resourceType: 'Observation',
  id: `src-obs-${n}`,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: n % 2 === 0 ? '8867-4' : '2823-3' }] },
  subject: { reference: `Patient/src-pat-${of}` },
  encounter: { reference: `Encounter/src-enc-${of}` },
  effectiveDateTime: '2021-05-04T10:00:00Z',
  valueQuantity: { value: n, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
});

export const lines = (resources: readonly object[]): string => resources.map((r) => `${JSON.stringify(r)}\n`).join('');

/** A file that the import may read. @returns its address */
export function put(inbox: string, name: string, content: string): string {
  writeFileSync(path.join(inbox, name), content);
  return pathToFileURL(path.join(inbox, name)).href;
}

export const order = (inputs: readonly (readonly [type: string, url: string])[]): object => ({
  resourceType: 'Parameters',
  parameter: [
    { name: 'inputFormat', valueCode: 'application/fhir+ndjson' },
    { name: 'inputSource', valueUri: 'https://source.example/fhir' },
    { name: 'storageDetail', part: [{ name: 'type', valueCode: 'file' }] },
    ...inputs.map(([type, url]) => ({
      name: 'input',
      part: [
        { name: 'type', valueCode: type },
        { name: 'url', valueUri: url },
      ],
    })),
  ],
});

export function jobOf(answer: Answer): string {
  assert.equal(answer.status, 202, answer.text);
  const place = answer.headers.get('content-location') ?? '';
  assert.match(place, /\/fhir\/_jobs\/[0-9a-f-]{36}$/);
  return place;
}

export async function finished(call: Rest, place: string): Promise<Json> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await call(place);
    if (answer.status === 200) {
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.ok(answer.headers.get('expires'));
      return answer.json;
    }
    assert.equal(answer.status, 202, answer.text);
    assert.ok(answer.headers.get('retry-after'));
    assert.ok((answer.headers.get('x-progress') ?? '').length > 0);
    await pause(100);
  }
  throw new Error('the job does not end');
}

/** A file of a manifest, at the product as it runs now. */
export async function download(product: Product, file: Json): Promise<Response> {
  const url = `${product.origin}${new URL(String(file['url'])).pathname}`;
  return fetch(url, { headers: { authorization: `Bearer ${await product.backendToken()}`, accept: 'application/fhir+ndjson' } });
}

export async function linesOf(product: Product, file: Json): Promise<Made[]> {
  const answer = await download(product, file);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/fhir\+ndjson/);
  const found = text.split('\n').filter(Boolean);
  assert.equal(found.length, Number(file['count']));
  return found.map((line) => JSON.parse(line) as Made);
}

export async function resourcesOf(product: Product, manifest: Json): Promise<Made[]> {
  return (await Promise.all(list(manifest['output']).map((file) => linesOf(product, file)))).flat();
}

export async function exported(product: Product, call: Rest, address: string): Promise<Made[]> {
  const manifest = await finished(call, jobOf(await call(address, { headers: respondAsync })));
  assert.equal(manifest['requiresAccessToken'] as unknown, true);
  assert.deepEqual(list(manifest['error']), []);
  return resourcesOf(product, manifest);
}

export const stored = (manifest: Json): object =>
  Object.fromEntries(list(manifest['output']).map((each) => [String(each['type']), Number(each['count'])]));

/** The product with a folder that it may import from. */
export const startBulk = (inbox: string, dataDir?: string): Promise<Product> =>
  startProduct({ bodyCodec: 'text', env: { IMPORT_SOURCES: `${pathToFileURL(inbox).href}/` }, ...(dataDir ? { dataDir } : {}) });
