// Ids that a source gave, and ours for them (DECISIONS 10): one for one, drawn at the first mention, kept only under a keyed hash. Whoever was named
// first by somebody else's reference has the id already when it comes.
import type { Pool } from 'pg';
import { deriveKey, keyedHash } from './keys.ts';

export const sourceIdsSql = `
create table vault.source_id (
  tenant int4 not null, key bytea not null, id uuid not null,
  primary key (tenant, key)
);
`;

/** A resource as its source names it. */
export interface SourceName {
  readonly source: string;
  /** "Type/id". */
  readonly reference: string;
}

interface KnownId {
  readonly id: string;
  /** Drawn by this call: there can be no resource of it yet. */
  readonly isNew: boolean;
}

export interface SourceIds {
  /** Ours for each; what is not known gets the proposed id. In the order of the names. */
  resolve(names: readonly (SourceName & { readonly proposed: string })[]): Promise<KnownId[]>;
  /** Ours where they are known. In the order of the names. */
  find(names: readonly SourceName[]): Promise<(string | undefined)[]>;
}

interface Row {
  readonly key: Buffer;
  readonly id: string;
}

/** A keyed hash of 128 bits meets another one never in practice, and the index stays half as large. */
const keyBytes = 16;
/** Names asked for last; identified, so never more than a working set. */
const maximumKnown = 100_000;
const findSql = 'select key, id from vault.source_id where tenant = $1 and key = any($2)';
const makeSql = `insert into vault.source_id (tenant, key, id)
  select $1, k, i from unnest($2::bytea[], $3::uuid[]) as t(k, i) order by k on conflict do nothing returning key, id`;

class PostgresSourceIds implements SourceIds {
  readonly #pool: Pool;
  readonly #key: Buffer;
  readonly #tenant: number;
  readonly #known = new Map<string, string>();

  constructor(pool: Pool, masterKey: Buffer, tenant: number) {
    this.#pool = pool;
    this.#tenant = tenant;
    this.#key = deriveKey(masterKey, 'source-ids', tenant);
  }

  async find(names: readonly SourceName[]): Promise<(string | undefined)[]> {
    const { found, missing } = this.#recall(names);
    if (missing.size > 0) this.#remember(await this.#read([...missing.keys()]), missing, found);
    return names.map((name) => found.get(plain(name)));
  }

  async resolve(names: readonly (SourceName & { readonly proposed: string })[]): Promise<KnownId[]> {
    const { found, missing } = this.#recall(names);
    const made = missing.size > 0 ? await this.#make(names, missing) : [];
    this.#remember(made, missing, found);
    const others = [...missing].filter(([, name]) => !found.has(name)).map(([hex]) => hex);
    if (others.length > 0) this.#remember(await this.#read(others), missing, found);
    const drawn = new Set(made.map(({ id }) => id));
    return names.map((name) => {
      const id = found.get(plain(name)) ?? name.proposed;
      return { id, isNew: drawn.has(id) };
    });
  }

  /** What is in memory, and hashes of the rest with their names. */
  #recall(names: readonly SourceName[]): { found: Map<string, string>; missing: Map<string, string> } {
    const found = new Map<string, string>();
    const missing = new Map<string, string>();
    const seen = new Set<string>();
    for (const name of names) {
      const text = plain(name);
      if (seen.has(text)) continue;
      seen.add(text);
      const id = this.#known.get(text);
      if (id === undefined) missing.set(this.#hash(name), text);
      else found.set(text, id);
    }
    return { found, missing };
  }

  #hash({ source, reference }: SourceName): string {
    return keyedHash(this.#key, 'source', String(this.#tenant), source, reference).toString('hex', 0, keyBytes);
  }

  async #make(names: readonly (SourceName & { readonly proposed: string })[], missing: ReadonlyMap<string, string>): Promise<Row[]> {
    // Of several proposals the first counts: a resource's own comes before those of who mentions it.
    const proposed = new Map([...names].reverse().map((name) => [plain(name), name.proposed]));
    const keys = [...missing.keys()].map((hex) => Buffer.from(hex, 'hex'));
    const ids = [...missing.values()].map((name) => proposed.get(name));
    const { rows } = await this.#pool.query<Row>({ name: 'source-ids-make', text: makeSql, values: [this.#tenant, keys, ids] });
    return rows;
  }

  async #read(hex: readonly string[]): Promise<Row[]> {
    const keys = hex.map((h) => Buffer.from(h, 'hex'));
    const { rows } = await this.#pool.query<Row>({ name: 'source-ids-find', text: findSql, values: [this.#tenant, keys] });
    return rows;
  }

  #remember(rows: readonly Row[], names: ReadonlyMap<string, string>, found: Map<string, string>): void {
    if (this.#known.size + rows.length > maximumKnown) this.#known.clear();
    for (const { key, id } of rows) {
      const name = names.get(key.toString('hex'));
      if (name === undefined) continue;
      this.#known.set(name, id);
      found.set(name, id);
    }
  }
}

function plain({ source, reference }: SourceName): string {
  return `${source}\u0000${reference}`;
}

/** @param masterKey 32 bytes */
export function openSourceIds(pool: Pool, masterKey: Buffer, tenant: number): SourceIds {
  return new PostgresSourceIds(pool, masterKey, tenant);
}
