// https://hl7.org/fhir/R4/search.html — parse, translate identifiers, one SQL statement, page by keyset, includes with the same access rules.
import { OperationOutcomeError, operationOutcome, type Principal, parseReference, type Resource } from '@limen/fhir-model';
import {
  type Condition,
  conditionOf,
  cursorAfter,
  estimatedRows,
  isCriterion,
  isSelfContained,
  type PlanContext,
  planCount,
  planEstimate,
  planSearch,
  recheck,
  type SearchQuery,
} from '../search/index.ts';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import { accessFor } from './access.ts';
import type { Answer, Request } from './answer.ts';
import { cursorOwner, openCursor, sealCursor } from './cursor.ts';
import { translateIdentifiers } from './identifiers.ts';
import { included } from './include.ts';
import { refuseMasked } from './masked.ts';
import { covers } from './read.ts';
import { planContext, readSearch, refuseRemoved, resolved, searchAccess } from './search-context.ts';

/** Members of a List that one search takes. */
const maximumMembers = 5000;

export interface Prepared {
  readonly query: SearchQuery;
  readonly context: PlanContext;
  /** Parameters as they are stored and shown: identifiers translated. */
  readonly asked: URLSearchParams;
}

/**
 * A search of one type, checked, with its look-ups done.
 * @param within what the address adds: the compartment
 */
export async function prepareSearch(
  server: Server,
  principal: Principal,
  type: string,
  request: Pick<Request, 'query' | 'headers'>,
  within: readonly Condition[] = [],
): Promise<Prepared> {
  // Refused before anything of the query is looked at.
  await accessFor(server, principal, type, 's');
  const lenient = /handling=lenient/.test(request.headers['prefer'] ?? '');
  // Links show identifiers as they are stored, never as typed; a link of ours that comes back carries a cursor and is translated already.
  const isContinued = request.query.has('_cursor');
  const asked = isContinued ? request.query : await translateIdentifiers(server, principal, type, request.query);
  const parsed = await readSearch(server, type, asked, lenient);
  refuseRemoved(server, parsed);
  refuseMasked(server, principal, parsed);
  const searched = { ...parsed, criteria: [...parsed.criteria, ...within, ...(await inLists(server, principal, parsed))] };
  const context = await planContext(server, searched, searchAccess(server, principal));
  return { query: await resolved(server, searched, context, true), context, asked };
}

export async function search(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = ''] = request.segments;
  return answerSearch(server, principal, type, await prepareSearch(server, principal, type, request));
}

/** @param path of the search below the base: the type, or the compartment's */
export async function answerSearch(server: Server, principal: Principal, path: string, prepared: Prepared): Promise<Answer> {
  const { query, context, asked } = prepared;
  if (query.count === 0 || query.summaryCount)
    return searchBundle(server, path, asked, query, { entries: [], total: await countOf(server, query, context), next: undefined });
  const owner = cursorOwner(principal, path, selfQuery(asked, query));
  const cursor = openCursor(server, query.cursor ?? null, owner);
  const { rows } = await server.runPlan(planSearch(query, cursor ? { ...context, cursor } : context));
  const page = rows.slice(0, query.count);
  const matches = server.reader.byRows(page);
  const last = page.at(-1);
  const next = last && rows.length > query.count ? sealCursor(server, cursorAfter(last), owner) : undefined;
  const total = query.total === 'accurate' || query.total === 'estimate' ? await countOf(server, query, context) : undefined;
  const entries = matches.filter((m) => confirmed(query, m)).map((m) => searchEntry(server, m, 'match'));
  for (const stored of await included(server, principal, query, matches)) entries.push(searchEntry(server, stored, 'include'));
  return searchBundle(server, path, asked, query, { entries, total, next });
}

