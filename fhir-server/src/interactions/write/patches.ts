// https://hl7.org/fhir/R4/http.html#patch, #concurrency — a patch is applied to the version that is current now and becomes an update of it.
import { type Issue, OperationOutcomeError, type Principal, parseExact, type Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import type { Condition } from '../../store/commit.ts';
import type { Stored } from '../../store/read.ts';
import { accessFor } from '../access.ts';
import { covers } from '../read.ts';
import { claimFaults, claimsOf } from './claims.ts';
import { resolveConditionals } from './conditionals.ts';
import type { PatchEntry, RequestedEntry, WriteEntry } from './entry.ts';
import { resolvePersons } from './persons.ts';

export interface Materialized {
  readonly entries: readonly WriteEntry[];
  /** Of conditional patches, to be looked up again under the lock. */
  readonly conditions: readonly Condition[];
}

const isPatch = (entry: RequestedEntry): entry is PatchEntry => entry.kind === 'patch';

/** The entries with each patch replaced by the update that it means. */
export async function applyPatches(server: Server, principal: Principal, entries: readonly RequestedEntry[]): Promise<Materialized> {
  const patches = entries.filter(isPatch);
  if (patches.length === 0) return { entries: entries as readonly WriteEntry[], conditions: [] };
  const lookups = patches.map(({ type, condition, expression }): WriteEntry => {
    return { kind: 'update', type, expression, ...(condition === undefined ? {} : { condition }) };
  });
  const conditionals = await resolveConditionals(server, principal, lookups, await resolvePersons(server, principal, lookups));
  const ids = patches.map((entry, i) => entry.id ?? onlyMatch(entry, conditionals.ofEntry(i)?.found ?? []));
  const wanted = patches.map(({ type }, i) => ({ type, id: ids[i] ?? '' }));
  const current = await server.reader.currentMany(wanted, true);
  const updates = new Map<PatchEntry, WriteEntry>();
  for (const [i, entry] of patches.entries()) {
    const id = ids[i] ?? '';
    updates.set(entry, await updateOf(server, entry, id, await patchable(server, principal, entry, current.get(`${entry.type}/${id}`))));
  }
  return {
    entries: entries.map((entry) => (isPatch(entry) ? (updates.get(entry) as WriteEntry) : entry)),
    conditions: conditionals.conditions,
  };
}

function onlyMatch({ expression }: PatchEntry, found: readonly Stored[]): string {
  const [only, second] = found;
  if (second)
    throw new OperationOutcomeError(412, { code: 'multiple-matches', diagnostics: 'The condition matches several resources.', expression });
  if (!only) throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'The condition matches no resource.', expression });
  return only.id;
}

/** A patch can ask about what it changes (`test`, `where`): who patches must be allowed to read it, too. */
async function patchable(server: Server, principal: Principal, entry: PatchEntry, stored: Stored | undefined): Promise<Stored> {
  const { type, expression, ifMatch } = entry;
  const [toUpdate, toRead] = [await accessFor(server, principal, type, 'u'), await accessFor(server, principal, type, 'r')];
  if (!stored || !covers(toUpdate, stored) || !covers(toRead, stored))
    throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.', expression });
  if (stored.deleted) throw new OperationOutcomeError(410, { code: 'deleted', diagnostics: 'The resource was deleted.', expression });
  if (ifMatch !== undefined && ifMatch !== stored.version)
    throw new OperationOutcomeError(412, {
      code: 'conflict',
      diagnostics: 'If-Match names a version that is not the current one.',
      expression,
    });
  return stored;
}

async function updateOf(server: Server, entry: PatchEntry, id: string, stored: Stored): Promise<WriteEntry> {
  const { resource, ...patched } = entry.patch(parseExact(stored.text ?? '') as Resource);
  const issues: Issue[] = server.validator.validate(resource, entry.type, { deidentified: true });
  if (issues.length === 0 && claimsOf(resource).length > 0) issues.push(...(await claimFaults(server, resource)));
  if (issues.length > 0) throw new OperationOutcomeError(422, issues);
  return {
    kind: 'update',
    type: entry.type,
    id,
    resource,
    patched: { ...patched, base: stored.version },
    expression: entry.expression,
    ...(entry.fullUrl ? { fullUrl: entry.fullUrl } : {}),
  };
}
