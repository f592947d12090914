// The entry points of the images run together without containers: a PostgreSQL elsewhere (DATABASE_URL), inference elsewhere (INFERENCE_URL).
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@limen/fhir-server';
import pg from 'pg';
import { parse } from 'yaml';
import { holdPort, startProduct } from '../../test/product.ts';
import { entryPoint } from '../check-compose.ts';

const root = path.resolve(import.meta.dirname, '../..');
const command = (image: string): string[] => entryPoint(readFileSync(path.join(root, `deploy/${image}.Dockerfile`), 'utf8')) ?? [];

let folder: string;
let database: EmbeddedPostgres;
let inference: ChildProcess;
let inferencePort: number;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'limen-deploy-'));
  database = await startEmbeddedPostgres({ dataDir: path.join(folder, 'elsewhere') });
  const held = await holdPort();
  inferencePort = held.port;
  await held.release();
  const env = { ...process.env, INFERENCE_HOST: '127.0.0.1', INFERENCE_PORT: String(inferencePort) };
  inference = spawn(process.execPath, command('inference-cpu').slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  if (inference.stdout) await once(inference.stdout, 'data');
});

after(async () => {
  if (inference.exitCode === null) {
    const exited = once(inference, 'exit');
    inference.kill('SIGTERM');
    await exited;
  }
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The settings of the server's service that say where it listens and what it is called, as Compose fills them in without any variable set. */
function listening(): { [name: string]: string } {
  const compose = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8')) as {
    services: { server: { environment: { [name: string]: string } } };
  };
  const { HOST = '', ALLOW_BIND = '', PUBLIC_URL = '' } = compose.services.server.environment;
  return { HOST, ALLOW_BIND, PUBLIC_URL: PUBLIC_URL.replace(/^\$\{PUBLIC_URL:-(.*)\}$/, '$1') };
}

test('the server uses the database and the inference service that it is told to', async () => {
  assert.deepEqual(command('server'), ['node', 'start.ts']);
  const product = await startProduct({
    env: {
      ...listening(),
      DATABASE_URL: database.connectionString('limen'),
      VAULT_DATABASE_URL: database.connectionString('vault'),
      INFERENCE_URL: `http://127.0.0.1:${inferencePort}`,
    },
  });
  try {
    assert.equal((await fetch(`${product.origin}/ready`)).status, 200);
    const smart = await fetch(`${product.fhirBase}/.well-known/smart-configuration`);
    assert.equal(((await smart.json()) as { issuer: string }).issuer, 'http://127.0.0.1:8080/oauth');
    assert.equal((await fetch(`http://127.0.0.1:${inferencePort}/v2/health/ready`)).status, 200);
    assert.equal(existsSync(path.join(product.dataDir, 'postgres')), false, 'no embedded database beside it');
    const client = new pg.Client({ connectionString: database.connectionString('limen') });
    await client.connect();
    const { rows } = await client.query(`select to_regclass('res') is not null as present`);
    await client.end();
    assert.deepEqual(rows, [{ present: true }]);
    await assert.rejects(fetch(`http://127.0.0.1:${product.inferencePort}/v2/health/ready`), 'no sidecar of its own beside it');
  } finally {
    assert.equal(await product.stop(), 0);
  }
});
