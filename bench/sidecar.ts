// Inference per second of the sidecar over HTTP, batched and not, beside a bare session.run loop in the same run: node bench/sidecar.ts [seconds]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Line {
  readonly what: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const root = join(import.meta.dirname, '..');
const repository = join(root, 'ai-operations/models');
const model = 'acute-care-risk';
const width = 34;
const rowsPerCall = 64;
const connections = 32;
const seconds = Number(process.argv[2] ?? 5) / 5;
// The package belongs to the workspace that declares it.
const { InferenceSession, Tensor } = createRequire(join(root, 'ai-operations/package.json'))(
  'onnxruntime-node',
) as typeof import('onnxruntime-node');

function line(what: string, inferences: number, tookMs: number, latencies: number[]): Line {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(share * sorted.length)] ?? 0) * 1000) / 1000;
  return { what, perSecond: Math.round((inferences * 1000) / tookMs), p50Ms: at(0.5), p95Ms: at(0.95) };
}

/** Calls `once` from `parallel` loops until the time is over. */
async function measure(what: string, rows: number, parallel: number, call: () => Promise<unknown>): Promise<Line> {
  for (let i = 0; i < 50; i++) await call();
  const latencies: number[] = [];
  const start = performance.now();
  const loop = async (): Promise<void> => {
    while (performance.now() - start < seconds * 1000) {
      const before = performance.now();
      await call();
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  return line(what, latencies.length * rows, performance.now() - start, latencies);
}

async function bare(rows: number): Promise<Line> {
  const session = await InferenceSession.create(join(repository, model, '1/model.onnx'), {
    intraOpNumThreads: 1,
    executionProviders: ['cpu'],
  });
  const features = new Tensor('float32', new Float32Array(rows * width).fill(0.5), [rows, width]);
  return measure(`bare session.run, ${rows} row${rows > 1 ? 's' : ''}`, rows, 1, () => session.run({ features }));
}

function inferOver(agent: Agent, port: number, rows: number): () => Promise<void> {
  const data = new Array<number>(rows * width).fill(0.5);
  const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, width], data }] }));
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  return () =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path: `/v2/models/${model}/infer`, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.resume().once('end', resolve);
      });
      sent.once('error', reject).end(body);
    });
}

/** The sidecar as users start it, with or without dynamic batching. */
async function overHttp(batching: boolean): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'limen-bench-'));
  cpSync(repository, folder, { recursive: true });
  const config = join(folder, model, 'config.pbtxt');
  if (!batching) writeFileSync(config, readFileSync(config, 'utf8').replace(/^dynamic_batching.*$/m, ''));
  const env = { ...process.env, INFERENCE_PORT: '0', MODEL_REPOSITORY: folder };
  const child = spawn(process.execPath, [join(root, 'ai-operations/sidecar/main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    const [ready] = await once(createInterface(child.stdout), 'line');
    const { port } = JSON.parse(ready as string) as { port: number };
    const name = batching ? 'HTTP, dynamic batching' : 'HTTP, no batching';
    const lines = [await measure(`${name}, ${connections} connections`, 1, connections, inferOver(agent, port, 1))];
    if (!batching) {
      lines.unshift(await measure('HTTP, 1 connection', 1, 1, inferOver(agent, port, 1)));
      lines.push(await measure(`HTTP, ${rowsPerCall} rows a call, 1 connection`, rowsPerCall, 1, inferOver(agent, port, rowsPerCall)));
    }
    return lines;
  } finally {
    agent.destroy();
    child.kill();
    await once(child, 'exit');
    rmSync(folder, { recursive: true });
  }
}

const lines = [await bare(1), await bare(rowsPerCall), ...(await overHttp(false)), ...(await overHttp(true))];
process.stdout.write(`${'what'.padEnd(44)}${'infer/s'.padStart(12)}${'p50 ms'.padStart(10)}${'p95 ms'.padStart(10)}\n`);
for (const l of lines)
  process.stdout.write(
    `${l.what.padEnd(44)}${String(l.perSecond).padStart(12)}${l.p50Ms.toFixed(3).padStart(10)}${l.p95Ms.toFixed(3).padStart(10)}\n`,
  );
process.stdout.write(`${JSON.stringify({ bench: 'sidecar', cores: availableParallelism(), node: process.version, lines })}\n`);
