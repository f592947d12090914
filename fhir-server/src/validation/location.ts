// https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location — an issue's FHIRPath said as a simple XPath.
import { isObject } from './elements.ts';

const segment = /^([A-Za-z]+)(?:\[(\d+)\])?$/;
const choice = /^ofType\(([A-Za-z]+)\)$/;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `/f:Patient/f:name[2]`: elements counted from 1, choices by their own names, resources inside by their types. */
export function locationOf(expression: string, resource: unknown): string {
  let path = '';
  let value: unknown = resource;
  const parts = expression.split('.');
  for (const [i, part] of parts.entries()) {
    const type = choice.exec(part)?.[1];
    if (type !== undefined) continue;
    const [, name = part, index] = segment.exec(part) ?? [];
    const chosen = choice.exec(parts[i + 1] ?? '')?.[1];
    const key = chosen === undefined ? name : name + capital(chosen);
    path += `/f:${key}${index === undefined ? '' : `[${Number(index) + 1}]`}`;
    if (i === 0) continue;
    const held = isObject(value) ? value[key] : undefined;
    value = Array.isArray(held) ? held[Number(index ?? 0)] : held;
    if (isObject(value) && typeof value['resourceType'] === 'string' && i < parts.length - 1) path += `/f:${value['resourceType']}`;
  }
  return path;
}
