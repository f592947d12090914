// Scopes -> predicate (ARCHITECTURE sentence 5): what a principal may see of a type, as data that goes into every query.
import { grantsFor, type InteractionLetter, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { type AccessPredicate, type Condition, isCriterion, isSelfContained, parseSearch } from '../search/index.ts';
import type { Server } from '../server.ts';
import { guardOf } from './guard.ts';

/** The union of the grants for this interaction; refuses with 403 when there is none. */
export async function accessFor(server: Server, principal: Principal, type: string, letter: InteractionLetter): Promise<AccessPredicate> {
  const grants = grantsFor(principal.scopes, type, letter);
  if (grants.length === 0)
    throw new OperationOutcomeError(403, {
      code: 'forbidden',
      diagnostics: 'The access token has no scope for this interaction on this resource type.',
    });
  const rid =
    principal.patient && grants.some((g) => g.level === 'patient')
      ? (await server.reader.patientRids([principal.patient])).get(principal.patient)
      : undefined;
  const guard = guardOf(server, principal);
  return grants.map((grant) => ({
    ...(guard ? { guard } : {}),
    // No launch patient: a patient/ scope opens nothing (rid 0 does not exist).
    ...(grant.level === 'patient' ? { patientRid: rid ?? 0n } : {}),
    criteria: grant.constraint.length > 0 ? constraintCriteria(server, type, grant.constraint) : [],
  }));
}

function constraintCriteria(
  server: Server,
  type: string,
  constraint: readonly (readonly [string, string])[],
): AccessPredicate[number]['criteria'] {
  const refused = (cause?: unknown): OperationOutcomeError =>
    new OperationOutcomeError(
      403,
      { code: 'forbidden', diagnostics: 'A granular scope of the access token cannot be enforced on this resource type.' },
      { cause },
    );
  let criteria: readonly Condition[];
  try {
    criteria = parseSearch(server.definitions, type, new URLSearchParams(constraint.map(([k, v]) => [k, v])), { lenient: false }).criteria;
  } catch (cause) {
    // Never dropped: a constraint that this type can't honour opens nothing.
    throw refused(cause);
  }
  const enforced = criteria.filter(isCriterion).filter(isSelfContained);
  // Nor half: what can't be told from the resource alone can't be checked on a read or a write.
  if (enforced.length < criteria.length || enforced.some((c) => c.modifier === 'text')) throw refused();
  return enforced;
}

/** True when the scopes restrict nothing; labels and consents may hide some all the same. */
export function isUnrestricted(access: AccessPredicate): boolean {
  return access.some((grant) => grant.patientRid === undefined && grant.criteria.length === 0);
}
