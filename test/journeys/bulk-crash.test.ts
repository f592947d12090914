// kill -9 in the middle of an import and of an export: the next start goes on, nothing is missing or twice. Under date-shift.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Product } from '../product.ts';
import { assertRefused, database, list, type Rest, rest } from '../rest-client.ts';
import { finished, jobOf, lines, observation, order, patient, put, resourcesOf, respondAsync, startBulk, stored } from './bulk-steps.ts';

let product: Product;
let fhir: Rest;
let inbox: string;

async function restart(): Promise<void> {
  product = await startBulk(inbox, product.dataDir);
  fhir = rest(product);
}

/** The product has another port after a restart. */
const placeNow = (place: string): string => `${product.origin}${new URL(place).pathname}`;

async function batches(client: Awaited<ReturnType<typeof database>>, place: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>('select count(*) as n from idempotency where client = $1', [
    `job:${place.slice(-36)}`,
  ]);
  return Number(rows[0]?.n);
}

before(async () => {
  inbox = mkdtempSync(path.join(os.tmpdir(), 'limen-inbox-'));
  product = await startBulk(inbox);
  fhir = rest(product);
});
after(async () => {
  await product?.stop();
  rmSync(inbox, { recursive: true, force: true });
});

describe('kill -9', () => {
  test('in the middle of an import: the next start goes on, nothing is missing or twice', async () => {
    const count = 6000;
    const patients = put(inbox, 'many-patients.ndjson', lines(Array.from({ length: 20 }, (_, n) => patient(100 + n))));
    const observations = put(
      inbox,
      'many.ndjson',
      lines(Array.from({ length: count }, (_, n) => ({ ...observation(10_000 + n, 100 + (n % 20)), encounter: undefined }))),
    );
    const body = order([
      ['Patient', patients],
      ['Observation', observations],
    ]);
    const place = jobOf(await fhir('$import', { body, headers: respondAsync }));
    const client = await database(product);
    while ((await batches(client, place)) < 3) await pause(10);
    // From here on no batch can be stored.
    await client.query('begin; lock table idempotency in share row exclusive mode');
    const before = await batches(client, place);
    await product.kill9();
    assert.ok(before < count / 200, `${before} batches before the kill`);
    await restart();
    const manifest = await finished(fhir, placeNow(place));
    assert.deepEqual(stored(manifest), { Observation: count, Patient: 20 });
    assert.deepEqual(list(manifest['error']), []);
    const total = await fhir('Observation?value-quantity=ge10000&_summary=count');
    assert.equal(Number(total.json['total']), count);
  });

  test('in the middle of an export: complete, and of the moment when it began', async () => {
    const old = jobOf(await fhir('$export?_type=Group', { headers: respondAsync }));
    await finished(fhir, old);
    const client = await database(product);
    await client.query("update operational.job set expires_at = now() - interval '1 second' where id = $1", [old.slice(-36)]);
    // Older versions are read page by page: so the export stands still after it has begun.
    await client.query('begin; lock table res_hist in access exclusive mode');
    const place = jobOf(await fhir('$export?_type=Observation', { headers: respondAsync }));
    while ((await fhir(place)).headers.get('x-progress') === 'waiting') await pause(10);
    // A client has only so many unfinished jobs.
    for (let n = 1; n < 10; n++) jobOf(await fhir('$export?_type=Group', { headers: respondAsync }));
    const tooMany = await fhir('$export?_type=Group', { headers: respondAsync });
    assertRefused(tooMany, 429, 'throttled');
    assert.ok(tooMany.headers.get('retry-after'));
    const late = await fhir('Observation', { body: { resourceType: 'Observation', status: 'registered', code: { text: 'late' } } });
    assert.equal(late.status, 201, late.text);
    await product.kill9();
    await restart();
    const manifest = await finished(fhir, placeNow(place));
    const found = await resourcesOf(product, manifest);
    const ids = new Set(found.map((r) => r.id));
    assert.equal(ids.size, found.length);
    assert.ok(!ids.has(String(late.json['id'])));
    const total = await fhir('Observation?_summary=count');
    assert.equal(found.length, Number(total.json['total']) - 1);
    // A day after its end a job is gone with its files.
    assertRefused(await fhir(placeNow(old)), 404, 'not-found');
    assert.ok(!readdirSync(path.join(product.dataDir, 'exports')).includes(old.slice(-36)));
  });
});
