// https://hl7.org/fhir/R4/domainresource.html#invs — dom-3, dom-4, dom-5: contained resources are referred to and have no meta of their own.
import { type Cursor, maxDepth } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';

/** Notes every string that begins with `#` in what stands around and inside the contained resources. */
function collectFragments(value: unknown, found: Set<string>, depth = 0): void {
  if (typeof value === 'string') {
    if (value.startsWith('#')) found.add(value);
  } else if (typeof value === 'object' && value !== null && depth <= maxDepth)
    for (const each of Object.values(value)) collectFragments(each, found, depth + 1);
}

function checkMeta({ meta }: JsonObject, cursor: Cursor, index: number): void {
  if (!isObject(meta)) return;
  if (meta['versionId'] !== undefined || meta['lastUpdated'] !== undefined)
    cursor.report('invariant', 'The invariant dom-4 of the specification does not hold.', 'contained', index, 'dom-4');
  if (meta['security'] !== undefined)
    cursor.report('invariant', 'The invariant dom-5 of the specification does not hold.', 'contained', index, 'dom-5');
}

/** The rules of a resource for those that it contains; dom-2 is checked where a contained resource begins. */
export function checkContained(resource: JsonObject, cursor: Cursor): void {
  const { contained } = resource;
  if (!Array.isArray(contained)) return;
  const fragments = new Set<string>();
  collectFragments(resource, fragments);
  for (const [index, each] of contained.entries()) {
    if (!isObject(each)) continue;
    checkMeta(each, cursor, index);
    const around = new Set<string>();
    collectFragments(each, around);
    if (fragments.has(`#${each['id']}`) || around.has('#') || cursor.deidentified) continue;
    cursor.report('invariant', 'The invariant dom-3 of the specification does not hold.', 'contained', index, 'dom-3');
  }
}
