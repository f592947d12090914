// The search parameters of each resource type, compiled when first used.
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { compilePaths, type Path } from './path.ts';
import { addValues, type Value, type ValueKind } from './value.ts';

/** One repetition of a composite: the values of each component, in the definition's order. */
export interface Group {
  /** What the repetition is made of, whichever parameter asks: `combo-` parameters share the groups of the others. */
  readonly name: string;
  readonly parts: readonly (readonly Value[])[];
}

export interface Parameter {
  readonly code: string;
  readonly kind: ValueKind;
  readonly definition: SearchParameterDefinition;
  /** Values of the resource; composites have groups instead. */
  values(resource: unknown): Value[];
  /** Composite: its repetitions that have a value for every component. */
  groups(resource: unknown): Group[];
  /** Composite: the names that its groups can have. */
  readonly groupNames: readonly string[];
  /** Composite: the definitions of its components, in order. */
  readonly components: readonly SearchParameterDefinition[];
}

type Table = Map<string, Map<string, Parameter>>;
const tables = new WeakMap<Definitions, Table>();

/** The parameters that apply to a type by code, with those of Resource and DomainResource; those without an expression are left out. */
export function parametersOf(definitions: Definitions, type: string): ReadonlyMap<string, Parameter> {
  let table = tables.get(definitions);
  if (!table) {
    table = new Map();
    tables.set(definitions, table);
  }
  let found = table.get(type);
  if (!found) {
    found = compileType(definitions, type);
    table.set(type, found);
  }
  return found;
}

function compileType(definitions: Definitions, type: string): Map<string, Parameter> {
  const found = new Map<string, Parameter>();
  for (const definition of definitions.searchParameters) {
    if (definition.type === 'special' || definition.expression === undefined) continue;
    if (!definition.base.some((b) => b === type || b === 'Resource' || b === 'DomainResource')) continue;
    found.set(definition.code, compileParameter(definitions, type, definition, definition.expression));
  }
  return found;
}

function collectValues(kind: ValueKind, paths: readonly Path[], context: unknown, resource: unknown): Value[] {
  const values: Value[] = [];
  const elements: unknown[] = [];
  for (const path of paths) {
    elements.length = 0;
    path.collect(context, resource, elements);
    for (const element of elements) addValues(kind, path, element, values);
  }
  return values;
}

const none = (): never[] => [];

function compileParameter(definitions: Definitions, type: string, definition: SearchParameterDefinition, expression: string): Parameter {
  const paths = compilePaths(definitions, type, expression);
  const { code } = definition;
  if (definition.type !== 'composite') {
    const kind = definition.type;
    return {
      code,
      kind,
      definition,
      groups: none,
      groupNames: [],
      components: [],
      values: (resource) => collectValues(kind, paths, resource, resource),
    };
  }
  return compileComposite(definitions, type, definition, paths);
}

function compileComposite(
  definitions: Definitions,
  type: string,
  definition: SearchParameterDefinition,
  paths: readonly Path[],
): Parameter {
  const components = (definition.component ?? []).map((component) => {
    const target = definitions.searchParameters.find((p) => p.url === component.definition);
    if (!target) throw new SyntaxError('A composite search parameter names an unknown component.');
    return { target, expression: component.expression };
  });
  const shape = components.map((c) => `${c.target.type} ${c.expression}`).join(', ');
  const contexts = paths.map((path) => ({
    path,
    name: `${type} ${path.type}: ${shape}`,
    parts: components.map((c) => ({ kind: c.target.type, paths: compilePaths(definitions, type, c.expression, path.type) })),
  }));
  const groups = (resource: unknown): Group[] =>
    contexts.flatMap(({ path, name, parts }) => {
      const elements: unknown[] = [];
      path.collect(resource, resource, elements);
      return elements
        .map((element) => ({ name, parts: parts.map((part) => collectValues(part.kind, part.paths, element, resource)) }))
        .filter((group) => group.parts.every((values) => values.length > 0));
    });
  return {
    code: definition.code,
    kind: 'composite',
    definition,
    values: none,
    groups,
    groupNames: contexts.map((c) => c.name),
    components: components.map((c) => c.target),
  };
}
