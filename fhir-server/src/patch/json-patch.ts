// https://www.rfc-editor.org/rfc/rfc6902 — JSON Patch, with the pointers of RFC 6901.
import { malformed, maximumOperations, unprocessable } from './refusal.ts';
import { copyOf, type List, type Node, sameJson, toTree } from './tree.ts';

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: readonly string[];
  readonly from?: readonly string[];
  readonly value?: unknown;
  /** For issues: "[2]". */
  readonly at: string;
}

const operations: ReadonlySet<unknown> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const maximumPointerLength = 1000;

function parsePointer(text: unknown, at: string): readonly string[] {
  if (typeof text !== 'string' || text.length > maximumPointerLength) throw malformed('path and from must be JSON pointers.', at);
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) throw malformed('path and from must be JSON pointers.', at);
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parseOperation(given: unknown, index: number): Operation {
  const at = `[${index}]`;
  if (given === null || typeof given !== 'object' || Array.isArray(given)) throw malformed('An operation must be an object.', at);
  const { op, path, from, value } = given as { [name: string]: unknown };
  if (!operations.has(op)) throw malformed('op must be add, remove, replace, move, copy or test.', at);
  const isWith = (name: string): boolean => op === name;
  const needsFrom = isWith('move') || isWith('copy');
  if ((isWith('add') || isWith('replace') || isWith('test')) && value === undefined) throw malformed('The operation needs a value.', at);
  return {
    op: op as Operation['op'],
    path: parsePointer(path, at),
    ...(needsFrom ? { from: parsePointer(from, at) } : {}),
    ...(value === undefined ? {} : { value }),
    at,
  };
}

/** @throws OperationOutcomeError 400 when it is no JSON Patch */
export function parseJsonPatch(body: unknown): (document: Node) => Node {
  if (!Array.isArray(body)) throw malformed('A JSON Patch is an array of operations.', '');
  if (body.length > maximumOperations) throw malformed(`A patch may have at most ${maximumOperations} operations.`, '');
  const parsed = body.map(parseOperation);
  return (document) => parsed.reduce(apply, document);
}

const noTarget = (at: string): Error => unprocessable('The path of an operation leads to nothing.', at);

/** Index of an existing item, or one behind the last where a value is to be added. */
function indexOf(list: List, step: string, adding: boolean, at: string): number {
  if (adding && step === '-') return list.items.length;
  const index = /^(0|[1-9]\d{0,8})$/.test(step) ? Number(step) : -1;
  if (index < 0 || index > list.items.length - (adding ? 0 : 1)) throw noTarget(at);
  return index;
}

function find(document: Node, path: readonly string[], at: string): Node {
  return path.reduce((node, step) => {
    const child =
      node.kind === 'fields' ? node.fields.get(step) : node.kind === 'list' ? node.items[indexOf(node, step, false, at)] : undefined;
    if (child === undefined) throw noTarget(at);
    return child;
  }, document);
}

function add(document: Node, path: readonly string[], value: Node, at: string): Node {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = find(document, path.slice(0, -1), at);
  if (parent.kind === 'fields') parent.fields.set(last, value);
  else if (parent.kind === 'list') parent.items.splice(indexOf(parent, last, true, at), 0, value);
  else throw noTarget(at);
  return document;
}

function remove(document: Node, path: readonly string[], at: string): Node {
  const last = path.at(-1);
  if (last === undefined) throw unprocessable('The whole resource cannot be removed.', at);
  const removed = find(document, path, at);
  const parent = find(document, path.slice(0, -1), at);
  if (parent.kind === 'fields') parent.fields.delete(last);
  else if (parent.kind === 'list') parent.items.splice(indexOf(parent, last, false, at), 1);
  return removed;
}

/** In its place: a member keeps its position, which a removal would not. */
function replace(document: Node, path: readonly string[], value: Node, at: string): Node {
  const last = path.at(-1);
  if (last === undefined) return value;
  find(document, path, at);
  const parent = find(document, path.slice(0, -1), at);
  if (parent.kind === 'fields') parent.fields.set(last, value);
  else if (parent.kind === 'list') parent.items[indexOf(parent, last, false, at)] = value;
  return document;
}

function apply(document: Node, { op, path, from = [], value, at }: Operation): Node {
  const isInside = path.length > from.length && from.every((step, i) => path[i] === step);
  switch (op) {
    case 'add':
      return add(document, path, toTree(value, true), at);
    case 'remove':
      remove(document, path, at);
      return document;
    case 'replace':
      return replace(document, path, toTree(value, true), at);
    case 'move':
      if (isInside) throw unprocessable('A value cannot be moved into itself.', at);
      return path.length === from.length && path.every((step, i) => step === from[i])
        ? moveToItself(document, path, at)
        : add(document, path, remove(document, from, at), at);
    case 'copy':
      return add(document, path, copyOf(find(document, from, at)), at);
    case 'test':
      if (!sameJson(find(document, path, at), toTree(value, false))) throw unprocessable('A test of the patch failed.', at, 'conflict');
      return document;
  }
}

function moveToItself(document: Node, path: readonly string[], at: string): Node {
  find(document, path, at);
  return document;
}
