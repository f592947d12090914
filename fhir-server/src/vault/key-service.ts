// Master keys in a service of their own (ADR 0027): four POST requests with JSON, which a few lines before HashiCorp Vault Transit, AWS KMS or an HSM can answer.
//   /wrap {plaintext, context} -> {keyId, ciphertext}     /unwrap {keyId, ciphertext, context} -> {plaintext}, 404 for an unknown key
//   /rotate {} -> {}                                       /retire {keep: [keyId]} -> {}
import { type KeyManagement, KeyUnavailable, type WrappedKey } from './key-management.ts';
import { keyBytes } from './keys.ts';

const timeoutMs = 5000;
const idFormat = /^[\w.:/-]{1,200}$/;

export interface KeyServiceOptions {
  /** https, or http on loopback. */
  readonly url: string;
  /** Sent as bearer token. */
  readonly token?: string;
}

export class KeyService implements KeyManagement {
  readonly #options: KeyServiceOptions;

  constructor(options: KeyServiceOptions) {
    this.#options = options;
  }

  async #post(action: string, body: object): Promise<{ readonly [name: string]: unknown }> {
    const { url, token } = this.#options;
    const response = await fetch(`${url.replace(/\/$/, '')}/${action}`, {
      method: 'POST',
      // A redirect would carry a key in clear to another place.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    }).catch((cause: unknown) => {
      throw new KeyUnavailable('The key service does not answer.', { cause });
    });
    if (response.status === 404) throw new KeyUnavailable('The key service does not know the key that has sealed this vault.');
    if (!response.ok) throw new KeyUnavailable('The key service refuses.');
    const answer: unknown = await response.json().catch(() => undefined);
    if (typeof answer !== 'object' || answer === null) throw new KeyUnavailable('The key service answers in a form that is not known.');
    return answer as { [name: string]: unknown };
  }

  async wrap(key: Buffer, place: string): Promise<WrappedKey> {
    const { keyId, ciphertext } = await this.#post('wrap', { plaintext: key.toString('base64'), context: place });
    if (typeof keyId !== 'string' || !idFormat.test(keyId) || typeof ciphertext !== 'string')
      throw new KeyUnavailable('The key service answers in a form that is not known.');
    return { masterId: keyId, wrapped: Buffer.from(ciphertext) };
  }

  async unwrap({ masterId, wrapped }: WrappedKey, place: string): Promise<Buffer> {
    const { plaintext } = await this.#post('unwrap', { keyId: masterId, ciphertext: wrapped.toString(), context: place });
    const key = Buffer.from(typeof plaintext === 'string' ? plaintext : '', 'base64');
    if (key.length !== keyBytes) throw new KeyUnavailable('The key service answers in a form that is not known.');
    return key;
  }

  async rotate(): Promise<void> {
    await this.#post('rotate', {});
  }

  async retire(keep: readonly string[]): Promise<void> {
    await this.#post('retire', { keep });
  }
}
