// Keys of the authorization server: the id_token signing key, the cookie keys, the key of accounts' secrets, made once and kept in keysDir (mode 600).
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JWK } from 'jose';

export interface AuthorizationKeys {
  readonly signing: JWK;
  readonly cookies: readonly string[];
  /** Seals and hashes what accounts keep secret. */
  readonly accounts: Buffer;
}

/** The file's text; made by `create` when absent. Of two processes that start at once, the first to create wins. */
async function once(path: string, create: () => string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  try {
    const text = create();
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await readFile(path, 'utf8');
  }
}

function signingKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' });
}

/** Reads the keys, making those that are missing. */
export async function authorizationKeys(keysDir: string): Promise<AuthorizationKeys> {
  await mkdir(keysDir, { recursive: true, mode: 0o700 });
  const signing = await once(join(keysDir, 'id-token-signing.json'), signingKey);
  const cookies = await once(join(keysDir, 'cookie-keys.json'), () => JSON.stringify([randomBytes(32).toString('base64url')]));
  const accounts = await once(join(keysDir, 'accounts.key'), () => randomBytes(32).toString('base64url'));
  return { signing: JSON.parse(signing) as JWK, cookies: JSON.parse(cookies) as string[], accounts: Buffer.from(accounts, 'base64url') };
}
