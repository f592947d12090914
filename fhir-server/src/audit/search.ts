// https://hl7.org/fhir/R4/auditevent.html#search over the rows of the trail: newest first, page by page, in one statement.
import type { Pool } from 'pg';
import { type Action, accountEvents, interactionsOf, methodsOf, type StoredRow } from './event.ts';

/** One parameter that was asked for: any of its values. */
export type TrailCriterion =
  | { readonly by: 'patient' | 'agent' | 'party' | 'purpose' | 'interaction'; readonly values: readonly string[] }
  | { readonly by: 'entity'; readonly values: readonly { readonly type: string; readonly id: string }[] }
  | { readonly by: 'action'; readonly values: readonly Action[] }
  | { readonly by: 'outcome'; readonly values: readonly ('0' | '4' | '8' | '12')[] }
  | { readonly by: 'isAccount'; readonly values: readonly boolean[] }
  | { readonly by: 'id'; readonly values: readonly { readonly lane: string; readonly n: string }[] }
  /** Milliseconds; from, up to but not including. */
  | { readonly by: 'time'; readonly values: readonly { readonly from?: number; readonly upTo?: number; readonly not?: true }[] };

export interface TrailPage {
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly at: string; readonly lane: string; readonly n: string } | undefined;
}

/** Values of a statement, numbered as they are added. */
class Values {
  readonly list: unknown[] = [];

  add(value: unknown): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

const named = Object.values(interactionsOf).flat();

function actionSql(action: Action, values: Values): string {
  const isOther = "row->>'interaction' not in ('refused')";
  if (action === 'E')
    return `(not row->>'interaction' = any(${values.add(named)}) and not coalesce(row->>'method', '') = any(${values.add(Object.values(methodsOf).flat())}))`;
  const methods = action === 'C' ? [] : methodsOf[action];
  return `(row->>'interaction' = any(${values.add(interactionsOf[action])}) or (not (${isOther}) and row->>'method' = any(${values.add(methods)})))`;
}

const outcomeSql = {
  '0': "(row->>'status')::int < 400",
  '4': "(row->>'status')::int between 400 and 499",
  '8': "(row->>'status')::int >= 500",
  '12': 'false',
} as const;

function criterionSql(criterion: TrailCriterion, values: Values): string[] {
  switch (criterion.by) {
    case 'patient':
      return criterion.values.map((id) => `(row ? 'patients' and row->'patients' @> ${values.add(JSON.stringify([id]))}::jsonb)`);
    case 'agent':
      return [`row->>'agent' = any(${values.add(criterion.values)})`];
    case 'party':
      return [
        `(row ? 'user' and row->>'user' = any(${values.add(criterion.values)}))`,
        `row->>'client' = any(${values.add(criterion.values)})`,
      ];
    case 'purpose':
      return [`(row ? 'purpose' and row->>'purpose' = any(${values.add(criterion.values)}))`];
    case 'interaction':
      return [`row->>'interaction' = any(${values.add(criterion.values)})`];
    case 'entity':
      return criterion.values.flatMap(({ type, id }) => {
        const own = `(row->>'type' = ${values.add(type)} and row->>'id' = ${values.add(id)})`;
        const touched = `exists (select 1 from jsonb_array_elements_text(row->'resources') r where starts_with(r, ${values.add(`${type}/${id}/`)}))`;
        return type === 'Patient' ? [own, touched, ...criterionSql({ by: 'patient', values: [id] }, values)] : [own, touched];
      });
    case 'action':
      return criterion.values.map((action) => actionSql(action, values));
    case 'outcome':
      return criterion.values.map((outcome) => outcomeSql[outcome]);
    case 'isAccount':
      return criterion.values.map((is) => `(row->>'interaction' = any(${values.add(accountEvents)})) = ${values.add(is)}`);
    case 'id':
      return criterion.values.map(({ lane, n }) => `(shard = 0 and lane = ${values.add(lane)} and n = ${values.add(n)})`);
    case 'time':
      return criterion.values.map(({ from, upTo, not }) => {
        const parts = [
          ...(from === undefined ? [] : [`at >= ${values.add(new Date(from))}`]),
          ...(upTo === undefined ? [] : [`at < ${values.add(new Date(upTo))}`]),
        ];
        return `${not ? 'not ' : ''}(${parts.join(' and ')})`;
      });
  }
}

function whereSql(tenant: number, criteria: readonly TrailCriterion[], values: Values): string {
  const parts = criteria.map((each) => {
    const any = criterionSql(each, values);
    return any.length > 0 ? `(${any.join(' or ')})` : 'false';
  });
  return [`tenant = ${values.add(tenant)}`, ...parts].join(' and ');
}

export async function searchTrail(
  pool: Pick<Pool, 'query'>,
  tenant: number,
  criteria: readonly TrailCriterion[],
  { limit, after }: TrailPage,
): Promise<StoredRow[]> {
  const values = new Values();
  const where = whereSql(tenant, criteria, values);
  const further = after
    ? ` and (at, lane, n) < (${values.add(after.at)}::timestamptz, ${values.add(after.lane)}::uuid, ${values.add(after.n)}::int8)`
    : '';
  const { rows } = await pool.query<Omit<StoredRow, 'n'> & { n: string }>(
    `select lane, n, at, row from audit where ${where}${further} order by at desc, lane desc, n desc limit ${values.add(limit)}`,
    values.list,
  );
  return rows.map((row) => ({ ...row, n: Number(row.n) }));
}

export async function countTrail(pool: Pick<Pool, 'query'>, tenant: number, criteria: readonly TrailCriterion[]): Promise<number> {
  const values = new Values();
  const { rows } = await pool.query<{ count: string }>(
    `select count(*) from audit where ${whereSql(tenant, criteria, values)}`,
    values.list,
  );
  return Number(rows[0]?.count ?? 0);
}
