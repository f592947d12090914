// https://hl7.org/fhir/R4/http.html#transaction — a condition may name an entry of its own request, too: `Encounter?identifier=...&subject=urn:uuid:...`.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import { resolveConditionals } from './conditionals.ts';
import type { WriteEntry } from './entry.ts';
import type { Persons } from './persons.ts';

/** Whether the parameter takes references: `url=urn:uuid:...` and an identifier of such a system say something else. */
function isReference({ definitions }: Server, type: string, name: string): boolean {
  const code = name.replace(/:.*$/, '');
  return definitions.searchParameters.some((p) => p.type === 'reference' && p.code === code && p.base.includes(type));
}

/** The parameters of the condition that name an entry. */
function namedInside(server: Server, { type, condition }: WriteEntry, fullUrls: ReadonlySet<string>): Set<string> {
  if (!condition?.includes('urn')) return new Set();
  const named = [...new URLSearchParams(condition)].filter(([, value]) => fullUrls.has(value));
  return new Set(named.filter(([name]) => isReference(server, type, name)).map(([, value]) => value));
}

/** "Type/id" of the entries that have these fullUrls. What is made anew has an id that nobody refers to yet: nothing is found by it. */
async function targetsByUrl(
  server: Server,
  principal: Principal,
  entries: readonly WriteEntry[],
  persons: Persons,
  urls: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const named = entries.flatMap((entry, index) => (entry.fullUrl && urls.has(entry.fullUrl) ? [{ entry, index, url: entry.fullUrl }] : []));
  const known = named.map(({ entry, index }) => entry.id ?? persons.ofEntry(index)?.patientId);
  const asked = named.filter(({ entry }, i) => known[i] === undefined && entry.condition !== undefined);
  const conditionals = await resolveConditionals(
    server,
    principal,
    asked.map(({ entry }) => entry),
    persons,
  );
  const found = new Map(asked.map(({ url }, i) => [url, conditionals.ofEntry(i)?.found[0]?.id]));
  return new Map(named.map(({ entry, url }, i) => [url, `${entry.type}/${known[i] ?? found.get(url) ?? randomUUID()}`]));
}

/**
 * The entries with such conditions rewritten to the resources that the named entries write to. Whether those are still the same when the
 * request commits is checked with their own conditions.
 */
export async function resolveInside(
  server: Server,
  principal: Principal,
  entries: readonly WriteEntry[],
  persons: Persons,
): Promise<readonly WriteEntry[]> {
  const fullUrls = new Set(entries.flatMap(({ fullUrl }) => (fullUrl?.startsWith('urn:') ? [fullUrl] : [])));
  const named = entries.map((entry) => namedInside(server, entry, fullUrls));
  const urls = new Set(named.flatMap((each) => [...each]));
  if (urls.size === 0) return entries;
  const nested = entries.find(({ fullUrl }, i) => fullUrl !== undefined && urls.has(fullUrl) && named[i]?.size !== 0);
  if (nested)
    throw new OperationOutcomeError(400, {
      code: 'not-supported',
      diagnostics: 'A condition names an entry whose own condition names another one.',
      expression: nested.expression,
    });
  const targets = await targetsByUrl(server, principal, entries, persons, urls);
  return entries.map((entry, i) => {
    if (named[i]?.size === 0) return entry;
    const condition = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(entry.condition))
      condition.append(name, (isReference(server, entry.type, name) ? targets.get(value) : undefined) ?? value);
    return { ...entry, condition: condition.toString() };
  });
}
