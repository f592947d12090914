// Heads of the audit chains, signed and kept outside the database: who can change every row of it still can't change what was written here.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LinkedRow } from './chain.ts';

/** One line of the file. `previous` is the digest of the line before, so that no line can be taken out. */
interface Anchor {
  readonly at: string;
  readonly heads: readonly Head[];
  readonly previous: string;
}

interface Head {
  readonly lane: string;
  readonly n: number;
  readonly hash: string;
}

const everyMs = 60_000;
const fileName = 'audit-anchors.ndjson';
const keyName = 'audit-anchor.pem';
const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

/** Notes heads as they are committed. */
export interface HeadNotes {
  note(lane: string, last: LinkedRow): void;
}

export interface Anchors extends HeadNotes {
  /** Writes the heads that moved since the last line. */
  write(): Promise<void>;
  close(): Promise<void>;
}

async function signingKey(keysDir: string): Promise<KeyObject> {
  await mkdir(keysDir, { recursive: true, mode: 0o700 });
  const file = path.join(keysDir, keyName);
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  // Only the first start makes one.
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return createPrivateKey(await readFile(file, 'utf8'));
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter((line) => line !== '');
}

/** @param dataDir where the file grows; copy it to a place that the database's administrator can't write */
export async function openAnchors(dataDir: string, keysDir: string, now: () => Date, log: Logger): Promise<Anchors> {
  const key = await signingKey(keysDir);
  const file = path.join(dataDir, fileName);
  const old = await linesOf(file);
  let previous = digest(old.at(-1) ?? '');
  // A line that a crash has cut off must not take the next one with it.
  if (old.length > 0) await appendFile(file, '\n');
  let moved = new Map<string, Head>();
  let writing: Promise<void> = Promise.resolve();

  async function append(): Promise<void> {
    if (moved.size === 0) return;
    const heads = [...moved.values()];
    moved = new Map();
    const anchor: Anchor = { at: now().toISOString(), heads, previous };
    const body = JSON.stringify(anchor);
    const line = JSON.stringify({ ...anchor, signature: sign(null, Buffer.from(body), key).toString('base64url') });
    try {
      await appendFile(file, `${line}\n`, { mode: 0o600 });
      previous = digest(line);
    } catch (error) {
      // Said, and tried again with the next heads: the chains themselves are whole.
      log.error({ event: 'audit-anchor-failed', code: (error as NodeJS.ErrnoException).code });
      for (const head of heads) if (!moved.has(head.lane)) moved.set(head.lane, head);
    }
  }
  const write = (): Promise<void> => {
    writing = writing.then(append);
    return writing;
  };
  const timer = setInterval(() => void write(), everyMs);
  timer.unref();
  return {
    note(lane, { n, hash }) {
      moved.set(lane, { lane, n, hash: hash.toString('hex') });
    },
    write,
    async close() {
      clearInterval(timer);
      await write();
    },
  };
}

export interface AnchorFault {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly fault: 'signature' | 'order' | 'row';
}

/** Checks every line: its signature, that it follows the one before, and that the database still holds the rows it names. */
export async function verifyAnchors(
  pool: Pool,
  tenant: number,
  dataDir: string,
  keysDir: string,
): Promise<{ lines: number; faults: AnchorFault[] }> {
  const publicKey = createPublicKey(createPrivateKey(await readFile(path.join(keysDir, keyName), 'utf8')));
  const faults: AnchorFault[] = [];
  let previous = digest('');
  const lines = await linesOf(path.join(dataDir, fileName));
  for (const [index, line] of lines.entries()) {
    const { signature, ...anchor } = parsed(line);
    const isSigned = verify(null, Buffer.from(JSON.stringify(anchor)), publicKey, Buffer.from(signature, 'base64url'));
    if (!isSigned) faults.push({ line: index + 1, fault: 'signature' });
    if (anchor.previous !== previous) faults.push({ line: index + 1, fault: 'order' });
    if (!(await holds(pool, tenant, anchor.heads))) faults.push({ line: index + 1, fault: 'row' });
    previous = digest(line);
  }
  return { lines: lines.length, faults };
}

/** A line as it was written; one that is cut off says nothing and is signed by nobody. */
function parsed(line: string): Anchor & { readonly signature: string } {
  try {
    return JSON.parse(line) as Anchor & { signature: string };
  } catch {
    return { at: '', heads: [], previous: '', signature: '' };
  }
}

async function holds(pool: Pool, tenant: number, heads: readonly Head[]): Promise<boolean> {
  const { rows } = await pool.query<{ found: string }>(
    `select count(*) as found from unnest($2::uuid[], $3::int8[], $4::text[]) as h(lane, n, hash)
     join audit a on a.tenant = $1 and a.lane = h.lane and a.n = h.n and encode(a.hash, 'hex') = h.hash`,
    [tenant, heads.map((h) => h.lane), heads.map((h) => h.n), heads.map((h) => h.hash)],
  );
  return Number(rows[0]?.found) === heads.length;
}
