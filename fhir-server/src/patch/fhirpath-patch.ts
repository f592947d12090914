// https://hl7.org/fhir/R4/fhirpatch.html — FHIRPath Patch: operations in a Parameters resource.
import type { Definitions } from '@limen/fhir-model/definitions';
import { compilePath, PathBudget, parentPath } from './path.ts';
import { malformed, maximumOperations, unprocessable } from './refusal.ts';
import { childAt, type Fields, type List, type Node, nodeAt, type Place, toTree } from './tree.ts';
import { built, type Part, partValue, propertyOf, typeAt, type Value } from './value.ts';

type Kind = 'add' | 'insert' | 'delete' | 'replace' | 'move';
interface Operation {
  readonly type: Kind;
  readonly path: string;
  readonly name?: string;
  readonly value?: Value;
  readonly index?: number;
  readonly source?: number;
  readonly destination?: number;
  readonly at: string;
}

/** What each type needs beside its path. */
const needs: { readonly [type in Kind]: readonly ('name' | 'value' | 'index' | 'source' | 'destination')[] } = {
  add: ['name', 'value'],
  insert: ['index', 'value'],
  delete: [],
  replace: ['value'],
  move: ['source', 'destination'],
};

function parseOperation(parameter: Part, index: number): Operation {
  const at = `Parameters.parameter[${index}]`;
  if (parameter.name !== 'operation') throw malformed('Each parameter of a FHIRPath Patch is an `operation`.', at);
  const parts = parameter.part ?? [];
  const one = (name: string): Part | undefined => {
    const found = parts.filter((part) => part.name === name);
    if (found.length > 1) throw malformed('A part of an operation occurs twice.', at);
    return found[0];
  };
  const text = (name: string): string | undefined => {
    const part = one(name);
    const given = part && partValue(part).value;
    return typeof given === 'string' ? given : undefined;
  };
  const number = (name: string): number | undefined => {
    const part = one(name);
    const given = part && partValue(part).value;
    return typeof given === 'number' && Number.isInteger(given) && given >= 0 ? given : undefined;
  };
  const type = text('type') as Kind | undefined;
  const path = text('path');
  if (type === undefined || !Object.hasOwn(needs, type)) throw malformed('type must be add, insert, delete, replace or move.', at);
  if (path === undefined) throw malformed('An operation needs a path.', at);
  const value = one('value');
  const all = {
    name: text('name'),
    value: value && partValue(value),
    index: number('index'),
    source: number('source'),
    destination: number('destination'),
  };
  if (needs[type].some((name) => all[name] === undefined))
    throw malformed('A part that the operation needs is missing or of a wrong type.', at);
  return { type, path, at, ...(Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined)) as Partial<Operation>) };
}

/** @throws OperationOutcomeError 400 when it is no FHIRPath Patch */
export function parseFhirPathPatch(definitions: Definitions, body: unknown, type: string): (document: Node) => Node {
  const given = (body as { parameter?: unknown }).parameter ?? [];
  if (!Array.isArray(given)) throw malformed('Parameters.parameter must be a list.', 'Parameters.parameter');
  if (given.length > maximumOperations)
    throw malformed(`A patch may have at most ${maximumOperations} operations.`, 'Parameters.parameter');
  const operations = (given as Part[]).map(parseOperation);
  const toRead = new PathBudget();
  const compiled = operations.map((operation) => compilePath(operation.path, type, operation.at, toRead));
  return (document) => {
    const budget = new PathBudget();
    for (const [i, operation] of operations.entries()) {
      const places = compiled[i]?.(document, budget) ?? [];
      new Step(definitions, document, operation, type, budget).run(places);
    }
    return document;
  };
}

/** One operation on the document, which it changes. */
class Step {
  readonly #definitions: Definitions;
  readonly #document: Node;
  readonly #operation: Operation;
  readonly #type: string;
  readonly #budget: PathBudget;

  constructor(definitions: Definitions, document: Node, operation: Operation, type: string, budget: PathBudget) {
    this.#definitions = definitions;
    this.#document = document;
    this.#operation = operation;
    this.#type = type;
    this.#budget = budget;
  }

  run(places: readonly Place[]): void {
    const { type } = this.#operation;
    if (type === 'add') this.#add(this.#single(places));
    else if (type === 'replace') this.#replace(this.#single(places));
    else if (type === 'insert') this.#insert(places);
    else if (type === 'move') this.#move(places);
    // Nothing to delete is no error; more than one is.
    else if (places.length > 0) this.#delete(this.#single(places));
  }

  #refuse(sentence: string): never {
    throw unprocessable(sentence, this.#operation.at);
  }

