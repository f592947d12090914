// https://hl7.org/fhir/R4/search.html — parse, translate identifiers, one SQL statement, page by keyset, includes with the same access rules.
import { grantsFor, OperationOutcomeError, operationOutcome, type Principal, parseReference, type Resource } from '@limen/fhir-model';
import {
  type AccessPredicate,
  cursorAfter,
  extractReferences,
  type Include,
  includeQuery,
  type PlanContext,
  parseSearch,
  planCount,
  planSearch,
  recheck,
  revincludeQuery,
  type SearchQuery,
} from '../search/index.ts';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import { accessFor } from './access.ts';
import type { Answer, Request } from './answer.ts';
import { openCursor, sealCursor } from './cursor.ts';
import { translateIdentifiers } from './identifiers.ts';

const maximumIncluded = 1000;

/** The planner's view of the store; patients that the query names are looked up once. */
export async function planContext(server: Server, query: Pick<SearchQuery, 'criteria'>, access: AccessPredicate): Promise<PlanContext> {
  const ids = new Set<string>();
  for (const criterion of [...query.criteria, ...access.flatMap((g) => g.criteria)]) {
    if (!criterion.ownPatient) continue;
    for (const term of criterion.terms) {
      if (term.kind !== 'reference') continue;
      for (const target of term.targets) {
        const literal = parseReference(target);
        if (literal?.type === 'Patient') ids.add(literal.id);
      }
    }
  }
  const rids = await server.reader.patientRids([...ids]);
  return { tenant: server.tenant, typeNumber: server.types.number, access, patientRid: (id) => rids.get(id) };
}

/** Parameters whose element the policy removes are refused, not empty. */
function refuseRemoved(server: Server, query: SearchQuery): void {
  const names = [...query.criteria.map((c) => c.param), ...query.sort.map((s) => s.param)];
  for (const name of names) {
    if (name.startsWith('_') && name !== '_source') continue;
    if (server.door.searchPolicy(query.type, name) === 'refused') {
      throw new OperationOutcomeError(400, {
        code: 'not-supported',
        details: 'removed-by-policy',
        diagnostics: `The parameter ${name} searches an element that the de-identification policy removes.`,
      });
    }
  }
}

export async function search(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = ''] = request.segments;
  const access = await accessFor(server, principal, type, 's');
  const lenient = /handling=lenient/.test(request.headers['prefer'] ?? '');
  // Links show identifiers as they are stored, never as typed; a link of ours that comes back carries a cursor and is translated already.
  const isContinued = request.query.has('_cursor');
  const asked = isContinued ? request.query : await translateIdentifiers(server, principal, type, request.query);
  const query = parseSearch(server.definitions, type, asked, { lenient });
  refuseRemoved(server, query);
  const context = await planContext(server, query, access);
  if (query.count === 0 || query.summaryCount) return countAnswer(server, asked, query, context);
  const cursor = openCursor(server, query.cursor ?? null);
  const plan = planSearch(query, cursor ? { ...context, cursor } : context);
  const { rows } = await server.runPlan(plan);
  const page = rows.slice(0, query.count);
  const matches = server.reader.byRows(page);
  const last = page.at(-1);
  const next = last && rows.length > query.count ? sealCursor(server, cursorAfter(last)) : undefined;
  const total = query.total === 'accurate' || query.total === 'estimate' ? await countOf(server, query, context) : undefined;
  const entries = matches.filter((m) => confirmed(server, query, m)).map((m) => entry(server, m, 'match'));
  for (const stored of await included(server, principal, query, matches)) entries.push(entry(server, stored, 'include'));
  if (query.ignored.length > 0) entries.push(ignoredEntry(query));
  return bundle(server, type, asked, query, { entries, total, next });
}

/** A hash collision must not show a wrong resource: token and reference matches are compared on the body where it is parsed anyway. */
function confirmed(server: Server, query: SearchQuery, stored: Stored): boolean {
  const needs = query.criteria.some(
    (c) => (c.kind === 'token' || c.kind === 'composite') && c.modifier === undefined && c.param === 'identifier',
  );
  return !needs || recheck(query, JSON.parse(stored.text ?? '{}') as Resource, server.tenant);
}

