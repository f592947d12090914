// Channels update by merging (DECISIONS 7): what a message lacks stays, what it marks with v2-delete goes, lists are replaced whole.
// A Period is merged by its members: one message tells when a stay began, another when it ended.
import type { Deidentified } from '@limen/deidentification';
import { parseDate, parseExact, type Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';

const deleteUrl = 'https://limen.example/StructureDefinition/v2-delete';

interface DeleteMark {
  readonly url: string;
  readonly valueCode?: string;
}

/** Takes the marks out of a resource and says what they name; they are an instruction, never stored. */
export function takeDeleteMarks(resource: Resource): ReadonlySet<string> {
  const holder = resource as { extension?: DeleteMark[] };
  const marks = (holder.extension ?? []).filter((e) => e.url === deleteUrl);
  if (marks.length > 0) {
    const kept = (holder.extension ?? []).filter((e) => e.url !== deleteUrl);
    if (kept.length > 0) holder.extension = kept;
    else delete holder.extension;
  }
  return new Set(marks.map((mark) => mark.valueCode ?? ''));
}

const plain = (name: string): string => name.replace(/^_/, '');

/** "value" for each spelling of value[x] of the type; the name itself for what is no choice. */
function elementOf(server: Server, type: string, name: string): string {
  for (const element of server.definitions.types[type]?.elements ?? []) {
    if (!element.name.endsWith('[x]')) continue;
    const stem = element.name.slice(0, -3);
    if (element.types.some((t) => plain(name) === stem + t.code.charAt(0).toUpperCase() + t.code.slice(1))) return stem;
  }
  return plain(name);
}

type Json = { [name: string]: unknown };

interface Period {
  readonly start?: string;
  readonly end?: string;
}

/** Names of the type's elements that are one Period. A choice that is a Period is another statement when it comes, and replaces the stored one. */
function periodsOf(server: Server, type: string): string[] {
  const elements = server.definitions.types[type]?.elements ?? [];
  return elements
    .filter(({ name, max, types }) => max === 1 && !name.endsWith('[x]') && types[0]?.code === 'Period')
    .map(({ name }) => name);
}

/** per-1: the start is not after the end. */
function isReversed({ start, end }: Period): boolean {
  const [from, to] = [parseDate(start ?? ''), parseDate(end ?? '')];
  return from !== undefined && to !== undefined && to.endMs <= from.startMs;
}

/** A Period of both; when they contradict each other the stored one was of something else, and the newer statement stands alone. */
function mergedPeriod(name: string, incoming: Json, stored: Json, deleted: ReadonlySet<string>): Json | undefined {
  const kept = Object.entries(stored).filter(([member]) => {
    const element = plain(member);
    return !deleted.has(`${name}.${element}`) && !(element in incoming) && !(`_${element}` in incoming);
  });
  const merged = { ...Object.fromEntries(kept), ...incoming };
  if (Object.keys(merged).length === 0) return undefined;
  return isReversed(merged) ? incoming : merged;
}

function mergedPeriods(names: readonly string[], incoming: Json, stored: Json, deleted: ReadonlySet<string>): Json {
  const both = names.filter((name) => stored[name] !== undefined && !deleted.has(name));
  return Object.fromEntries(both.map((name) => [name, mergedPeriod(name, (incoming[name] ?? {}) as Json, stored[name] as Json, deleted)]));
}

/**
 * What stays of the stored resource and is not replaced: an element comes or stays with its `_` sibling, a choice in one type.
 * @param storedText the current version: what it contains has passed the door already
 */
export function mergeIntoStored(
  server: Server,
  incoming: Deidentified<Resource>,
  deleted: ReadonlySet<string>,
  storedText: string,
): Deidentified<Resource> {
  const type = incoming.resourceType;
  const stored = parseExact(storedText) as Json;
  const periods = mergedPeriods(periodsOf(server, type), { ...incoming }, stored, deleted);
  const replaced = new Set([...Object.keys(incoming).map((name) => elementOf(server, type, name)), ...Object.keys(periods)]);
  const kept = Object.entries(stored).filter(([name]) => {
    const element = elementOf(server, type, name);
    return !replaced.has(element) && !deleted.has(element) && !deleted.has(plain(name));
  });
  const told = Object.entries(periods).filter(([, period]) => period !== undefined);
  return server.door.merge(Object.assign(incoming, Object.fromEntries(told)), Object.fromEntries(kept));
}
