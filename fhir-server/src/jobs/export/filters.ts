// Which versions an export wants: the caller's scopes and `_typeFilter`, both by the search grammar, judged on the body itself, as the body may be
// older than the search rows.
import { OperationOutcomeError, type Principal, parseExact, type Resource } from '@limen/fhir-model';
import { accessFor } from '../../interactions/access.ts';
import { guardOf } from '../../interactions/guard.ts';
import { translateIdentifiers } from '../../interactions/identifiers.ts';
import { type ExportRequest, isElement } from '../../operations/export.ts';
import {
  type AccessPredicate,
  type Condition,
  conditionsWithin,
  isCriterion,
  isSelfContained,
  parseSearch,
  recheck,
} from '../../search/index.ts';
import type { Server } from '../../server.ts';
import { type Guarded, hides } from '../../store/guard.ts';
import { parseView } from '../../view/index.ts';

type Criteria = readonly Condition[];

export interface TypeFilter {
  /** The line of a resource; undefined when it is not wanted. */
  line(text: string): string | undefined;
  /** Whether labels or consents hide a version from the caller. */
  hides(guarded: Guarded): boolean;
}

function refusedFilter(): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'A type filter uses what cannot be filtered by.' });
}

const ofTheResult = /^_(sort|count|total|summary|elements|include|revinclude|list|cursor|contained|containedType)\b/;

/** Whether the resource alone tells it. */
export function isTold(condition: Condition): boolean {
  if (isCriterion(condition)) return isSelfContained(condition) && condition.modifier !== 'text';
  return condition.kind !== 'chain' && condition.kind !== 'has' && condition.conditions.every(isTold);
}

/** Criteria of a filter. @throws OperationOutcomeError 400 for what is unknown, removed by the policy, or asks more than the resource itself */
async function criteriaOf(server: Server, principal: Principal, type: string, text: string): Promise<Criteria> {
  const asked = await translateIdentifiers(server, principal, type, new URLSearchParams(text));
  if ([...asked.keys()].some((name) => ofTheResult.test(name))) throw refusedFilter();
  const { criteria } = parseSearch(server.definitions, type, asked, { lenient: false, base: server.base, now: server.now() });
  if (criteria.length === 0 || !criteria.every(isTold)) throw refusedFilter();
  for (const condition of criteria.flatMap((each) => [...conditionsWithin(each)]))
    if (isCriterion(condition) && !condition.param.startsWith('_') && server.door.searchPolicy(type, condition.param) === 'refused')
      throw refusedFilter();
  return criteria;
}

/** All filters of a request, checked. */
export async function checkFilters(server: Server, principal: Principal, request: ExportRequest): Promise<void> {
  for (const type of Object.keys(request.filters)) await typeFilter(server, principal, request, type);
}

/** What of a type the caller gets, and how much of each resource. */
export async function typeFilter(server: Server, principal: Principal, request: ExportRequest, type: string): Promise<TypeFilter> {
  const [reads, searches] = await Promise.all([systemGrants(server, principal, type, 'r'), systemGrants(server, principal, type, 's')]);
  const filters = await Promise.all((request.filters[type] ?? []).map((text) => criteriaOf(server, principal, type, text)));
  const wanted = [reads, searches, filters].filter((each) => each.length > 0 && each.every((criteria) => criteria.length > 0));
  const elements = request.elements.filter((name) => isElement(server, type, name)).join(',');
  const view = elements === '' ? undefined : parseView(server.definitions, type, new URLSearchParams({ _elements: elements }));
  const guard = guardOf(server, principal);
  return {
    hides: (guarded) => guard !== undefined && hides(guard, type, guarded),
    line(text) {
      if (wanted.length > 0) {
        const resource = parseExact(text) as Resource;
        const meets = (criteria: Criteria): boolean => recheck({ criteria }, resource);
        if (!wanted.every((each) => each.some(meets))) return undefined;
      }
      return view ? view.resource(text) : text;
    },
  };
}

async function systemGrants(server: Server, principal: Principal, type: string, letter: 'r' | 's'): Promise<Criteria[]> {
  const scopes = { ...principal.scopes, resources: principal.scopes.resources.filter(({ level }) => level === 'system') };
  const access: AccessPredicate = await accessFor(server, { ...principal, scopes }, type, letter);
  return access.map((grant) => grant.criteria);
}
