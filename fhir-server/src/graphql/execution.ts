// https://hl7.org/fhir/R4/graphql.html — a query run on a resource or on the system: fields, filters of lists, references, directives.
import { OperationOutcomeError, parseReference } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import type { DirectiveNode, FieldNode, SelectionNode } from 'graphql/language';
import { type Children, childrenOf, type Element, isOfType, isPrimitive, isResource, resourceElement } from './element.ts';
import { queryFault } from './fault.ts';
import { Output, type Shape } from './output.ts';
import { answerName, type Plain, type Query } from './query.ts';
import { connectionFields, searchParams } from './search.ts';
import type { Connection, Source } from './source.ts';

type Path = readonly (string | number)[];

export interface FieldError {
  readonly message: string;
  readonly path: Path;
}

export interface Result {
  readonly data: { readonly [name: string]: unknown };
  readonly errors: readonly FieldError[];
}

/** What the fields of an element are put into. */
interface Target {
  readonly output: Output;
  readonly path: Path;
  /** Elements of a list are flattened here. */
  readonly isFlattened: boolean;
  /** ".official" of a sliced list. */
  readonly suffix: string;
}

/** Reads and searches of one query. */
const maximumRequests = 200;
/** Resources that its searches find. */
const maximumFound = 5000;

const directiveOf = ({ directives }: FieldNode, name: string): DirectiveNode | undefined =>
  directives?.find((each) => each.name.value === name);
const has = (field: FieldNode, name: string): boolean => directiveOf(field, name) !== undefined;

export class Execution {
  private readonly query: Query;
  private readonly source: Source;
  private readonly definitions: Definitions;
  private readonly errors: FieldError[] = [];
  private readonly known = new Map<string, Promise<object | undefined>>();
  private requests = 0;
  private found = 0;

  constructor(query: Query, source: Source, definitions: Definitions) {
    this.query = query;
    this.source = source;
    this.definitions = definitions;
  }

  /** @throws OperationOutcomeError when the query is at fault or too costly */
  async ofResource(resource: object): Promise<Result> {
    const target = { output: new Output(), path: [], isFlattened: false, suffix: '' };
    await this.fields(resourceElement(resource), this.query.selections, target);
    return { data: target.output.json(), errors: this.errors };
  }

  /** @throws OperationOutcomeError when the query is at fault or too costly */
  async ofSystem(): Promise<Result> {
    const target = { output: new Output(), path: [], isFlattened: false, suffix: '' };
    await this.rootFields(this.query.selections, target);
    return { data: target.output.json(), errors: this.errors };
  }

  private async rootFields(selections: readonly SelectionNode[], target: Target): Promise<void> {
    for (const selection of selections) {
      if (!this.query.isIncluded(selection.directives)) continue;
      if (selection.kind !== 'Field') {
        const { type, selections: inner } = this.query.fragmentOf(selection);
        if (type === undefined || type === 'Query') await this.rootFields(inner, target);
        continue;
      }
      const name = selection.name.value;
      if (name === '__typename') target.output.add(answerName(selection), ['Query'], 'one', false);
      else if (isResource(this.definitions, name)) await this.single(selection, target);
      else if (!(await this.searched(undefined, selection, target))) throw queryFault('The query has a field that does not exist.');
    }
  }

  /** `Patient(id: "1")` */
  private async single(field: FieldNode, target: Target): Promise<void> {
    const args = this.query.args(field.arguments);
    const id = args.get('id');
    if (typeof id !== 'string' || args.size !== 1) throw queryFault('A resource is asked for by its id.', 'required');
    const path = [...target.path, answerName(field)];
    const resource = await this.read(`${field.name.value}/${id}`);
    if (!resource) this.fail(target, answerName(field), 'There is no such resource.');
    else target.output.add(answerName(field), [await this.object(resourceElement(resource), field, path)], 'one', false);
  }

  /** `PatientList` and `PatientConnection`, also of what refers to a resource; false for any other field. */
  private async searched(referred: Element | undefined, field: FieldNode, target: Target): Promise<boolean> {
    const [, type = '', kind] = /^([A-Z][A-Za-z]*?)(List|Connection)$/.exec(field.name.value) ?? [];
    if (kind === undefined || !isResource(this.definitions, type)) return false;
    const { id, resourceType } = (referred?.value ?? {}) as { id?: unknown; resourceType?: unknown };
    const params = searchParams(this.query.args(field.arguments), referred ? `${resourceType}/${id}` : undefined);
    const path = [...target.path, answerName(field)];
    const wantsCount = (field.selectionSet?.selections ?? []).some((each) => each.kind === 'Field' && each.name.value === 'count');
    const found = await this.refusable(target, answerName(field), async () => {
      this.count();
      return this.source.search(type, params, kind === 'Connection' && wantsCount);
    });
    if (!found) return true;
    this.found += found.edges.length;
    if (this.found > maximumFound) throw queryFault('The query finds too many resources.', 'too-costly');
    if (kind === 'Connection') target.output.add(answerName(field), [await this.connection(found, field, path)], 'one', false);
    else {
      const matches = found.edges.filter(({ mode }) => mode === undefined || mode === 'match');
      const elements = matches.map(({ resource }) => resourceElement(resource));
      await this.put(field, { elements, isList: true }, target);
    }
    return true;
  }

