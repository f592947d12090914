// The search parameters of each resource type, compiled when first used.
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { compilePaths, type Path } from './path.ts';
import { ownPatientParameters, selectsOwnPatient } from './patient.ts';
import { unions } from './union.ts';
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
  /** Parameters of the type that together select the same elements (`combo-code`: `code` and `component-code`): only they are indexed. */
  readonly unionOf: readonly string[];
  /** Reference: types that a bare id may name. */
  readonly targets: readonly string[];
  /** Reference: patients among its values are the own patient of the resource. */
  readonly ownPatient: boolean;
  /** Composite: the definitions of its components, in order. */
  readonly components: readonly SearchParameterDefinition[];
}

type Table = Map<string, ReadonlyMap<string, Parameter>>;
const tables = new WeakMap<Definitions, Table>();

interface Overlay {
  readonly base: Definitions;
  readonly added: readonly SearchParameterDefinition[];
}
const overlays = new WeakMap<Definitions, Overlay>();

/** The definitions with search parameters that users define: another object, for definitions never change. What is compiled of `base` is shared. */
export function withParameters(base: Definitions, added: readonly SearchParameterDefinition[]): Definitions {
  const whole = { ...base, searchParameters: [...base.searchParameters, ...added] };
  overlays.set(whole, { base, added });
  return whole;
}

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

function compileType(definitions: Definitions, type: string): ReadonlyMap<string, Parameter> {
  const overlay = overlays.get(definitions);
  if (!overlay) return compileDefined(definitions, type);
  const defined = parametersOf(overlay.base, type);
  const added = overlay.added.filter((d) => d.base.includes(type));
  return added.length === 0 ? defined : new Map([...defined, ...added.map((d) => [d.code, compileAdded(definitions, type, d)] as const)]);
}

/** A parameter of a user: never a union of others, and its groups are its own, so that it leaves the rows of R4's parameters as they are. */
export function compileAdded(definitions: Definitions, type: string, definition: SearchParameterDefinition): Parameter {
  const paths = compilePaths(definitions, type, definition.expression ?? '');
  if (definition.type === 'composite') return compileComposite(definitions, type, definition, paths, `${definition.code} `);
  return { ...compileSimple(definitions, type, definition, paths, []), ownPatient: false };
}

function compileDefined(definitions: Definitions, type: string): Map<string, Parameter> {
  const own = definitions.searchParameters.filter(
    (d) =>
      d.type !== 'special' && d.expression !== undefined && d.base.some((b) => b === type || b === 'Resource' || b === 'DomainResource'),
  );
  const together = unions(type, own);
  return new Map(own.map((d) => [d.code, compileParameter(definitions, type, d, d.expression ?? '', together.get(d.code) ?? [])]));
}

/** The parameter by which resources of a type are found by their own patient: `patient`, `subject` or `beneficiary`. */
export function ownPatientParameter(definitions: Definitions, type: string): string | undefined {
  const parameters = parametersOf(definitions, type);
  return ownPatientParameters.find((name) => parameters.get(name)?.ownPatient);
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

/** Types that a bare id may name: those of the parameter, only Patient when its expression says so. */
function bareTargets(definition: SearchParameterDefinition, type: string, definitions: Definitions): readonly string[] {
  const own = (definition.expression ?? '').split('|').filter((part) => part.trim().startsWith(`${type}.`));
  const only = own.map((part) => /resolve\(\) is ([A-Za-z]+)/.exec(part)?.[1]);
  if (only.length > 0 && only.every((t) => t !== undefined)) return only;
  if (own.length === 1) {
    const element = /^[A-Za-z]+\.([A-Za-z]+)$/.exec(own[0]?.trim() ?? '')?.[1];
    const found = definitions.types[type]?.elements.find((e) => e.name === element);
    const targets = found?.types.flatMap((t) => t.targets ?? []) ?? [];
    if (targets.length > 0 && !targets.includes('Resource')) return targets;
  }
  return definition.target ?? [];
}

function compileParameter(
  definitions: Definitions,
  type: string,
  definition: SearchParameterDefinition,
  expression: string,
  unionOf: readonly string[],
): Parameter {
  const paths = compilePaths(definitions, type, expression);
  if (definition.type === 'composite') return compileComposite(definitions, type, definition, paths, '');
  return compileSimple(definitions, type, definition, paths, unionOf);
}

function compileSimple(
  definitions: Definitions,
  type: string,
  definition: SearchParameterDefinition,
  paths: readonly Path[],
  unionOf: readonly string[],
): Parameter {
  const { code, type: kind, expression = '' } = definition;
  const isReference = kind === 'reference';
  return {
    code,
    kind,
    definition,
    groups: none,
    groupNames: [],
    components: [],
    unionOf,
    targets: isReference ? bareTargets(definition, type, definitions) : [],
    ownPatient: isReference && selectsOwnPatient(definitions, type, expression),
    values: (resource) => collectValues(kind, paths, resource, resource),
  };
}

function compileComposite(
  definitions: Definitions,
  type: string,
  definition: SearchParameterDefinition,
  paths: readonly Path[],
  owner: string,
): Parameter {
  const components = (definition.component ?? []).map((component) => {
    const target = definitions.searchParameters.find((p) => p.url === component.definition);
    if (!target) throw new SyntaxError('A composite search parameter names an unknown component.');
    return { target, expression: component.expression };
  });
  const shape = components.map((c) => `${c.target.type} ${c.expression}`).join(', ');
  const contexts = paths.map((path) => ({
    path,
    name: `${owner}${type} ${path.type}: ${shape}`,
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
    unionOf: [],
    targets: [],
    ownPatient: false,
    components: components.map((c) => c.target),
  };
}

/** Types that a reference parameter may lead to. */
export function targetsOf(definitions: Definitions, type: string, code: string): readonly string[] {
  return parametersOf(definitions, type).get(code)?.targets ?? [];
}
