// https://hl7.org/fhir/R4/valueset-filter-operator.html — the filters of a value set on a code system that is in memory.
import { type Filter, propertyText } from './coding-system.ts';
import { notSupported } from './refusal.ts';
import { safePattern } from './regex.ts';
import type { Node } from './tree.ts';

export type NodeTest = (node: Node) => boolean;

/** Names of the hierarchy itself: `concept is-a x`, and `code` in older value sets. */
const isHierarchy = (property: string | undefined): boolean => property === 'concept' || property === 'code';
const codesIn = (value: string): ReadonlySet<string> => new Set(value.split(',').map((each) => each.trim()));

/** What a filter compares of a concept; several where a property repeats. */
function valuesOf({ concept, code, parents, children }: Node, property: string): readonly string[] {
  const own = (concept.property ?? []).filter((each) => each.code === property).map(propertyText);
  if (property === 'concept' || property === 'code') return [code];
  if (property === 'display') return concept.display === undefined ? [] : [concept.display];
  if (property === 'definition') return concept.definition === undefined ? [] : [concept.definition];
  if (property === 'parent') return parents.map((each) => each.code);
  if (property === 'child') return children.map((each) => each.code);
  return own;
}

type Test = (property: string, value: string) => NodeTest;
const negated =
  (test: NodeTest): NodeTest =>
  (node) =>
    !test(node);
const isA: Test = (_, value) => (node) => node.code === value || node.hasAncestor(value);
const isIn: Test = (property, value) => {
  const codes = codesIn(value);
  return (node) => valuesOf(node, property).some((each) => codes.has(each));
};
const matches: Test = (property, value) => {
  const pattern = new RegExp(safePattern(value), 'u');
  return (node) => valuesOf(node, property).some((each) => pattern.test(each.slice(0, 1000)));
};

const tests: { readonly [op: string]: Test | undefined } = {
  '=': (property, value) => (node) => valuesOf(node, property).includes(value),
  'is-a': isA,
  'descendent-of': (_, value) => (node) => node.hasAncestor(value),
  'is-not-a': (property, value) => negated(isA(property, value)),
  in: isIn,
  'not-in': (property, value) => negated(isIn(property, value)),
  exists: (property, value) => (node) => valuesOf(node, property).length > 0 === (value === 'true'),
  regex: matches,
};

/** @param ancestorsOf a code's ancestors and itself; nothing for a code that the system does not have */
export function filterTest({ property = '', op, value = '' }: Filter, ancestorsOf: (code: string) => ReadonlySet<string>): NodeTest {
  const hierarchical = op === 'is-a' || op === 'descendent-of' || op === 'is-not-a' || op === 'generalizes';
  if (hierarchical && !isHierarchy(property)) throw notSupported('Only concepts have a hierarchy to filter by.');
  if (op === 'generalizes') {
    const wanted = ancestorsOf(value);
    return (node) => wanted.has(node.code);
  }
  const test = tests[op ?? ''];
  if (!test) throw notSupported('The filter operator is not known here.');
  return test(property, value);
}
