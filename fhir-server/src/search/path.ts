// Search expressions compiled to closures. Every path ends in a datatype known from the definitions, so that values need no guessing later.
import type { Definitions } from '@limen/fhir-model/definitions';
import { type Expression, parseExpression } from './expression.ts';

type Node = { readonly [name: string]: unknown };

/** One way through the resource: where it starts, what it visits, and the datatype at its end. */
export interface Path {
  /** Datatype or resource type of the values, "Observation.component" for a backbone. */
  readonly type: string;
  /** Canonical of a required value set of the last element. */
  readonly valueSet: string | undefined;
  collect(context: unknown, resource: unknown, out: unknown[]): void;
}

interface Branch {
  readonly type: string;
  readonly valueSet: string | undefined;
  readonly steps: readonly Step[];
  readonly fromResource: boolean;
}

type Step =
  | { readonly name: string }
  | { readonly nth: number }
  | { readonly test: (value: unknown, resource: unknown) => boolean }
  | { readonly map: (value: unknown, resource: unknown) => unknown };

function walk(node: unknown, steps: readonly Step[], at: number, resource: unknown, out: unknown[]): void {
  const step = steps[at];
  if (step === undefined) {
    out.push(node);
  } else if ('name' in step) {
    const value = (node as Node)[step.name];
    if (value === undefined || value === null) return;
    if (!Array.isArray(value)) walk(value, steps, at + 1, resource, out);
    else walkItems(value, steps, at + 1, resource, out);
  } else if ('test' in step) {
    if (step.test(node, resource)) walk(node, steps, at + 1, resource, out);
  } else if ('map' in step) {
    const value = step.map(node, resource);
    if (value !== undefined) walk(value, steps, at + 1, resource, out);
  } else walk(node, steps, at + 1, resource, out);
}

/** Items of a repeating element; an `[n]` right after it picks one. Null only holds the place of a primitive's extension. */
function walkItems(items: readonly unknown[], steps: readonly Step[], at: number, resource: unknown, out: unknown[]): void {
  const next = steps[at];
  if (next !== undefined && 'nth' in next) {
    const item = items[next.nth];
    if (item !== undefined && item !== null) walk(item, steps, at + 1, resource, out);
    return;
  }
  for (const item of items) if (item !== undefined && item !== null) walk(item, steps, at, resource, out);
}

const referencedType = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** The type that a reference names by its text (or its `type`): searches never follow references. */
function typeOfReference(value: unknown): string | undefined {
  const { reference, type } = (value ?? {}) as Node;
  if (typeof reference === 'string') {
    const found = referencedType.exec(reference)?.[1];
    if (found) return found;
  }
  return typeof type === 'string' ? type : undefined;
}

const bases: { readonly [type: string]: string | undefined } = {
  canonical: 'uri',
  url: 'uri',
  oid: 'uri',
  uuid: 'uri',
  code: 'string',
  id: 'string',
  markdown: 'string',
  positiveInt: 'integer',
  unsignedInt: 'integer',
  Age: 'Quantity',
  Count: 'Quantity',
  Distance: 'Quantity',
  Duration: 'Quantity',
};

/** Case does not count: R4 itself writes ofType(DateTime). */
function isType(type: string, wanted: string): boolean {
  if (type.toLowerCase() === wanted.toLowerCase()) return true;
  const base = bases[type];
  return base !== undefined && isType(base, wanted);
}

/** An element that an expression visits, in its path or in a condition of it. */
export interface VisitedElement {
  readonly type: string;
  readonly name: string;
}

/** Ways through a resource that one expression may have: choices inside of choices multiply. */
const maximumBranches = 2000;

class Compiler {
  private readonly definitions: Definitions;
  private readonly root: string;
  readonly visited = new Map<string, VisitedElement>();

  constructor(definitions: Definitions, root: string) {
    this.definitions = definitions;
    this.root = root;
  }

  compile(expression: Expression, context: readonly Branch[]): Branch[] {
    switch (expression.kind) {
      case 'name':
        return this.name(expression.name, context);
      case 'resource':
        return [{ type: this.root, valueSet: undefined, steps: [], fromResource: true }];
      case 'member':
        return this.member(this.compile(expression.of, context), expression.name);
      case 'index':
        return this.compile(expression.of, context).map((b) => ({ ...b, steps: [...b.steps, { nth: expression.index }] }));
      case 'call':
        return this.call(expression, context);
      case 'type':
        return this.compile(expression.of, context).filter((b) => isType(b.type, expression.type));
      case 'binary':
        if (expression.operator === '|') return [...this.compile(expression.left, context), ...this.compile(expression.right, context)];
        return context.map((b) => this.computed(b, expression));
      case 'literal':
        throw new SyntaxError('A search expression selects a literal.');
    }
  }

  /** A leading type name is the resource itself, or nothing when it is another type's part of a shared expression. */
  private name(name: string, context: readonly Branch[]): Branch[] {
    if (!/^[A-Z]/.test(name)) return this.member(context, name);
    if (name === this.root || name === 'Resource' || name === 'DomainResource') return [...context];
    return [];
  }

