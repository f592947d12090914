// https://hl7.org/fhir/R4/codesystem.html — a code system that is a resource with its concepts in it.
import {
  type CodingSystem,
  type Concept,
  type ListedConcept,
  normal,
  type Selected,
  type Selection,
  type Subsumption,
  wordsOf,
} from './coding-system.ts';
import { filterTest } from './filters.ts';
import type { CodeSystem } from './source.ts';
import { type Node, nodesOf, propertyNames } from './tree.ts';

const inactiveStatus = new Set(['retired', 'inactive', 'deprecated']);

export class ResourceSystem implements CodingSystem {
  readonly url: string;
  readonly version?: string;
  readonly name: string;
  readonly complete: boolean;
  readonly caseSensitive: boolean;
  private readonly nodes: ReadonlyMap<string, Node>;
  private readonly keyOf: (code: string) => string;
  private readonly abstractNames: ReadonlySet<string>;

  constructor(resource: CodeSystem) {
    this.url = resource.url ?? '';
    if (resource.version !== undefined) this.version = resource.version;
    this.name = resource.title ?? resource.name ?? this.url;
    this.complete = resource.content === 'complete';
    this.caseSensitive = resource.caseSensitive !== false;
    this.keyOf = this.caseSensitive ? (code) => code : (code) => code.toLowerCase();
    this.nodes = nodesOf(resource, this.keyOf);
    this.abstractNames = propertyNames(resource, 'notSelectable', 'abstract');
  }

  async concept(code: string): Promise<Concept | undefined> {
    const node = this.nodes.get(this.keyOf(code));
    if (!node) return undefined;
    const { definition, property = [] } = node.concept;
    return {
      ...this.listed(node),
      ...(definition === undefined ? {} : { definition }),
      property,
      parents: node.parents.map((each) => each.code),
      children: node.children.map((each) => each.code),
    };
  }

  async select({ filters, codes, text, activeOnly, offset, limit }: Selection): Promise<Selected> {
    const tests = filters.map((filter) => filterTest(filter, (code) => this.upwards(code)));
    const words = text === undefined ? [] : wordsOf(text);
    const from = codes ? distinct(codes.map((code) => this.nodes.get(this.keyOf(code)))) : [...this.nodes.values()];
    const found = from.filter(
      (node) => tests.every((test) => test(node)) && (!activeOnly || !this.isInactive(node)) && hasWords(node, words),
    );
    return { total: found.length, concepts: found.slice(offset, offset + limit).map((node) => this.listed(node)) };
  }

  async subsumption(codeA: string, codeB: string): Promise<Subsumption> {
    const [a, b] = [this.nodes.get(this.keyOf(codeA)), this.nodes.get(this.keyOf(codeB))];
    if (a === b) return 'equivalent';
    if (a && b?.hasAncestor(a.code)) return 'subsumes';
    return b && a?.hasAncestor(b.code) ? 'subsumed-by' : 'not-subsumed';
  }

  private upwards(code: string): ReadonlySet<string> {
    const node = this.nodes.get(this.keyOf(code));
    return node ? new Set([node.code, ...node.ancestorCodes()]) : new Set();
  }

  private listed(node: Node): ListedConcept {
    const { display, designation } = node.concept;
    const abstract = (node.concept.property ?? []).some((each) => this.abstractNames.has(each.code ?? '') && each.valueBoolean === true);
    return {
      code: node.code,
      ...(display === undefined ? {} : { display }),
      ...(this.isInactive(node) ? { inactive: true } : {}),
      ...(abstract ? { abstract: true } : {}),
      ...(designation === undefined ? {} : { designation }),
    };
  }

  private isInactive({ concept }: Node): boolean {
    return (concept.property ?? []).some(
      ({ code, valueBoolean, valueCode }) =>
        (code === 'inactive' && valueBoolean === true) || (code === 'status' && inactiveStatus.has(valueCode?.toLowerCase() ?? '')),
    );
  }
}

function distinct(nodes: readonly (Node | undefined)[]): Node[] {
  return [...new Set(nodes.filter((node) => node !== undefined))];
}

function hasWords({ concept }: Node, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const texts = [concept.display ?? concept.code ?? '', ...(concept.designation ?? []).map(({ value }) => value ?? '')].map(normal);
  return texts.some((text) => words.every((word) => text.includes(word)));
}
