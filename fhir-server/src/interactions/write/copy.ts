// A plan rewrites references in place and may be made again, so it works on a copy. Exact numbers (JSON.rawJSON) are leaves: a spread would lose them.
import { isExactNumber } from '@limen/fhir-model';

export function copyResource<T>(node: T): T {
  if (node === null || typeof node !== 'object' || isExactNumber(node)) return node;
  if (Array.isArray(node)) return node.map(copyResource) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(node)) copy[name] = copyResource(value);
  return copy as T;
}
