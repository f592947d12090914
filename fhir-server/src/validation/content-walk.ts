// Every element of a resource with its type and its path: what rules that the definitions do not hold are asked of.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { choiceLabel, maxDepth } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';

export interface Visit {
  /** FHIRPath from the root, as issues spell it. */
  readonly path: string;
  /** Datatype, resource type or path of a backbone element. */
  readonly type: string;
  readonly value: unknown;
  /** The element that this is a value of; undefined for the root. */
  readonly element: ElementDefinition | undefined;
  /** What the definitions call the parent; '' for the root. */
  readonly parent: string;
  /** The resource that it stands in. */
  readonly owner: JsonObject;
  /** Id and extensions of a primitive. */
  readonly partner?: unknown;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

class Walk {
  readonly visits: Visit[] = [];
  private readonly definitions: Definitions;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  enter(visit: Visit, depth: number): void {
    if (depth > maxDepth) return;
    const { value } = visit;
    const isResource = isObject(value) && visit.type === 'Resource' && typeof value['resourceType'] === 'string';
    const type = isResource ? String(value['resourceType']) : visit.type;
    const owner = isResource ? value : visit.owner;
    this.visits.push({ ...visit, type, owner });
    if (isObject(value)) this.children(value, type, visit.path, owner, depth);
    else if (isObject(visit.partner)) this.children(visit.partner, 'Element', visit.path, owner, depth);
  }

  private children(holder: JsonObject, type: string, path: string, owner: JsonObject, depth: number): void {
    for (const element of this.definitions.types[type]?.elements ?? []) {
      const choice = element.name.endsWith('[x]');
      const base = element.name.replace('[x]', '');
      for (const { code } of element.types) {
        const key = choice ? base + capital(code) : base;
        if (holder[key] === undefined && holder[`_${key}`] === undefined) continue;
        const label = `${path}.${choice ? choiceLabel(base, code) : base}`;
        this.values(holder, key, { path: label, type: code, element, parent: type, owner, value: undefined }, depth);
      }
    }
  }

  private values(holder: JsonObject, key: string, visit: Visit, depth: number): void {
    const [value, partner] = [holder[key], holder[`_${key}`]];
    if (!Array.isArray(value) && !Array.isArray(partner)) {
      this.enter({ ...visit, value, partner }, depth + 1);
      return;
    }
    const [values, partners] = [Array.isArray(value) ? value : [], Array.isArray(partner) ? partner : []];
    for (let i = 0; i < Math.max(values.length, partners.length); i++)
      this.enter({ ...visit, path: `${visit.path}[${i}]`, value: values[i] ?? undefined, partner: partners[i] }, depth + 1);
  }
}

/** The resource and all that is in it, in the order of the definitions. */
export function visitsOf(resource: JsonObject, definitions: Definitions): readonly Visit[] {
  const walk = new Walk(definitions);
  const type = String(resource['resourceType']);
  walk.enter({ path: type, type: 'Resource', value: resource, element: undefined, parent: '', owner: resource }, 0);
  return walk.visits;
}
