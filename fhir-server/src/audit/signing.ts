// The key that signs what vouches for the audit trail from outside the database: anchors, and notes about months that were dropped.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const keyName = 'audit-anchor.pem';

/** The key of this installation; the first start makes it. */
export async function signingKey(keysDir: string): Promise<KeyObject> {
  await mkdir(keysDir, { recursive: true, mode: 0o700 });
  const file = path.join(keysDir, keyName);
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return createPrivateKey(await readFile(file, 'utf8'));
}

/** For who only verifies: no key is made. */
export async function verifyingKey(keysDir: string): Promise<KeyObject> {
  return createPublicKey(createPrivateKey(await readFile(path.join(keysDir, keyName), 'utf8')));
}

export function signed(text: string, key: KeyObject): string {
  return sign(null, Buffer.from(text), key).toString('base64url');
}

export function isSigned(text: string, signature: string, key: KeyObject): boolean {
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));
}
