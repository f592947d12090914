// https://hl7.org/fhir/R4/fhirpatch.html — the value of an operation: `value[x]`, a resource, or parts that build a backbone element.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { malformed, unprocessable } from './refusal.ts';
import { childAt, type Node, type Place } from './tree.ts';

export interface Part {
  readonly name?: string;
  readonly part?: readonly Part[];
  readonly resource?: unknown;
  readonly [name: string]: unknown;
}

/** A value with what belongs to a primitive beside it (`_birthDate`). */
export interface Value {
  /** "Quantity", "code"; undefined for parts and resources, which say no type. */
  readonly type?: string;
  readonly value?: unknown;
  readonly sibling?: unknown;
  readonly parts?: readonly Part[];
}

export function partValue(part: Part): Value {
  if (part.resource !== undefined) return { value: part.resource };
  const key = Object.keys(part).find((name) => /^_?value[A-Z]/.test(name));
  if (key === undefined) return { parts: part.part ?? [] };
  const name = key.replace(/^_/, '');
  const type = name.slice('value'.length);
  return {
    type,
    ...(part[name] === undefined ? {} : { value: part[name] }),
    ...(part[`_${name}`] === undefined ? {} : { sibling: part[`_${name}`] }),
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface Property {
  /** As in JSON: a choice has its type. */
  readonly name: string;
  readonly isList: boolean;
  /** Datatype or backbone path. */
  readonly type: string;
}

/** The JSON property for an element, whose choice is told by the value's type or by the name itself. */
export function propertyOf(definitions: Definitions, parent: string, name: string, type: string | undefined): Property | undefined {
  for (const element of definitions.types[parent]?.elements ?? []) {
    const found = propertyIn(element, name.replace(/\[x\]$/, ''), type);
    if (found) return found;
  }
  return undefined;
}

function propertyIn(element: ElementDefinition, name: string, type: string | undefined): Property | undefined {
  const isList = element.max !== 1;
  if (!element.name.endsWith('[x]')) return element.name === name ? { name, isList, type: element.types[0]?.code ?? '' } : undefined;
  const stem = element.name.slice(0, -3);
  const code = element.types.find((t) => (name === stem ? capitalised(t.code) === type : stem + capitalised(t.code) === name))?.code;
  return code === undefined ? undefined : { name: stem + capitalised(code), isList, type: code };
}

/** The datatype of what stands at a place of a resource. */
export function typeAt(definitions: Definitions, root: Node, place: Place): string | undefined {
  let node: Node | undefined = root;
  let type = resourceTypeOf(root);
  for (const step of place) {
    node = childAt(node, step);
    if (typeof step === 'number') continue;
    type = type === undefined ? undefined : propertyOf(definitions, type, step, undefined)?.type;
    if (type === 'Resource') type = undefined;
  }
  // A contained resource says its own type.
  return type ?? resourceTypeOf(node);
}

function resourceTypeOf(node: Node | undefined): string | undefined {
  const said = node?.kind === 'fields' ? node.fields.get('resourceType') : undefined;
  return said?.kind === 'leaf' && typeof said.value === 'string' ? said.value : undefined;
}

/** The JSON of a backbone element (or any complex value) that is given by parts. */
export function built(definitions: Definitions, type: string, parts: readonly Part[], at: string): { [name: string]: unknown } {
  const out: { [name: string]: unknown } = {};
  for (const part of parts) {
    if (typeof part.name !== 'string') throw malformed('A part needs a name.', at);
    const given = partValue(part);
    const property = propertyOf(definitions, type, part.name, given.type);
    if (!property) throw unprocessable('A part of the value is no element of its type.', at);
    const value = given.parts ? built(definitions, property.type, given.parts, at) : given.value;
    if (!property.isList) {
      if (value !== undefined) out[property.name] = value;
      if (given.sibling !== undefined) out[`_${property.name}`] = given.sibling;
    } else appendTo(out, property.name, value, given.sibling);
  }
  return out;
}

/** Lists of primitives keep `x` and `_x` aligned. */
function appendTo(out: { [name: string]: unknown }, name: string, value: unknown, sibling: unknown): void {
  const list = [...((out[name] as unknown[] | undefined) ?? []), value ?? null];
  out[name] = list;
  const siblings = out[`_${name}`] as unknown[] | undefined;
  if (sibling === undefined && siblings === undefined) return;
  const aligned = (siblings ?? []).concat(new Array(list.length - 1 - (siblings?.length ?? 0)).fill(null), sibling ?? null);
  out[`_${name}`] = aligned;
}
