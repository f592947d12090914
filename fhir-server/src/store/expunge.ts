// Takes resources out of the store for good: every version and every search row. Only erasure does this; everything else deletes by a new version.
import type { Pool } from 'pg';
import type { Codec } from './codec.ts';
import type { TypeNumbers } from './ids.ts';

export interface Ground {
  readonly pool: Pool;
  readonly tenant: number;
  readonly codec: Codec;
  readonly types: TypeNumbers;
}

export interface Row {
  readonly rid: string;
  readonly type: number;
  readonly id: string;
}

const scanSize = 1000;
/** Tables with one or more rows a resource, whoever has added them: they have its tenant, shard and rid. */
const tablesSql = `select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
  where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name in ('tenant', 'shard', 'rid') and c.table_name not like '%\\_state'
  group by c.table_name having count(*) = 3 order by c.table_name = 'res', c.table_name`;

/** The patients themselves come last: by them the others are found again after a crash. */
export async function rowsOfPatients({ pool, tenant, types }: Ground, patientIds: readonly string[]): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `with patient as (select rid from res where tenant = $1 and type = $2 and id = any($3))
     select rid, type, id from res where tenant = $1 and (rid in (select rid from patient) or pat in (select rid from patient))
     order by rid in (select rid from patient), rid`,
    [tenant, types.number('Patient'), patientIds],
  );
  return rows;
}

/** Versions of others' resources that once were one of these patients'. */
export async function expungeVersionsOf({ pool, tenant, types }: Ground, patientIds: readonly string[]): Promise<number> {
  const { rowCount } = await pool.query(
    'delete from res_hist where tenant = $1 and pat in (select rid from res where tenant = $1 and type = $2 and id = any($3))',
    [tenant, types.number('Patient'), patientIds],
  );
  return rowCount ?? 0;
}

/** In one transaction. @returns rows that went, by table */
export async function expunge({ pool, tenant }: Ground, rids: readonly string[]): Promise<Map<string, number>> {
  const gone = new Map<string, number>();
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<{ name: string }>(tablesSql);
    for (const { name } of rows) {
      const { rowCount } = await client.query(`delete from "${name}" where tenant = $1 and rid = any($2::int8[])`, [tenant, rids]);
      gone.set(name, rowCount ?? 0);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
  return gone;
}

interface Scanned {
  readonly rid: string;
  readonly type: number;
  readonly version: number;
  readonly codec: number;
  readonly body: Buffer | null;
  readonly shard: number;
}

export interface Hit {
  readonly rid: string;
  readonly type: string;
  readonly version: number;
  readonly text: string;
}

/** Goes through every stored version of a table. @returns those whose text the test finds something in, and how many there are */
export async function scanBodies(
  { pool, tenant, codec, types }: Ground,
  table: 'res' | 'res_hist',
  test: (text: string) => boolean,
  onHit: (hit: Hit) => Promise<void>,
): Promise<number> {
  let at = { shard: -1, rid: '0', version: 0 };
  for (let count = 0; ; ) {
    const { rows } = await pool.query<Scanned>(
      `select shard, rid, version, type, codec, body from ${table} where tenant = $1 and (shard, rid, version) > ($2, $3, $4) order by shard, rid, version limit ${scanSize}`,
      [tenant, at.shard, at.rid, at.version],
    );
    for (const { rid, type, version, codec: number, body } of rows) {
      const name = types.name(type);
      const text = body && codec.decode(name, number, body);
      if (text && test(text)) await onHit({ rid, type: name, version, text });
    }
    count += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < scanSize) return count;
    at = { shard: last.shard, rid: last.rid, version: last.version };
  }
}

export async function expungeVersion({ pool, tenant }: Ground, rid: string, version: number): Promise<void> {
  await pool.query('delete from res_hist where tenant = $1 and rid = $2 and version = $3', [tenant, rid, version]);
}

/** Ledgers that name resources by their ids: idempotency, subscription events, launches. @returns rows that went */
export async function forgetInLedgers({ pool, tenant }: Ground, ids: readonly string[]): Promise<{ [name: string]: number }> {
  const statements = {
    idempotency: `delete from idempotency where tenant = $1 and exists (
      select from jsonb_path_query(result, '$.**.id ? (@.type() == "string")') v where v #>> '{}' = any($2))`,
    subscriptionEvents: `delete from operational.subscription_event e using operational.subscription s where s.id = e.subscription and s.tenant = $1 and e.id = any($2)`,
    launches: `delete from operational.oidc where $1::int4 is not null and exists (
      select from jsonb_path_query(payload, '$.** ? (@.type() == "string")') v where v #>> '{}' = any($2))`,
  };
  const gone: { [name: string]: number } = {};
  for (const [name, text] of Object.entries(statements)) gone[name] = (await pool.query(text, [tenant, ids])).rowCount ?? 0;
  return gone;
}

/** Tables in which one of the texts still stands, but for the audit trail, which the law keeps: it holds ids and codes only. */
export async function tablesWith(pool: Pool, texts: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') and table_name not like 'audit%'`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const { rowCount } = await pool.query(
      `select from ${name} t where exists (select from unnest($1::text[]) x where strpos(t::text, x) > 0) limit 1`,
      [texts],
    );
    if ((rowCount ?? 0) > 0) found.push(name);
  }
  return found;
}
