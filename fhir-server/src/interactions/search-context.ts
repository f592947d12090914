// What a search needs before its statement is planned: policy, access to every type that it visits, the patients it names, look-ups done.
import { OperationOutcomeError, type Principal, parseReference } from '@limen/fhir-model';
import {
  type AccessPredicate,
  type Condition,
  conditionsWithin,
  isCriterion,
  type PlanContext,
  parseSearch,
  resolve,
  type SearchQuery,
} from '../search/index.ts';
import type { Server } from '../server.ts';
import { accessFor } from './access.ts';

type Searched = Pick<SearchQuery, 'type' | 'criteria'>;

/**
 * A query, read with the search parameters that are in use.
 * @throws OperationOutcomeError 400 for what is unknown or malformed, 503 for parameters that are not indexed completely yet
 */
export async function readSearch(server: Server, type: string, query: URLSearchParams, lenient: boolean): Promise<SearchQuery> {
  const { base, searchParameters } = server;
  for (;;) {
    const parsed = parseSearch(searchParameters.definitions, type, query, {
      lenient,
      base,
      now: server.now(),
      texts: server.clientIds ? 'kept' : 'removed',
    });
    if (await searchParameters.answers(parsed)) return parsed;
  }
}

/** Access of the caller to a type. */
export type AccessTo = (type: string) => Promise<AccessPredicate>;

export function searchAccess(server: Server, principal: Principal): AccessTo {
  return (type) => accessFor(server, principal, type, 's');
}

function visitedTypes(criteria: readonly Condition[]): Set<string> {
  const types = new Set<string>();
  for (const criterion of criteria) {
    for (const condition of conditionsWithin(criterion)) {
      if (condition.kind === 'chain') for (const target of condition.alternatives) types.add(target.type);
      else if (condition.kind === 'has') types.add(condition.source);
    }
  }
  return types;
}

function namedPatients(criteria: readonly Condition[]): string[] {
  const ids = new Set<string>();
  for (const criterion of criteria) {
    for (const condition of conditionsWithin(criterion)) {
      if (!isCriterion(condition) || !condition.ownPatient) continue;
      for (const term of condition.terms) {
        if (term.kind !== 'reference') continue;
        for (const target of term.targets) {
          const literal = parseReference(target);
          if (literal?.type === 'Patient') ids.add(literal.id);
        }
      }
    }
  }
  return [...ids];
}

/**
 * The planner's view of the store. Every hop of a chain needs a scope of its own: access is part of each sub-query.
 * @throws OperationOutcomeError 403
 */
export async function planContext(server: Server, query: Searched, accessTo: AccessTo): Promise<PlanContext> {
  const granted = new Map<string, AccessPredicate>();
  for (const type of new Set([query.type, ...visitedTypes(query.criteria)])) granted.set(type, await accessTo(type));
  const constraints = [...granted.values()].flatMap((access) => access.flatMap((g) => g.criteria));
  const [visibleBeforeMs] = [...granted.values()].flatMap((access) => access.flatMap((grant) => grant.guard?.visibleBeforeMs ?? []));
  const rids = await server.reader.patientRids(namedPatients([...query.criteria, ...constraints]));
  return {
    tenant: server.tenant,
    typeNumber: server.types.number,
    // What was not asked for above opens nothing.
    access: (type) => granted.get(type) ?? [],
    patientRid: (id) => rids.get(id),
    ...(visibleBeforeMs === undefined ? {} : { visibleBeforeMs }),
  };
}

/** Parameters whose element the policy removes are refused, not empty; in chains too. */
export function refuseRemoved(server: Server, query: Searched & { readonly sort?: SearchQuery['sort'] }): void {
  for (const key of query.sort ?? []) refuseIfRemoved(server, query.type, key.param);
  for (const criterion of query.criteria) {
    for (const condition of conditionsWithin(criterion)) {
      if (isCriterion(condition)) refuseIfRemoved(server, condition.type, condition.param);
    }
  }
}

function refuseIfRemoved(server: Server, type: string, name: string): void {
  if (name.startsWith('_') && name !== '_source') return;
  if (server.door.searchPolicy(type, name) !== 'refused') return;
  throw new OperationOutcomeError(400, {
    code: 'not-supported',
    details: 'removed-by-policy',
    diagnostics: `The parameter ${name} searches an element that the de-identification policy removes: search by another one of the CapabilityStatement.`,
  });
}

/** @param chains whether chains are followed now; not where the statement is run again later */
export async function resolved<Q extends Searched>(server: Server, query: Q, context: PlanContext, chains: boolean): Promise<Q> {
  return { ...query, criteria: await resolve(query.criteria, context, { run: server.runPlan, codes: server.codes, chains }) };
}
