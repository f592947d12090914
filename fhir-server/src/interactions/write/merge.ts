// Channels update by merging (DECISIONS 7): what a message lacks stays, what it marks with v2-delete goes, lists are replaced whole.
import type { Deidentified } from '@limen/deidentification';
import type { Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';

const deleteUrl = 'https://limen.example/StructureDefinition/v2-delete';

function deletedElements(original: Resource): Set<string> {
  const extensions = (original as { extension?: { url: string; valueCode?: string; valueString?: string }[] }).extension ?? [];
  return new Set(extensions.filter((e) => e.url === deleteUrl).map((e) => e.valueCode ?? e.valueString ?? ''));
}

/** @param storedText the current version: what it contains has passed the door already */
export function mergeIntoStored(server: Server, incoming: Deidentified<Resource>, original: Resource, storedText: string): Deidentified<Resource> {
  const stored = JSON.parse(storedText) as Record<string, unknown>;
  const gone = deletedElements(original);
  const kept = Object.fromEntries(Object.entries(stored).filter(([name]) => !gone.has(name) && !gone.has(name.replace(/^_/, ''))));
  // One choice type at a time: an incoming value[x] replaces a stored one of another type.
  for (const element of server.definitions.types[incoming.resourceType]?.elements ?? []) {
    if (!element.name.endsWith('[x]')) continue;
    const stem = element.name.slice(0, -3);
    const isChoice = (name: string): boolean => name.startsWith(stem) && element.types.some((t) => name === stem + t.code.charAt(0).toUpperCase() + t.code.slice(1));
    if (Object.keys(incoming).some(isChoice)) for (const name of Object.keys(kept)) if (isChoice(name)) delete kept[name];
  }
  return server.door.merge(incoming, kept);
}
