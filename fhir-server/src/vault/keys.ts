// Keys of the vault as such: derivation (HKDF, RFC 5869), AES-256-GCM (NIST SP 800-38D) and keyed hashes (HMAC, RFC 2104). Pure.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

export const keyBytes = 32;

/** A key for one purpose and one tenant. */
export function deriveKey(root: Buffer, purpose: string, tenant: number): Buffer {
  if (root.length !== keyBytes) throw new Error('The root key of the vault must be 32 bytes.');
  return Buffer.from(hkdfSync('sha256', root, Buffer.from(`limen-vault-${tenant}`), purpose, keyBytes));
}

const format = 1;

/** AES-256-GCM; `place` binds the text to its row. */
export function seal(key: Buffer, plain: string | Buffer, place: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(typeof plain === 'string' ? Buffer.from(plain) : plain), cipher.final()]);
  return Buffer.concat([Buffer.from([format]), iv, cipher.getAuthTag(), body]);
}

/** @throws Error when the bytes were changed or moved to another row */
export function unsealBytes(key: Buffer, sealed: Buffer, place: string): Buffer {
  if (sealed[0] !== format) throw new Error('Unknown seal format.');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13)).setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(13, 29));
  return Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()]);
}

/** @throws Error when the bytes were changed or moved to another row */
export function unseal(key: Buffer, sealed: Buffer, place: string): string {
  return unsealBytes(key, sealed, place).toString('utf8');
}

/** Keyed hash of parts that can't run into each other. */
export function keyedHash(key: Buffer | KeyObject, ...parts: readonly string[]): Buffer {
  return createHmac('sha256', key).update(parts.join('\u0000')).digest();
}
