// Seals the text of a message under a key of its own, and that key under one derived from the vault's root: without the key's row the text is gone.
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { deriveKey, keyBytes, keyedHash, seal, unseal, unsealBytes } from './keys.ts';

export interface SealedMessage {
  readonly wrapped: Buffer;
  readonly sealed: Buffer;
}

export class MessageSeal {
  readonly #wrapping: Buffer;
  readonly #hashing: KeyObject;
  readonly #tenant: number;

  constructor(root: Buffer, tenant: number) {
    this.#wrapping = deriveKey(root, 'hl7v2-message', tenant);
    this.#hashing = createSecretKey(deriveKey(root, 'hl7v2-message-hash', tenant));
    this.#tenant = tenant;
  }

  close(id: string, text: string): SealedMessage {
    const key = randomBytes(keyBytes);
    const place = this.#place(id);
    return { wrapped: seal(this.#wrapping, key, `key|${place}`), sealed: seal(key, text, place) };
  }

  /** @throws Error when the bytes were changed or are of another message */
  open(id: string, { wrapped, sealed }: SealedMessage): string {
    const place = this.#place(id);
    return unseal(unsealBytes(this.#wrapping, wrapped, `key|${place}`), sealed, place);
  }

  /** A plain hash of a small message could be guessed. */
  hash(purpose: 'key' | 'body', text: string): Buffer {
    return keyedHash(this.#hashing, 'message', purpose, String(this.#tenant), text);
  }

  #place(id: string): string {
    return `message|${this.#tenant}|${id}`;
  }
}