  #single(places: readonly Place[]): Place {
    const [only, second] = places;
    if (!only) this.#refuse('The path of an operation leads to nothing.');
    if (second) this.#refuse('The path of an operation leads to several elements.');
    return only;
  }

  #parentOf(place: Place): Fields | List {
    const parent = nodeAt(this.#document, place.slice(0, -1));
    if (place.length === 0 || !parent || parent.kind === 'leaf') this.#refuse('The whole resource cannot be replaced or deleted.');
    return parent;
  }

  #json(type: string): { value: unknown; sibling: unknown } {
    const { value = {}, at } = this.#operation;
    return value.parts
      ? { value: built(this.#definitions, type, value.parts, at), sibling: undefined }
      : { value: value.value, sibling: value.sibling };
  }

  #add(place: Place): void {
    const { name = '', value } = this.#operation;
    const target = nodeAt(this.#document, place);
    const parentType = typeAt(this.#definitions, this.#document, place);
    const property = parentType === undefined ? undefined : propertyOf(this.#definitions, parentType, name, value?.type);
    if (!property) this.#refuse('There is no such element, or its type is not that of the value.');
    const { value: content, sibling } = this.#json(property.type);
    const holder = target?.kind === 'fields' ? target : this.#extended(place);
    if (!property.isList) {
      if (this.#isTaken(holder, parentType ?? '', name)) this.#refuse('The element exists already and does not repeat: use replace.');
      setPrimitive(holder, property.name, content, sibling);
      return;
    }
    listIn(holder, property.name);
    insertAt(holder, property.name, undefined, content, sibling);
  }

  /** The `_x` of a primitive that gets an id or an extension. */
  #extended(place: Place): Fields {
    const name = place.at(-1);
    const parent = this.#parentOf(place);
    if (typeof name !== 'string' || parent.kind !== 'fields') this.#refuse('Items of a list of primitives cannot be extended.');
    const sibling = parent.fields.get(`_${name}`);
    if (sibling?.kind === 'fields') return sibling;
    const made: Fields = { kind: 'fields', fresh: false, fields: new Map() };
    parent.fields.set(`_${name}`, made);
    return made;
  }

  /** An element is there once: in any of its types, or as `_x` alone. */
  #isTaken(holder: Fields, parentType: string, name: string): boolean {
    return [...holder.fields.keys()].some((key) => {
      const plain = key.replace(/^_/, '');
      if (plain === name) return true;
      const stem = choiceStem(this.#definitions, parentType, name);
      return stem !== undefined && stem === choiceStem(this.#definitions, parentType, plain);
    });
  }

  #replace(place: Place): void {
    const { value } = this.#operation;
    const parent = this.#parentOf(place);
    const last = place.at(-1);
    const type = typeAt(this.#definitions, this.#document, place) ?? '';
    if (parent.kind === 'list') {
      const { value: content, sibling } = this.#json(type);
      const holder = nodeAt(this.#document, place.slice(0, -2)) as Fields;
      removeAt(holder, String(place.at(-2)), Number(last));
      listIn(holder, String(place.at(-2)));
      insertAt(holder, String(place.at(-2)), Number(last), content, sibling);
      return;
    }
    const owner = typeAt(this.#definitions, this.#document, place.slice(0, -1)) ?? '';
    const stem = choiceStem(this.#definitions, owner, String(last));
    const property = stem === undefined ? undefined : propertyOf(this.#definitions, owner, stem, value?.type);
    if (stem !== undefined && value?.type !== undefined && !property) this.#refuse('The element cannot have this type.');
    const { value: content, sibling } = this.#json(property?.type ?? type);
    const name = property?.name ?? String(last);
    if (name !== last) removeField(parent, String(last));
    parent.fields.delete(`_${name}`);
    setPrimitive(parent, name, content, sibling);
  }

  #delete(place: Place): void {
    const parent = this.#parentOf(place);
    const last = place.at(-1);
    if (parent.kind === 'fields') removeField(parent, String(last));
    else removeAt(nodeAt(this.#document, place.slice(0, -2)) as Fields, String(place.at(-2)), Number(last));
    prune(this.#document, place.slice(0, -1));
  }

  /** The list that the path names: by its items, or, when it has none, by the element that would hold it. */
  #list(places: readonly Place[]): { holder: Fields; name: string; type: string } {
    const [first] = places;
    if (first) {
      const at = first.slice(0, -2);
      const name = first.at(-2);
      const holder = nodeAt(this.#document, at);
      const isOne = places.every((p) => p.length === first.length && p.slice(0, -1).every((step, i) => step === first[i]));
      if (!isOne || typeof name !== 'string' || typeof first.at(-1) !== 'number' || holder?.kind !== 'fields')
        this.#refuse('The path of an operation does not lead to one list.');
      return { holder, name, type: typeAt(this.#definitions, this.#document, first) ?? '' };
    }
    const split = parentPath(this.#operation.path);
    if (!split) this.#refuse('The path of an operation leads to nothing.');
    const place = this.#single(compilePath(split.parent, this.#type, this.#operation.at, this.#budget)(this.#document, this.#budget));
    const holder = nodeAt(this.#document, place);
    const property = propertyOf(this.#definitions, typeAt(this.#definitions, this.#document, place) ?? '', split.name, undefined);
    if (holder?.kind !== 'fields' || !property?.isList) this.#refuse('The path of an operation does not lead to one list.');
    return { holder, name: property.name, type: property.type };
  }

  #insert(places: readonly Place[]): void {
    const { index = 0 } = this.#operation;
    const { holder, name, type } = this.#list(places);
    const { value, sibling } = this.#json(type);
    if (index > listIn(holder, name).items.length) this.#refuse('The index lies outside of the list.');
    insertAt(holder, name, index, value, sibling);
  }

  #move(places: readonly Place[]): void {
    const { source = 0, destination = 0 } = this.#operation;
    if (places.length === 0) this.#refuse('The path of an operation leads to nothing.');
    const { holder, name } = this.#list(places);
    const count = listIn(holder, name).items.length;
    if (source >= count || destination >= count) this.#refuse('The index lies outside of the list.');
    for (const key of [name, `_${name}`]) {
      const list = holder.fields.get(key);
      if (list?.kind !== 'list') continue;
      while (list.items.length < count) list.items.push({ kind: 'leaf', fresh: false, value: null });
      list.items.splice(destination, 0, ...list.items.splice(source, 1));
    }
  }
}

/** "value" for "value", "valueQuantity" of Observation; undefined for what is no choice. */
function choiceStem(definitions: Definitions, parent: string, name: string): string | undefined {
  for (const element of definitions.types[parent]?.elements ?? []) {
    if (!element.name.endsWith('[x]')) continue;
    const stem = element.name.slice(0, -3);
    if (name === stem || name === element.name) return stem;
    if (element.types.some(({ code }) => name === stem + code.charAt(0).toUpperCase() + code.slice(1))) return stem;
  }
  return undefined;
}

function setPrimitive(holder: Fields, name: string, value: unknown, sibling: unknown): void {
  if (value === undefined) holder.fields.delete(name);
  else holder.fields.set(name, toTree(value, true));
  if (sibling !== undefined) holder.fields.set(`_${name}`, toTree(sibling, true));
}

function removeField(holder: Fields, name: string): void {
  holder.fields.delete(name);
  holder.fields.delete(`_${name}`);
}

function listIn(holder: Fields, name: string): List {
  const found = holder.fields.get(name);
  if (found?.kind === 'list') return found;
  const made: List = { kind: 'list', fresh: false, items: [] };
  holder.fields.set(name, made);
  return made;
}

/** Lists of primitives keep `x` and `_x` aligned. */
function insertAt(holder: Fields, name: string, index: number | undefined, value: unknown, sibling: unknown): void {
  const list = listIn(holder, name);
  const at = index ?? list.items.length;
  list.items.splice(at, 0, toTree(value ?? null, true));
  if (sibling === undefined && !holder.fields.has(`_${name}`)) return;
  const siblings = listIn(holder, `_${name}`);
  while (siblings.items.length < list.items.length - 1) siblings.items.push({ kind: 'leaf', fresh: false, value: null });
  siblings.items.splice(at, 0, toTree(sibling ?? null, sibling !== undefined));
}

function removeAt(holder: Fields, name: string, index: number): void {
  for (const key of [name, `_${name}`]) {
    const list = holder.fields.get(key);
    if (list?.kind === 'list') list.items.splice(index, 1);
  }
  dropEmptySiblings(holder, name);
}

/** A `_x` that says nothing of any item. */
function dropEmptySiblings(holder: Fields, name: string): void {
  const siblings = holder.fields.get(`_${name}`);
  const isNothing = (item: Node): boolean => item.kind === 'leaf' && item.value === null;
  if (siblings?.kind === 'list' && siblings.items.every(isNothing)) holder.fields.delete(`_${name}`);
}

/** What a deletion left empty goes too: FHIR has no empty elements. */
function prune(document: Node, place: Place): void {
  for (let at = place; at.length > 0; at = at.slice(0, -1)) {
    const node = nodeAt(document, at);
    const isEmpty = node?.kind === 'list' ? node.items.length === 0 : node?.kind === 'fields' && node.fields.size === 0;
    if (!isEmpty) continue;
    const parent = nodeAt(document, at.slice(0, -1));
    const last = at.at(-1);
    if (parent?.kind === 'fields') parent.fields.delete(String(last));
    else if (parent && childAt(parent, Number(last)) && parent.kind === 'list') parent.items.splice(Number(last), 1);
  }
}
