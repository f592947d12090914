// Step 3 of a write: references get their final form, and what they point to must exist (R4 3.1.0.7; enforced on REST and transaction).
import { eachReference, type Issue, isConditionalReference, OperationOutcomeError, parseReference, type Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import type { Conditionals } from './conditionals.ts';

/** Replaces urn:uuid, conditional and absolute-own references by "Type/id"; `byUrl` maps fullUrls of the request. */
export function rewriteReferences(
  server: Server,
  resource: Resource,
  byUrl: ReadonlyMap<string, string>,
  conditionals: Conditionals,
  expression: string,
): void {
  const own = `${server.base}/`;
  eachReference(resource, (reference) => {
    const target = byUrl.get(reference);
    if (target) return target;
    if (reference.startsWith(own)) return reference.slice(own.length);
    if (isConditionalReference(reference)) return conditionalTarget(reference, conditionals, byUrl, expression);
    if (/^urn:(uuid|oid):/.test(reference)) {
      throw new OperationOutcomeError(400, {
        code: 'not-found',
        diagnostics: 'A reference names an entry that is not in the Bundle.',
        expression,
      });
    }
    return undefined;
  });
}

function conditionalTarget(reference: string, conditionals: Conditionals, byUrl: ReadonlyMap<string, string>, expression: string): string {
  const match = conditionals.ofReference(reference);
  // An entry of the same transaction that is created under the same condition.
  const inside = match ? byUrl.get(match.key) : undefined;
  if (inside) return inside;
  const [only, second] = match?.found ?? [];
  if (!only || second) {
    throw new OperationOutcomeError(412, {
      code: only ? 'multiple-matches' : 'not-found',
      diagnostics: only ? 'A conditional reference matches several resources.' : 'A conditional reference matches no resource.',
      expression,
    });
  }
  return `${only.type}/${only.id}`;
}

/** Literal references of a resource that lead outside of it. */
export function literalReferences(resource: Resource): { type: string; id: string }[] {
  const found: { type: string; id: string }[] = [];
  eachReference(resource, (reference) => {
    const literal = parseReference(reference);
    if (literal) found.push({ type: literal.type, id: literal.id });
    return undefined;
  });
  return found;
}

export function missingReference(expression: string): Issue {
  return { code: 'not-found', diagnostics: 'A reference points to a resource that does not exist on this server.', expression };
}
