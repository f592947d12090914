// https://hl7.org/fhir/R4/http.html#search — searches over several types (`GET [base]?_type=`, `Patient/[id]/*`) and inside a compartment: one statement a type, merged in order.
import { grantsFor, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { type Condition, conditionOf, cursorAfter, emptyQuery, planSearch, type SearchQuery, type SearchRow } from '../search/index.ts';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { cursorOwner, openCursor, sealCursor } from './cursor.ts';
import { answerSearch, confirmed, countOf, type Prepared, prepareSearch, searchBundle, searchEntry, selfQuery } from './search.ts';

/** Sort keys that every type has, and whose texts have one order. */
const commonSorts: ReadonlySet<string> = new Set(['_id', '_lastUpdated']);

function refuse(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'not-supported', diagnostics });
}

/** Types that hold something and that the caller may search. */
async function presentTypes(server: Server, principal: Principal): Promise<string[]> {
  const allowed = Object.keys(server.definitions.types).filter(
    (t) => server.types.has(t) && grantsFor(principal.scopes, t, 's').length > 0,
  );
  const { rows } = await server.pool.query<{ type: number }>(
    'select t as type from unnest($2::int2[]) t where exists (select 1 from idx where tenant = $1 and type = t)',
    [server.tenant, allowed.map(server.types.number)],
  );
  return rows.map(({ type }) => server.types.name(type)).sort();
}

function askedTypes(server: Server, query: URLSearchParams): string[] {
  const types = query.getAll('_type').flatMap((value) => value.split(','));
  if (types.some((type) => !server.types.has(type)))
    throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: '_type names an unknown resource type.' });
  return [...new Set(types)].sort();
}

function without(query: URLSearchParams, name: string): URLSearchParams {
  return new URLSearchParams([...query].filter(([key]) => key !== name));
}

/** `GET [base]?…` and `POST [base]/_search`. */
export async function searchSystem(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const types = askedTypes(server, request.query);
  const searched = types.length > 0 ? types : await presentTypes(server, principal);
  return searchTypes(server, principal, '', request, searched, () => []);
}

/** Resources of a type in a compartment: by the parameters of the CompartmentDefinition. */
function inCompartment(server: Server, type: string, owner: string, id: string): Condition {
  const params = server.definitions.compartments[owner]?.[type] ?? [];
  const context = { definitions: server.definitions, nowMs: 0, base: undefined };
  const conditions = params.flatMap(
    (param) => (param === '{def}' ? conditionOf(type, '_id', id, context) : conditionOf(type, param, `${owner}/${id}`, context)) ?? [],
  );
  const [only, ...more] = conditions;
  return only && more.length === 0 ? only : { kind: 'or', type, conditions };
}

/**
 * https://hl7.org/fhir/R4/http.html#vsearch `Patient/[id]/[type]?…`, and those of the other compartments; `*` for all types. What may be seen is what
 * the scopes open in any search: to know a compartment's name opens nothing.
 */
export async function searchCompartment(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [owner = '', id = '', type = ''] = request.segments;
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
    throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'A compartment is named by the id of its owner.' });
  const path = `${owner}/${id}/${type}`;
  const members = server.definitions.compartments[owner] ?? {};
  if (type !== '*') {
    if (!members[type])
      throw new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'This type is not in the compartment.' });
    const prepared = await prepareSearch(server, principal, type, request, [inCompartment(server, type, owner, id)]);
    return answerSearch(server, principal, path, prepared);
  }
  const present = (await presentTypes(server, principal)).filter((t) => members[t]);
  const asked = askedTypes(server, request.query);
  const types = asked.length > 0 ? present.filter((t) => asked.includes(t)) : present;
  return searchTypes(server, principal, path, request, types, (t) => [inCompartment(server, t, owner, id)]);
}

interface Found {
  readonly row: SearchRow;
  readonly query: SearchQuery;
}

/** The order of plan.ts across types: sort keys, then rid. Texts of one key come from one SQL type. */
function compareRows({ sort }: SearchQuery): (a: Found, b: Found) => number {
  const order = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  const [first, ...more] = sort;
  const ridsTurn = more.length === 0 && first?.kind === 'lastUpdated' && !first.descending;
  return (a, b) => {
    for (const [n, key] of sort.entries()) {
      const compared = order(a.row.keys[n] ?? '', b.row.keys[n] ?? '');
      if (compared !== 0) return key.descending ? -compared : compared;
    }
    const byRid = BigInt(a.row.rid) < BigInt(b.row.rid) ? -1 : 1;
    return ridsTurn ? -byRid : byRid;
  };
}

async function searchTypes(
  server: Server,
  principal: Principal,
  path: string,
  request: Request,
  types: readonly string[],
  within: (type: string) => readonly Condition[],
): Promise<Answer> {
  const query = without(request.query, '_type');
  const prepared: Prepared[] = [];
  for (const type of types) prepared.push(await prepareSearch(server, principal, type, { ...request, query }, within(type)));
  const [shape] = prepared;
  if (!shape) return searchBundle(server, path, request.query, { ...emptyQuery, type: '' }, { entries: [], total: 0, next: undefined });
  if (shape.query.includes.length + shape.query.revincludes.length > 0)
    throw refuse('Includes are not supported in searches of several types: search each type by itself.');
  if (shape.query.sort.some((key) => !commonSorts.has(key.param)))
    throw refuse('Searches of several types sort by _id and _lastUpdated only: search each type by itself for another order.');
  const used = { ...shape.query, used: [...shape.query.used, ...(request.query.has('_type') ? [['_type', ''] as const] : [])] };
  const asked = new URLSearchParams([...shape.asked, ...request.query.getAll('_type').map((value): [string, string] => ['_type', value])]);
  const wantsTotal = used.summaryCount || used.count === 0 || used.total === 'accurate' || used.total === 'estimate';
  let total = 0;
  if (wantsTotal) for (const each of prepared) total += await countOf(server, each.query, each.context);
  if (used.summaryCount || used.count === 0) return searchBundle(server, path, asked, used, { entries: [], total, next: undefined });
  const owner = cursorOwner(principal, path, selfQuery(asked, used));
  const cursor = openCursor(server, used.cursor ?? null, owner);
  // Of all types together no more than a page and one row are kept: their bodies may be large.
  let found: Found[] = [];
  for (const { query: each, context } of prepared) {
    const { rows } = await server.runPlan(planSearch(each, cursor ? { ...context, cursor } : context));
    found = [...found, ...rows.map((row) => ({ row, query: each }))].sort(compareRows(used)).slice(0, used.count + 1);
  }
  const page = found.slice(0, used.count);
  const stored = server.reader.byRows(page.map((f) => f.row));
  const entries = stored.filter((s, n) => confirmed(page[n]?.query ?? used, s)).map((s) => searchEntry(server, s, 'match'));
  const last = page.at(-1);
  const next = last && found.length > used.count ? sealCursor(server, cursorAfter(last.row), owner) : undefined;
  return searchBundle(server, path, asked, used, { entries, total: wantsTotal ? total : undefined, next });
}
