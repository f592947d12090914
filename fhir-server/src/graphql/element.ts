// https://hl7.org/fhir/R4/graphql.html#schema — elements of a resource as fields: names, lists and types by the definitions.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';

type Json = { readonly [name: string]: unknown };

/** A value and what is known of it. */
export interface Element {
  /** Resource type, datatype or path of a backbone element. */
  readonly type: string;
  readonly value: unknown;
  /** The resource that it stands in, for `#contained`. */
  readonly root: Json;
}

export interface Children {
  readonly elements: readonly Element[];
  readonly isList: boolean;
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function resourceElement(resource: object): Element {
  return { type: String((resource as Json)['resourceType']), value: resource, root: resource as Json };
}

export function isPrimitive(definitions: Definitions, type: string): boolean {
  return definitions.types[type]?.kind === 'primitive-type';
}

export function isResource(definitions: Definitions, type: string): boolean {
  return definitions.types[type]?.kind === 'resource';
}

/** Whether an element is of a type that a fragment names. */
export function isOfType(definitions: Definitions, type: string, wanted: string): boolean {
  if (wanted === type || wanted === 'Element') return true;
  if (wanted === 'Resource') return isResource(definitions, type);
  return wanted === 'DomainResource' && isResource(definitions, type) && !['Bundle', 'Binary', 'Parameters'].includes(type);
}

/** The JSON property of an element, and its type, when the field names it: a choice is named with or without its type. */
function propertyOf(
  { name, types }: ElementDefinition,
  value: Json,
  field: string,
): { readonly name: string; readonly type: string } | undefined {
  if (!name.endsWith('[x]')) return name === field ? { name, type: types[0]?.code ?? '' } : undefined;
  const stem = name.slice(0, -3);
  const all = types.map(({ code }) => ({ name: stem + capitalised(code), type: code }));
  if (field !== stem) return all.find((each) => each.name === field);
  return all.find((each) => value[each.name] !== undefined || value[`_${each.name}`] !== undefined) ?? all[0];
}

/** What stands in an element under a name; undefined when its type has no such element. */
export function childrenOf(definitions: Definitions, { type, value, root }: Element, field: string): Children | undefined {
  const json = value as Json;
  // "_birthDate" is what stands beside a primitive: its id and extensions.
  const isBeside = field.startsWith('_');
  for (const element of definitions.types[type]?.elements ?? []) {
    const property = propertyOf(element, json, isBeside ? field.slice(1) : field);
    if (!property || (isBeside && !isPrimitive(definitions, property.type))) continue;
    const isList = element.max !== 1;
    const found = json[isBeside ? `_${property.name}` : property.name];
    const values = (isList ? (Array.isArray(found) ? found : []) : [found]).filter((each) => each !== undefined && each !== null);
    return { isList, elements: values.map((each) => childOf(each, isBeside ? 'Element' : property.type, root)) };
  }
  return undefined;
}

function childOf(value: unknown, type: string, root: Json): Element {
  if (type !== 'Resource') return { type, value, root };
  // An entry of a Bundle is a resource of its own; a contained one sees its neighbours.
  const resource = resourceElement(value as object);
  return Array.isArray(root['contained']) && root['contained'].includes(value) ? { ...resource, root } : resource;
}
