// Index rows on their way to limen_index: column-wise text arrays ('{1,2}') are the cheapest for the client to build and for the server to read.
import type { IndexRows } from './index-rows.ts';

/** One resource whose rows are written; version 1: it had none before. */
interface IndexedResource {
  readonly shard: number;
  readonly type: number;
  readonly rid: bigint;
  readonly version: number;
  readonly pat: bigint | undefined;
  /** Absent: deleted, the old rows only go. */
  readonly rows: IndexRows | undefined;
}

type Field = string | number | bigint | boolean;

export class Columns {
  private readonly columns: string[][];

  constructor(count: number) {
    this.columns = Array.from({ length: count }, () => []);
  }

  add(...values: readonly Field[]): void {
    for (const [i, value] of values.entries()) this.columns[i]?.push(String(value));
  }

  arrays(): string[] {
    return this.columns.map((c) => `{${c.join(',')}}`);
  }
}

export const quoted = (text: string | null): string =>
  text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\u0000', '')}"`;

const time = (ms: number | undefined): string => {
  if (ms === undefined) return 'NULL';
  if (ms === Number.POSITIVE_INFINITY) return 'infinity';
  if (ms === Number.NEGATIVE_INFINITY) return '-infinity';
  const text = new Date(ms).toISOString();
  if (text.startsWith('-')) return '-infinity';
  return text.startsWith('+') ? 'infinity' : text;
};

const float = (x: number | null): string =>
  x === null ? 'NULL' : x === Number.POSITIVE_INFINITY ? 'Infinity' : x === Number.NEGATIVE_INFINITY ? '-Infinity' : String(x);

const orNull = (x: bigint | null): Field => x ?? 'NULL';

/** Arrays that `indexArrays` makes. */
export const indexArrayCount = 63;

/** Texts that this process knows to be stored: most of a commit's are. */
export class KnownTerms {
  private readonly hashes = new Set<bigint>();
  private readonly maximum = 200_000;

  has(hash: bigint): boolean {
    return this.hashes.has(hash);
  }

  /** Only after the commit: what was rolled back is not known. */
  add(hashes: readonly bigint[]): void {
    if (this.hashes.size + hashes.length > this.maximum) this.hashes.clear();
    for (const hash of hashes) this.hashes.add(hash);
  }
}

/** Parameters of limen_index after the tenant, and the texts among them that are new. */
export function indexArrays(resources: readonly IndexedResource[], known: KnownTerms): { arrays: string[]; terms: bigint[] } {
  const c = new Columns(11);
  const h = new Columns(8);
  const d = new Columns(5);
  const q = new Columns(8);
  const n = new Columns(5);
  const s = new Columns(5);
  const t = new Columns(3);
  const l = new Columns(4);
  const g = new Columns(9);
  const w = new Columns(4);
  const stamps = new Set<bigint>();
  const terms = new Set<bigint>();
  for (const { shard, type, rid, version, rows, pat } of resources) {
    const own = pat ?? 'NULL';
    const ts = time(rows?.tsMs);
    const te = time(rows?.teMs);
    const tok = `"{${rows?.tokens.join(',') ?? ''}}"`;
    c.add(shard, type, rid, version, rows !== undefined, rows?.self ?? 0, ts, te, rows?.detailed ?? false, own, tok);
    if (!rows) continue;
    stamps.add(rows.stamp);
    if (rows.words) w.add(shard, rid, quoted(rows.words.narrative), quoted(rows.words.content));
    for (const code of rows.hot) h.add(shard, rows.detailed, rows.ofOwnPatient, rid, code, own, ts, te);
    for (const x of rows.dates) d.add(shard, rid, x.p, time(x.lo), time(x.hi));
    for (const x of rows.quantities) q.add(shard, rid, x.p, x.unit, float(x.lo), float(x.hi), orNull(x.code), orNull(x.label));
    for (const x of rows.numbers) n.add(shard, rid, x.p, float(x.lo), float(x.hi));
    for (const x of rows.strings) s.add(shard, rid, x.p, quoted(x.norm), quoted(x.raw));
    for (const x of rows.places) l.add(shard, rid, x.latitude, x.longitude);
    for (const x of rows.composites) g.add(shard, rid, x.grp, x.k, float(x.lo), float(x.hi), float(x.lo2), float(x.hi2), quoted(x.s));
    for (const x of rows.texts) {
      if (known.has(x.hash) || terms.has(x.hash)) continue;
      terms.add(x.hash);
      t.add(x.p, x.hash, quoted(x.text));
    }
  }
  const arrays = [c, h, d, q, n, s, t, l, g, w].flatMap((columns) => columns.arrays());
  return { arrays: [...arrays, `{${[...stamps].join(',')}}`], terms: [...terms] };
}
