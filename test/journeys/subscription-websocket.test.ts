// Subscriptions by websocket through the product: who is refused, pings of R4, numbered notifications of the backport, heartbeats, and how $events
// closes the gap of a connection that broke. Under date-shift.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Product, startProduct } from '../product.ts';
import { assertRefused, type Json, list, type Rest, rest } from '../rest-client.ts';

const backport = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const topic = 'https://limen.example/SubscriptionTopic/resource-change';
const limitMs = 20_000;

let product: Product;
let fhir: Rest;
let socketUrl: string;

const byTopic = (code: string, heartbeat?: number): object => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'test',
  criteria: topic,
  _criteria: { extension: [{ url: `${backport}/backport-filter-criteria`, valueString: `Observation?code=${code}` }] },
  channel: {
    type: 'websocket',
    payload: 'application/fhir+json',
    _payload: { extension: [{ url: `${backport}/backport-payload-content`, valueCode: 'id-only' }] },
    ...(heartbeat ? { extension: [{ url: `${backport}/backport-heartbeat-period`, valueUnsignedInt: heartbeat }] } : {}),
  },
});
const byCriteria = (code: string, channel: object = {}): object => ({
  ...{ resourceType: 'Subscription', status: 'requested', reason: 'test', criteria: `Observation?code=${code}` },
  channel: { type: 'websocket', ...channel },
});
const observe = async (code: string): Promise<void> => {
  const made = await fhir('Observation', {
    body: { resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code }] } },
  });
  assert.equal(made.status, 201, made.text);
};

/** A client: what it has heard, and how it was ended. */
interface Client {
  say(message: string | Uint8Array<ArrayBuffer>): void;
  heard(count: number): Promise<readonly string[]>;
  ended(): Promise<number>;
  close(): Promise<void>;
}

async function connect(headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(socketUrl, { headers } as unknown as string[]);
  const messages: string[] = [];
  let code: number | undefined;
  socket.addEventListener('message', ({ data }) => messages.push(String(data)));
  socket.addEventListener('close', (event) => {
    code = event.code;
  });
  await once(socket, 'open');
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let waited = 0; !isSo(); waited += 20) {
      assert.ok(waited < limitMs, `it does not come: ${messages.join('\n')}`);
      await pause(20);
    }
  };
  return {
    say: (message) => socket.send(message),
    heard: async (count) => {
      await until(() => messages.length >= count);
      return messages;
    },
    ended: async () => {
      await until(() => code !== undefined);
      return code ?? 0;
    },
    close: async () => {
      socket.close();
      await until(() => code !== undefined);
    },
  };
}

const bearer = async (): Promise<Record<string, string>> => ({ authorization: `Bearer ${await product.backendToken()}` });

async function subscribed(body: object): Promise<string> {
  const made = await fhir('Subscription', { body });
  assert.equal(made.status, 201, made.text);
  assert.equal(String(made.json['status']), 'active');
  return String(made.json['id']);
}

const parameter = (from: Json | undefined, name: string): Json | undefined =>
  list(from?.['parameter']).find((p) => String(p['name']) === name);

