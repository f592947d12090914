// https://hl7.org/fhir/R4/search.html#revinclude — resources that come along with matches, under the caller's access like every match.

import { accessSql, visibilitySql } from './condition.ts';
import type { Plan, PlanContext } from './criterion.ts';
import { edgeHash, parameterHash, targetHash } from './hash.ts';
import { rowColumns } from './plan.ts';
import { Values } from './statement.ts';

/**
 * Resources of `type` whose parameters refer to one of the targets.
 * @param targets "Type/id"
 */
export function revincludeQuery(
  type: string,
  params: readonly string[],
  targets: readonly string[],
  context: PlanContext,
  limit: number,
): Plan {
  const values = new Values(context.tenant);
  const edges = params.flatMap((param) => {
    const p = parameterHash(context.tenant, type, param);
    return targets.map((target) => edgeHash(p, targetHash(context.tenant, target)));
  });
  return rowsOf(type, `i.tok && ${values.hashes(edges)}`, context, values, limit);
}

/** Current resources of one type by their ids: the targets of an include that the caller may see. */
export function includeQuery(type: string, ids: readonly string[], context: PlanContext): Plan {
  const values = new Values(context.tenant);
  const selves = values.hashes(ids.map((id) => targetHash(context.tenant, `${type}/${id}`)));
  return rowsOf(type, `i.self = any(${selves})`, context, values, ids.length);
}

function rowsOf(type: string, condition: string, context: PlanContext, values: Values, limit: number): Plan {
  const place = { row: 'i', context, values };
  const where = [
    `i.tenant = $1 and i.type = ${values.add(context.typeNumber(type), 'int2')}`,
    condition,
    accessSql(type, place),
    visibilitySql(place),
  ];
  const text = `select ${rowColumns}, '{}'::text[] as keys from idx i join res r on r.tenant = $1 and r.shard = i.shard and r.rid = i.rid where ${where.filter(Boolean).join(' and ')} order by r.rid limit ${values.add(limit, 'int8')}`;
  return { text, values: values.list };
}
