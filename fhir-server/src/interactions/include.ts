// https://hl7.org/fhir/R4/search.html#include — resources that come along with matches: only what the caller may search, no duplicates, bounded.
import { grantsFor, type Principal, parseReference, type Resource } from '@limen/fhir-model';
import { extractReferences, type Include, includeQuery, referenceParameters, revincludeQuery, type SearchQuery } from '../search/index.ts';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import { planContext, searchAccess } from './search-context.ts';

const maximumIncluded = 1000;
/** Rounds of `:iterate`. */
const maximumRounds = 8;

/** What `_include` and `_revinclude` add to a page; never the matches again. */
export async function included(server: Server, principal: Principal, query: SearchQuery, matches: readonly Stored[]): Promise<Stored[]> {
  const { includes, revincludes } = query;
  if (includes.length + revincludes.length === 0) return [];
  const seen = new Set(matches.map((m) => `${m.type}/${m.id}`));
  const found: Stored[] = [];
  const repeated = { includes: includes.filter((i) => i.iterate), revincludes: revincludes.filter((i) => i.iterate) };
  let from = matches;
  for (let round = 0; round < maximumRounds && from.length > 0 && found.length < maximumIncluded; round++) {
    const asked = round === 0 ? { includes, revincludes } : repeated;
    const candidates = [
      ...(await forward(server, principal, asked.includes, from)),
      ...(await reverse(server, principal, asked.revincludes, from)),
    ];
    const fresh: Stored[] = [];
    for (const stored of candidates) {
      const key = `${stored.type}/${stored.id}`;
      if (stored.deleted || seen.has(key) || found.length >= maximumIncluded) continue;
      seen.add(key);
      found.push(stored);
      fresh.push(stored);
    }
    from = fresh;
  }
  return found;
}

function maySearch(server: Server, principal: Principal, type: string): boolean {
  return server.types.has(type) && grantsFor(principal.scopes, type, 's').length > 0;
}

async function forward(server: Server, principal: Principal, includes: readonly Include[], from: readonly Stored[]): Promise<Stored[]> {
  const wanted = new Map<string, Set<string>>();
  for (const include of includes) {
    for (const param of referenceParameters(server.searchParameters.definitions, include)) {
      const extract = extractReferences(server.searchParameters.definitions, include.source, param);
      for (const stored of from.filter((m) => m.type === include.source)) {
        for (const reference of extract(JSON.parse(stored.text ?? '{}') as Resource)) {
          const literal = parseReference(reference);
          if (!literal || (include.target !== undefined && include.target !== literal.type)) continue;
          const ids = wanted.get(literal.type) ?? new Set();
          if (ids.size < maximumIncluded) wanted.set(literal.type, ids.add(literal.id));
        }
      }
    }
  }
  const visible: Stored[] = [];
  for (const [type, ids] of wanted) {
    if (!maySearch(server, principal, type)) continue;
    const context = await planContext(server, { type, criteria: [] }, searchAccess(server, principal));
    const { rows } = await server.runPlan(includeQuery(type, [...ids], context));
    visible.push(...server.reader.byRows(rows).filter((stored) => ids.has(stored.id)));
  }
  return visible;
}

async function reverse(server: Server, principal: Principal, includes: readonly Include[], from: readonly Stored[]): Promise<Stored[]> {
  const found: Stored[] = [];
  for (const include of includes) {
    const context = await planContext(server, { type: include.source, criteria: [] }, searchAccess(server, principal));
    const targets = from.filter((m) => include.target === undefined || m.type === include.target).map((m) => `${m.type}/${m.id}`);
    if (targets.length === 0) continue;
    const params = referenceParameters(server.searchParameters.definitions, include);
    const { rows } = await server.runPlan(revincludeQuery(include.source, params, targets, context, maximumIncluded));
    found.push(...server.reader.byRows(rows));
  }
  return found;
}
