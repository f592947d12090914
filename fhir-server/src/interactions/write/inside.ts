// https://hl7.org/fhir/R4/http.html#transaction — a condition may name an entry of its own request, too: `Encounter?identifier=...&subject=urn:uuid:...`.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import { resolveConditionals } from './conditionals.ts';
import type { WriteEntry } from './entry.ts';
import type { Persons } from './persons.ts';

const insideReference = /^urn:(uuid|oid):/;

function namedInside({ condition }: WriteEntry): string[] {
  if (!condition?.includes('urn')) return [];
  return [...new URLSearchParams(condition).values()].filter((value) => insideReference.test(value));
}

const refused = (code: 'not-found' | 'not-supported', diagnostics: string, { expression }: WriteEntry): OperationOutcomeError =>
  new OperationOutcomeError(400, { code, diagnostics, expression });

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
  const nested = asked.find(({ entry }) => namedInside(entry).length > 0);
  if (nested) throw refused('not-supported', 'A condition names an entry whose own condition names another one.', nested.entry);
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
  const urls = new Set(entries.flatMap(namedInside));
  if (urls.size === 0) return entries;
  const targets = await targetsByUrl(server, principal, entries, persons, urls);
  return entries.map((entry) => {
    if (namedInside(entry).length === 0) return entry;
    const condition = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(entry.condition)) {
      const target = insideReference.test(value) ? targets.get(value) : value;
      if (target === undefined) throw refused('not-found', 'A condition names an entry that is not in the Bundle.', entry);
      condition.append(name, target);
    }
    return { ...entry, condition: condition.toString() };
  });
}
