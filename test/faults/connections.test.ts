// Clients that only hold on to what they have: thousands of idle connections, headers and bodies a byte at a time, answers that nobody reads. Others
// are served meanwhile, and the sockets go. `LIMEN_DRILL_MINUTES=3 node --test test/faults/connections.test.ts` waits for the last of them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Product, startProduct } from '../product.ts';
import { type Rest, rest } from '../rest-client.ts';
import { assertWell, vitalSigns } from './vital-signs.ts';

const wantedIdle = 10_000;
/** Descriptors that a process keeps for other things. */
const reserve = 500;
const slowClients = 300;
const waitsForTheEnd = Number(process.env['LIMEN_DRILL_MINUTES'] ?? 0) > 0;

let product: Product;
let fhir: Rest;
let port: number;
const open = new Set<Socket>();
before(async () => {
  product = await startProduct();
  fhir = rest(product);
  port = Number(new URL(product.origin).port);
  await product.backendToken();
});
after(() => product?.stop());
afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});

/** @returns undefined when the system or the server refuses it */
async function opened(): Promise<Socket | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const outcome = await Promise.race([once(socket, 'connect').then(() => 'open'), once(socket, 'close').then(() => 'closed')]).catch(
    () => 'refused',
  );
  if (outcome !== 'open') return undefined;
  open.add(socket);
  socket.on('close', () => open.delete(socket));
  return socket;
}

async function openMany(count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = await Promise.all(Array.from({ length: Math.min(200, count - sockets.length) }, opened));
    const got = batch.filter((socket) => socket !== undefined);
    sockets.push(...got);
    if (got.length < batch.length) break;
  }
  return sockets;
}

function fileLimit(pid: number | 'self'): number {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]);
}

const descriptors = (): number => readdirSync(`/proc/${product.pid}/fd`).length;

/** Reads and writes of an ordinary client. */
async function isServed(context: TestContext, what: string): Promise<void> {
  const beganMs = performance.now();
  for (let n = 0; n < 10; n += 1) {
    const made = await fhir('Patient', { body: { resourceType: 'Patient', gender: 'female' } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await fhir(`Patient/${made.json['id']}`)).status, 200);
  }
  context.diagnostic(`${what}: ten writes and reads took ${Math.round(performance.now() - beganMs)} ms`);
  await assertWell(product, what, (line) => context.diagnostic(line));
}

/** Descriptors of what was closed are free again. */
async function untilFree(atMost: number): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; performance.now() < deadlineMs; await sleep(100)) if (descriptors() <= atMost) return;
  throw new Error(`${descriptors()} descriptors are open, ${atMost} were.`);
}

/** A byte to each every five seconds. */
function dripping(sockets: readonly Socket[], byte: string): NodeJS.Timeout {
  return setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write(byte);
  }, 5000);
}

test('idle connections, as many as the limits of files allow', async (context) => {
  await vitalSigns(product);
  await isServed(context, 'alone');
  const before = descriptors();
  const count = Math.min(wantedIdle, fileLimit('self') - reserve, fileLimit(product.pid) - reserve);
  const sockets = await openMany(count);
  assert.equal(sockets.length, count, 'connections were refused');
  await isServed(context, `${count} idle connections`);
  for (const socket of open) socket.destroy();
  await untilFree(before + 20);
});

test('headers a byte at a time', async (context) => {
  const before = descriptors();
  const sockets = await openMany(slowClients);
  for (const socket of sockets) socket.write('GET /fhir/metadata HTTP/1.1\r\nhost: x\r\nx-slow: ');
  for (let byte = 0; byte < 10; byte += 1) {
    for (const socket of sockets) socket.write('a');
    await sleep(50);
  }
  await isServed(context, `${slowClients} clients that never end their headers`);
  if (!waitsForTheEnd) return;
  const drip = dripping(sockets, 'a');
  for (const deadlineMs = performance.now() + 120_000; open.size > 0 && performance.now() < deadlineMs; ) await sleep(500);
  clearInterval(drip);
  assert.equal(open.size, 0, `${open.size} slow clients are still connected`);
  await untilFree(before + 20);
});

test('bodies a byte at a time', async (context) => {
  const before = descriptors();
  const token = await product.backendToken();
  const sockets = await openMany(slowClients);
  const head = `POST /fhir/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/fhir+json\r\ncontent-length: 1000\r\n\r\n`;
  for (const socket of sockets) socket.write(`${head}{`);
  for (let byte = 0; byte < 10; byte += 1) {
    for (const socket of sockets) socket.write(' ');
    await sleep(50);
  }
  await isServed(context, `${slowClients} clients that never end their bodies`);
  if (!waitsForTheEnd) return;
  const drip = dripping(sockets, ' ');
  for (const deadlineMs = performance.now() + 180_000; open.size > 0 && performance.now() < deadlineMs; ) await sleep(500);
  clearInterval(drip);
  assert.equal(open.size, 0, `${open.size} slow clients are still connected`);
  await untilFree(before + 20);
});

test('answers that nobody reads', async (context) => {
  const before = descriptors();
  const sockets = await openMany(50);
  for (const socket of sockets) {
    socket.pause();
    // Each answer is some hundred kilobytes.
    for (let n = 0; n < 20; n += 1) socket.write('GET /fhir/metadata HTTP/1.1\r\nhost: x\r\n\r\n');
  }
  await sleep(1000);
  await isServed(context, '50 clients that do not read');
  for (const socket of open) socket.destroy();
  await untilFree(before + 20);
});

test('more connections than the server has files for: it goes on', async (context) => {
  const limit = 120 + descriptors();
  const set = (files: number): number | null =>
    spawnSync('prlimit', ['--pid', String(product.pid), `--nofile=${files}:${fileLimit(product.pid)}`], { stdio: 'ignore' }).status;
  if (set(limit) !== 0) return context.skip('prlimit is not there');
  assert.equal((await fhir('Patient?_count=1')).status, 200);
  await openMany(400);
  await sleep(500);
  for (const socket of open) socket.destroy();
  await untilFree(limit - 60);
  await isServed(context, 'after it ran out of files');
});
