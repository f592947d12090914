// Settings of the whole product (ARCHITECTURE section 7): the only place of `npm start` that reads the environment. Everything has a default.
import { StartError } from '@limen/fhir-server';

export interface Config {
  readonly host: string;
  readonly port: number;
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
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new StartError(`${name} must be a whole number from 1 to 65535.`);
  return value;
}

/** @throws StartError with one sentence */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const bodyCodec = env['BODY_CODEC'] || 'deflate';
  if (bodyCodec !== 'deflate' && bodyCodec !== 'text') throw new StartError('BODY_CODEC must be deflate or text.');
  const policyName = env['DEIDENTIFICATION_POLICY'] || 'date-shift';
  if (!['date-shift', 'safe-harbor', 'synthetic'].includes(policyName))
    throw new StartError('DEIDENTIFICATION_POLICY must be date-shift, safe-harbor or synthetic.');
  const host = env['HOST'] || '127.0.0.1';
  if (!['127.0.0.1', '::1', 'localhost'].includes(host) && (!env['ALLOW_BIND'] || policyName === 'synthetic')) {
    throw new StartError(
      policyName === 'synthetic'
        ? 'The policy synthetic binds to loopback only.'
        : 'HOST beyond loopback needs ALLOW_BIND=1 and a TLS proxy in front.',
    );
  }
  return {
    host,
    port: wholeNumber(env, 'PORT', 8080),
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
  };
}
