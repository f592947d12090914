// Settings of the HTTP listener: its certificate, whose certificates it asks for, and how much one address, client or account may ask.
import { createSecureContext } from 'node:tls';
import { type ServerOptions, StartError, shippedRateLimits } from '@limen/fhir-server';
import { settingFile } from './config-file.ts';

/** @throws StartError; undefined: plain HTTP */
export function httpTls(env: NodeJS.ProcessEnv): ServerOptions['tls'] {
  const key = settingFile(env['TLS_KEY'], 'TLS_KEY');
  const certificate = settingFile(env['TLS_CERT'], 'TLS_CERT');
  const clientAuthorities = settingFile(env['TLS_CLIENT_CA'], 'TLS_CLIENT_CA');
  if (!key && !certificate && !clientAuthorities) return undefined;
  if (!key || !certificate) throw new StartError('HTTPS needs both TLS_KEY and TLS_CERT.');
  try {
    createSecureContext({ key, cert: certificate, ...(clientAuthorities ? { ca: clientAuthorities } : {}) });
  } catch {
    throw new StartError('TLS_KEY, TLS_CERT and TLS_CLIENT_CA must be PEM files, the key that of the certificate.');
  }
  // OpenSSL reads a file without any certificate as no authority at all.
  if (clientAuthorities && !clientAuthorities.includes('-----BEGIN CERTIFICATE-----'))
    throw new StartError('TLS_CLIENT_CA holds no certificate.');
  return { key, certificate, ...(clientAuthorities ? { clientAuthorities } : {}) };
}

/** Points in a minute (ADR 0047). */
export function rateLimits(env: NodeJS.ProcessEnv): NonNullable<ServerOptions['rateLimits']> {
  const points = (name: string, shipped: number): number => {
    const text = env[name];
    if (!text) return shipped;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new StartError(`${name} is a whole number of points in a minute.`);
    return Number(text);
  };
  return {
    address: points('RATE_LIMIT_ADDRESS', shippedRateLimits.address),
    signIn: points('RATE_LIMIT_SIGN_IN', shippedRateLimits.signIn),
    client: points('RATE_LIMIT_CLIENT', shippedRateLimits.client),
    account: points('RATE_LIMIT_ACCOUNT', shippedRateLimits.account),
    countsLoopback: shippedRateLimits.countsLoopback,
  };
}
