// Erasure of a patient (GDPR Art. 17): first the keys, then every version, search row, ledger row and export file; then a look whether anything is left.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { eachReference, parseExact, parseReference, type Resource } from '@limen/fhir-model';
import type { Pool } from 'pg';
import type { Server } from '../server.ts';
import {
  expunge,
  expungeVersion,
  expungeVersionsOf,
  forgetInLedgers,
  type Ground,
  type Hit,
  rowsOfPatients,
  scanBodies,
  tablesWith,
} from '../store/expunge.ts';
import { shardOf } from '../store/ids.ts';
import type { Erasure, VaultCases, Who } from '../vault/index.ts';
import { JobFolder } from './export/files.ts';
import { JobStore } from './store.ts';

const batchSize = 500;
/** How long backups of the vault's keys are kept; what lies in them can be opened until then. */
const backupDays = 30;
const words = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export interface EraseContext {
  readonly server: Server;
  readonly cases: VaultCases;
  readonly vaultPool: Pool;
  readonly dataDir: string;
}

export interface ErasureReport {
  readonly id: string;
  readonly counts: { readonly [name: string]: number };
  readonly unrecoverableAfter: string;
  /** Tables and files in which an id of the patient was found afterwards. */
  readonly left: readonly string[];
}

/** Entries and elements that refer to what is erased go; undefined when the reference is the node itself. */
function without(node: unknown, isErased: (reference: string) => boolean): unknown {
  if (Array.isArray(node)) {
    const kept = node.map((each) => without(each, isErased)).filter((each) => each !== undefined);
    return kept.length > 0 ? kept : undefined;
  }
  if (typeof node !== 'object' || node === null || Object.getPrototypeOf(node) !== Object.prototype) return node;
  const { reference } = node as { reference?: unknown };
  if (typeof reference === 'string' && isErased(reference)) return undefined;
  const kept = Object.entries(node).flatMap(([name, value]) => {
    const rest = without(value, isErased);
    return rest === undefined ? [] : [[name, rest]];
  });
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

const names = (resource: unknown, isErased: (reference: string) => boolean): boolean => {
  let found = false;
  eachReference(resource, (reference) => {
    found ||= isErased(reference);
    return undefined;
  });
  return found;
};

export class Eraser {
  readonly #context: EraseContext;
  readonly #ground: Ground;

  constructor(context: EraseContext) {
    this.#context = context;
    const { pool, tenant, codec, types } = context.server;
    this.#ground = { pool, tenant, codec, types };
  }

  async erase(patientId: string, basis: string, who: Who): Promise<ErasureReport> {
    const { server, cases } = this.#context;
    const erasure = await cases.startErasure(patientId, basis, who);
    server.vault.forget(erasure.patients);
    return this.#finish(erasure, who);
  }

  /** Goes on with what a process that died left. */
  async resume(): Promise<void> {
    for (const erasure of await this.#context.cases.unfinishedErasures())
      await this.#finish(erasure, { client: 'limen', account: undefined });
  }

  async #finish(erasure: Erasure, who: Who): Promise<ErasureReport> {
    const { server, cases, vaultPool } = this.#context;
    const counts: { [name: string]: number } = {};
    const ids = new Set([...erasure.ids, ...erasure.patients]);
    counts['formerVersions'] = await expungeVersionsOf(this.#ground, erasure.patients);
    const rows = await rowsOfPatients(this.#ground, erasure.patients);
    await cases.noteErased(
      erasure,
      rows.map((row) => row.id),
    );
    for (const row of rows) ids.add(row.id);
    for (let at = 0; at < rows.length; at += batchSize) {
      const gone = await expunge(
        this.#ground,
        rows.slice(at, at + batchSize).map((row) => row.rid),
      );
      for (const [table, count] of gone) if (count > 0) counts[table] = (counts[table] ?? 0) + count;
    }
    counts['resources'] = rows.length;
    counts['references'] = await this.#redact(ids, who);
    Object.assign(counts, await forgetInLedgers(this.#ground, [...ids]));
    counts['exports'] = await this.#removeExports(ids);
    counts['sourceIds'] = await cases.forgetSourceIds([...ids]);
    const unrecoverableAfter = new Date(server.now().getTime() + backupDays * 86_400_000).toISOString().slice(0, 10);
    await cases.finishErasure(erasure, unrecoverableAfter, counts);
    const sought = [...ids].slice(0, batchSize);
    const left = new Set([...(await tablesWith(server.pool, sought)), ...(await tablesWith(vaultPool, sought))]);
    for (const table of ['res', 'res_hist'] as const)
      await scanBodies(this.#ground, table, isAbout(ids), async () => void left.add(`${table} (bodies)`));
    return { id: erasure.id, counts, unrecoverableAfter, left: [...left].sort() };
  }

  /** What others' resources say of the erased ones goes from them: a new version without it, and no old one with it. */
  async #redact(ids: ReadonlySet<string>, who: Who): Promise<number> {
    const isErased = (reference: string): boolean => ids.has(parseReference(reference)?.id ?? '');
    const hits: Hit[] = [];
    await scanBodies(this.#ground, 'res', isAbout(ids), async (hit) => void hits.push(hit));
    for (const hit of hits) await this.#redactOne(hit, isErased, who);
    let versions = 0;
    await scanBodies(this.#ground, 'res_hist', isAbout(ids), async ({ rid, version }) => {
      await expungeVersion(this.#ground, rid, version);
      versions += 1;
    });
    return hits.length + versions;
  }

  async #redactOne({ rid, type, text, version }: Hit, isErased: (reference: string) => boolean, who: Who): Promise<void> {
    const { server } = this.#context;
    const rest = without(parseExact(text), isErased) as Resource | undefined;
    const id = rest?.id;
    const invalid = !rest || !id || names(rest, isErased) || server.validator.validate(rest, type, { deidentified: true }).length > 0;
    // Without what is erased it says nothing any more, as a Provenance of it.
    if (invalid) {
      await expunge(this.#ground, [rid]);
      return;
    }
    const stored = await server.reader.current(type, id);
    if (!stored || stored.version !== version) throw new Error('A resource changed while references were taken from it.');
    const at = server.now();
    const body = { ...rest, meta: { ...rest.meta, versionId: String(version + 1), lastUpdated: at.toISOString() } } as Resource;
    const change = {
      type: server.types.number(type),
      shard: shardOf(id, server.clientIds),
      rid: BigInt(rid),
      id,
      version: version + 1,
      deleted: false,
      codec: server.codec.current,
      body: server.codec.encode(type, JSON.stringify(body)),
      pat: stored.pat,
      rows: server.indexer.index(body, server.tenant),
    };
    const audit = {
      interaction: 'erase-reference',
      client: who.client,
      ...(who.account === undefined ? {} : { user: who.account }),
      type,
      id,
      status: 200,
      requestId: 'erase',
    };
    await server.committer.commit({ at, changes: [change], conditions: [], audit: [audit] });
  }

  /** Jobs whose files hold something of the patient go with all their files. */
  async #removeExports(ids: ReadonlySet<string>): Promise<number> {
    const { server, dataDir } = this.#context;
    const folder = new JobFolder(dataDir);
    const isAboutPatient = isAbout(ids);
    let count = 0;
    for (const job of await readdir(path.join(dataDir, 'exports')).catch(() => [])) {
      const files = await readdir(folder.path(job, '')).catch(() => []);
      const found = await Promise.all(files.map(async (name) => isAboutPatient(await readFile(folder.path(job, name), 'utf8'))));
      if (!found.includes(true)) continue;
      await new JobStore(server.pool, server.tenant).remove(job);
      await folder.remove(job);
      count += 1;
    }
    return count;
  }
}

/** Whether a text holds one of the ids. */
function isAbout(ids: ReadonlySet<string>): (text: string) => boolean {
  return (text) => {
    for (const [word] of text.matchAll(words)) if (ids.has(word)) return true;
    return false;
  };
}