  private async connection(found: Connection, field: FieldNode, path: Path): Promise<unknown> {
    const output = new Output();
    for (const selection of this.plainFields(field)) {
      const values = connectionFields(found, selection.name.value);
      if (selection.name.value !== 'edges') {
        output.add(answerName(selection), values, 'one', false);
        continue;
      }
      const edges: unknown[] = [];
      for (const [i, edge] of found.edges.entries()) {
        const inner = new Output();
        for (const each of this.plainFields(selection)) {
          const name = each.name.value;
          if (name === 'resource') {
            const resource = await this.object(resourceElement(edge.resource), each, [...path, 'edges', i, 'resource']);
            inner.add(answerName(each), [resource], 'one', false);
          } else if (name === 'mode' || name === 'score')
            inner.add(answerName(each), edge[name] === undefined ? [] : [edge[name]], 'one', false);
          else throw queryFault('The query has a field that does not exist.');
        }
        edges.push(inner.json());
      }
      output.add(answerName(selection), edges, 'list', false);
    }
    return output.json();
  }

  /** Fields of what is no FHIR element; it has no types for fragments to name. */
  private plainFields(field: FieldNode): FieldNode[] {
    const flat = (selections: readonly SelectionNode[]): FieldNode[] =>
      selections
        .filter(({ directives }) => this.query.isIncluded(directives))
        .flatMap((each) => (each.kind === 'Field' ? [each] : flat(this.query.fragmentOf(each).selections)));
    return flat(field.selectionSet?.selections ?? []);
  }

  private async fields(element: Element, selections: readonly SelectionNode[], target: Target): Promise<void> {
    for (const selection of selections) {
      if (!this.query.isIncluded(selection.directives)) continue;
      if (selection.kind === 'Field') await this.field(element, selection, target);
      else {
        const { type, selections: inner } = this.query.fragmentOf(selection);
        if (type === undefined || isOfType(this.definitions, element.type, type)) await this.fields(element, inner, target);
      }
    }
  }

  private async field(element: Element, field: FieldNode, target: Target): Promise<void> {
    const name = field.name.value;
    const isOfResource = isResource(this.definitions, element.type);
    if (name === '__typename' || (name === 'resourceType' && isOfResource)) {
      target.output.add(answerName(field) + target.suffix, [element.type], target.isFlattened ? 'list' : 'one', target.isFlattened);
      return;
    }
    if (element.type === 'Reference' && name === 'resource') return this.resolved(element, field, target);
    const children = childrenOf(this.definitions, element, name);
    if (children) return this.put(field, { ...children, elements: await this.filtered(field, children) }, target);
    if (!isOfResource || !(await this.searched(element, field, target))) throw queryFault('The query has a field that does not exist.');
  }

  /** Elements of a list that the arguments name: by place, by a condition, by the value of an element of theirs. */
  private async filtered(field: FieldNode, { elements, isList }: Children): Promise<readonly Element[]> {
    const args = this.query.args(field.arguments);
    if (args.size > 0 && !isList) throw queryFault('Only lists are filtered.');
    let kept = elements;
    for (const [name, value] of args) {
      if (name === '_offset' || name === '_count') continue;
      if (name === 'fhirpath') kept = await this.meeting(String(value), kept);
      else kept = kept.filter((each) => this.hasValue(each, name, value));
    }
    const offset = place(args.get('_offset'), 0);
    return kept.slice(offset, offset + place(args.get('_count'), kept.length));
  }

  private async meeting(expression: string, elements: readonly Element[]): Promise<readonly Element[]> {
    const [first] = elements;
    if (!first) return [];
    this.count();
    const isMet = await this.source.filter(
      expression,
      first.type,
      elements.map(({ value }) => value),
    );
    return elements.filter((_, i) => isMet[i]);
  }

  private hasValue(element: Element, name: string, value: Plain): boolean {
    const children = childrenOf(this.definitions, element, name);
    if (!children) throw queryFault('A list is filtered by an element that it does not have.');
    return children.elements.some((each) => String(each.value) === String(value));
  }

  /** https://hl7.org/fhir/R4/graphql.html#references */
  private async resolved(element: Element, field: FieldNode, target: Target): Promise<void> {
    const args = this.query.args(field.arguments);
    if ([...args.keys()].some((name) => name !== 'optional' && name !== 'type'))
      throw queryFault('resource takes the arguments optional and type.');
    const { reference } = element.value as { reference?: unknown };
    const wanted = args.get('type');
    const resource = typeof reference === 'string' ? await this.referred(element, reference, wanted) : undefined;
    if (resource && (wanted === undefined || wanted === resource.type))
      return this.put(field, { elements: [resource], isList: false }, target);
    // A reference to another type than asked for is no fault.
    if (args.get('optional') === true || resource || wanted !== undefined) return;
    this.fail(target, answerName(field), 'The reference cannot be resolved.');
  }

