// The inference sidecar: Open Inference Protocol v2 on ONNX Runtime. Started by start.ts as a child, or by itself.
import type { AddressInfo } from 'node:net';
import { readConfig, type SidecarConfig } from './config.ts';
import { Models } from './models.ts';
import { createInferenceServer } from './server.ts';

const parentCheckMs = 1_000;
/** Running requests get this long to finish after SIGTERM. */
const drainMs = 2_000;

/** One sentence for the operator, no stack. */
function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function settings(): SidecarConfig {
  try {
    return readConfig();
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'The settings are wrong.');
  }
}

function load(config: SidecarConfig): Models {
  try {
    return new Models(config.modelRepository, config.maxQueue);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return fail(code || !(error instanceof Error) ? 'The model repository can not be read: check MODEL_REPOSITORY.' : error.message);
  }
}

/** A parent that was killed can not stop us: leave when its channel closes or when another process has become our parent. */
function leaveWithParent(stop: () => void): void {
  const parent = process.ppid;
  process.once('disconnect', stop);
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, parentCheckMs).unref();
}

async function main(): Promise<void> {
  const config = settings();
  const models = load(config);
  const server = createInferenceServer(models, config);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server.close(() => void models.close().finally(() => process.exit(0)));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), drainMs).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  leaveWithParent(stop);
  server.once('error', (error: NodeJS.ErrnoException) => {
    fail(
      error.code === 'EADDRINUSE'
        ? `Port ${config.port} is in use: set INFERENCE_PORT.`
        : `The inference service can not listen on port ${config.port}.`,
    );
  });
  await models.loaded();
  server.listen(config.port, config.host, () => {
    const { port } = server.address() as AddressInfo;
    const served = models.all.map((m) => ({ name: m.config.name, version: m.file.version, ready: m.ready }));
    process.stdout.write(`${JSON.stringify({ event: 'ready', port, models: served })}\n`);
  });
}

await main();
