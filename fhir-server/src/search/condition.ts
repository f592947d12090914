// Conditions and grants as SQL on a row of idx: chains and `_has` are sub-queries that carry the caller's access to what they visit.

import { consentType, guardSql } from '../store/guard.ts';
import { anyTokenSql } from './any-token.ts';
import {
  type AccessPredicate,
  type Chain,
  type ChainTarget,
  type Condition,
  isCriterion,
  type PlanContext,
  type ReverseChain,
} from './criterion.ts';
import { criterionSql, type Place } from './criterion-sql.ts';
import { edgeHash, parameterHash } from './hash.ts';
import { or, timeText, type Values } from './statement.ts';

export function conditionSql(condition: Condition, place: Place): string {
  if (isCriterion(condition)) return criterionSql(condition, place);
  switch (condition.kind) {
    case 'chain':
      return or(condition.alternatives.map((target) => chainSql(condition, target, place)));
    case 'has':
      return hasSql(condition, place);
    case 'and':
      return condition.conditions.length === 0 ? 'true' : `(${condition.conditions.map((c) => conditionSql(c, place)).join(' and ')})`;
    case 'or':
      return or(condition.conditions.map((c) => conditionSql(c, place)));
    case 'not':
      // A comparison with a date that is missing is unknown, which is no match, whose opposite is one.
      return `not coalesce(${conditionSql({ ...condition, kind: 'and' }, place)}, false)`;
  }
}

/** What a sub-query on another row of idx demands: its type, the condition, and that the caller may see it. */
function visited(type: string, condition: Condition, place: Place): string {
  const { row, context, values } = place;
  return [
    `${row}.tenant = $1 and ${row}.type = ${values.add(context.typeNumber(type), 'int2')}`,
    conditionSql(condition, place),
    accessSql(type, place),
    visibilitySql(place),
  ]
    .filter(Boolean)
    .join(' and ');
}

/** The condition on rows that a chain visits, for resolve.ts. */
export function visitedSql(type: string, condition: Condition, row: string, context: PlanContext, values: Values): string {
  return visited(type, condition, { row, context, values });
}

function chainSql(chain: Chain, target: ChainTarget, place: Place): string {
  const { row, context, values } = place;
  const p = parameterHash(context.tenant, chain.type, chain.param);
  const own = chain.ownPatient && target.type === 'Patient';
  if (target.few) {
    const edges = target.few.map((t) => edgeHash(p, t.self));
    if (!own) return anyTokenSql(edges, place);
    return `(${row}.pat = any(${values.hashes(target.few.map((t) => t.rid))}) and ${anyTokenSql(edges, { ...place, oneByOne: true })})`;
  }
  const other = values.alias();
  const met = visited(target.type, target.condition, { row: other, context, values });
  const edge = values.hash(p);
  const reached = own
    ? `${other}.rid = ${row}.pat and (${other}.self # ${edge}) = any(${row}.tok)`
    : `${other}.self = any(array(select u # ${edge} from unnest(${row}.tok) u))`;
  return `exists (select 1 from idx ${other} where ${reached} and ${met})`;
}

function hasSql(has: ReverseChain, { row, context, values }: Place): string {
  if (has.few) return `${row}.rid = any(${values.hashes(has.few)})`;
  const other = values.alias();
  const met = visited(has.source, has.condition, { row: other, context, values });
  const edge = `(${row}.self # ${values.hash(parameterHash(context.tenant, has.source, has.param))})`;
  const refers =
    has.ownPatient && has.type === 'Patient'
      ? `${other}.pat = ${row}.rid and ${edge} = any(${other}.tok)`
      : `${other}.tok @> array[${edge}]`;
  return `exists (select 1 from idx ${other} where ${refers} and ${met})`;
}

/** What the caller may see of a type; undefined when that is everything. */
export function accessSql(type: string, place: Place): string | undefined {
  const { row, context, values } = place;
  const access = context.access(type);
  const [guard] = access.map((grant) => grant.guard);
  const columns = { tenant: '$1', shard: `${row}.shard`, rid: `${row}.rid`, pat: `${row}.pat` };
  const asksType = guard?.consent !== undefined && type !== consentType;
  const number = asksType ? values.add(context.typeNumber(type), 'int2') : '';
  const guarded = guard ? guardSql(guard, { ...columns, type: number }, (value, cast) => values.add(value, cast), !asksType) : [];
  const granted = grantedSql(access, place);
  const conditions = granted === undefined ? guarded : [granted, ...guarded];
  return conditions.length > 0 ? conditions.join(' and ') : undefined;
}

function grantedSql(access: AccessPredicate, place: Place): string | undefined {
  const { row, values } = place;
  if (access.some((g) => g.patientRid === undefined && g.criteria.length === 0)) return undefined;
  const grants = access.map((grant) => {
    const parts = grant.criteria.map((c) => criterionSql(c, place));
    if (grant.patientRid !== undefined) parts.unshift(`${row}.pat = ${values.hash(grant.patientRid)}`);
    return parts.length === 1 ? String(parts[0]) : `(${parts.join(' and ')})`;
  });
  return or(grants);
}

/** DECISIONS 1: only what lies far enough back; a patient and undated resources appear with the first such dated one of that patient; what is nobody's tells nothing of anyone's time. */
export function visibilitySql({ row, context, values }: Place): string | undefined {
  if (context.visibleBeforeMs === undefined) return undefined;
  const before = values.add(timeText(context.visibleBeforeMs), 'timestamptz');
  // An open start says nothing about when: then the end must lie far enough back.
  const dated = (alias: string): string => `(${alias}.ts < ${before} and (${alias}.ts > '-infinity' or ${alias}.te < ${before}))`;
  return `(${dated(row)} or (${row}.ts is null and (${row}.pat is null or exists (select 1 from idx v where v.tenant = $1 and v.pat = ${row}.pat and ${dated('v')}))))`;
}