  private member(branches: readonly Branch[], name: string): Branch[] {
    const found = branches.flatMap((branch) => {
      const elements = this.definitions.types[branch.type]?.elements ?? [];
      return elements.flatMap((element): Branch[] => {
        const choice = element.name.endsWith('[x]');
        if (choice ? element.name.slice(0, -3) !== name : element.name !== name) return [];
        this.visited.set(`${branch.type}.${element.name}`, { type: branch.type, name: element.name });
        return element.types.map(({ code }) => ({
          type: code,
          valueSet: element.valueSet,
          steps: [...branch.steps, { name: choice ? name + code.charAt(0).toUpperCase() + code.slice(1) : name }],
          fromResource: branch.fromResource,
        }));
      });
    });
    if (found.length > maximumBranches) throw new SyntaxError('A search expression goes too many ways.');
    return found;
  }

  private call(expression: Expression & { kind: 'call' }, context: readonly Branch[]): Branch[] {
    const { name, argument } = expression;
    const input = expression.of ? this.compile(expression.of, context) : [...context];
    if ((name === 'ofType' || name === 'as') && argument?.kind === 'name') return input.filter((b) => isType(b.type, argument.name));
    if (name === 'where' && argument) {
      return input.map((b) => ({ ...b, steps: [...b.steps, { test: this.predicate(argument, b) }] }));
    }
    if (name === 'extension' && argument?.kind === 'literal') {
      const url = argument.value;
      return this.member(input, 'extension').map((b) => ({ ...b, steps: [...b.steps, { test: (v) => (v as Node)['url'] === url }] }));
    }
    if (name === 'exists' || name === 'not') return context.map((b) => this.computed(b, expression));
    throw new SyntaxError('A search expression calls an unsupported function.');
  }

  /** A boolean expression yields true or nothing-or-false like FHIRPath: the value itself is indexed. */
  private computed(context: Branch, expression: Expression): Branch {
    const test = this.predicate(expression, context);
    return { type: 'boolean', valueSet: undefined, steps: [...context.steps, { map: test }], fromResource: context.fromResource };
  }

  private predicate(expression: Expression, context: Branch): (value: unknown, resource: unknown) => boolean {
    if (expression.kind === 'binary' && (expression.operator === 'and' || expression.operator === 'or')) {
      const left = this.predicate(expression.left, context);
      const right = this.predicate(expression.right, context);
      return expression.operator === 'and' ? (v, r) => left(v, r) && right(v, r) : (v, r) => left(v, r) || right(v, r);
    }
    if (expression.kind === 'binary' && expression.operator !== '|') return this.comparison(expression, context);
    if (expression.kind === 'type' && expression.of.kind === 'call' && expression.of.name === 'resolve') {
      const { type } = expression;
      return (v) => typeOfReference(v) === type;
    }
    if (expression.kind === 'call' && expression.name === 'not' && expression.of) {
      const inner = this.predicate(expression.of, context);
      return (v, r) => !inner(v, r);
    }
    const select = this.selector(
      expression.kind === 'call' && expression.name === 'exists' && expression.of ? expression.of : expression,
      context,
    );
    if (expression.kind === 'call' && expression.name === 'exists') return (v, r) => select(v, r).length > 0;
    return (v, r) => select(v, r)[0] === true;
  }

  private comparison(expression: Expression & { kind: 'binary' }, context: Branch): (value: unknown, resource: unknown) => boolean {
    const { left, right, operator } = expression;
    if (right.kind !== 'literal') throw new SyntaxError('A search expression compares with something else than a literal.');
    const select = this.selector(left, context);
    const expected = right.value;
    // An empty left side makes the comparison empty in FHIRPath, which selects nothing.
    if (operator === '=') return (v, r) => select(v, r).some((x) => x === expected);
    return (v, r) => {
      const found = select(v, r);
      return found.length > 0 && !found.some((x) => x === expected);
    };
  }

  private selector(expression: Expression, context: Branch): (value: unknown, resource: unknown) => unknown[] {
    const branches = this.compile(expression, [{ type: context.type, valueSet: undefined, steps: [], fromResource: false }]);
    return (value, resource) => {
      const out: unknown[] = [];
      for (const b of branches) walk(b.fromResource ? resource : value, b.steps, 0, resource, out);
      return out;
    };
  }
}

/**
 * Compiles an expression for one resource type.
 * @param contextType type of what the expression starts from; another than `root` for components of composites
 */
export function compilePaths(definitions: Definitions, root: string, expression: string, contextType: string = root): Path[] {
  const compiler = new Compiler(definitions, root);
  const start: Branch = { type: contextType, valueSet: undefined, steps: [], fromResource: false };
  return compiler.compile(parseExpression(expression), [start]).map(({ type, valueSet, steps, fromResource }) => ({
    type,
    valueSet,
    collect: (context, resource, out) => walk(fromResource ? resource : context, steps, 0, resource, out),
  }));
}

/** The elements that an expression visits. */
export function visitedElements(definitions: Definitions, root: string, expression: string, contextType: string = root): VisitedElement[] {
  const compiler = new Compiler(definitions, root);
  compiler.compile(parseExpression(expression), [{ type: contextType, valueSet: undefined, steps: [], fromResource: false }]);
  return [...compiler.visited.values()];
}
