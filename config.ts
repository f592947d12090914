// Settings of the whole product (ARCHITECTURE section 7): the only place of `npm start` that reads the environment. Everything has a default.
import { StartError } from '@limen/fhir-server';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Scheme, host and port that clients use: issuer, links and self references begin with it. */
  readonly origin: string;
  /** True when the origin can be reached from other machines. */
  readonly beyondLoopback: boolean;
  readonly mllpPort: number;
  readonly metricsPort: number;
  readonly inferencePort: number;
  /** An inference server that runs elsewhere; absent: our sidecar is started as a child. */
  readonly inferenceUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly vaultDatabaseUrl: string | undefined;
  readonly dataDir: string;
  readonly bodyCodec: 'deflate' | 'text';
  readonly policyName: string;
  readonly writeLanes: number;
  /** Addresses below which $import may read. */
  readonly importSources: readonly string[];
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new StartError(`${name} must be a whole number from 1 to 65535.`);
  return value;
}

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

function importSources(env: NodeJS.ProcessEnv): string[] {
  const given = (env['IMPORT_SOURCES'] ?? '').split(/[\s,]+/).filter(Boolean);
  return given.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isSafe = url && (['https:', 'file:'].includes(url.protocol) || (url.protocol === 'http:' && loopback.has(url.hostname)));
    if (!isSafe || url.search || url.hash || url.username)
      throw new StartError('IMPORT_SOURCES holds addresses of folders, https://HOST/PATH/ or file:///PATH/; http is for loopback only.');
    return url.href;
  });
}

/** The origin behind a proxy. Tokens travel over it: plain HTTP is for this machine only. */
function publicOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.has(url.hostname));
  if (!url || !isSafe || url.href !== `${url.origin}/`)
    throw new StartError('PUBLIC_URL must be https://HOST or https://HOST:PORT without a path; http is for loopback only.');
  return url;
}

/** @throws StartError with one sentence */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const bodyCodec = env['BODY_CODEC'] || 'deflate';
  if (bodyCodec !== 'deflate' && bodyCodec !== 'text') throw new StartError('BODY_CODEC must be deflate or text.');
  const policyName = env['DEIDENTIFICATION_POLICY'] || 'date-shift';
  if (!['date-shift', 'safe-harbor', 'synthetic'].includes(policyName))
    throw new StartError('DEIDENTIFICATION_POLICY must be date-shift, safe-harbor or synthetic.');
  const host = env['HOST'] || '127.0.0.1';
  const hostName = host.includes(':') ? `[${host}]` : host;
  const port = wholeNumber(env, 'PORT', 8080);
  // Cookies and the origin check need one name of this machine.
  const fallback = `http://${hostName === 'localhost' ? '127.0.0.1' : hostName}:${port}`;
  const isBoundBeyond = !loopback.has(hostName);
  if (isBoundBeyond && !(env['ALLOW_BIND'] && env['PUBLIC_URL']))
    throw new StartError('HOST beyond loopback needs ALLOW_BIND=1, PUBLIC_URL and a TLS proxy in front.');
  const url = publicOrigin(env['PUBLIC_URL'] || fallback);
  const beyondLoopback = !loopback.has(url.hostname);
  if (policyName === 'synthetic' && (isBoundBeyond || beyondLoopback)) throw new StartError('The policy synthetic is for loopback only.');
  return {
    host,
    port,
    origin: url.origin,
    beyondLoopback,
    mllpPort: wholeNumber(env, 'MLLP_PORT', 2575),
    metricsPort: wholeNumber(env, 'METRICS_PORT', 9464),
    inferencePort: wholeNumber(env, 'INFERENCE_PORT', 8090),
    inferenceUrl: env['INFERENCE_URL'] || undefined,
    databaseUrl: env['DATABASE_URL'] || undefined,
    vaultDatabaseUrl: env['VAULT_DATABASE_URL'] || undefined,
    dataDir: env['DATA_DIR'] || '.data',
    bodyCodec,
    policyName,
    writeLanes: wholeNumber(env, 'WRITE_LANES', 3),
    importSources: importSources(env),
  };
}
