// What a loader makes of the release files of a code system. The concepts are read as a stream, the hierarchy beforehand.
export interface LoadedConcept {
  readonly code: string;
  readonly display: string;
  readonly active: boolean;
  readonly properties: { readonly [name: string]: readonly string[] };
}

/** Another name of a concept. */
export interface LoadedTerm {
  readonly code: string;
  readonly language?: string;
  /** Code of its use, in the code system itself. */
  readonly usage?: string;
  readonly value: string;
}

export interface Release {
  readonly system: string;
  readonly version: string;
  readonly name: string;
  /** FHIR types of the properties. */
  readonly types: { readonly [property: string]: 'code' | 'string' | 'boolean' };
  /** By code; only what stands directly above. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
  concepts(): AsyncIterable<LoadedConcept>;
  terms(): AsyncIterable<LoadedTerm>;
}

/** What is wrong with the files, in one sentence for who loads them. */
export class ReleaseError extends Error {}

/** Adds to a list in a map. */
export function append(map: Map<string, string[]>, key: string, value: string): void {
  const known = map.get(key);
  if (!known) map.set(key, [value]);
  else if (!known.includes(value)) known.push(value);
}