async function tokenFor(id: string): Promise<string> {
  const answer = await fhir(`Subscription/${id}/$get-ws-binding-token`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(String(parameter(answer.json, 'websocket-url')?.['valueUrl']), socketUrl);
  assert.ok(Date.parse(String(parameter(answer.json, 'expiration')?.['valueDateTime'])) > Date.now());
  return String(parameter(answer.json, 'token')?.['valueString']);
}

interface Notified {
  readonly type: string;
  readonly events: number;
  readonly numbers: readonly number[];
}

function notified(text: string): Notified {
  const [status] = list((JSON.parse(text) as Json)['entry']).map((each) => each['resource']);
  return {
    type: String(parameter(status, 'type')?.['valueCode']),
    events: Number(parameter(status, 'events-since-subscription-start')?.['valueString']),
    numbers: list(status?.['parameter'])
      .filter((p) => String(p['name']) === 'notification-event')
      .map((p) => Number(list(p['part']).find((part) => String(part['name']) === 'event-number')?.['valueString'])),
  };
}

/** The status of an upgrade request. */
async function upgrade(headers: Record<string, string>): Promise<number> {
  const asked = request(socketUrl.replace(/^ws/, 'http'), {
    headers: {
      ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==' },
      ...headers,
    },
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.on('error', reject);
  });
}

before(async () => {
  product = await startProduct({ env: { SUBSCRIPTION_WEBSOCKETS: '1' } });
  fhir = rest(product);
  socketUrl = `${product.fhirBase.replace(/^http/, 'ws')}/_websocket`;
});
after(() => product?.stop());

describe('refusals', () => {
  test('what a websocket can not have', async () => {
    assertRefused(await fhir('Subscription', { body: byCriteria('1-1', { endpoint: 'https://client.example/' }) }), 422);
    assertRefused(await fhir('Subscription', { body: byCriteria('1-1', { header: ['Authorization: x'] }) }), 422);
    assertRefused(await fhir('Subscription', { body: byCriteria('1-1', { type: 'rest-hook', endpoint: 'https://client.example/' }) }), 422);
    const extension = [{ url: `${backport}/backport-heartbeat-period`, valueUnsignedInt: 10 }];
    assertRefused(await fhir('Subscription', { body: byCriteria('1-1', { extension }) }), 422);
    assertRefused(await fhir('Subscription', { body: byTopic('1-1', 1_000_000) }), 422);
    assertRefused(await fhir('Subscription', { body: byCriteria('1-1'), headers: { 'if-none-exist': 'status=active' } }), 422);
    assertRefused(await fhir('Subscription/$get-ws-binding-token'), 400);
    assertRefused(await fhir('Subscription/00000000-0000-4000-8000-000000000000/$get-ws-binding-token'), 404);
  });

  test('connections of other pages and with a token that is none', async () => {
    assert.equal(await upgrade({ origin: 'https://evil.example' }), 403);
    assert.equal(await upgrade({ origin: 'null' }), 403);
    assert.equal(await upgrade({ authorization: 'Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }), 401);
    assert.equal(await upgrade({ origin: product.origin }), 101);
    // Another upgrade is an ordinary request.
    assert.equal(await upgrade({ upgrade: 'h2c' }), 401);
  });

  test('a bind without a token, of nothing, with a forged token; what is no message', async () => {
    const id = await subscribed(byCriteria('2-2'));
    const token = await tokenFor(await subscribed(byTopic('2-2')));
    const other = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    const cases: [string | Uint8Array<ArrayBuffer>, Record<string, string>, number][] = [
      [`bind ${id}`, {}, 1008],
      ['bind 00000000-0000-4000-8000-000000000000', await bearer(), 1008],
      [`bind-with-token ${other}`, await bearer(), 1008],
      ['hello', await bearer(), 1008],
      [new Uint8Array([1, 2]), await bearer(), 1003],
      ['x'.repeat(20_000), await bearer(), 1009],
    ];
    for (const [message, headers, code] of cases) {
      const client = await connect(headers);
      client.say(message);
      assert.equal(await client.ended(), code, String(message).slice(0, 40));
      assert.equal((await client.heard(0)).length, 0);
    }
  });

  test('a subscription in a transaction; in a batch it is one like any other', async () => {
    const entry = [{ resource: byTopic('3-3'), request: { method: 'POST', url: 'Subscription' } }];
    assertRefused(await fhir('', { body: { resourceType: 'Bundle', type: 'transaction', entry } }), 422);
    const batch = await fhir('', { body: { resourceType: 'Bundle', type: 'batch', entry } });
    const [made] = list(batch.json['entry']);
    assert.equal(String(made?.['response']?.['status']), '201', batch.text);
    assert.equal((await fhir(`Subscription/${made?.['resource']?.['id']}/$status`)).status, 200);
  });
});

describe('events', () => {
  test('R4: bound, then a ping for a match and for nothing else', async () => {
    const id = await subscribed(byCriteria('8867-4'));
    const client = await connect(await bearer());
    client.say(`bind ${id}`);
    await client.heard(1);
    await observe('2823-3');
    await observe('8867-4');
    assert.deepEqual(await client.heard(2), [`bound ${id}`, `ping ${id}`]);
    assert.equal((await fhir(`Subscription/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await client.ended(), 1000);
  });

  test('a topic: handshake, numbers in order, what was missed by $events, and on without a gap', async () => {
    const id = await subscribed(byTopic('9279-1'));
    const token = await tokenFor(id);
    const first = await connect();
    first.say(`bind-with-token ${token}`);
    await first.heard(1);
    await observe('9279-1');
    const [handshake, one] = (await first.heard(2)).map(notified);
    assert.deepEqual(
      [handshake, one],
      [
        { type: 'handshake', events: 0, numbers: [] },
        { type: 'event-notification', events: 1, numbers: [1] },
      ],
    );
    await first.close();
    await observe('9279-1');
    await observe('9279-1');
    const status = async (): Promise<number> => {
      const answer = await fhir(`Subscription/${id}/$status`);
      return Number(parameter(list(answer.json['entry'])[0]?.['resource'], 'events-since-subscription-start')?.['valueString']);
    };
    for (let waited = 0; (await status()) < 3; waited += 50) {
      assert.ok(waited < limitMs);
      await pause(50);
    }
    const second = await connect();
    second.say(`bind-with-token ${await tokenFor(id)}`);
    const again = notified((await second.heard(1))[0] ?? '');
    assert.deepEqual(again, { type: 'handshake', events: 3, numbers: [] });
    const missed = await fhir(`Subscription/${id}/$events?eventsSinceNumber=2&eventsUntilNumber=${again.events}`);
    assert.deepEqual(notified(missed.text), { type: 'query-event', events: 3, numbers: [2, 3] });
    await observe('9279-1');
    assert.deepEqual(notified((await second.heard(2))[1] ?? '').numbers, [4]);
    await second.close();
  });

  test('a token that is revoked ends what it was bound with', async () => {
    const { client_id, client_secret } = product.credentials.backendClient;
    const form = async (path: string, body: Record<string, string>): Promise<Json> => {
      const response = await fetch(`${product.origin}/oauth/${path}`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
        body: new URLSearchParams(body),
      });
      assert.equal(response.status, 200);
      return JSON.parse((await response.text()) || '{}') as Json;
    };
    const granted = async (scope: string): Promise<string> =>
      String((await form('token', { grant_type: 'client_credentials', scope }))['access_token']);
    const id = await subscribed(byTopic('5555-5'));
    // Less than the subscription was made with is no access to its events.
    const lesser = await granted('system/Observation.rs?status=final system/Subscription.cruds');
    assertRefused(await fhir(`Subscription/${id}/$get-ws-binding-token`, { token: lesser }), 403);
    assertRefused(await fhir(`Subscription/${id}/$events`, { token: lesser }), 403);
    const token = await granted('system/Observation.rs system/Subscription.cruds');
    const binding = await fhir(`Subscription/$get-ws-binding-token?ids=${id}`, { token });
    const client = await connect();
    client.say(`bind-with-token ${parameter(binding.json, 'token')?.['valueString']}`);
    await client.heard(1);
    await form('revocation', { token });
    await observe('5555-5');
    assert.equal(await client.ended(), 1008);
    assert.equal((await client.heard(0)).length, 1);
    const late = await connect();
    late.say(`bind-with-token ${parameter(binding.json, 'token')?.['valueString']}`);
    assert.equal(await late.ended(), 1008);
  });

  test('heartbeats while nothing happens', async () => {
    const client = await connect();
    client.say(`bind-with-token ${await tokenFor(await subscribed(byTopic('7777-7', 1)))}`);
    const heard = (await client.heard(3)).slice(0, 3).map(notified);
    assert.deepEqual(
      heard.map(({ type, numbers }) => [type, ...numbers]),
      [['handshake'], ['heartbeat'], ['heartbeat']],
    );
    await client.close();
  });

  test('a stop ends connections at once', async () => {
    const client = await connect();
    client.say(`bind-with-token ${await tokenFor(await subscribed(byTopic('6666-6')))}`);
    await client.heard(1);
    assert.equal(await product.stop(), 0);
    assert.equal(await client.ended(), 1006);
  });
});
