// https://hl7.org/fhir/R4/search.html#summary — true, text and data as projections of each type.
import type { Definitions } from '@limen/fhir-model/definitions';
import { type Kept, type Projection, propertiesOf } from './projection.ts';

export type SummaryKind = 'true' | 'text' | 'data';

interface Compiled {
  readonly roots: Map<string, Projection>;
  /** Datatypes and backbones, in part. */
  readonly inner: Map<string, Kept>;
}

const compiled = new WeakMap<Definitions, Compiled>();

/** The projection of a resource type for this kind of summary; compiled on first use. */
export function summaryProjection(definitions: Definitions, kind: SummaryKind, type: string): Projection {
  const known = compiled.get(definitions) ?? { roots: new Map(), inner: new Map() };
  compiled.set(definitions, known);
  const key = `${kind} ${type}`;
  const projection = known.roots.get(key) ?? compile(definitions, kind, type, known.inner);
  known.roots.set(key, projection);
  return projection;
}

function compile(definitions: Definitions, kind: SummaryKind, type: string, inner: Map<string, Kept>): Projection {
  const projection = new Map<string, Kept>();
  for (const element of definitions.types[type]?.elements ?? []) {
    const isKept =
      kind === 'data' ? element.name !== 'text' : element.min > 0 || (kind === 'true' ? element.summary : element.name === 'text');
    if (!isKept) continue;
    for (const property of propertiesOf(definitions, element))
      projection.set(property.name, kind === 'true' ? innerPart(definitions, property.type, inner) : 'whole');
  }
  return projection;
}

/** Inside an element the flags of its own type count; a type without any (Extension) and a primitive stay whole, a nested resource too. */
function innerPart(definitions: Definitions, type: string, inner: Map<string, Kept>): Kept {
  const known = inner.get(type);
  if (known) return known;
  const definition = definitions.types[type];
  const isDivided = definition?.kind === 'complex-type' || definition?.kind === 'backbone';
  if (!isDivided || !definition.elements.some((element) => element.summary)) return 'whole';
  const projection = new Map<string, Kept>();
  // Before its parts are compiled: a type may contain itself.
  inner.set(type, projection);
  for (const element of definition.elements) {
    if (!element.summary && element.min === 0) continue;
    for (const property of propertiesOf(definitions, element))
      projection.set(property.name, property.name.startsWith('_') ? 'whole' : innerPart(definitions, property.type, inner));
  }
  return projection;
}
