// Subscriptions by rest-hook through the product: refusals, handshake, numbered events without gaps, an endpoint that fails, and kill -9. Under date-shift.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Product, startProduct } from '../product.ts';
import { assertRefused, type Json, list, type Rest, rest } from '../rest-client.ts';

interface Received {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

const backport = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const topic = 'https://limen.example/SubscriptionTopic/resource-change';

let product: Product;
let fhir: Rest;
let receiver: Server;
let endpoint: string;
const received: Received[] = [];
/** Paths that answer 500. */
const broken = new Set<string>();

const subscription = (path: string, filter: string, content = 'id-only'): object => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'test',
  criteria: topic,
  _criteria: { extension: [{ url: `${backport}/backport-filter-criteria`, valueString: filter }] },
  channel: {
    type: 'rest-hook',
    endpoint: `${endpoint}${path}`,
    payload: 'application/fhir+json',
    _payload: { extension: [{ url: `${backport}/backport-payload-content`, valueCode: content }] },
    header: ['Authorization: Bearer receiver-secret'],
  },
});

const observation = (code: string): object => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code }] },
});

async function until<T>(what: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await what();
    if (found !== undefined) return found;
    await pause(50);
  }
  throw new Error('it does not come');
}

/** Parts of a status by name. */
const parameters = (status: Json | undefined, name: string): readonly Json[] =>
  list(status?.['parameter']).filter((p) => String(p['name']) === name);

interface Notified {
  readonly type: string;
  readonly numbers: readonly number[];
  readonly entries: readonly Json[];
}

function notifications(path: string): Notified[] {
  return received
    .filter((each) => each.path === path && each.body !== '')
    .map(({ body }) => {
      const [status, ...entries] = list((JSON.parse(body) as Json)['entry']);
      const numbers = parameters(status?.['resource'], 'notification-event').map((event) =>
        Number(list(event['part']).find((p) => String(p['name']) === 'event-number')?.['valueString']),
      );
      return { type: String(parameters(status?.['resource'], 'type')[0]?.['valueCode']), numbers, entries };
    });
}

const numbers = (path: string): number[] => notifications(path).flatMap((n) => n.numbers);
const start = (dataDir?: string): Promise<Product> =>
  startProduct({ env: { SUBSCRIPTION_ENDPOINTS: endpoint }, ...(dataDir ? { dataDir } : {}) });

