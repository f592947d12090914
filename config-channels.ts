// Settings of the HL7 v2 channels: those of the file that HL7_CHANNELS names, else one channel by the MLLP_ variables.
import { createSecureContext } from 'node:tls';
import { StartError } from '@limen/fhir-server';
import {
  type Channel,
  ChannelFileError,
  type ChannelSettings,
  type ConfiguredChannel,
  defaultChannel,
  defaultSettings,
  type MllpLimits,
  type MllpTls,
  readChannels,
} from '@limen/hl7-bridge';
import { settingFile } from './config-file.ts';

/** A listener with all that it is to do. */
export interface MllpListener {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** Absent: plain TCP. */
  readonly tls: MllpTls | undefined;
  readonly channel: Channel;
  readonly settings: ChannelSettings;
  readonly limits: Partial<MllpLimits>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** @param names what the operator has called the three files */
function tlsOf(files: readonly (string | undefined)[], names: readonly string[]): MllpTls | undefined {
  const [key, certificate, clientAuthorities] = files.map((file, i) => settingFile(file, names[i] ?? ''));
  const [keyName, certificateName, authoritiesName] = names;
  if (!key && !certificate && !clientAuthorities) return undefined;
  if (!key || !certificate) throw new StartError(`MLLP over TLS needs both ${keyName} and ${certificateName}.`);
  try {
    createSecureContext({ key, cert: certificate, ...(clientAuthorities ? { ca: clientAuthorities } : {}) });
  } catch {
    throw new StartError(`${keyName}, ${certificateName} and ${authoritiesName} must be PEM files, the key that of the certificate.`);
  }
  // OpenSSL reads a file without any certificate as no authority at all.
  if (clientAuthorities && !clientAuthorities.includes('-----BEGIN CERTIFICATE-----'))
    throw new StartError(`${authoritiesName} holds no certificate.`);
  return { key, certificate, ...(clientAuthorities ? { clientAuthorities } : {}) };
}

/** MLLP has no other way to tell who sends: who is not let in by a certificate must be kept out by the network. */
function requireGuard(host: string, tls: MllpTls | undefined, env: NodeJS.ProcessEnv, needs: string): void {
  if (!loopback.has(host) && !tls?.clientAuthorities && !env['ALLOW_BIND']) throw new StartError(needs);
}

function ofFile(env: NodeJS.ProcessEnv, host: string, given: ConfiguredChannel): MllpListener {
  const { tlsFiles, ...others } = given;
  const names = ['key', 'certificate', 'clientAuthorities'].map((name) => `HL7_CHANNELS: ${name} of a channel's tls`);
  const tls = tlsOf([tlsFiles?.key, tlsFiles?.certificate, tlsFiles?.clientAuthorities], names);
  const listener = { ...others, host: given.host ?? host, tls };
  requireGuard(listener.host, tls, env, 'HL7_CHANNELS: a channel beyond loopback needs tls with clientAuthorities, or ALLOW_BIND=1.');
  return listener;
}

function ofVariables(env: NodeJS.ProcessEnv, host: string, port: number): MllpListener {
  const names = ['MLLP_TLS_KEY', 'MLLP_TLS_CERT', 'MLLP_TLS_CLIENT_CA'];
  const tls = tlsOf(
    names.map((name) => env[name]),
    names,
  );
  const bound = env['MLLP_HOST'] || host;
  requireGuard(bound, tls, env, 'MLLP_HOST beyond loopback needs MLLP_TLS_KEY, MLLP_TLS_CERT and MLLP_TLS_CLIENT_CA, or ALLOW_BIND=1.');
  return { host: bound, port, clientId: 'hl7-channel', tls, channel: defaultChannel, settings: defaultSettings, limits: {} };
}

/** @throws StartError with one sentence */
export function mllpListeners(env: NodeJS.ProcessEnv, host: string, port: number): readonly MllpListener[] {
  const file = env['HL7_CHANNELS'];
  if (!file) return [ofVariables(env, host, port)];
  const text = settingFile(file, 'HL7_CHANNELS') ?? '';
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new StartError('HL7_CHANNELS names a file that is not JSON.');
  }
  try {
    return readChannels(list).map((channel) => ofFile(env, host, channel));
  } catch (error) {
    throw error instanceof ChannelFileError ? new StartError(error.message) : error;
  }
}

export const isLoopbackListener = ({ host }: MllpListener): boolean => loopback.has(host);
