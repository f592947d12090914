// One SQL statement for a search: the access path is chosen here, from the measured shapes of the store, not left to statistics alone.

import type { SearchRow } from '../store/read.ts';
import { clinicalDateParameters } from './clinical-date.ts';
import { accessSql, conditionSql, visibilitySql } from './condition.ts';
import { type Criterion, type Cursor, isCriterion, type Plan, type PlanContext, type SearchQuery } from './criterion.ts';
import { isSpan, ownPatients, type Place, singleTokenHash } from './criterion-sql.ts';
import { keysetSql, orderSql, type SortExpression, sortExpressions } from './sort.ts';
import { Values } from './statement.ts';

/** Cursor that continues after a row. */
export function cursorAfter(row: SearchRow): Cursor {
  return { keys: row.keys, rid: row.rid };
}

export const rowColumns =
  "r.type, r.shard, r.rid, r.id, r.version, date_part('epoch', r.lu) * 1000 as ms, r.deleted, r.pat, r.codec, r.body";

/** FROM and WHERE of a search, without order. */
interface Selection {
  /** CTEs that `from` names. */
  readonly with: string;
  readonly from: string;
  readonly where: string;
  readonly pinned: boolean;
  /** Alias of the row whose time stamp and key give the order: of hot, where it drives. */
  readonly ordered: 'h' | 'i';
}

interface Shape {
  readonly patient: bigint | undefined;
  readonly code: { readonly criterion: Criterion; readonly hash: bigint } | undefined;
  readonly tokens: readonly { readonly criterion: Criterion; readonly hash: bigint }[];
}

function shapeOf(query: SearchQuery, context: PlanContext): Shape {
  const criteria = query.criteria.filter(isCriterion);
  const patients = criteria.map((c) => ownPatients(c, context)).filter((p) => p?.length === 1);
  const access = context.access(query.type);
  const granted = access.length === 1 ? access[0]?.patientRid : undefined;
  const tokens = criteria.flatMap((criterion) => {
    const hash = singleTokenHash(criterion, context);
    return hash === undefined ? [] : [{ criterion, hash }];
  });
  const code = tokens.find(
    (t) =>
      t.criterion.param === 'code' &&
      t.criterion.modifier === undefined &&
      t.criterion.terms.every((term) => term.kind === 'token' && term.code !== undefined),
  );
  return { patient: patients[0]?.[0] ?? granted, code, tokens };
}

/** Whether the resource's own times are asked for or sorted by: they are in its row, not in idx. */
function needsResource({ criteria, sort }: SearchQuery): boolean {
  return sort.some((key) => key.kind === 'lastUpdated') || criteria.some((c) => isCriterion(c) && c.param === '_lastUpdated');
}

/** Whether the rows of hot answer the whole search: code, own patient and clinical date, for who may see all of the patient. */
function isLean({ criteria, sort, type }: SearchQuery, { patient, code }: Shape, context: PlanContext): boolean {
  if (patient === undefined || code === undefined) return false;
  if (sort.some((key) => key.kind === 'token' || key.kind === 'uri')) return false;
  if (context.access(type).some((grant) => grant.criteria.length > 0)) return false;
  return criteria.every(
    (c) =>
      isCriterion(c) &&
      (c === code.criterion || ownPatients(c, context)?.length === 1 || (c.kind === 'date' && c.modifier === undefined && isSpan(c))),
  );
}

/** One table and its index: no row of idx is looked at. */
function leanSelection(query: SearchQuery, shape: Shape, context: PlanContext, values: Values): Selection {
  const resource = needsResource(query);
  const where = [`i.tenant = $1 and i.code = ${values.hash(shape.code?.hash ?? 0n)} and i.pat = ${values.hash(shape.patient ?? 0n)}`];
  const place: Place = { row: 'i', context, values, oneByOne: true };
  for (const condition of query.criteria) {
    if (condition === shape.code?.criterion) continue;
    const own = isCriterion(condition) ? ownPatients(condition, context)?.[0] : undefined;
    if (own === undefined) where.push(conditionSql(condition, place));
    // Another patient than the granted one, or than that of another parameter: nothing is of both.
    else where.push(own === shape.patient ? 'i.own' : 'false');
  }
  for (const condition of [accessSql(query.type, place), visibilitySql(place)]) if (condition) where.push(condition);
  return {
    with: '',
    from: resource ? 'hot i join res l on l.tenant = $1 and l.shard = i.shard and l.rid = i.rid' : 'hot i',
    where: where.join(' and '),
    pinned: true,
    ordered: 'i',
  };
}