/** `_list`: members of the List, when the caller may read it. */
async function inLists(server: Server, principal: Principal, { type, lists }: SearchQuery): Promise<Condition[]> {
  if (lists.length === 0) return [];
  const access = await accessFor(server, principal, 'List', 'r');
  const members = new Set<string>();
  for (const id of lists) {
    const stored = await server.reader.current('List', id);
    if (!stored?.text || !covers(access, stored)) continue;
    const { entry = [] } = JSON.parse(stored.text) as { entry?: { deleted?: boolean; item?: { reference?: string } }[] };
    for (const { deleted, item } of entry) {
      const literal = deleted ? undefined : parseReference(item?.reference ?? '');
      if (literal?.type === type) members.add(literal.id);
    }
  }
  if (members.size > maximumMembers)
    throw new OperationOutcomeError(400, {
      code: 'too-costly',
      diagnostics: 'The list has too many members to be searched: at most 5,000; split it.',
    });
  const context = { definitions: server.definitions, nowMs: 0, base: undefined };
  const condition = members.size > 0 ? conditionOf(type, '_id', [...members].join(','), context) : undefined;
  return [condition ?? { kind: 'or', type, conditions: [] }];
}

/** A hash collision must not show a wrong resource: identifiers are compared on the body. */
export function confirmed(query: SearchQuery, stored: Stored): boolean {
  const told = query.criteria.filter((c) => isCriterion(c) && c.kind === 'token' && c.param === 'identifier' && isSelfContained(c));
  return told.length === 0 || recheck({ criteria: told }, JSON.parse(stored.text ?? '{}') as Resource);
}

export function searchEntry(server: Server, stored: Stored, mode: 'match' | 'include'): string {
  return `{"fullUrl":"${server.base}/${stored.type}/${stored.id}","resource":${stored.text},"search":{"mode":"${mode}"}}`;
}

function ignoredEntry(query: SearchQuery): string {
  const outcome = operationOutcome(
    ...query.ignored.map(() => ({
      severity: 'warning' as const,
      code: 'not-supported' as const,
      diagnostics: 'A parameter that this server does not know was ignored.',
    })),
  );
  return `{"resource":${JSON.stringify(outcome)},"search":{"mode":"outcome"}}`;
}

/** From so many on an estimate is not counted. */
const countedMaximum = 10_000;

/** The number of matches; of many, when an estimate is asked for, what the database expects. */
export async function countOf(server: Server, query: SearchQuery, context: PlanContext): Promise<number> {
  if (query.total === 'estimate') {
    const expected = estimatedRows((await server.runPlan(planEstimate(query, context))).rows);
    if (expected > countedMaximum) return Math.round(expected);
  }
  const plan = planCount(query, context);
  const { rows } = await server.runPlan(plan);
  return Number(Object.values(rows[0] as object)[0]);
}

/** Self shows what was used. */
export function selfQuery(asked: URLSearchParams, query: SearchQuery): URLSearchParams {
  const used = new Set(query.used.map(([name]) => name));
  const self = new URLSearchParams();
  for (const [name, value] of asked) if (used.has(name) && name !== '_cursor') self.append(name, value);
  return self;
}

export function searchBundle(
  server: Server,
  path: string,
  asked: URLSearchParams,
  query: SearchQuery,
  content: { entries: string[]; total: number | undefined; next: string | undefined },
): Answer {
  const self = selfQuery(asked, query);
  const url = (extra?: string): string => {
    const text = [self.toString(), extra].filter(Boolean).join('&');
    return `${server.base}${path && '/'}${path}${text ? `?${text}` : ''}`;
  };
  const link = [{ relation: 'self', url: url() }, ...(content.next ? [{ relation: 'next', url: url(`_cursor=${content.next}`) }] : [])];
  const total = content.total === undefined ? '' : `,"total":${content.total}`;
  const shown = query.ignored.length > 0 ? [...content.entries, ignoredEntry(query)] : content.entries;
  const entries = shown.length > 0 ? `,"entry":[${shown.join(',')}]` : '';
  return {
    status: 200,
    headers: {},
    body: `{"resourceType":"Bundle","type":"searchset"${total},"link":${JSON.stringify(link)}${entries}}`,
  };
}
