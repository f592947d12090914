// Secrets of accounts at rest: sealed where they are needed again (AES-256-GCM), hashed with a key where they are only compared.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const ivBytes = 12;
const tagBytes = 16;

export class SecretBox {
  readonly #sealing: Buffer;
  readonly #hashing: Buffer;

  /** @param key 32 bytes that are not in the database */
  constructor(key: Buffer) {
    const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `accounts ${purpose}`, 32));
    this.#sealing = derived('seal');
    this.#hashing = derived('hash');
  }

  /** @param owner what the secret belongs to: opened for another one, it does not open */
  seal(secret: string, owner: string): Buffer {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, iv).setAAD(Buffer.from(owner));
    return Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws when it was sealed for another owner, or changed */
  open(sealed: Buffer, owner: string): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, sealed.subarray(0, ivBytes)).setAAD(Buffer.from(owner));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
  }

  hash(text: string): Buffer {
    return createHmac('sha256', this.#hashing).update(text).digest();
  }
}
