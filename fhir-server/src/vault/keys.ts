// Keys of the vault: one master key, everything else derived from it (HKDF, RFC 5869) and used for one purpose only.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const keyBytes = 32;

/** A key for one purpose and one tenant. */
export function deriveKey(masterKey: Buffer, purpose: string, tenant: number): Buffer {
  if (masterKey.length !== keyBytes) throw new Error('The vault master key must be 32 bytes.');
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.from(`limen-vault-${tenant}`), purpose, keyBytes));
}

/**
 * The development key in `dir`/vault.key (mode 600, folder 700), made on first use.
 * @throws Error with a sentence for start-up when the file is damaged or others can read it
 */
export async function loadMasterKey(dir: string): Promise<Buffer> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, 'vault.key');
  const found = await existing(file);
  if (found) return found;
  const draft = path.join(dir, `vault.key.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(randomBytes(keyBytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    // A link never replaces: of two processes that start together the second takes the first one's key.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const made = await existing(file);
  if (!made) throw new Error('The vault key could not be made.');
  return made;
}

async function existing(file: string): Promise<Buffer | undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  if ((found.mode & 0o077) !== 0) throw new Error('The vault key can be read by others: give it mode 600.');
  const key = await readFile(file);
  if (key.length !== keyBytes) throw new Error('The vault key is damaged: it must be 32 bytes.');
  return key;
}

const format = 1;

/** AES-256-GCM; `place` binds the text to its row. */
export function seal(key: Buffer, plain: string, place: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([format]), iv, cipher.getAuthTag(), body]);
}

/** @throws Error when the bytes were changed or moved to another row */
export function unseal(key: Buffer, sealed: Buffer, place: string): string {
  if (sealed[0] !== format) throw new Error('Unknown seal format.');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13)).setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(13, 29));
  return Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()]).toString('utf8');
}

/** Keyed hash of parts that can't run into each other. */
export function keyedHash(key: Buffer | KeyObject, ...parts: readonly string[]): Buffer {
  return createHmac('sha256', key).update(parts.join('\u0000')).digest();
}
