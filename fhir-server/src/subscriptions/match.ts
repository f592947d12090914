// Whether a change is an event of a subscription: the client may read the resource, and it meets the criteria; of a deletion the version before counts.
import { grantsFor, type Principal, parseExact, parseScopes, type Resource, seesSystemTimes } from '@limen/fhir-model';
import { accessFor } from '../interactions/access.ts';
import { translateIdentifiers } from '../interactions/identifiers.ts';
import { covers } from '../interactions/read.ts';
import { isTold } from '../jobs/index.ts';
import { type AccessPredicate, isCriterion, parseSearch, recheck } from '../search/index.ts';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import type { Definition, StoredPrincipal } from './definition.ts';

export interface Matcher {
  readonly type: string;
  matches(stored: Stored): boolean;
}

export function principalOf({ scope, ...rest }: StoredPrincipal): Principal {
  return { ...rest, scopes: parseScopes(scope) };
}

/** @throws OperationOutcomeError for scopes that do not reach, and criteria that ask more than the resource itself */
export async function matcherOf(server: Server, principal: Principal, definition: Definition): Promise<Matcher | undefined> {
  const { type, query } = definition;
  await accessFor(server, principal, type, 's');
  const access: AccessPredicate = await accessFor(server, principal, type, 'r');
  const asked = await translateIdentifiers(server, principal, type, new URLSearchParams(query));
  const parsed = parseSearch(server.definitions, type, asked, { lenient: false, base: server.base, now: server.now() });
  const isPlain = parsed.used.every(([name]) => !/^_(sort|count|total|summary|elements|include|revinclude|list|cursor)\b/.test(name));
  const isAllowed = parsed.criteria.every(
    (c) => isTold(c) && !(isCriterion(c) && !c.param.startsWith('_') && server.door.searchPolicy(type, c.param) === 'refused'),
  );
  if (!isPlain || !isAllowed) return undefined;
  return {
    type,
    matches: (stored) =>
      stored.text !== undefined && covers(access, stored) && recheck({ criteria: parsed.criteria }, parseExact(stored.text) as Resource),
  };
}

/**
 * Whether a token opens all that a subscription was made with: the same caller may come back with a lesser one, and events were chosen by the scopes
 * of then.
 */
export function opensAsMuch(now: Principal, then: Principal, type: string): boolean {
  if (!seesSystemTimes(now) || (now.masks ?? []).length > 0 || now.plane !== then.plane) return false;
  return (['r', 's'] as const).every((letter) =>
    grantsFor(then.scopes, type, letter).every((needed) =>
      grantsFor(now.scopes, type, letter).some(
        ({ level, constraint }) =>
          (level !== 'patient' || (needed.level === 'patient' && now.patient === then.patient)) &&
          constraint.every(([name, value]) => needed.constraint.some(([n, v]) => n === name && v === value)),
      ),
    ),
  );
}
