// Starting and stopping the product: what is refused with one sentence, what a second start finds, what a kill leaves behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { holdPort, type Product, startProduct, startRefused } from './product.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-start-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function assertRefused(options: Parameters<typeof startRefused>[0], sentence: RegExp): Promise<void> {
  const { code, stdout, stderr } = await startRefused(options);
  assert.equal(code, 1, stderr);
  assert.match(stderr, sentence);
  assert.equal(stderr.trim().split('\n').length, 1, `one sentence, not: ${stderr}`);
  assert.doesNotMatch(stdout + stderr, /\n\s+at /, 'no stack');
}

/** The ids of all processes that carry the data folder in their command line or came from the product's parent. */
async function processesOf(product: Product): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const parent = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).split(') ').at(-1)?.split(' ')[1];
    if (commandLine.includes(product.dataDir) || parent === String(product.pid)) found.push(Number(pid));
  }
  return found;
}

function processExists(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

const patient = { resourceType: 'Patient', gender: 'female', birthDate: '1970-01-01' };

async function createPatient(product: Product): Promise<string> {
  const response = await fetch(`${product.fhirBase}/Patient`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await product.backendToken()}`,
      'content-type': 'application/fhir+json',
      prefer: 'return=representation',
    },
    body: JSON.stringify(patient),
  });
  assert.equal(response.status, 201, await response.clone().text());
  return ((await response.json()) as { id: string }).id;
}

async function readPatient(product: Product, id: string): Promise<number> {
  const response = await fetch(`${product.fhirBase}/Patient/${id}`, {
    headers: { authorization: `Bearer ${await product.backendToken()}` },
  });
  await response.arrayBuffer();
  return response.status;
}

describe('a start that cannot succeed says why in one sentence and exits with 1', () => {
  test('a busy HTTP port', async () => {
    const held = await holdPort();
    try {
      await assertRefused({ env: { PORT: String(held.port) } }, new RegExp(`${held.port}`));
    } finally {
      await held.release();
    }
  });

  test('a busy MLLP port', async () => {
    const held = await holdPort();
    try {
      await assertRefused({ env: { MLLP_PORT: String(held.port) } }, new RegExp(`${held.port}`));
    } finally {
      await held.release();
    }
  });

  test('a data folder that is a file', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    await assertRefused({ dataDir: file }, /data folder .* can't be used/);
  });

  test('data of a newer PostgreSQL', async () => {
    const dataDir = path.join(folder, 'newer');
    await mkdir(path.join(dataDir, 'postgres'), { recursive: true });
    await writeFile(path.join(dataDir, 'postgres/PG_VERSION'), '99\n');
    await assertRefused({ dataDir }, /PostgreSQL 99, newer/);
  });

  test('a policy that does not exist', async () => {
    await assertRefused({ env: { DEIDENTIFICATION_POLICY: 'no-such-policy' } }, /DEIDENTIFICATION_POLICY/);
  });
});

test('ready means that everything answers; Ctrl-C stops every child; a second start has the data', async () => {
  const first = await startProduct();
  const answers = await Promise.all(
    [
      `${first.origin}/ready`,
      `${first.fhirBase}/metadata`,
      `${first.origin}/cds-services`,
      `http://127.0.0.1:${first.inferencePort}/v2/health/ready`,
      `http://127.0.0.1:${first.metricsPort}/metrics`,
    ].map(async (url) => {
      const response = await fetch(url);
      await response.arrayBuffer();
      return [new URL(url).pathname, response.status];
    }),
  );
  assert.deepEqual(
    answers.filter(([, status]) => status !== 200),
    [],
  );
  assert.equal((await stat(path.join(first.dataDir, 'credentials.json'))).mode & 0o777, 0o600);
  const id = await createPatient(first);
  const children = await processesOf(first);
  assert.ok(children.length >= 2, 'database and sidecar are children');
  assert.equal(await first.stop('SIGINT'), 0);
  const left = new Set(await processesOf(first));
  assert.deepEqual([...left, ...children.filter(processExists)], [], 'no child is left');

  const second = await startProduct({ dataDir: first.dataDir });
  assert.deepEqual(second.credentials, first.credentials, 'credentials are made once');
  assert.equal(await readPatient(second, id), 200);
  assert.equal(await second.stop('SIGTERM'), 0);
});

test('requests that are never finished do not hold up the stop', async () => {
  const product = await startProduct();
  const unfinished = [
    [Number(new URL(product.origin).port), 'POST /fhir/Patient HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{'],
    [product.mllpPort, '\x0bMSH|'],
    [product.inferencePort, 'POST /v2/models/acute-care-risk/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{'],
  ] as const;
  const sockets = await Promise.all(
    unfinished.map(async ([port, text]) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(text);
      return socket;
    }),
  );
  // Each server has seen its bytes when a later request has been answered.
  await (await fetch(`${product.origin}/ready`)).arrayBuffer();
  assert.equal(await product.stop('SIGINT'), 0);
  for (const socket of sockets) socket.destroy();
});

describe('a test process that ends without stopping its product', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`by ${signal} leaves neither the product nor its folder`, async () => {
      const program = `const { startProduct } = await import('./product.ts'); const { pid, dataDir } = await startProduct(); console.log(JSON.stringify({ pid, dataDir }));`;
      const tests = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: import.meta.dirname,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(tests.stdout, 'data')) as [Buffer];
      const { pid, dataDir } = JSON.parse(line.toString()) as { pid: number; dataDir: string };
      assert.ok(processExists(pid) && existsSync(dataDir));
      tests.kill(signal);
      const deadlineMs = Date.now() + 60_000;
      while ((processExists(pid) || existsSync(dataDir)) && Date.now() < deadlineMs) await setTimeout(100);
      assert.deepEqual([processExists(pid), existsSync(dataDir)], [false, false]);
    });
  }
});

test('kill -9 of the parent blocks no start and loses nothing that was answered', async () => {
  const first = await startProduct();
  const id = await createPatient(first);
  await first.kill9();
  const second = await startProduct({ dataDir: first.dataDir });
  assert.equal(await readPatient(second, id), 200);
  assert.equal(await second.stop(), 0);
  assert.equal(existsSync(path.join(first.dataDir, 'limen.pid')), false);
});

test('PostgreSQL killed: 503 while it is away, then it answers again, and the process lives on', async () => {
  const product = await startProduct();
  const id = await createPatient(product);
  const postmaster = Number((await readFile(path.join(product.dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(postmaster, 'SIGKILL');
  const seen = new Set<number>();
  const deadlineMs = Date.now() + 60_000;
  for (let status = 0; status !== 200 && Date.now() < deadlineMs; ) {
    status = await readPatient(product, id);
    seen.add(status);
  }
  assert.ok(seen.has(200), `statuses seen: ${[...seen]}`);
  assert.deepEqual(
    [...seen].filter((status) => status !== 200 && status !== 503),
    [],
  );
  assert.equal(await product.stop(), 0);
});
