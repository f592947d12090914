// Two processes over one database: nothing is accepted twice on them together, nor after a restart, and what one revokes the other refuses.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithTests } from '../../test/product.ts';
import { verifies } from '../../test/verifies.ts';
import { App } from './authorization-app.ts';
import { assertFor, assertion, registerSystem } from './authorization-assertion.ts';
import {
  type Browser,
  basic,
  type Database,
  freePort,
  pkce,
  post,
  type Server,
  startDatabase,
  startServer,
} from './authorization-fixture.ts';

let database: Database;
let first: Server;
let nodes: string[] = [];
let children: ChildProcess[] = [];
const app = new App(() => first);
const times = 40;

async function startNode(): Promise<string> {
  const port = await freePort();
  const { host, port: databasePort, user, password, database: name } = database.pool.options;
  const { rows } = await database.pool.query<{ user: string; name: string }>('select current_user as user, current_database() as name');
  const connection =
    database.pool.options.connectionString ?? `postgres://${user ?? rows[0]?.user}:${password}@${host}:${databasePort}/${name}`;
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'authorization-node.ts'), connection, database.folder, String(port), first.origin],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  endWithTests(child);
  children.push(child);
  await once(child.stdout, 'data');
  return `http://127.0.0.1:${port}`;
}

async function stopNodes(): Promise<void> {
  const stopped = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(stopped);
  children = [];
}

before(async () => {
  database = await startDatabase();
  first = await startServer(database);
  assertFor(first.origin);
  for (const alg of ['ES384', 'RS384'] as const) await registerSystem(database.pool, alg);
  nodes = await Promise.all([startNode(), startNode()]);
});
after(async () => {
  await stopNodes();
  await first?.stop();
  await database?.stop();
});

/** The same request many times over both nodes, a part of them at once. */
async function replay(form: { readonly [name: string]: string }): Promise<number> {
  let accepted = 0;
  for (let i = 0; i < times; i += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, k) => post(`${nodes[k % 2]}/oauth/token`, form)));
    accepted += answers.filter(({ status }) => status === 200).length;
  }
  return accepted;
}

async function assertionForm(alg: 'ES384' | 'RS384') {
  return {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertion(alg),
  };
}

async function redeemable(browser: Browser): Promise<{ readonly [name: string]: string }> {
  const { code, proof } = await app.launched(browser);
  const redirect = `${first.origin}/app/`;
  return { grant_type: 'authorization_code', code, redirect_uri: redirect, client_id: 'limen-app', code_verifier: proof.verifier };
}

test(`jti, code and refresh token: 0 of ${times} replays each are accepted on two nodes, and none after a restart`, async () => {
  verifies('smart-app-launch', 335, 336);
  const form = await assertionForm('ES384');
  assert.equal(await replay(form), 1);
  const browser = await app.signedIn();
  const code = await redeemable(browser);
  const { body } = await post(`${nodes[0]}/oauth/token`, code);
  assert.ok(body.refresh_token);
  const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: 'limen-app' };
  const { body: next } = await post(`${nodes[1]}/oauth/token`, refresh);
  assert.ok(next.access_token);
  assert.equal(await replay(refresh), 0);
  assert.equal(await replay(code), 0);
  // The reuse ended the family, on both nodes.
  for (const node of nodes)
    assert.equal((await post(`${node}/oauth/token`, { ...refresh, refresh_token: next.refresh_token })).status, 400);
  await stopNodes();
  nodes = await Promise.all([startNode(), startNode()]);
  for (const again of [form, code, refresh]) {
    const answers = await Promise.all(nodes.map((node) => post(`${node}/oauth/token`, again)));
    assert.deepEqual(
      answers.map(({ status }) => status < 300),
      [false, false],
    );
  }
});

test(`a launch is used once on two nodes`, async () => {
  const browser = await app.signedIn();
  const launch = await app.launchToken(browser);
  const answer = await app.authorize(browser, app.request(pkce(), { launch }));
  assert.ok(answer.get('code'));
  const cookies = await Promise.all(
    nodes.map(
      async (node) =>
        (await fetch(`${node}/oauth/authorize?${app.request(pkce(), { launch })}`, { redirect: 'manual' })).headers.get('location') ?? '',
    ),
  );
  for (const location of cookies) assert.equal(new URL(location).searchParams.get('error'), 'invalid_request');
});

test('what one node revokes the other refuses within a second', async () => {
  const { body } = await post(`${nodes[0]}/oauth/token`, await assertionForm('RS384'));
  const ask = async (node: string) => (await fetch(`${node}/whoami`, { headers: { authorization: `Bearer ${body.access_token}` } })).status;
  // Both know the token by now.
  for (const node of nodes) assert.equal(await ask(node), 200);
  const form = { ...(await assertionForm('RS384')), token: body.access_token };
  assert.equal((await post(`${nodes[0]}/oauth/revocation`, form)).status, 200);
  assert.equal(await ask(nodes[0] ?? ''), 401);
  await sleep(1000);
  assert.equal(await ask(nodes[1] ?? ''), 401);
  const { client_id: id, client_secret: secret } = first.backend;
  assert.deepEqual((await post(`${nodes[1]}/oauth/introspection`, { token: body.access_token }, basic(id, secret))).body, {
    active: false,
  });
});
