// Step 3 of a write: references get their final form, and what they point to must exist (R4 3.1.0.7; enforced on REST and transaction).
import {
  eachReference,
  type Issue,
  isConditionalReference,
  OperationOutcomeError,
  type Principal,
  parseReference,
  type Resource,
} from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import { hides } from '../../store/guard.ts';
import { accessFor } from '../access.ts';
import { guardOf } from '../guard.ts';
import type { Conditionals } from './conditionals.ts';
import type { WriteEntry } from './entry.ts';
import type { Target } from './targets.ts';

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
function literalReferences(resource: Resource): { type: string; id: string }[] {
  const found: { type: string; id: string }[] = [];
  eachReference(resource, (reference) => {
    const literal = parseReference(reference);
    if (literal) found.push({ type: literal.type, id: literal.id });
    return undefined;
  });
  return found;
}

export interface KnownReferences {
  readonly rids: ReadonlyMap<string, bigint>;
  readonly owners: ReadonlyMap<string, bigint | undefined>;
}

/** rid and own patient of everything that the request refers to; a reference to nothing is refused. */
export async function lookUpReferences(
  server: Server,
  principal: Principal,
  entries: readonly WriteEntry[],
  targets: readonly Target[],
): Promise<KnownReferences> {
  const owners = new Map<string, bigint | undefined>();
  const known = new Map<string, bigint>();
  for (const target of targets) {
    if (target.write && target.kind !== 'delete') known.set(`${target.type}/${target.id}`, target.rid);
    if (!target.write && target.current) owners.set(`${target.type}/${target.id}`, target.current.pat);
  }
  const inBundle = new Set(known.keys());
  const wanted = new Map<string, { type: string; id: string }>();
  const written = entries.flatMap((entry, i) => {
    if (!entry.resource || !targets[i]?.write) return [];
    const references = literalReferences(entry.resource);
    return [{ entry, keys: references.map((r) => `${r.type}/${r.id}`), references }];
  });
  for (const r of written.flatMap((w) => w.references)) if (!known.has(`${r.type}/${r.id}`)) wanted.set(`${r.type}/${r.id}`, r);
  const found = await server.reader.currentMany([...wanted.values()], false);
  const guard = guardOf(server, principal);
  for (const [key, stored] of found) {
    // What the caller may not know of is as if it were not there.
    if (stored.deleted || (guard && stored.guarded && hides(guard, stored.type, stored.guarded))) continue;
    known.set(key, stored.rid);
    owners.set(key, stored.pat);
  }
  for (const { entry, keys } of written) {
    const patients = keys.length > 0 ? await boundPatients(server, principal, entry) : undefined;
    const isHidden = (key: string): boolean => {
      const owner = owners.get(key);
      return patients !== undefined && owner !== undefined && !inBundle.has(key) && !patients.has(owner);
    };
    if (keys.some((key) => !known.has(key) || isHidden(key))) throw new OperationOutcomeError(422, missingReference(entry.expression));
  }
  return { rids: known, owners };
}

/**
 * The patients that a patient-bound token may name; undefined when it is bound to none. Another patient's record is for it what does not exist:
 * a different refusal would tell who is known here.
 */
async function boundPatients(server: Server, principal: Principal, { type, kind }: WriteEntry): Promise<ReadonlySet<bigint> | undefined> {
  const access = await accessFor(server, principal, type, kind === 'create' ? 'c' : 'u');
  const rids = access.flatMap((grant) => grant.patientRid ?? []);
  return rids.length === access.length ? new Set(rids) : undefined;
}

function missingReference(expression: string): Issue {
  return { code: 'not-found', diagnostics: 'A reference points to a resource that does not exist on this server.', expression };
}
