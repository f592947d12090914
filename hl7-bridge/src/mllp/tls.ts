// https://www.rfc-editor.org/rfc/rfc9325 — TLS of the listener: 1.2 at least, with client certificates where an authority for them is named.
import type { TlsOptions } from 'node:tls';

export interface MllpTls {
  /** PEM of the listener's private key and of its certificate chain. */
  readonly key: string | Buffer;
  readonly certificate: string | Buffer;
  /** PEM of the authorities whose clients may connect; a client without a certificate of theirs is refused. Without it every client may. */
  readonly clientAuthorities?: string | Buffer;
}

export function tlsOptions({ key, certificate, clientAuthorities }: MllpTls): TlsOptions {
  return {
    key,
    cert: certificate,
    minVersion: 'TLSv1.2',
    ...(clientAuthorities ? { ca: clientAuthorities, requestCert: true, rejectUnauthorized: true } : {}),
  };
}
