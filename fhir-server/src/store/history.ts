// https://hl7.org/fhir/R4/http.html#history — the versions of one resource, of types, of everything. Bodies come back as the stored text.
import type { Pool } from 'pg';
import { consentType, type Guard, guardSql, seenSql } from './guard.ts';
import type { TypeNumbers } from './ids.ts';
import type { Row, Stored } from './read.ts';

/** Which versions by time; nothing: all. */
export interface VersionPeriod {
  /** `_since`: made at or after this instant. */
  readonly since?: Date;
  /** `_at`: current at some time in [startMs, endMs). */
  readonly at?: { readonly startMs: number; readonly endMs: number };
}

/** A type and the one patient (rid) whose resources of it may be seen; without: all. */
export interface VisibleType {
  readonly type: string;
  readonly patient?: bigint;
}

export interface HistoryReader {
  /** Newest version first; `before` is a version number. */
  instanceHistory(type: string, id: string, page: { count: number; before?: number }, period: VersionPeriod): Promise<Stored[]>;
  /**
   * Newest first; each type is read along its own index, so that a page costs no more than its size for each type. Of one patient's part the patient's
   * resources are found first, so that it costs as much as that patient has, not as much as the type.
   */
  typesHistory(
    types: readonly VisibleType[],
    page: { count: number; before?: { lu: string; rid: string } },
    period: VersionPeriod,
    guard: Guard | undefined,
  ): Promise<Stored[]>;
}

interface Ground {
  readonly pool: Pool;
  readonly types: TypeNumbers;
  readonly tenant: number;
  readonly columns: string;
  readonly shard: (id: string) => number;
  readonly stored: (row: Row) => Stored;
}

/** When the version after this one was made; for a version that is no longer current. */
const nextLu = `(select n.lu from res_hist n where n.tenant = v.tenant and n.shard = v.shard and n.rid = v.rid and n.version = v.version + 1
  union all select n.lu from res n where n.tenant = v.tenant and n.shard = v.shard and n.rid = v.rid and n.version = v.version + 1 limit 1)`;

/** Types ($2) and the one patient of each ($3) to resources: those that are current have search rows, those that are deleted an index of their own. */
const ownResources = `select t.pat, i.shard, i.rid from unnest($2::int2[], $3::int8[]) as t(type, pat)
    join idx i on i.tenant = $1 and i.pat = t.pat and i.type = t.type
  union all select t.pat, r.shard, r.rid from unnest($2::int2[], $3::int8[]) as t(type, pat)
    join res r on r.tenant = $1 and r.pat = t.pat and r.type = t.type and r.deleted`;

function periodConditions(period: VersionPeriod, table: 'res' | 'res_hist', add: (value: unknown) => string): string[] {
  const conditions: string[] = [];
  if (period.since) conditions.push(`v.lu >= ${add(period.since)}::timestamptz`);
  if (period.at) {
    // Of a deleted resource no version is current.
    conditions.push('not v.deleted', `v.lu < ${add(new Date(period.at.endMs))}::timestamptz`);
    if (table === 'res_hist') conditions.push(`${nextLu} > ${add(new Date(period.at.startMs))}::timestamptz`);
  }
  return conditions;
}

/** Of a version and of the resource as it is now: what is hidden now has no older versions either. */
function guardConditions(guard: Guard, consent: number, add: (value: unknown) => string): string[] {
  const row = { tenant: 'v.tenant', shard: 'v.shard', rid: 'v.rid', pat: 'v.pat', type: 'v.type', version: 'v.version' };
  const [labels, consents] = [
    guardSql({ ...guard, consent: undefined }, row, (value, cast) => `${add(value)}::${cast}`, false),
    guardSql({ ...guard, labels: [] }, row, (value, cast) => `${add(value)}::${cast}`, false),
  ];
  const unseen = guard.visibleBeforeMs === undefined ? [] : [seenSql('v')];
  return [...labels, ...consents.map((condition) => `(v.type = ${add(consent)}::int2 or ${condition})`), ...unseen];
}

export function historyReader({ pool, types, tenant, columns, shard, stored }: Ground): HistoryReader {
  return {
    async instanceHistory(type, id, page, period) {
      const values: unknown[] = [tenant, shard(id), types.number(type), id, page.before ?? 2_147_483_647, page.count];
      const add = (value: unknown): string => `$${values.push(value)}`;
      const rid = '(select rid from res where tenant = $1 and shard = $2 and type = $3 and id = $4)';
      const part = (table: 'res' | 'res_hist'): string => {
        const conditions = [
          `v.tenant = $1 and v.shard = $2 and v.version < $5 and v.rid = ${rid}`,
          ...periodConditions(period, table, add),
        ];
        return `(select ${columns} from ${table} v where ${conditions.join(' and ')} order by version desc limit $6)`;
      };
      const { rows } = await pool.query<Row>(`${part('res')} union all ${part('res_hist')} order by version desc limit $6`, values);
      return rows.map(stored);
    },
    async typesHistory(visible, page, period, guard) {
      const values: unknown[] = [tenant, [], [], page.count];
      const add = (value: unknown): string => `$${values.push(value)}`;
      const versions = (table: 'res' | 'res_hist', which: string): string => {
        const conditions = [
          which,
          ...(page.before ? [`(v.lu, v.rid) < (${add(page.before.lu)}::timestamptz, ${add(page.before.rid)}::int8)`] : []),
          ...periodConditions(period, table, add),
          ...(guard ? guardConditions(guard, types.number(consentType), add) : []),
        ];
        return `(select ${columns} from ${table} v where ${conditions.join(' and ')} order by v.lu desc, v.rid desc limit $4)`;
      };
      const whole = visible.filter(({ patient }) => patient === undefined).map(({ type }) => types.number(type));
      const bound = visible.flatMap(({ type, patient }) => (patient === undefined ? [] : [{ type: types.number(type), patient }]));
      const parts: string[] = [];
      if (whole.length > 0) {
        const ofType = 'v.tenant = $1 and v.type = t.type';
        parts.push(
          `select x.* from unnest(${add(whole)}::int2[]) as t(type) cross join lateral (${versions('res', ofType)} union all ${versions('res_hist', ofType)}) x`,
        );
      }
      if (bound.length > 0) {
        values[1] = bound.map(({ type }) => type);
        values[2] = bound.map(({ patient }) => patient.toString());
        const ofOne = 'v.tenant = $1 and v.shard = o.shard and v.rid = o.rid and v.pat = o.pat';
        parts.push(`select x.* from own o cross join lateral (${versions('res', ofOne)} union all ${versions('res_hist', ofOne)}) x`);
      }
      const { rows } = await pool.query<Row>(
        `with own as (${ownResources}) select x.* from (${parts.join(' union all ')}) x order by x.ms desc, x.rid desc limit $4`,
        values,
      );
      return rows.map(stored);
    },
  };
}