before(async () => {
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = new URL(request.url ?? '', 'http://x').pathname;
    if (broken.has(path)) {
      response.writeHead(500).end();
      return;
    }
    received.push({
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      body: Buffer.concat(chunks).toString('utf8'),
    });
    response.writeHead(200).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/hooks/`;
  product = await start();
  fhir = rest(product);
});
after(async () => {
  await product?.stop();
  receiver?.close();
});

test('what is not supported is refused', async () => {
  const good = subscription('refused', 'Observation') as { channel: object };
  const cases: object[] = [
    { ...good, channel: { ...good.channel, type: 'email' } },
    { ...good, channel: { ...good.channel, endpoint: 'http://169.254.169.254/' } },
    { ...good, channel: { ...good.channel, endpoint: endpoint.replace('hooks/', 'other') } },
    { ...good, channel: { ...good.channel, header: ['Host: elsewhere'] } },
    { ...good, channel: { ...good.channel, header: ['X: a\r\nY: b'] } },
    { ...good, criteria: 'https://elsewhere.example/topic' },
    { ...good, criteria: 'Nonsense?x=1' },
    { ...good, _criteria: undefined },
  ];
  for (const body of cases) assertRefused(await fhir('Subscription', { body }), 422);
  const asked = { body: subscription('refused', 'Observation?unheard-of=1') };
  assertRefused(await fhir('Subscription', asked), 400);
  assertRefused(await fhir('Subscription', { body: subscription('refused', 'Observation?subject:Patient.gender=male') }), 422);
  assertRefused(await fhir('Subscription/none'), 404);
  assertRefused(await fhir('Subscription', { method: 'DELETE' }), 405);
  assert.equal(list((await fhir('Subscription')).json['entry']).length, 0);
});

describe('events', () => {
  test('handshake first, then every match once, numbered in order; the secret goes to the receiver only', async () => {
    const made = await fhir('Subscription', { body: subscription('ids', 'Observation?code=http://loinc.org|8867-4') });
    assert.equal(made.status, 201, made.text);
    assert.doesNotMatch(made.text, /receiver-secret/);
    const id = String(made.json['id']);
    await until(async () => (String((await fhir(`Subscription/${id}`)).json['status']) === 'active' ? true : undefined));
    assert.equal(notifications('/hooks/ids')[0]?.type, 'handshake');
    assert.equal(received.find(({ path }) => path === '/hooks/ids')?.authorization, 'Bearer receiver-secret');
    const first = await fhir('Observation', { body: observation('8867-4') });
    await fhir('Observation', { body: observation('2823-3') });
    const changed = await fhir(`Observation/${first.json['id']}`, { method: 'PUT', body: { ...first.json, status: 'amended' } });
    assert.equal(changed.status, 200, changed.text);
    await fhir(`Observation/${first.json['id']}`, { method: 'DELETE' });
    await until(() => (numbers('/hooks/ids').length >= 3 ? true : undefined));
    assert.deepEqual(numbers('/hooks/ids'), [1, 2, 3]);
    const entries = notifications('/hooks/ids').flatMap((n) => n.entries);
    assert.deepEqual(
      entries.map((e) => String(e['request']?.['method'])),
      ['POST', 'PUT', 'DELETE'],
    );
    assert.ok(entries.every((e) => e['resource'] === undefined));
    const status = list((await fhir(`Subscription/${id}/$status`)).json['entry'])[0]?.['resource'];
    assert.equal(String(parameters(status, 'events-since-subscription-start')[0]?.['valueString']), '3');
    const events = await fhir(`Subscription/${id}/$events?eventsSinceNumber=2`);
    assert.equal(list(events.json['entry']).length, 3);
  });

  test('heartbeats while nothing happens, of a topic only', async () => {
    const body = subscription('beat', 'Observation?code=9999-9') as { channel: object; _criteria: object };
    const extension = [{ url: `${backport}/backport-heartbeat-period`, valueUnsignedInt: 1 }];
    const channel = { ...body.channel, extension };
    assertRefused(
      await fhir('Subscription', { body: { ...body, criteria: 'Observation?code=9999-9', _criteria: undefined, channel } }),
      422,
    );
    const made = await fhir('Subscription', { body: { ...body, channel } });
    assert.equal(made.status, 201, made.text);
    await until(() => (notifications('/hooks/beat').length >= 3 ? true : undefined));
    await fhir('Observation', { body: observation('9999-9') });
    await until(() => (numbers('/hooks/beat').length >= 1 ? true : undefined));
    const types = notifications('/hooks/beat').map(({ type }) => type);
    assert.deepEqual(types.slice(0, 3), ['handshake', 'heartbeat', 'heartbeat']);
    assert.equal((await fhir(`Subscription/${made.json['id']}`, { method: 'DELETE' })).status, 204);
  });

  test('R4 criteria: a bare call, or the resource put below the endpoint', async () => {
    const r4 = (path: string, payload: object): object => ({
      resourceType: 'Subscription',
      status: 'requested',
      reason: 'test',
      criteria: 'Observation?code=1111-1',
      channel: { type: 'rest-hook', endpoint: `${endpoint}${path}`, ...payload },
    });
    assert.equal((await fhir('Subscription', { body: r4('bare', {}) })).status, 201);
    assert.equal((await fhir('Subscription', { body: r4('put', { payload: 'application/fhir+json' }) })).status, 201);
    const made = await fhir('Observation', { body: observation('1111-1') });
    const id = String(made.json['id']);
    const bare = await until(() => received.find(({ path }) => path === '/hooks/bare'));
    assert.deepEqual([bare.method, bare.body], ['POST', '']);
    const put = await until(() => received.find(({ path }) => path === `/hooks/put/Observation/${id}`));
    assert.equal(put.method, 'PUT');
    assert.equal(put.body, (await fhir(`Observation/${id}`)).text);
  });

  test('an endpoint that fails gets everything later, without a gap, and delays no other; kill -9 in between changes nothing', async () => {
    const slow = await fhir('Subscription', { body: subscription('slow', 'Observation?code=2222-2', 'full-resource') });
    const fast = await fhir('Subscription', { body: subscription('fast', 'Observation?code=2222-2') });
    for (const made of [slow, fast])
      await until(async () => (String((await fhir(`Subscription/${made.json['id']}`)).json['status']) === 'active' ? true : undefined));
    broken.add('/hooks/slow');
    for (let n = 0; n < 5; n++) await fhir('Observation', { body: observation('2222-2') });
    await until(() => (numbers('/hooks/fast').length >= 5 ? true : undefined));
    assert.deepEqual(numbers('/hooks/slow'), []);
    await product.kill9();
    product = await start(product.dataDir);
    fhir = rest(product);
    for (let n = 0; n < 5; n++) await fhir('Observation', { body: observation('2222-2') });
    broken.delete('/hooks/slow');
    await until(() => (new Set(numbers('/hooks/slow')).size >= 10 ? true : undefined));
    // At least once, in order.
    const distinct = (path: string): number[] => [...new Set(numbers(path))];
    assert.deepEqual(distinct('/hooks/slow'), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await until(() => (new Set(numbers('/hooks/fast')).size >= 10 ? true : undefined));
    assert.deepEqual(distinct('/hooks/fast'), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.ok(
      notifications('/hooks/slow')
        .flatMap((n) => n.entries)
        .every((e) => String(e['resource']?.['resourceType']) === 'Observation'),
    );
    assert.equal((await fhir(`Subscription/${slow.json['id']}`, { method: 'DELETE' })).status, 204);
    assertRefused(await fhir(`Subscription/${slow.json['id']}`), 404);
  });
});
