// Reading the store: current versions and versions by number; histories are `history.ts`. Bodies come back as the stored text, never parsed here.
import type { Pool } from 'pg';
import type { Codec } from './codec.ts';
import { gather } from './gather.ts';
import { type Guarded, guardColumns, type ReadRule } from './guard.ts';
import { type HistoryReader, historyReader } from './history.ts';
import { shardOf, type TypeNumbers } from './ids.ts';
import { RecentBodies } from './recent-bodies.ts';

export interface Stored {
  readonly type: string;
  readonly rid: bigint;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  readonly deleted: boolean;
  readonly pat: bigint | undefined;
  /** Canonical JSON text, undefined when deleted. */
  readonly text: string | undefined;
  /** What may hide it; undefined for rows of searches, whose statement has hidden what is hidden. */
  readonly guarded: Guarded | undefined;
}

/** A resource as statements select it. */
export interface Row {
  readonly type: number;
  readonly rid: string;
  readonly id: string;
  readonly version: number;
  /** lastUpdated in milliseconds: a float is read much faster than a timestamp's text. */
  readonly ms: number;
  readonly deleted: boolean;
  readonly pat: string | null;
  readonly codec: number;
  readonly body: Buffer | null;
  readonly labels?: readonly string[] | null;
  readonly rules?: readonly ReadRule[] | null;
  readonly seen?: boolean;
}

/** A row of a search, and where a page that ends here goes on. */
export interface SearchRow extends Row {
  readonly shard: number;
  readonly keys: readonly (string | null)[];
}

export interface Reader extends HistoryReader {
  current(type: string, id: string): Promise<Stored | undefined>;
  /** Current versions of many, in one round trip; key "Type/id". */
  currentMany(references: readonly { type: string; id: string }[], bodies: boolean): Promise<Map<string, Stored>>;
  /** rids of patients by id; unknown ids are absent. */
  patientRids(ids: readonly string[]): Promise<ReadonlyMap<string, bigint>>;
  version(type: string, id: string, version: number): Promise<Stored | undefined>;
  byRows(rows: readonly Row[]): Stored[];
}

/** Of the alias v. */
const columnsWithoutBody = `v.type, v.rid, v.id, v.version, date_part('epoch', v.lu) * 1000 as ms, v.deleted, v.pat, v.codec, null as body, ${guardColumns('v')}`;
const columns = columnsWithoutBody.replace('null as body', 'v.body');
/** About 16 MB: some ten thousand resources. */
const recentCharacters = 16 * 1024 * 1024;
/** Reads of one turn that share a statement. */
const maximumTogether = 64;
/** A resource keeps its rid as long as it exists, deleted or not: patients' are remembered. */
const maximumPatients = 100_000;
const idFormat = /^[A-Za-z0-9.-]{1,64}$/;

export function reader(pool: Pool, codec: Codec, types: TypeNumbers, tenant: number, clientIds: boolean): Reader {
  const recent = new RecentBodies(recentCharacters);
  const stored = (row: Row): Stored => {
    const type = types.name(row.type);
    const body = row.body ?? undefined;
    return {
      type,
      rid: BigInt(row.rid),
      id: row.id,
      version: row.version,
      lastUpdated: new Date(Math.round(row.ms)),
      deleted: row.deleted,
      pat: row.pat === null ? undefined : BigInt(row.pat),
      text: body && recent.of(row.rid, row.version, () => codec.decode(type, row.codec, body)),
      guarded: row.seen === undefined ? undefined : { labels: row.labels ?? [], rules: row.rules ?? [], seen: row.seen },
    };
  };
  const shard = (id: string): number => shardOf(id, clientIds);

  // limit 1 in the look-ups keeps each a walk down the unique index: a plan made on an empty table takes any index of the table and keeps it.
  const readOne = gather<{ type: string; id: string }, Stored | undefined>(async (keys) => {
    const { rows } = await pool.query<Row & { n: string }>({
      name: 'read-current',
      text: `select x.n, r.* from unnest($2::int2[], $3::int2[], $4::text[]) with ordinality as x(shard, type, id, n)
        cross join lateral (select ${columns} from res v where v.tenant = $1 and v.shard = x.shard and v.type = x.type and v.id = x.id limit 1) r`,
      values: [
        tenant,
        `{${keys.map((k) => shard(k.id)).join(',')}}`,
        `{${keys.map((k) => types.number(k.type)).join(',')}}`,
        `{${keys.map((k) => k.id).join(',')}}`,
      ],
    });
    const found: (Stored | undefined)[] = keys.map(() => undefined);
    for (const row of rows) found[Number(row.n) - 1] = stored(row);
    return found;
  }, maximumTogether);

  const patients = new Map<string, bigint>();
  async function learnPatients(ids: readonly string[]): Promise<void> {
    const { rows } = await pool.query<{ id: string; rid: string }>({
      name: 'patient-rids',
      text: `select r.id, r.rid from unnest($3::int2[], $4::text[]) as x(shard, id)
        cross join lateral (select id, rid from res where tenant = $1 and shard = x.shard and type = $2 and id = x.id limit 1) r`,
      values: [tenant, types.number('Patient'), ids.map(shard), ids],
    });
    if (patients.size + rows.length > maximumPatients) patients.clear();
    for (const row of rows) patients.set(row.id, BigInt(row.rid));
  }

  return {
    byRows: (rows) => rows.map(stored),
    // What is no id can't be stored, and needs no quoting in the array.
    current: async (type, id) => (idFormat.test(id) ? readOne({ type, id }) : undefined),
    async currentMany(references, bodies) {
      if (references.length === 0) return new Map();
      const { rows } = await pool.query<Row>({
        name: bodies ? 'read-many' : 'look-up-many',
        text: `select r.* from unnest($2::int2[], $3::int2[], $4::text[]) as x(shard, type, id)
          cross join lateral (select ${bodies ? columns : columnsWithoutBody} from res v
            where v.tenant = $1 and v.shard = x.shard and v.type = x.type and v.id = x.id limit 1) r`,
        values: [tenant, references.map((r) => shard(r.id)), references.map((r) => types.number(r.type)), references.map((r) => r.id)],
      });
      return new Map(rows.map(stored).map((s) => [`${s.type}/${s.id}`, s]));
    },
    async patientRids(ids) {
      const unknown = ids.filter((id) => !patients.has(id));
      if (unknown.length > 0) await learnPatients(unknown);
      return new Map(
        ids.flatMap((id) => {
          const rid = patients.get(id);
          return rid === undefined ? [] : [[id, rid]];
        }),
      );
    },
    async version(type, id, version) {
      const { rows } = await pool.query<Row>({
        name: 'read-version',
        text: `select ${columns} from res v where tenant = $1 and shard = $2 and type = $3 and id = $4 and version = $5
          union all select ${columns} from res_hist v where tenant = $1 and shard = $2 and version = $5
            and rid = (select rid from res where tenant = $1 and shard = $2 and type = $3 and id = $4)`,
        values: [tenant, shard(id), types.number(type), id, version],
      });
      return rows[0] && stored(rows[0]);
    },
    ...historyReader({ pool, types, tenant, columns, shard, stored }),
  };
}
