// https://hl7.org/fhir/R4/profiling.html#declared — the profiles that a resource and those in its entries and parameters claim.
import { maxDepth } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';

/** An object with a resourceType. */
export function isResourceObject(value: unknown): value is JsonObject & { readonly resourceType: string } {
  return isObject(value) && typeof value['resourceType'] === 'string';
}

export interface Claim {
  readonly url: string;
  readonly resource: JsonObject;
  /** FHIRPath of the resource. */
  readonly path: string;
}

/** Claims of the resource itself first. */
export function claimedProfiles(value: unknown, path = isResourceObject(value) ? value.resourceType : '', depth = 0): Claim[] {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return [];
  if (Array.isArray(value)) return value.flatMap((each, i) => claimedProfiles(each, `${path}[${i}]`, depth + 1));
  const own: Claim[] = [];
  if (isResourceObject(value) && isObject(value['meta']) && Array.isArray(value['meta']['profile'])) {
    for (const url of value['meta']['profile']) if (typeof url === 'string') own.push({ url, resource: value, path });
  }
  return [...own, ...Object.entries(value).flatMap(([key, each]) => claimedProfiles(each, `${path}.${key}`, depth + 1))];
}
