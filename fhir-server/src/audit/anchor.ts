// Heads of the audit chains, signed and kept outside the database: who can change every row of it still can't change what was written here.
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { LinkedRow } from './chain.ts';
import type { DroppedRows } from './retention.ts';
import { isSigned, signed, signingKey, verifyingKey } from './signing.ts';

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
const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

/** Notes heads as they are committed. */
export interface HeadNotes {
  note(lane: string, last: LinkedRow): void;
}

export interface Anchors extends HeadNotes {
  /** Writes the heads that moved since the last line. */
  write(): Promise<void>;
  /** Notes the ends of chains whose process died before it could sign them: from its last line on. */
  adopt(pool: Pick<Pool, 'query'>, tenant: number): Promise<void>;
  close(): Promise<void>;
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
    const line = JSON.stringify({ ...anchor, signature: signed(body, key) });
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
    async adopt(pool, tenant) {
      const known = signedHeads(old.map(parsed));
      for (const head of await unsignedHeads(pool, tenant, old)) if (head.n > (known.get(head.lane) ?? 0)) moved.set(head.lane, head);
      await write();
    },
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

/** Rows are older than the line that signs them by a minute at most; clocks of nodes differ. */
const adoptedMs = 600_000;

async function unsignedHeads(pool: Pick<Pool, 'query'>, tenant: number, lines: readonly string[]): Promise<Head[]> {
  const last = Date.parse(parsed(lines.at(-1) ?? '').at) || 0;
  const { rows } = await pool.query<{ lane: string; n: string; hash: string }>(
    `select distinct on (lane) lane, n, encode(hash, 'hex') as hash from audit where tenant = $1 and at > $2 order by lane, n desc`,
    [tenant, new Date(Math.max(last - adoptedMs, 0))],
  );
  return rows.map((row) => ({ ...row, n: Number(row.n) }));
}

/** The highest row of each chain that a line names. */
function signedHeads(anchors: readonly Anchor[]): Map<string, number> {
  const highest = new Map<string, number>();
  for (const { lane, n } of anchors.flatMap(({ heads }) => heads)) highest.set(lane, Math.max(n, highest.get(lane) ?? 0));
  return highest;
}

/** Lines whose rows are looked up together. */
const linesAtOnce = 500;

/**
 * Checks every line: its signature, that it follows the one before, and that the database still holds the rows it names.
 * @param dropped rows that went with their month
 * @returns signed: the highest row of each chain that a true line names
 */
export async function verifyAnchors(
  pool: Pick<Pool, 'query'>,
  tenant: number,
  dataDir: string,
  keysDir: string,
  dropped: readonly DroppedRows[] = [],
): Promise<{ lines: number; faults: AnchorFault[]; signed: Map<string, number> }> {
  const publicKey = await verifyingKey(keysDir);
  const faults: AnchorFault[] = [];
  const trusted: Anchor[] = [];
  let previous = digest('');
  const lines = await linesOf(path.join(dataDir, fileName));
  for (let from = 0; from < lines.length; from += linesAtOnce) {
    const chunk = lines.slice(from, from + linesAtOnce);
    const anchors = chunk.map(parsed);
    const held = await heldHeads(
      pool,
      tenant,
      anchors.flatMap(({ heads }) => heads),
    );
    for (const [index, { signature, ...anchor }] of anchors.entries()) {
      const line = from + index + 1;
      if (isSigned(JSON.stringify(anchor), signature, publicKey)) trusted.push(anchor);
      else faults.push({ line, fault: 'signature' });
      if (anchor.previous !== previous) faults.push({ line, fault: 'order' });
      if (!anchor.heads.every((head) => held.has(keyOf(head)) || wentWithItsMonth(head, dropped))) faults.push({ line, fault: 'row' });
      previous = digest(chunk[index] ?? '');
    }
  }
  return { lines: lines.length, faults, signed: signedHeads(trusted) };
}

const keyOf = ({ lane, n, hash }: Head): string => `${lane}|${n}|${hash}`;

function wentWithItsMonth({ lane, n, hash }: Head, dropped: readonly DroppedRows[]): boolean {
  return dropped.some((rows) => rows.lane === lane && n >= rows.first && n <= rows.last && (n < rows.last || rows.hash === hash));
}

/** A line as it was written; one that is cut off says nothing and is signed by nobody. */
function parsed(line: string): Anchor & { readonly signature: string } {
  try {
    return JSON.parse(line) as Anchor & { signature: string };
  } catch {
    return { at: '', heads: [], previous: '', signature: '' };
  }
}

/** Those that the database holds as they were signed. */
async function heldHeads(pool: Pick<Pool, 'query'>, tenant: number, heads: readonly Head[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ lane: string; n: string; hash: string }>(
    `select a.lane, a.n, h.hash from unnest($2::uuid[], $3::int8[], $4::text[]) as h(lane, n, hash)
     join audit a on a.tenant = $1 and a.shard = 0 and a.lane = h.lane and a.n = h.n and encode(a.hash, 'hex') = h.hash`,
    [tenant, heads.map((h) => h.lane), heads.map((h) => h.n), heads.map((h) => h.hash)],
  );
  return new Set(rows.map((row) => keyOf({ ...row, n: Number(row.n) })));
}
