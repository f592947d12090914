// Settings of the whole product (ARCHITECTURE section 7): the only place of `npm start` that reads the environment. Everything has a default.
import { readFileSync, statSync } from 'node:fs';
import { type ServerOptions, StartError } from '@limen/fhir-server';
import { isLoopbackListener, type MllpListener, mllpListeners } from './config-channels.ts';
import { settingFile } from './config-file.ts';
import { httpTls, rateLimits } from './config-http.ts';

type ServerBrands = NonNullable<ServerOptions['brands']>;

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Scheme, host and port that clients use: issuer, links and self references begin with it. */
  readonly origin: string;
  /** Absent: plain HTTP. */
  readonly tls: ServerOptions['tls'];
  readonly rateLimits: NonNullable<ServerOptions['rateLimits']>;
  /** True when the origin can be reached from other machines. */
  readonly beyondLoopback: boolean;
  /** The listeners of HL7 v2 messages, one for each channel. */
  readonly mllp: readonly MllpListener[];
  readonly metricsPort: number;
  readonly inferencePort: number;
  /** An inference server that runs elsewhere; absent: our sidecar is started as a child. */
  readonly inferenceUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly vaultDatabaseUrl: string | undefined;
  /** The service that holds the vault's master key; absent: files in the data folder. */
  readonly vaultKeys: { readonly url: string; readonly token?: string } | undefined;
  readonly dataDir: string;
  /** Policies that a caller of $deidentify may choose beside the server's own. */
  readonly deidentifyPolicies: readonly string[];
  readonly bodyCodec: 'deflate' | 'text';
  readonly policyName: string;
  /** Rules and keys of the operator, when the policy is a file. */
  readonly ruleFile: { readonly text: string; readonly keys: { readonly [name: string]: string } } | undefined;
  readonly writeLanes: number;
  /** Addresses below which $import may read. */
  readonly importSources: readonly string[];
  /** Addresses below which notifications of subscriptions may be sent. */
  readonly subscriptionEndpoints: readonly string[];
  /** Whether subscriptions may be told by websocket. */
  readonly subscriptionWebsockets: boolean;
  /** Origins in the organization's own network that the server may call. */
  readonly trustedOrigins: readonly string[];
  /** Who runs this server, from BRANDS_FILE. */
  readonly brands: ServerBrands | undefined;
  /** Other EHRs that may launch our app, from EHRS_FILE. */
  readonly ehrs: unknown;
  /** Whether a conditional delete may delete more than one resource. */
  readonly conditionalDelete: 'single' | 'multiple';
  /** The access policy of a file; undefined: the shipped one. */
  readonly accessPolicy: unknown;
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new StartError(`${name} must be a whole number from 1 to 65535.`);
  return value;
}

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

function folders(env: NodeJS.ProcessEnv, name: string, protocols: readonly string[]): string[] {
  const given = (env[name] ?? '').split(/[\s,]+/).filter(Boolean);
  return given.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isSafe = url && (protocols.includes(url.protocol) || (url.protocol === 'http:' && loopback.has(url.hostname)));
    if (!isSafe || url.search || url.hash || url.username)
      throw new StartError(`${name} holds addresses of folders that begin with ${protocols.join('// or ')}//; http is for loopback only.`);
    return url.href;
  });
}
const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The origin behind a proxy. Tokens travel over it: plain HTTP is for this machine only. */
function publicOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.has(url.hostname));
  if (!url || !isSafe || url.href !== `${url.origin}/`)
    throw new StartError('PUBLIC_URL must be https://HOST or https://HOST:PORT without a path; http is for loopback only.');
  return url;
}

function jsonFile(env: NodeJS.ProcessEnv, name: string): unknown {
  const text = settingFile(env[name], name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new StartError(`${name} names a file that is not JSON.`);
  }
}

const policyNames = ['date-shift', 'safe-harbor', 'synthetic'];
const maximumRuleFileBytes = 1024 * 1024;

function policyOf(env: NodeJS.ProcessEnv): Pick<Config, 'policyName' | 'ruleFile'> {
  const given = env['DEIDENTIFICATION_POLICY'] || 'date-shift';
  if (policyNames.includes(given)) return { policyName: given, ruleFile: undefined };
  if (!/[/.]/.test(given))
    throw new StartError('DEIDENTIFICATION_POLICY must be date-shift, safe-harbor, synthetic or the path of a file with rules.');
  const text = textFile(given, 'DEIDENTIFICATION_POLICY');
  const keysFile = env['DEIDENTIFICATION_KEYS'];
  return { policyName: 'rule-file', ruleFile: { text, keys: keysFile ? keysOf(textFile(keysFile, 'DEIDENTIFICATION_KEYS')) : {} } };
}

function deidentifyPolicies(env: NodeJS.ProcessEnv): string[] {
  const given = (env['DEIDENTIFY_POLICIES'] ?? '').split(/[\s,]+/).filter(Boolean);
  if (given.some((name) => !['date-shift', 'safe-harbor'].includes(name)))
    throw new StartError('DEIDENTIFY_POLICIES may hold date-shift and safe-harbor.');
  return given;
}

function textFile(file: string, name: string): string {
  const text = settingFile(file, name) ?? '';
  if (text.length > maximumRuleFileBytes) throw new StartError(`${name} names a file that is too large.`);
  return text;
}

