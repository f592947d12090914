// The sidecar as a process: one sentence when it can't start, a clean end, no orphan.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../sidecar/main.ts', import.meta.url));

function launch(env: { [name: string]: string }, ipc = false): ChildProcess {
  return spawn(process.execPath, [main], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  });
}

async function readyLine(child: ChildProcess): Promise<{ event: string; port: number; pid?: number }> {
  assert.ok(child.stdout);
  const [line] = await once(createInterface(child.stdout), 'line');
  return JSON.parse(line as string) as { event: string; port: number };
}

async function failure(env: { [name: string]: string }): Promise<string> {
  const child = launch(env);
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  return text;
}

test('a busy port, a missing repository, a wrong setting: one sentence, exit code 1', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const port = String((busy.address() as AddressInfo).port);
  assert.equal(await failure({ INFERENCE_PORT: port }), `Port ${port} is in use: set INFERENCE_PORT.\n`);
  busy.close();
  assert.match(await failure({ MODEL_REPOSITORY: '/nowhere', INFERENCE_PORT: '0' }), /^The model repository can not be read[^\n]*\n$/);
  assert.match(await failure({ INFERENCE_PORT: 'eighty' }), /^INFERENCE_PORT[^\n]*\n$/);
});

test('ready line, an answer, and a clean end on SIGTERM', async () => {
  const child = launch({ INFERENCE_PORT: '0' });
  const { event, port } = await readyLine(child);
  assert.equal(event, 'ready');
  assert.equal((await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).status, 200);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('it leaves when the channel to its parent closes', async () => {
  const child = launch({ INFERENCE_PORT: '0' }, true);
  await readyLine(child);
  child.disconnect();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('kill -9 of the sidecar leaves no worker behind', async () => {
  const child = launch({ INFERENCE_PORT: '0' });
  const { port } = await readyLine(child);
  const health = (await (await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).json()) as { models: { instances: { pid: number }[] }[] };
  const pids = health.models.flatMap((model) => model.instances.map(({ pid }) => pid));
  assert.ok(pids.length > 0);
  child.kill('SIGKILL');
  const alive = (pid: number): boolean => {
    try {
      // A zombie that nobody has waited for is no worker any more.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (pids.some(alive)) await new Promise((resolve) => setTimeout(resolve, 50));
});

test('kill -9 of a parent without a channel leaves no orphan', async () => {
  const parentCode = `
    const child = require('node:child_process').spawn(process.execPath, [${JSON.stringify(main)}], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', (line) => process.stdout.write(line));`;
  const parent = spawn(process.execPath, ['-e', parentCode], {
    env: { ...process.env, INFERENCE_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { port } = await readyLine(parent);
  parent.kill('SIGKILL');
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/v2/health/live`).then(
      () => true,
      () => false,
    );
  while (await answers()) await new Promise((resolve) => setTimeout(resolve, 100));
});
