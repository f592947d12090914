// What a client asked may hold addresses with secrets and filters with identifiers: it lies encrypted, bound to its row.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** AES-256-GCM. */
export function sealOrder(key: Buffer, order: object, jobId: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(jobId));
  const body = Buffer.concat([cipher.update(JSON.stringify(order), 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

/** @throws Error when the bytes were changed or belong to another job */
export function openOrder<T>(key: Buffer, sealed: Buffer, jobId: string): T {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(jobId));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')) as T;
}