const keyNames = ['dateShiftKey', 'cryptoHashKey', 'encryptKey'];

function keysOf(text: string): { readonly [name: string]: string } {
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    keys = undefined;
  }
  const isKeys = typeof keys === 'object' && keys !== null && !Array.isArray(keys);
  if (!isKeys || Object.entries(keys as object).some(([name, key]) => !keyNames.includes(name) || typeof key !== 'string'))
    throw new StartError(`DEIDENTIFICATION_KEYS must hold a JSON object with texts for ${keyNames.join(', ')}.`);
  return keys as { readonly [name: string]: string };
}

function vaultKeys(env: NodeJS.ProcessEnv): Config['vaultKeys'] {
  const [url] = folders(env, 'VAULT_KEY_SERVICE', ['https:']);
  const token = env['VAULT_KEY_SERVICE_TOKEN'];
  return url === undefined ? undefined : { url, ...(token ? { token } : {}) };
}

/** User-access brands: a list of Organization resources, the responsible one first. A value that was asked for and not given may say so. */
function brands(env: NodeJS.ProcessEnv): ServerBrands | undefined {
  const file = env['BRANDS_FILE'];
  if (!file) return undefined;
  try {
    const text = readFileSync(file, 'utf8');
    const organizations = JSON.parse(text) as NonNullable<ServerBrands['organizations']>;
    const isList = Array.isArray(organizations) && organizations.length > 0;
    const reasons = [...text.matchAll(/"valueCode"\s*:\s*"([^"]*)"/g)].map(([, code]) => code);
    const areReasons =
      !text.includes('data-absent-reason') || reasons.every((code) => code === 'asked-declined' || code === 'asked-unknown');
    if (!isList || !areReasons || organizations.some((each) => each.resourceType !== 'Organization' || !each.name))
      throw new Error('no brands');
    return { organizations, changedAt: statSync(file).mtime };
  } catch {
    throw new StartError(
      'BRANDS_FILE must be a JSON list of Organization resources with names; reasons for absent data are asked-declined or asked-unknown.',
    );
  }
}

/** @throws StartError with one sentence */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const bodyCodec = env['BODY_CODEC'] || 'deflate';
  if (bodyCodec !== 'deflate' && bodyCodec !== 'text') throw new StartError('BODY_CODEC must be deflate or text.');
  const { policyName, ruleFile } = policyOf(env);
  const host = env['HOST'] || '127.0.0.1';
  const hostName = inUrl(host);
  const port = wholeNumber(env, 'PORT', 8080);
  // Cookies and the origin check need one name of this machine.
  const tls = httpTls(env);
  const fallback = `${tls ? 'https' : 'http'}://${hostName === 'localhost' ? '127.0.0.1' : hostName}:${port}`;
  const isBoundBeyond = !loopback.has(hostName);
  if (isBoundBeyond && !((tls || env['ALLOW_BIND']) && env['PUBLIC_URL']))
    throw new StartError('HOST beyond loopback needs PUBLIC_URL, and TLS_KEY and TLS_CERT or, with a TLS proxy in front, ALLOW_BIND=1.');
  const url = publicOrigin(env['PUBLIC_URL'] || fallback);
  const beyondLoopback = !loopback.has(url.hostname);
  const mllp = mllpListeners(env, host, wholeNumber(env, 'MLLP_PORT', 2575));
  if (policyName === 'synthetic' && (isBoundBeyond || beyondLoopback || !mllp.every(isLoopbackListener)))
    throw new StartError('The policy synthetic is for loopback only.');
  const conditionalDelete = env['CONDITIONAL_DELETE'] || 'single';
  if (conditionalDelete !== 'single' && conditionalDelete !== 'multiple')
    throw new StartError('CONDITIONAL_DELETE must be single or multiple.');
  return {
    host,
    port,
    origin: url.origin,
    tls,
    rateLimits: rateLimits(env),
    beyondLoopback,
    mllp,
    metricsPort: wholeNumber(env, 'METRICS_PORT', 9464),
    inferencePort: wholeNumber(env, 'INFERENCE_PORT', 8090),
    inferenceUrl: env['INFERENCE_URL'] || undefined,
    databaseUrl: env['DATABASE_URL'] || undefined,
    vaultDatabaseUrl: env['VAULT_DATABASE_URL'] || undefined,
    vaultKeys: vaultKeys(env),
    dataDir: env['DATA_DIR'] || '.data',
    bodyCodec,
    policyName,
    ruleFile,
    deidentifyPolicies: deidentifyPolicies(env),
    writeLanes: wholeNumber(env, 'WRITE_LANES', 3),
    importSources: folders(env, 'IMPORT_SOURCES', ['https:', 'file:']),
    subscriptionEndpoints: folders(env, 'SUBSCRIPTION_ENDPOINTS', ['https:']),
    subscriptionWebsockets: env['SUBSCRIPTION_WEBSOCKETS'] === '1',
    brands: brands(env),
    ehrs: jsonFile(env, 'EHRS_FILE'),
    trustedOrigins: folders(env, 'TRUSTED_ORIGINS', ['https:', 'http:']).map((each) => new URL(each).origin),
    conditionalDelete,
    accessPolicy: jsonFile(env, 'ACCESS_POLICY'),
  };
}
