// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT — the files of a release, from a folder or from the zip file that it is published as.
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ReleaseError } from './release.ts';

export interface ReleaseFiles {
  /** The one file whose path matches; undefined when there is none. Of several the one with the shortest path. */
  find(pattern: RegExp): string | undefined;
  /** Its bytes. */
  read(name: string): Promise<Readable>;
  close(): Promise<void>;
}

function finder(names: readonly string[]): ReleaseFiles['find'] {
  const sorted = [...names].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return (pattern) => sorted.find((name) => pattern.test(name));
}

async function folder(root: string): Promise<ReleaseFiles> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const names = entries.filter((each) => each.isFile()).map((each) => path.join(each.parentPath, each.name));
  return { find: finder(names), read: async (name) => createReadStream(name), close: async () => undefined };
}

interface Entry {
  readonly method: number;
  readonly size: number;
  readonly offset: number;
}

const unreadable = (): ReleaseError => new ReleaseError('The zip file can not be read: unpack it and name the folder.');
const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endLength = 22;
const entryLength = 46;
const localLength = 30;
const maxCommentLength = 65_535;
/** What stands in a field whose value is in the zip64 part. */
const elsewhere = 0xffffffff;

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw unreadable();
  return buffer;
}

async function directory(file: FileHandle): Promise<Map<string, Entry>> {
  const { size } = await file.stat();
  const tailLength = Math.min(size, endLength + maxCommentLength);
  const tail = await bytes(file, size - tailLength, tailLength);
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0 || end + endLength > tail.length || tail.readUInt32LE(end) !== endSignature) throw unreadable();
  const [length, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (start === elsewhere || length === elsewhere) throw unreadable();
  const records = await bytes(file, start, length);
  const entries = new Map<string, Entry>();
  for (let at = 0; at + entryLength <= records.length && records.readUInt32LE(at) === entrySignature; ) {
    const nameLength = records.readUInt16LE(at + 28);
    const entry = { method: records.readUInt16LE(at + 10), size: records.readUInt32LE(at + 20), offset: records.readUInt32LE(at + 42) };
    if (entry.size === elsewhere || entry.offset === elsewhere) throw unreadable();
    entries.set(records.toString('utf8', at + entryLength, at + entryLength + nameLength), entry);
    at += entryLength + nameLength + records.readUInt16LE(at + 30) + records.readUInt16LE(at + 32);
  }
  return entries;
}

async function zip(name: string): Promise<ReleaseFiles> {
  const file = await open(name);
  const entries = await directory(file).catch(async (error) => {
    await file.close();
    throw error;
  });
  return {
    find: finder([...entries.keys()]),
    async read(entryName) {
      const entry = entries.get(entryName);
      if (!entry || (entry.method !== 0 && entry.method !== 8)) throw unreadable();
      const local = await bytes(file, entry.offset, localLength);
      const start = entry.offset + localLength + local.readUInt16LE(26) + local.readUInt16LE(28);
      const raw = createReadStream(name, { start, end: start + entry.size - 1 });
      if (entry.method === 0) return raw;
      const inflate = createInflateRaw();
      raw.on('error', (error) => inflate.destroy(error));
      return raw.pipe(inflate);
    },
    close: () => file.close(),
  };
}

/** @throws ReleaseError */
export async function openRelease(where: string): Promise<ReleaseFiles> {
  const found = await stat(where).catch(() => undefined);
  if (!found) throw new ReleaseError('There is no such folder or zip file.');
  return found.isDirectory() ? folder(where) : zip(where);
}
