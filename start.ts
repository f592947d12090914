// The whole product in one command: embedded PostgreSQL, server, inference sidecar, HL7 bridge, CDS Hooks, app. The composition root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { acuteCareRisk, checkMedications, type InferenceClient, inferenceClient, noteClassifier } from '@limen/ai-operations';
import type { OperationHandler, OperationProvider } from '@limen/fhir-model';
import { openServer, productLog, StartError, startEmbeddedPostgres } from '@limen/fhir-server';
import { operationDefinition } from '@limen/implementation-guide';
import { type Config, readConfig } from './config.ts';
import { messageChannels } from './start-bridge.ts';
import { cdsHooks } from './start-hooks.ts';

const root = import.meta.dirname;
const sidecarReadyMs = 20_000;
const sidecarBackMs = 500;

/** What was started, in order; stopped in the opposite order. */
const stops: (() => Promise<unknown>)[] = [];
let stopping: Promise<void> | undefined;

/** Once, however often it is asked: npm passes a Ctrl-C on that the terminal has sent already. */
function stopAll(): Promise<void> {
  stopping ??= (async () => {
    for (const stop of stops.reverse()) await stop().catch(() => undefined);
  })();
  return stopping;
}

async function checkPort(name: string, host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
  } catch {
    throw new StartError(`Port ${port} (${name}) is in use on ${host}: stop what uses it or set ${name} to another one.`);
  } finally {
    probe.close();
  }
}

/** The sidecar as a child of ours; started again when it dies, until we stop. */
async function startSidecar(config: Config, client: InferenceClient): Promise<void> {
  let child: ChildProcess | undefined;
  const launch = (): void => {
    child = spawn(process.execPath, [path.join(root, 'ai-operations/sidecar/main.ts')], {
      env: { ...process.env, INFERENCE_PORT: String(config.inferencePort) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('exit', () => {
      if (!stopping) setTimeout(launch, sidecarBackMs);
    });
  };
  launch();
  stops.push(async () => {
    if (!child || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const deadline = Date.now() + sidecarReadyMs;
  while (!(await client.ready())) {
    if (Date.now() > deadline) throw new StartError('The inference sidecar did not become ready.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function providers(handlers: readonly OperationHandler[]): OperationProvider[] {
  return handlers.map((handler) => ({ definition: operationDefinition(handler.code), handle: (context) => handler.handle(context) }));
}

async function databases(config: Config): Promise<{ database: string; vaultDatabase: string }> {
  if (config.databaseUrl) return { database: config.databaseUrl, vaultDatabase: config.vaultDatabaseUrl ?? config.databaseUrl };
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir });
  stops.push(() => embedded.stop());
  return { database: embedded.connectionString('limen'), vaultDatabase: config.vaultDatabaseUrl ?? embedded.connectionString('vault') };
}

async function main(): Promise<void> {
  const config = readConfig();
  const { origin } = config;
  await checkPort('PORT', config.host, config.port);
  for (const { host, port } of config.mllp) await checkPort('MLLP_PORT', host, port);
  await checkPort('METRICS_PORT', '127.0.0.1', config.metricsPort);
  if (!config.inferenceUrl) await checkPort('INFERENCE_PORT', '127.0.0.1', config.inferencePort);
  const log = productLog();
  const { database, vaultDatabase } = await databases(config);
  const inference = inferenceClient(config.inferenceUrl ?? `http://127.0.0.1:${config.inferencePort}`);
  const sidecar = config.inferenceUrl ? Promise.resolve() : startSidecar(config, inference);
  const textClassifier = noteClassifier();
  stops.push(() => textClassifier.close());
  const server = await openServer({
    database: { connectionString: database },
    vaultDatabase: { connectionString: vaultDatabase },
    vaultKeys: config.vaultKeys,
    dataDir: config.dataDir,
    policyName: config.policyName,
    ...(config.ruleFile ? { ruleFile: config.ruleFile } : {}),
    deidentifyPolicies: config.deidentifyPolicies,
    bodyCodec: config.bodyCodec,
    origin,
    operations: providers([acuteCareRisk({ inference }), checkMedications]),
    textClassifier,
    log,
    now: () => new Date(),
    writeLanes: config.writeLanes,
    importSources: config.importSources,
    subscriptionEndpoints: config.subscriptionEndpoints,
    subscriptionWebsockets: config.subscriptionWebsockets,
    trustedOrigins: config.trustedOrigins,
    ...(config.brands ? { brands: config.brands } : {}),
    ...(config.ehrs === undefined ? {} : { ehrs: config.ehrs }),
    metricsPort: config.metricsPort,
    rateLimits: config.rateLimits,
    ...(config.tls ? { tls: config.tls } : {}),
    conditionalDelete: config.conditionalDelete,
    accessPolicy: config.accessPolicy,
  });
  stops.push(() => server.close());
  server.mountHooks(cdsHooks(server, inference, config));
  const channels = await messageChannels(config, server);
  const app = path.join(root, 'smart-app/dist');
  if (existsSync(app)) server.mountApp(app);
  await sidecar;
  await server.app.listen({ host: config.host, port: config.port });
  stops.push(() => channels.stop());
  await channels.start();
  announce(config);
}

function announce(config: Config): void {
  const { origin } = config;
  const lines = [
    `Limen is ready. Decision support, not a medical device. Policy: ${config.policyName}.`,
    ...(config.policyName === 'synthetic' ? ['Resources are stored as sent: for synthetic data and conformance runs only.'] : []),
    ...(config.ruleFile
      ? ["Resources are stored as the rules of the operator's file leave them: what these keep may identify persons."]
      : []),
    `  launch page   ${origin}/launch`,
    `  FHIR base     ${origin}/fhir`,
    `  CDS Hooks     ${origin}/cds-services (${config.beyondLoopback ? 'registered clients' : 'client cds-open: loopback without a token'})`,
    ...config.mllp.map(({ host, port, tls, settings }) => {
      const name = config.mllp.length > 1 ? ` ${settings.name}` : '';
      return `  HL7v2 (MLLP)  ${host}:${port}${tls ? ' (TLS)' : ''}${name}`;
    }),
    `  HL7v2 (HTTP)  ${origin}/hl7v2`,
    `  inference     ${config.inferenceUrl ?? `http://127.0.0.1:${config.inferencePort}`}/v2`,
    `  metrics       http://127.0.0.1:${config.metricsPort}/metrics`,
    `  credentials   ${path.join(config.dataDir, 'credentials.json')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.stdout.write(
    `${JSON.stringify({ event: 'ready', fhir: `${origin}/fhir`, launch: `${origin}/launch`, mllpPort: config.mllp[0]?.port, policy: config.policyName })}\n`,
  );
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(0)));
}
try {
  await main();
} catch (error) {
  await stopAll();
  if (!(error instanceof StartError)) {
    const code = (error as { code?: string }).code;
    process.stderr.write(
      code === 'EADDRINUSE' ? 'A port is in use.\n' : `Limen could not start: ${error instanceof Error ? error.stack : 'unknown error'}\n`,
    );
  } else process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