/** Chooses the access path and writes the conditions. */
function selectionOf(query: SearchQuery, context: PlanContext, values: Values): Selection {
  const shape = shapeOf(query, context);
  if (isLean(query, shape, context)) return leanSelection(query, shape, context, values);
  const byClinicalDate = query.sort.length === 1 && query.sort[0]?.kind === 'clinicalDate';
  const resource = needsResource(query);
  const hot = shape.code !== undefined && (shape.patient !== undefined || (byClinicalDate && shape.tokens.length === 1));
  const type = values.add(context.typeNumber(query.type), 'int2');
  const where = [`i.tenant = $1 and i.type = ${type}`];
  const required = shape.tokens.filter((t) => !hot || t !== shape.code).map((t) => t.hash);
  const tokens = required.length > 0 ? `i.tok @> ${values.hashes(required)}` : undefined;
  // A walk in date order that filters by several tokens can go on for ever; their intersection is small or refused by its own index.
  const materialized = tokens !== undefined && !hot && shape.patient === undefined && required.length > 1 && query.sort.length > 0;
  if (tokens && !materialized) where.push(tokens);
  if (hot && shape.code) {
    where.push(`h.tenant = $1 and h.code = ${values.hash(shape.code.hash)}`);
    if (shape.patient !== undefined) where.push(`h.pat = ${values.hash(shape.patient)}`);
  }
  const place: Place = { row: 'i', context, values, oneByOne: shape.patient !== undefined, ...(resource ? { resource: 'l' } : {}) };
  for (const condition of query.criteria) {
    if (!shape.tokens.some((t) => t.criterion === condition)) where.push(conditionSql(condition, place));
  }
  for (const condition of [accessSql(query.type, place), visibilitySql(place)]) if (condition) where.push(condition);
  const rows = hot ? 'hot h join idx i on i.tenant = h.tenant and i.shard = h.shard and i.rid = h.rid' : materialized ? 'c i' : 'idx i';
  return {
    with: materialized ? `c as materialized (select * from idx i where i.tenant = $1 and i.type = ${type} and ${tokens})` : '',
    from: resource ? `${rows} join res l on l.tenant = $1 and l.type = ${type} and l.shard = i.shard and l.rid = i.rid` : rows,
    where: where.join(' and '),
    // Chains look through other patients' rows and need plans of their own.
    pinned: shape.patient !== undefined && query.criteria.every(isCriterion),
    ordered: hot ? 'h' : 'i',
  };
}

const withClause = (...parts: readonly string[]): string => {
  const given = parts.filter(Boolean);
  return given.length > 0 ? `with ${given.join(', ')} ` : '';
};

/** A page of matches and one row more, which tells whether there is another page. */
export function planSearch(query: SearchQuery, context: PlanContext): Plan {
  const values = new Values(context.tenant);
  const selection = selectionOf(query, context, values);
  const sort = sortExpressions(query.sort, query.type, selection.ordered, values);
  const limit = values.add(query.count + 1, 'int8');
  const picked = datedFirst(sort)
    ? pickDatedFirst(selection, sort, context.cursor, values, limit, asksForDate(query))
    : pick(selection, sort, context.cursor, values, limit, '');
  const keys = sort.length > 0 ? `array[${sort.map((_, n) => `m.k${n}::text`).join(', ')}]` : "'{}'::text[]";
  const text = `${withClause(selection.with, `m as (${picked})`)}select ${rowColumns}, ${keys} as keys from m join res r on r.tenant = $1 and r.shard = m.shard and r.rid = m.rid order by ${orderSql(sort, 'm.k', 'm.rid')} limit ${limit}`;
  return { text, values: values.list, pinned: selection.pinned };
}

