// https://hl7.org/fhir/R4/search.html#revinclude — resources that come along with matches, under the caller's access like every match.

import { accessSql, Values, visibilitySql } from './condition.ts';
import type { Plan, PlanContext } from './criterion.ts';
import { parameterHash, targetHash, tokenHash } from './hash.ts';
import { rowColumns } from './plan.ts';

/**
 * Resources of `type` whose `param` refers to one of the targets.
 * @param targets "Type/id"
 * @param context access for `type`, not for the type of the matches
 */
export function revincludeQuery(type: string, param: string, targets: readonly string[], context: PlanContext, limit: number): Plan {
  const values = new Values(context.tenant);
  const p = values.hash(parameterHash(type, param));
  const tgt = values.hashes(targets.map(targetHash));
  const source = `(select distinct f.shard, f.rid from ref f where f.tenant = $1 and f.p = ${p} and f.tgt = any(${tgt})) f join idx i on i.tenant = $1 and i.shard = f.shard and i.rid = f.rid`;
  return rowsOf(source, type, 'true', context, values, limit);
}

/** Current resources of one type by their ids: the targets of an include that the caller may see. */
export function includeQuery(type: string, ids: readonly string[], context: PlanContext): Plan {
  const values = new Values(context.tenant);
  const hashes = values.hashes(ids.map((id) => tokenHash(context.tenant, type, '_id', 'code', '', id)));
  return rowsOf('idx i', type, `i.tok && ${hashes}`, context, values, ids.length);
}

function rowsOf(source: string, type: string, condition: string, context: PlanContext, values: Values, limit: number): Plan {
  const where = [
    `i.tenant = $1 and i.type = ${values.add(context.typeNumber(type), 'int2')}`,
    condition,
    accessSql(context, values),
    visibilitySql(context, values),
  ];
  const text = `select ${rowColumns}, '{}'::text[] as keys from ${source} join res r on r.tenant = $1 and r.shard = i.shard and r.rid = i.rid where ${where.filter(Boolean).join(' and ')} order by r.rid limit ${values.add(limit, 'int8')}`;
  return { text, values: values.list };
}