  private async referred({ root }: Element, reference: string, wanted: Plain | undefined): Promise<Element | undefined> {
    if (reference.startsWith('#')) {
      const contained = Array.isArray(root['contained']) ? (root['contained'] as { id?: unknown }[]) : [];
      const found = contained.find(({ id }) => `#${id}` === reference);
      return found && { ...resourceElement(found), root };
    }
    const literal = parseReference(reference);
    if (!literal || (wanted !== undefined && wanted !== literal.type)) return undefined;
    const resource = await this.read(reference);
    return resource && resourceElement(resource);
  }

  /** Puts the values of a field where they belong. */
  private async put(field: FieldNode, { elements, isList }: Children, target: Target): Promise<void> {
    const isFirst = has(field, 'first');
    const slice = directiveOf(field, 'slice');
    if (isFirst && slice) throw queryFault('@first and @slice exclude each other.');
    const values = isFirst ? elements.slice(0, 1) : elements;
    const isFlattened = has(field, 'flatten');
    const list = isList && !isFirst && !slice;
    for (const [i, value] of slice ? values.entries() : []) {
      const suffix = `${target.suffix}.${this.sliceOf(value, i, this.query.args(slice?.arguments).get('path'))}`;
      await this.putAll(field, [value], { ...target, suffix }, { isFlattened, isList: list });
    }
    if (!slice) await this.putAll(field, values, target, { isFlattened, isList: list });
  }

  private async putAll(
    field: FieldNode,
    values: readonly Element[],
    target: Target,
    how: { isFlattened: boolean; isList: boolean },
  ): Promise<void> {
    const { selectionSet } = field;
    const alias = answerName(field);
    const isHere = target.isFlattened;
    if (how.isFlattened) {
      if (!selectionSet) throw queryFault('What is flattened has fields.');
      for (const value of values) await this.fields(value, selectionSet.selections, { ...target, isFlattened: isHere || how.isList });
      return;
    }
    const shape: Shape = has(field, 'singleton') ? 'singleton' : how.isList || isHere ? 'list' : 'one';
    const path = [...target.path, alias];
    const items = await Promise.all(values.map((value, i) => this.item(value, field, shape === 'list' ? [...path, i] : path)));
    target.output.add(alias + target.suffix, items, shape, isHere);
  }

  private async item(element: Element, field: FieldNode, path: Path): Promise<unknown> {
    if (!isPrimitive(this.definitions, element.type)) return this.object(element, field, path);
    if (field.selectionSet) throw queryFault('A primitive has no fields.');
    return element.value;
  }

  private async object(element: Element, { selectionSet }: FieldNode, path: Path): Promise<unknown> {
    if (!selectionSet) throw queryFault('The query must say which fields of an element it wants.', 'required');
    const output = new Output();
    await this.fields(element, selectionSet.selections, { output, path, isFlattened: false, suffix: '' });
    return output.json();
  }

  /** What names a slice: the place of the element, or the value of a path of plain elements in it. */
  private sliceOf(element: Element, index: number, path: Plain | undefined): string {
    if (path === '$index') return String(index);
    if (typeof path !== 'string' || !/^\w+(?:\.\w+)*$/.test(path)) throw queryFault('@slice takes a path of elements, or $index.');
    let at: readonly Element[] = [element];
    for (const step of path.split('.')) at = at.flatMap((each) => childrenOf(this.definitions, each, step)?.elements ?? []);
    return at.map(({ value }) => String(value)).join();
  }

  /** A resource that is met again is not read again. */
  private async read(reference: string): Promise<object | undefined> {
    const known = this.known.get(reference);
    if (known) return known;
    this.count();
    const reading = this.source.read(reference);
    this.known.set(reference, reading);
    return reading;
  }

  private count(): void {
    this.requests += 1;
    if (this.requests > maximumRequests) throw queryFault('The query needs too many reads and searches.', 'too-costly');
  }

  /** A refused search costs its field, not the answer. */
  private async refusable<T>(target: Target, alias: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof OperationOutcomeError) || error.issues[0]?.code === 'too-costly' || error.status >= 500) throw error;
      this.fail(target, alias, error.issues[0]?.diagnostics ?? 'The search is refused.');
      return undefined;
    }
  }

  private fail({ output, path, suffix }: Target, alias: string, message: string): void {
    output.none(alias + suffix);
    this.errors.push({ message, path: [...path, alias] });
  }
}

/** A number of elements. */
function place(value: Plain | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw queryFault('_offset and _count are whole numbers.', 'value');
}