function pick(
  selection: Selection,
  sort: readonly SortExpression[],
  cursor: Cursor | undefined,
  values: Values,
  limit: string,
  more: string,
): string {
  const rid = `${selection.ordered}.rid`;
  const columns = ['i.shard', `${rid} as rid`, ...sort.map((s, n) => `${s.sql} as k${n}`)];
  const conditions = [selection.where];
  if (more) conditions.push(more);
  if (cursor) conditions.push(keysetSql(sort, cursor, rid, values));
  return `select ${columns.join(', ')} from ${selection.from} where ${conditions.join(' and ')} order by ${orderSql(sort, '', rid)} limit ${limit}`;
}

/** Newest first by the row's own date: the indexes hold missing dates first, so the dated and the undated part are read apart. */
function datedFirst(sort: readonly SortExpression[]): boolean {
  const [only, ...more] = sort;
  return more.length === 0 && only?.kind === 'clinicalDate' && only.descending;
}

/** What has a value for one of the parameters that give the row its date has a date: no undated part to plan, which costs more than to run it. */
function asksForDate({ type, criteria }: SearchQuery): boolean {
  const names = clinicalDateParameters(type);
  return criteria.some(
    (c) => isCriterion(c) && c.kind === 'date' && c.modifier === undefined && c.terms.length > 0 && names.includes(c.param),
  );
}

function pickDatedFirst(
  selection: Selection,
  sort: readonly SortExpression[],
  cursor: Cursor | undefined,
  values: Values,
  limit: string,
  onlyDated: boolean,
): string {
  const date = sort[0]?.sql ?? '';
  const dated = sort.map((s) => ({ ...s, nullable: false }));
  if (onlyDated) return pick(selection, dated, cursor, values, limit, `${date} is not null`);
  const undated = pick(selection, dated, cursor?.keys[0] === null ? cursor : undefined, values, limit, `${date} is null`);
  if (cursor?.keys[0] === null) return undated;
  return `(${pick(selection, dated, cursor, values, limit, `${date} is not null`)}) union all (${undated})`;
}

/**
 * Number of matches.
 * @param maximum stop counting there; absent = exact
 */
export function planCount(query: SearchQuery, context: PlanContext, maximum?: number): Plan {
  const values = new Values(context.tenant);
  const { with: cte, from, where, pinned } = selectionOf({ ...query, sort: [] }, context, values);
  const text =
    maximum === undefined
      ? `${withClause(cte)}select count(*) as total from ${from} where ${where}`
      : `${withClause(cte)}select count(*) as total from (select 1 from ${from} where ${where} limit ${values.add(maximum, 'int8')}) n`;
  return { text, values: values.list, pinned };
}

/** What the database expects the matches to be, without counting them. */
export function planEstimate(query: SearchQuery, context: PlanContext): Plan {
  const values = new Values(context.tenant);
  const { with: cte, from, where } = selectionOf({ ...query, sort: [] }, context, values);
  return { text: `explain (format json) ${withClause(cte)}select 1 from ${from} where ${where}`, values: values.list };
}

/** Rows that an answer to `planEstimate` tells. */
export function estimatedRows(rows: readonly object[]): number {
  const [first] = rows as { 'QUERY PLAN'?: readonly { readonly Plan?: { readonly 'Plan Rows'?: number } }[] }[];
  return first?.['QUERY PLAN']?.[0]?.Plan?.['Plan Rows'] ?? 0;
}

/**
 * shard and rid of the matches that a conditional interaction needs to know.
 * @param maximum two tell that there is not exactly one
 */
export function planMatch(query: Pick<SearchQuery, 'type' | 'criteria'>, context: PlanContext, maximum = 2): Plan {
  const values = new Values(context.tenant);
  const { with: cte, from, where } = selectionOf({ ...emptyQuery, ...query, sort: [] }, context, values);
  return {
    text: `${withClause(cte)}select i.shard, i.rid from ${from} where ${where} order by i.rid limit ${maximum}`,
    values: values.list,
  };
}

/** A query that asks for nothing in particular. */
export const emptyQuery: Omit<SearchQuery, 'type'> = {
  criteria: [],
  sort: [],
  count: 0,
  total: undefined,
  summaryCount: false,
  includes: [],
  revincludes: [],
  lists: [],
  cursor: undefined,
  ignored: [],
  used: [],
};
