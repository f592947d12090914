// HTTPS without a proxy in front, and who may open a connection at all (RFC 8446; mutual TLS as in RFC 8705 2.1, for the connection alone).
import type { TlsOptions } from 'node:tls';

export interface HttpTls {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** PEM; present: only clients with a certificate of one of these authorities are served. */
  readonly clientAuthorities?: string;
}

/** BCP 195 (RFC 9325): 1.2 with forward secrecy and authenticated encryption, or 1.3. */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

export function secureOptions({ key, certificate, clientAuthorities }: HttpTls): TlsOptions {
  return {
    key,
    cert: certificate,
    minVersion: 'TLSv1.2',
    ciphers,
    honorCipherOrder: true,
    ...(clientAuthorities === undefined ? {} : { ca: clientAuthorities, requestCert: true, rejectUnauthorized: true }),
  };
}
