// Channels update by merging (DECISIONS 7): what a message lacks stays, what it marks with v2-delete goes, lists are replaced whole.
import type { Deidentified } from '@limen/deidentification';
import { parseExact, type Resource } from '@limen/fhir-model';
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
  const replaced = new Set(Object.keys(incoming).map((name) => elementOf(server, type, name)));
  const stored = parseExact(storedText) as Record<string, unknown>;
  const kept = Object.entries(stored).filter(([name]) => {
    const element = elementOf(server, type, name);
    return !replaced.has(element) && !deleted.has(element) && !deleted.has(plain(name));
  });
  return server.door.merge(incoming, Object.fromEntries(kept));
}
