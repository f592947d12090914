// https://hl7.org/fhir/R4/codesystem.html#hierarchy — the concepts of a code system resource: nested ones, and parents and children by property.
import type { ConceptProperty } from './coding-system.ts';
import type { CodeSystem } from './source.ts';

type RawConcept = NonNullable<CodeSystem['concept']>[number];
const uri = (name: string): string => `http://hl7.org/fhir/concept-properties#${name}`;

export class Node {
  readonly concept: RawConcept;
  readonly code: string;
  readonly parents: Node[] = [];
  readonly children: Node[] = [];
  private ancestors: ReadonlySet<string> | undefined;

  constructor(concept: RawConcept, code: string) {
    this.concept = concept;
    this.code = code;
  }

  /** A concept is none of its own ancestors, even in a ring. */
  hasAncestor(code: string): boolean {
    return code !== this.code && this.ancestorCodes().has(code);
  }

  ancestorCodes(): ReadonlySet<string> {
    if (this.ancestors) return this.ancestors;
    const found = new Set<string>();
    const open = [...this.parents];
    for (let next = open.pop(); next; next = open.pop()) {
      if (found.has(next.code)) continue;
      found.add(next.code);
      open.push(...next.parents);
    }
    this.ancestors = found;
    return found;
  }
}

/** Codes of the properties with a meaning that the specification gives: by their uri, or by their usual names. */
export function propertyNames(system: CodeSystem, name: string, ...others: readonly string[]): ReadonlySet<string> {
  const declared = (system.property ?? []).filter((each) => each.uri === uri(name)).map((each) => each.code ?? '');
  return new Set([...declared, name, ...others]);
}

function link(child: Node, parent: Node | undefined): void {
  if (!parent || parent === child || child.parents.includes(parent)) return;
  child.parents.push(parent);
  parent.children.push(child);
}

/** All concepts in the order of the resource. */
export function nodesOf(system: CodeSystem, keyOf: (code: string) => string): Map<string, Node> {
  const nodes = new Map<string, Node>();
  const add = (concepts: readonly RawConcept[], parent: Node | undefined): void => {
    for (const concept of concepts) {
      if (concept.code === undefined) continue;
      const node = nodes.get(keyOf(concept.code)) ?? new Node(concept, concept.code);
      nodes.set(keyOf(concept.code), node);
      link(node, parent);
      add(concept.concept ?? [], node);
    }
  };
  add(system.concept ?? [], undefined);
  const upwards = propertyNames(system, 'parent', 'subsumedBy');
  const downwards = propertyNames(system, 'child');
  const target = (property: ConceptProperty): Node | undefined =>
    property.valueCode === undefined ? undefined : nodes.get(keyOf(property.valueCode));
  for (const node of nodes.values()) {
    for (const property of node.concept.property ?? []) {
      const other = target(property);
      if (other && upwards.has(property.code ?? '')) link(node, other);
      if (other && downwards.has(property.code ?? '')) link(other, node);
    }
  }
  return nodes;
}