function entry(server: Server, stored: Stored, mode: 'match' | 'include'): string {
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

async function countOf(server: Server, query: SearchQuery, context: PlanContext): Promise<number> {
  const plan = planCount(query, context);
  const { rows } = await server.runPlan(plan);
  return Number(Object.values(rows[0] as object)[0]);
}

async function countAnswer(server: Server, asked: URLSearchParams, query: SearchQuery, context: PlanContext): Promise<Answer> {
  return bundle(server, query.type, asked, query, { entries: [], total: await countOf(server, query, context), next: undefined });
}

/** Self shows what was used. */
function selfQuery(asked: URLSearchParams, query: SearchQuery): URLSearchParams {
  const used = new Set(query.used.map(([name]) => name));
  const self = new URLSearchParams();
  for (const [name, value] of asked) if (used.has(name) && name !== '_cursor') self.append(name, value);
  return self;
}

function bundle(
  server: Server,
  type: string,
  asked: URLSearchParams,
  query: SearchQuery,
  content: { entries: string[]; total: number | undefined; next: string | undefined },
): Answer {
  const self = selfQuery(asked, query);
  const url = (extra?: string): string => {
    const text = [self.toString(), extra].filter(Boolean).join('&');
    return `${server.base}/${type}${text ? `?${text}` : ''}`;
  };
  const link = [{ relation: 'self', url: url() }, ...(content.next ? [{ relation: 'next', url: url(`_cursor=${content.next}`) }] : [])];
  const total = content.total === undefined ? '' : `,"total":${content.total}`;
  const entries = content.entries.length > 0 ? `,"entry":[${content.entries.join(',')}]` : '';
  return {
    status: 200,
    headers: {},
    body: `{"resourceType":"Bundle","type":"searchset"${total},"link":${JSON.stringify(link)}${entries}}`,
  };
}

/** _include and _revinclude: only what the caller may search, no duplicates, never the matches again, bounded. */
async function included(server: Server, principal: Principal, query: SearchQuery, matches: readonly Stored[]): Promise<Stored[]> {
  if (query.includes.length + query.revincludes.length === 0 || matches.length === 0) return [];
  const seen = new Set(matches.map((m) => `${m.type}/${m.id}`));
  const found: Stored[] = [];
  const add = (stored: Stored): void => {
    const key = `${stored.type}/${stored.id}`;
    if (stored.deleted || seen.has(key) || found.length >= maximumIncluded) return;
    seen.add(key);
    found.push(stored);
  };
  for (const stored of await forward(server, principal, query.includes, matches)) add(stored);
  for (const include of query.revincludes) {
    const access = await accessFor(server, principal, include.source, 's');
    const plan = revincludeQuery(
      include.source,
      include.param,
      matches.map((m) => `${m.type}/${m.id}`),
      await planContext(server, { criteria: [] }, access),
      maximumIncluded,
    );
    const { rows } = await server.runPlan(plan);
    for (const stored of server.reader.byRows(rows)) add(stored);
  }
  return found;
}

async function forward(server: Server, principal: Principal, includes: readonly Include[], matches: readonly Stored[]): Promise<Stored[]> {
  const wanted = new Map<string, Set<string>>();
  for (const include of includes) {
    const extract = extractReferences(server.definitions, include.source, include.param);
    for (const match of matches.filter((m) => m.type === include.source)) {
      for (const reference of extract(JSON.parse(match.text ?? '{}') as Resource)) {
        const literal = parseReference(reference);
        if (!literal || (include.target !== undefined && include.target !== literal.type)) continue;
        const ids = wanted.get(literal.type) ?? new Set();
        if (ids.size < maximumIncluded) wanted.set(literal.type, ids.add(literal.id));
      }
    }
  }
  const visible: Stored[] = [];
  for (const [type, ids] of wanted) {
    if (!server.types.has(type) || grantsFor(principal.scopes, type, 's').length === 0) continue;
    const plan = includeQuery(type, [...ids], await planContext(server, { criteria: [] }, await accessFor(server, principal, type, 's')));
    const { rows } = await server.runPlan(plan);
    visible.push(...server.reader.byRows(rows).filter((stored) => ids.has(stored.id)));
  }
  return visible;
}
