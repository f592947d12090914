// A part of a resource: which elements of each type stay. Made once per type, then run on JSON.
import { isExactNumber, type Resource } from '@limen/fhir-model';
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';

type Json = { readonly [name: string]: unknown };

/** What becomes of one property: kept whole, or kept in part. */
export type Kept = 'whole' | Projection;
export type Projection = ReadonlyMap<string, Kept>;

const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/** The JSON properties of an element: one for each type of a choice, and those that hold extensions of primitives. */
export function propertiesOf(definitions: Definitions, element: ElementDefinition): readonly { name: string; type: string }[] {
  return element.types.flatMap(({ code }) => {
    const name = element.name.replace('[x]', `${code.slice(0, 1).toUpperCase()}${code.slice(1)}`);
    const isPrimitive = definitions.types[code]?.kind === 'primitive-type';
    return [{ name, type: code }, ...(isPrimitive ? [{ name: `_${name}`, type: code }] : [])];
  });
}

function part(value: unknown, kept: Kept): unknown {
  if (kept === 'whole' || typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  if (Array.isArray(value)) return value.map((each) => part(each, kept));
  const result = pick(value as Json, kept);
  // An element that says only by an extension why it is absent must not become empty.
  return Object.keys(result).length > 0 ? result : value;
}

function pick(json: Json, projection: Projection): { [name: string]: unknown } {
  const result: { [name: string]: unknown } = {};
  for (const [name, value] of Object.entries(json)) {
    const kept = projection.get(name);
    if (kept) result[name] = part(value, kept);
  }
  return result;
}

/** meta with the tag that says: not the whole resource. */
export function subsetTagged(meta: unknown): Json {
  const known = (meta ?? {}) as Json;
  const tags = Array.isArray(known['tag']) ? known['tag'] : [];
  return tags.some((tag: Json) => tag['code'] === subsetted.code) ? known : { ...known, tag: [...tags, subsetted] };
}

/** The part of a resource that the projection of its type keeps; type, id and meta always stay, and meta says that it is a part. */
export function project(resource: Resource, projection: Projection): Resource {
  const { resourceType, id, meta, ...rest } = resource as unknown as { [name: string]: unknown };
  const head = { resourceType, ...(id === undefined ? {} : { id }), meta: subsetTagged(meta) };
  return { ...head, ...pick(rest, projection) } as unknown as Resource;
}
