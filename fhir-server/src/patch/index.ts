// https://hl7.org/fhir/R4/http.html#patch — JSON Patch, XML Patch and FHIRPath Patch on a stored resource.
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { parseFhirPathPatch } from './fhirpath-patch.ts';
import { parseJsonPatch } from './json-patch.ts';
import { malformed, unprocessable } from './refusal.ts';
import { freshPlaces, mixesOrigins, type Node, onlyFresh, type Place, sameJson, toJson, toTree } from './tree.ts';
import { parseXmlResourcePatch } from './xml-resource.ts';

export { deidentifyFresh } from './plane.ts';
export { parseXmlPatch } from './xml-patch.ts';

export interface Patched {
  readonly resource: Resource;
  /** Places of the values that the patch brought. */
  readonly fresh: readonly Place[];
  /** The resource without what was stored, for what the vault has to know of a Patient. */
  readonly only: Resource;
  /** A stored value stands inside one that the patch brought: they can't be told apart by the door. */
  readonly isMixed: boolean;
}

export type Patch = (resource: Resource) => Patched;

export const jsonPatchType = 'application/json-patch+json';
export const xmlPatchType = 'application/xml-patch+xml';
/** As the parser of bodies allows; a Binary comes past it. */
const maximumDepth = 64;
const unpatchable = ['resourceType', 'id', 'meta'];

interface Binary {
  readonly resourceType?: string;
  readonly contentType?: string;
  readonly data?: unknown;
}

/**
 * Reads a patch: an array is a JSON Patch, a text an XML Patch, Parameters are a FHIRPath Patch, a Binary (in a Bundle) holds a JSON or XML Patch.
 * @throws OperationOutcomeError 400 when it is none
 */
export function parsePatch(definitions: Definitions, body: unknown, type: string): Patch {
  const apply = parsed(definitions, body, type);
  return (resource) => patched(apply, resource);
}

function parsed(definitions: Definitions, body: unknown, type: string): (document: Node) => Node {
  if (Array.isArray(body)) return parseJsonPatch(body);
  if (typeof body === 'string') return parseXmlResourcePatch(definitions, body);
  const { resourceType, contentType, data } = (body ?? {}) as Binary;
  if (resourceType === 'Parameters') return parseFhirPathPatch(definitions, body, type);
  if (resourceType === 'Binary' && typeof data === 'string') {
    const text = Buffer.from(data, 'base64').toString('utf8');
    if (contentType === jsonPatchType) return parseJsonPatch(decoded(text));
    if (contentType === xmlPatchType) return parseXmlResourcePatch(definitions, text);
  }
  throw malformed(
    'A patch is a JSON Patch (application/json-patch+json), an XML Patch (application/xml-patch+xml) or a FHIRPath Patch (Parameters).',
    '',
  );
}

function decoded(text: string): unknown {
  try {
    const value = parseExact(text);
    if (depthOf(value) <= maximumDepth) return value;
  } catch {
    // The parser's own text would repeat the input.
  }
  throw malformed('The Binary holds no JSON, or one that is nested too deep.', 'Binary.data');
}

function depthOf(value: unknown, depth = 1): number {
  if (value === null || typeof value !== 'object' || depth > maximumDepth) return depth;
  return Object.values(value).reduce((most: number, each) => Math.max(most, depthOf(each, depth + 1)), depth);
}

function patched(apply: (document: Node) => Node, resource: Resource): Patched {
  const before = toTree(resource, false);
  const after = apply(toTree(resource, false));
  if (after.kind !== 'fields' || before.kind !== 'fields') throw unprocessable('The patch leaves no resource.', '');
  for (const name of unpatchable) {
    const [old, now] = [before.fields.get(name), after.fields.get(name)];
    const isSame = old && now ? sameJson(old, now) : old === now;
    if (!isSame || (now && freshPlaces(now).length > 0))
      throw new OperationOutcomeError(422, {
        code: 'business-rule',
        diagnostics: 'resourceType, id and meta cannot be patched.',
        expression: name,
      });
  }
  const only = onlyFresh(after);
  return {
    resource: toJson(after) as Resource,
    fresh: freshPlaces(after),
    only: { ...(only as object | undefined), resourceType: resource.resourceType } as Resource,
    isMixed: mixesOrigins(after),
  };
}
