// A resource while it is patched: JSON that remembers of each value whether the patch brought it or it was stored (ADR 0010).
import { isExactNumber } from '@limen/fhir-model';

export type Node = Leaf | List | Fields;
interface Origin {
  /** Brought by the patch. */
  fresh: boolean;
}
interface Leaf extends Origin {
  readonly kind: 'leaf';
  readonly value: unknown;
  /** A stored narrative into which the patch wrote. */
  readonly isPart?: boolean;
}
export interface List extends Origin {
  readonly kind: 'list';
  readonly items: Node[];
}
export interface Fields extends Origin {
  readonly kind: 'fields';
  readonly fields: Map<string, Node>;
}

/** Where a value stands: "name", 0, "given". */
export type Place = readonly (string | number)[];

export function toTree(value: unknown, fresh: boolean): Node {
  if (value === null || typeof value !== 'object' || isExactNumber(value)) return { kind: 'leaf', fresh, value };
  if (Array.isArray(value)) return { kind: 'list', fresh, items: value.map((item) => toTree(item, fresh)) };
  return { kind: 'fields', fresh, fields: new Map(Object.entries(value).map(([name, field]) => [name, toTree(field, fresh)])) };
}

export function toJson(node: Node): unknown {
  if (node.kind === 'leaf') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return Object.fromEntries([...node.fields].map(([name, field]) => [name, toJson(field)]));
}

export function copyOf(node: Node): Node {
  if (node.kind === 'leaf') return { ...node };
  if (node.kind === 'list') return { ...node, items: node.items.map(copyOf) };
  return { ...node, fields: new Map([...node.fields].map(([name, field]) => [name, copyOf(field)])) };
}

export function childAt(node: Node | undefined, step: string | number): Node | undefined {
  if (node?.kind === 'fields') return typeof step === 'string' ? node.fields.get(step) : undefined;
  if (node?.kind === 'list') return typeof step === 'number' ? node.items[step] : undefined;
  return undefined;
}

export function nodeAt(root: Node, place: Place): Node | undefined {
  return place.reduce<Node | undefined>(childAt, root);
}

function children(node: Node): [string | number, Node][] {
  if (node.kind === 'fields') return [...node.fields];
  return node.kind === 'list' ? [...node.items.entries()] : [];
}

/** The topmost values that the patch brought, in the order of the document. */
export function freshPlaces(node: Node, at: Place = []): Place[] {
  if (node.fresh) return [at];
  return children(node).flatMap(([step, child]) => freshPlaces(child, [...at, step]));
}

/** Whether a value that was stored came to stand inside one that the patch brought. */
export function mixesOrigins(node: Node, inFresh = false): boolean {
  if ((inFresh && !node.fresh) || (node.kind === 'leaf' && node.isPart)) return true;
  return children(node).some(([, child]) => mixesOrigins(child, inFresh || node.fresh));
}

/** The document without what was stored: only fresh values and what stands around them. */
export function onlyFresh(node: Node): unknown {
  if (node.fresh) return toJson(node);
  const kept = children(node).flatMap(([step, child]) => {
    const value = onlyFresh(child);
    return value === undefined ? [] : [[step, value] as const];
  });
  if (kept.length === 0) return undefined;
  return node.kind === 'list' ? kept.map(([, value]) => value) : Object.fromEntries(kept);
}

/** JSON equality as RFC 6902 4.6 has it: order of members does not count, numbers are equal by value. */
export function sameJson(a: Node, b: Node): boolean {
  if (a.kind === 'leaf' && b.kind === 'leaf') return sameLeaf(a.value, b.value);
  if (a.kind === 'list' && b.kind === 'list')
    return a.items.length === b.items.length && a.items.every((item, i) => sameJson(item, b.items[i] as Node));
  if (a.kind === 'fields' && b.kind === 'fields')
    return a.fields.size === b.fields.size && [...a.fields].every(([name, field]) => sameField(field, b.fields.get(name)));
  return false;
}

const sameField = (a: Node, b: Node | undefined): boolean => b !== undefined && sameJson(a, b);

function sameLeaf(a: unknown, b: unknown): boolean {
  const plain = (value: unknown): unknown => (isExactNumber(value) ? Number(value.rawJSON) : value);
  return plain(a) === plain(b);
}
