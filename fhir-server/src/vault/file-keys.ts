// Master keys in files of mode 600: for development and for small installations that protect the folder. `vault.key` is in use, `vault.key.<id>` are earlier ones.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type KeyManagement, KeyUnavailable, type WrappedKey } from './key-management.ts';
import { keyBytes, keyedHash, seal, unsealBytes } from './keys.ts';

const inUse = 'vault.key';
const idOf = (key: Buffer): string => keyedHash(key, 'master-key-id').toString('hex', 0, 8);

function ignore(...codes: readonly string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
    return undefined;
  };
}

async function readKey(file: string): Promise<Buffer | undefined> {
  const found = await stat(file).catch(ignore('ENOENT'));
  if (!found) return undefined;
  if ((found.mode & 0o077) !== 0) throw new KeyUnavailable('The vault key can be read by others: give it mode 600.');
  const key = await readFile(file);
  if (key.length !== keyBytes) throw new KeyUnavailable('The vault key is damaged: it must be 32 bytes.');
  return key;
}

async function writeKey(file: string, key: Buffer): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(key);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export class FileKeys implements KeyManagement {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The key in use; undefined when there is none. @throws KeyUnavailable when the file is damaged or others can read it */
  existing(): Promise<Buffer | undefined> {
    return readKey(path.join(this.#dir, inUse));
  }

  /** The key in use, made on first use in a folder of mode 700. */
  async current(): Promise<Buffer> {
    const found = await this.existing();
    if (found) return found;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    // A link never replaces: of two processes that start together the second takes the first one's key.
    await this.#draft(randomBytes(keyBytes), (draft) => link(draft, path.join(this.#dir, inUse)).catch(ignore('EEXIST')));
    const made = await this.existing();
    if (!made) throw new KeyUnavailable('The vault key could not be made.');
    return made;
  }

  async #draft(key: Buffer, use: (draft: string) => Promise<void>): Promise<void> {
    const draft = path.join(this.#dir, `draft.${randomBytes(6).toString('hex')}`);
    try {
      await writeKey(draft, key);
      await use(draft);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async wrap(key: Buffer, place: string): Promise<WrappedKey> {
    const master = await this.current();
    return { masterId: idOf(master), wrapped: seal(master, key, place) };
  }

  async unwrap({ masterId, wrapped }: WrappedKey, place: string): Promise<Buffer> {
    const current = await this.existing();
    const master = current && idOf(current) === masterId ? current : await readKey(path.join(this.#dir, `${inUse}.${masterId}`));
    if (!master || idOf(master) !== masterId)
      throw new KeyUnavailable('The key that has sealed this vault is not in the folder of keys: put it back as vault.key.');
    try {
      return unsealBytes(master, wrapped, place);
    } catch (cause) {
      throw new KeyUnavailable('The vault holds a key that was changed: restore the vault from a backup.', { cause });
    }
  }

  async rotate(): Promise<void> {
    const old = await this.current();
    // The old key has its second name before the new one takes its place: a crash between leaves both readable.
    await link(path.join(this.#dir, inUse), path.join(this.#dir, `${inUse}.${idOf(old)}`)).catch(ignore('EEXIST'));
    await this.#draft(randomBytes(keyBytes), (draft) => rename(draft, path.join(this.#dir, inUse)));
  }

  async retire(keep: readonly string[]): Promise<void> {
    const kept = new Set(keep.map((id) => `${inUse}.${id}`));
    for (const name of await readdir(this.#dir))
      if (/^vault\.key\.[0-9a-f]{16}$/.test(name) && !kept.has(name)) await rm(path.join(this.#dir, name));
  }
}
