// https://hl7.org/fhir/R4/json.html — a resource as elements with their types, so that a rule can find, mark and change each of them.
import { isExactNumber, OperationOutcomeError } from '@limen/fhir-model';
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { isObject, type Json } from '../context.ts';

/** One element: of a list, one of its items. */
export interface Element {
  /** As FHIRPath names it: a choice without its type. */
  readonly name: string;
  readonly jsonName: string;
  /** Datatype, resource type or the path of a backbone element. */
  readonly type: string;
  readonly primitive: boolean;
  readonly resource: boolean;
  readonly list: boolean;
  parent: Element | undefined;
  /** Of a primitive; undefined when it has none or has lost it. */
  value: unknown;
  children: Element[];
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly list: boolean;
}

const maximumDepth = 64;

function refused(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(422, { code: 'structure', diagnostics });
}

/** Reads and writes resources by the definitions. */
export class Trees {
  readonly #definitions: Definitions;
  readonly #fields = new Map<string, ReadonlyMap<string, Field>>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** @throws OperationOutcomeError 422 when it holds what R4 does not define */
  read(resource: Json): Element {
    return this.#resource(resource, { name: '', jsonName: '', list: false, parent: undefined, depth: 0 });
  }

  /** The elements of a value that a rule gives for a datatype. @throws OperationOutcomeError 422 when it does not fit */
  fragment(type: string, value: Json): Element {
    const element = this.#element({ name: '', type, list: false }, '', undefined);
    this.#fill(element, value, 0);
    return element;
  }

  isPrimitive(type: string): boolean {
    return this.#definitions.types[type]?.kind === 'primitive-type';
  }

  #resource(value: Json, at: { name: string; jsonName: string; list: boolean; parent: Element | undefined; depth: number }): Element {
    const type = value['resourceType'];
    if (typeof type !== 'string' || this.#definitions.types[type]?.kind !== 'resource')
      throw refused('The type of a resource is not one of R4.');
    const { name, jsonName, list, parent, depth } = at;
    const element: Element = { name, jsonName, type, primitive: false, resource: true, list, parent, value: undefined, children: [] };
    this.#fill(element, value, depth);
    return element;
  }

  #element({ name, type, list }: Field, jsonName: string, parent: Element | undefined): Element {
    return { name, jsonName, type, primitive: this.isPrimitive(type), resource: false, list, parent, value: undefined, children: [] };
  }

  #fill(element: Element, value: Json, depth: number): void {
    if (depth > maximumDepth) throw refused('The elements are nested too deeply.');
    for (const key in value) {
      if (key === 'resourceType' && element.resource) continue;
      const jsonName = key.startsWith('_') ? key.slice(1) : key;
      if (jsonName !== key && value[jsonName] !== undefined) continue;
      const field = this.#fieldsOf(element.type).get(jsonName);
      if (!field) throw refused('An element is not one that R4 defines.');
      const items = value[jsonName];
      const beside = value[`_${jsonName}`];
      const [itemList, besideList] = [asList(items), asList(beside)];
      for (let i = 0; i < Math.max(itemList.length, besideList.length); i += 1)
        element.children.push(this.#child(field, jsonName, element, itemList[i], besideList[i], depth + 1));
    }
  }

  #child(field: Field, jsonName: string, parent: Element, item: unknown, beside: unknown, depth: number): Element {
    if (field.type === 'Resource') {
      if (!isObject(item)) throw refused('A resource is missing where one must be.');
      return this.#resource(item, { name: field.name, jsonName, list: field.list, parent, depth });
    }
    const child = this.#element(field, jsonName, parent);
    if (child.primitive) {
      if (typeof item === 'object' && item !== null && !isExactNumber(item)) throw refused('A primitive element holds something else.');
      child.value = item ?? undefined;
      if (isObject(beside)) this.#fill(child, beside, depth);
    } else if (isObject(item)) this.#fill(child, item, depth);
    else throw refused('A complex element holds something else.');
    return child;
  }

  #fieldsOf(type: string): ReadonlyMap<string, Field> {
    const known = this.#fields.get(type);
    if (known) return known;
    const definition = this.#definitions.types[this.isPrimitive(type) ? 'Element' : type];
    const fields = new Map<string, Field>();
    for (const element of definition?.elements ?? []) this.#add(element, fields);
    this.#fields.set(type, fields);
    return fields;
  }

  #add({ name, types, max }: ElementDefinition, fields: Map<string, Field>): void {
    const choice = name.endsWith('[x]');
    const bare = choice ? name.slice(0, -3) : name;
    for (const { code } of types) {
      const type = this.#definitions.types[code]?.kind === 'resource' ? 'Resource' : code;
      const jsonName = choice ? bare + code.charAt(0).toUpperCase() + code.slice(1) : name;
      fields.set(jsonName, { name: bare, type, list: max !== 1 });
    }
  }
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** What holds neither a value nor an element is gone; resources stay. */
export function dropEmpty(element: Element): void {
  for (const child of element.children) dropEmpty(child);
  element.children = element.children.filter((child) => child.resource || child.value !== undefined || child.children.length > 0);
}

/** Elements keep their places: what has lost its value is null in a list. */
export function toJson(element: Element): Json {
  const out: Json = element.resource ? { resourceType: element.type } : {};
  for (const [jsonName, items] of Map.groupBy(element.children, (child) => child.jsonName)) {
    const [first] = items;
    if (!first) continue;
    if (!first.primitive) {
      const values = items.map(toJson);
      out[jsonName] = first.list ? values : values[0];
      continue;
    }
    const values = items.map(({ value }) => value ?? null);
    const beside = items.map((item) => (item.children.length > 0 ? toJson(item) : null));
    const hasBeside = beside.some((each) => each !== null);
    if (values.some((value) => value !== null)) out[jsonName] = first.list ? values : values[0];
    if (hasBeside) out[`_${jsonName}`] = first.list ? beside : beside[0];
  }
  return out;
}

/** "Patient.name.given": no indexes, no values. */
export function pathOf(element: Element): string {
  return element.parent && !element.resource ? `${pathOf(element.parent)}.${element.jsonName}` : element.type;
}
