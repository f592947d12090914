// Starts the whole product as a user does, `node start.ts` with a fresh data folder and free ports, for tests that speak to it from outside.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';

const root = path.resolve(import.meta.dirname, '..');
const readyTimeoutMs = 120_000;
const stopTimeoutMs = 30_000;

export interface ProductOptions {
  readonly policy?: 'date-shift' | 'synthetic' | 'safe-harbor';
  readonly bodyCodec?: 'text' | 'deflate';
  /** An earlier instance's folder, to start on its data; otherwise a fresh one, removed when the test process ends. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Credentials {
  readonly backendClient: { readonly client_id: string; readonly client_secret: string; readonly scope?: string };
  readonly [name: string]: unknown;
}

export interface Product {
  readonly origin: string;
  readonly fhirBase: string;
  readonly mllpPort: number;
  readonly inferencePort: number;
  readonly metricsPort: number;
  readonly dataDir: string;
  readonly credentials: Credentials;
  readonly pid: number;
  /** All that the product has written to its standard output so far. */
  stdout(): string;
  stderr(): string;
  /** An access token of the backend client, asked for once and again when it is about to expire. */
  backendToken(): Promise<string>;
  /** @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** Kills the parent only, as the out-of-memory killer would; what it leaves behind is the next start's to handle. */
  kill9(): Promise<void>;
}

/** A start that ended instead of becoming ready. */
export interface FailedStart {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws when the product ends or says nothing instead of becoming ready; the error holds what it wrote */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const running = await launch(options);
  const outcome = await Promise.race([
    untilReady(running),
    once(running.child, 'close').then(() => 'ended' as const),
    timeout(readyTimeoutMs),
  ]);
  if (outcome !== 'ready') {
    running.child.kill('SIGKILL');
    throw new Error(`The product did not become ready (${outcome ?? 'no answer'}):\n${running.stdout()}\n${running.stderr()}`);
  }
  return describe(running);
}

/** For starts that must be refused. @throws when the product becomes ready after all */
export async function startRefused(options: ProductOptions): Promise<FailedStart> {
  const running = await launch(options);
  const outcome = await Promise.race([
    untilReady(running),
    once(running.child, 'close').then(() => 'ended' as const),
    timeout(readyTimeoutMs),
  ]);
  if (outcome === 'ended') return { code: running.child.exitCode, stdout: running.stdout(), stderr: running.stderr() };
  await stopChild(running.child, 'SIGTERM');
  throw new Error(`The start was not refused (${outcome ?? 'no answer'}).`);
}

interface Ports {
  readonly http: number;
  readonly mllp: number;
  readonly inference: number;
  readonly metrics: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly ports: Ports;
  readonly dataDir: string;
  stdout(): string;
  stderr(): string;
}

async function launch(options: ProductOptions): Promise<Running> {
  const dataDir = options.dataDir ?? freshDataDir();
  const [http, mllp, inference, metrics] = await freePorts();
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    PORT: String(http),
    MLLP_PORT: String(mllp),
    INFERENCE_PORT: String(inference),
    METRICS_PORT: String(metrics),
    DEIDENTIFICATION_POLICY: options.policy ?? 'date-shift',
    ...(options.bodyCodec ? { BODY_CODEC: options.bodyCodec } : {}),
    ...options.env,
  };
  const child = spawn(process.execPath, ['start.ts'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithTests(child);
  return { child, dataDir, ports: { http, mllp, inference, metrics }, stdout: gather(child.stdout), stderr: gather(child.stderr) };
}

function freshDataDir(): string {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'limen-test-'));
  tellWarden(`folder ${dataDir}`);
  return dataDir;
}

let warden: Writable | undefined;

/** A process that cleans up when this one has ended, also when a signal ended it, which no handler of ours would see. */
function tellWarden(line: string): void {
  if (!warden) {
    // In a session of its own: Ctrl-C in the terminal is not for it.
    const child = spawn('sh', [path.join(import.meta.dirname, 'end-with-parent.sh')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.unref();
    warden = child.stdin;
    if ('unref' in warden && typeof warden.unref === 'function') warden.unref();
  }
  warden.write(`${line}\n`);
}

/** Lets a product live no longer than the test process; `group`: with all of its process group, which npm and its shell do not pass signals to. */
export function endWithTests(child: ChildProcess, { group = false } = {}): void {
  const target = group ? `-${child.pid}` : `${child.pid}`;
  tellWarden(`pid ${target}`);
  child.once('exit', () => tellWarden(`gone ${target}`));
}

/** Ports that nothing listens on now; all are held at once, so that they differ. */
async function freePorts(): Promise<[number, number, number, number]> {
  const held = await Promise.all([holdPort(), holdPort(), holdPort(), holdPort()]);
  await Promise.all(held.map(({ release }) => release()));
  const [http, mllp, inference, metrics] = held;
  return [http.port, mllp.port, inference.port, metrics.port];
}

/** Listens on a free port of 127.0.0.1 until it is released. */
export async function holdPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    release: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}

function gather(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

async function untilReady({ child, stdout }: Running): Promise<'ready'> {
  while (!/^\{"event":"ready"/m.test(stdout())) if (child.stdout) await once(child.stdout, 'data');
  return 'ready';
}

function timeout(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}

function describe({ child, ports, dataDir, stdout, stderr }: Running): Product {
  const origin = `http://127.0.0.1:${ports.http}`;
  const credentials = JSON.parse(readFileSync(path.join(dataDir, 'credentials.json'), 'utf8')) as Credentials;
  return {
    origin,
    fhirBase: `${origin}/fhir`,
    mllpPort: ports.mllp,
    inferencePort: ports.inference,
    metricsPort: ports.metrics,
    dataDir,
    credentials,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    backendToken: tokenSource(origin, credentials.backendClient),
    stop: (signal = 'SIGTERM') => stopChild(child, signal),
    async kill9() {
      const closed = once(child, 'exit');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<number> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const exit = await Promise.race([exited, timeout(stopTimeoutMs)]);
  if (exit !== undefined) return child.exitCode ?? -1;
  child.kill('SIGKILL');
  throw new Error(`The product did not stop within ${stopTimeoutMs / 1000} s of ${signal}.`);
}

// RFC 6749 4.4 with client_secret_basic (2.3.1: both parts are form-encoded first).
function tokenSource(origin: string, client: Credentials['backendClient']): () => Promise<string> {
  let token: { value: string; expiresAtMs: number } | undefined;
  return async () => {
    if (token && token.expiresAtMs > Date.now()) return token.value;
    const basic = Buffer.from(`${encodeURIComponent(client.client_id)}:${encodeURIComponent(client.client_secret)}`).toString('base64');
    const response = await fetch(`${origin}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: client.scope ?? 'system/*.cruds' }),
    });
    if (!response.ok) throw new Error(`No token: ${response.status} ${await response.text()}`);
    const answer = (await response.json()) as { access_token: string; expires_in: number };
    token = { value: answer.access_token, expiresAtMs: Date.now() + (answer.expires_in - 30) * 1000 };
    return token.value;
  };
}
