// https://hl7.org/fhirpath/N1/ — FHIRPath expressions of definitions as functions. Node only: kept out of the browser-safe index.
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';

export interface FhirPathContext {
  /** `%resource`: the resource that the value stands in. */
  readonly resource: unknown;
  /** `%rootResource`: for a contained resource the one around it. */
  readonly rootResource?: unknown;
}

/** Evaluates on one value of JSON; the result is the collection as plain JavaScript. @throws Error where the expression has no answer */
export type FhirPath = (value: unknown, context: FhirPathContext) => readonly unknown[];

interface Engine {
  compile(
    path: { base: string; expression: string } | string,
    model: unknown,
    options: { traceFn: () => void; resolveInternalTypes?: boolean; userInvocationTable?: PathFunctions },
  ): (value: unknown, variables: { [name: string]: unknown }) => unknown[];
  parse(expression: string): PathTree;
}

interface PathTree {
  readonly type?: string;
  readonly text?: string;
  readonly children?: readonly PathTree[];
}

const require = createRequire(import.meta.url);
let engine: { readonly fhirpath: Engine; readonly r4: unknown } | undefined;

/** Without this the engine prints what `trace()` is given: content of resources. */
const silent = { traceFn: () => {} };

function loaded(): NonNullable<typeof engine> {
  engine ??= { fhirpath: require('fhirpath') as Engine, r4: require('fhirpath/fhir-context/r4') };
  return engine;
}

/** Longer than any definition needs. */
const maxLength = 10_000;
const timeoutMs = 100;
/** Functions that can run for hours on a short value: regular expressions, and loops over what they make themselves. Names in backticks can be spelled in any way. */
const unbounded = /matches|repeat|aggregate|`/i;

const guarded = createContext({ run: undefined });
const script = new Script('run()');

/** Definitions come from users: what does not end is ended. */
function withinTime<T>(run: () => T): T {
  guarded['run'] = run;
  return script.runInContext(guarded, { timeout: timeoutMs }) as T;
}

/**
 * Compiles an expression for values of one type. The engine is loaded at the first use (0.2 s), so that who only serves base resources does
 * not pay for it. `resolve()` and `memberOf()` have no server to ask: their evaluation throws.
 * @param type what the values are: a resource type, a datatype or the path of a backbone element ("Observation.component")
 * @throws Error when the expression is not FHIRPath; its evaluation throws also when it takes longer than 0.1 s
 */
export function compileFhirPath(expression: string, type: string): FhirPath {
  if (expression.length > maxLength) throw new Error('The expression is too long.');
  const { fhirpath, r4 } = loaded();
  const evaluate = fhirpath.compile({ base: type, expression }, r4, silent);
  if (!unbounded.test(expression)) return (value, { resource, rootResource = resource }) => evaluate(value, { resource, rootResource });
  return (value, { resource, rootResource = resource }) => withinTime(() => evaluate(value, { resource, rootResource }));
}

/** Whether a condition is surely broken; an empty collection says nothing: a required element is missing, or dates can't be compared. */
export function isFalse(result: readonly unknown[]): boolean {
  return result.length === 1 && result[0] === false;
}

/** Whether a condition surely holds. */
export function isTrue(result: readonly unknown[]): boolean {
  return result.length === 1 && result[0] === true;
}

/** What the engine knows of a value that stands in the resource. */
interface ResourceNode {
  readonly parentResNode?: ResourceNode | null;
  readonly propName?: string | null;
  readonly index?: number | null;
  readonly fhirNodeDataType?: string | null;
  readonly path?: string | null;
}

/**
 * Compiles a path of a resource type; it gives the places of its elements in the JSON ("name", 0, "given", 1), undefined for a result that is
 * no element of the resource.
 * @throws Error when the expression is not FHIRPath
 */
export function compileFhirPathPlaces(
  expression: string,
  type: string,
): (resource: unknown) => readonly ((string | number)[] | undefined)[] {
  const { fhirpath, r4 } = loaded();
  const evaluate = fhirpath.compile({ base: type, expression }, r4, { ...silent, resolveInternalTypes: false });
  return (resource) => evaluate(resource, { resource }).map((node) => placeOf(node, resource));
}

function placeOf(result: unknown, resource: unknown): (string | number)[] | undefined {
  const chain: ResourceNode[] = [];
  let node = result as ResourceNode | undefined;
  if (typeof node !== 'object' || node === null || !('parentResNode' in node)) return undefined;
  for (; node?.parentResNode; node = node.parentResNode) chain.unshift(node);
  const place: (string | number)[] = [];
  let value: unknown = resource;
  for (const { propName, index, fhirNodeDataType } of chain) {
    if (typeof propName !== 'string' || typeof value !== 'object' || value === null) return undefined;
    // A choice is named without its type.
    const typed = propName + (fhirNodeDataType ?? '').charAt(0).toUpperCase() + (fhirNodeDataType ?? '').slice(1);
    const name = [propName, typed].find((each) => each in (value as object) || `_${each}` in (value as object));
    if (name === undefined) return undefined;
    place.push(name, ...(typeof index === 'number' ? [index] : []));
    value = (value as { [name: string]: unknown })[name];
    if (typeof index === 'number') value = (value as unknown[] | undefined)?.[index];
  }
  return place;
}

/** Functions that an expression may call beside those of FHIRPath; they get and give values as the engine knows them. */
export interface PathFunctions {
  readonly [name: string]: {
    readonly fn: (input: readonly unknown[], argument?: unknown) => readonly unknown[];
    /** What the arguments are, by their number. */
    readonly arity: { readonly [count: number]: readonly ('String' | 'Number' | 'TypeSpecifier')[] };
    readonly internalStructures: true;
  };
}

/** An element of a resource, or a value that was computed, in the form that the engine goes on with. */
export type PathValue = unknown;

/**
 * Compiles an expression that a user wrote. What it gives keeps its place in the resource, so that other expressions can start at it.
 * @throws Error when the expression is not FHIRPath
 */
export function compileUserFhirPath(
  expression: string,
  functions: PathFunctions = {},
): (focus: readonly PathValue[], variables: { readonly [name: string]: unknown }) => readonly PathValue[] {
  const { fhirpath, r4 } = loaded();
  const evaluate = fhirpath.compile(expression, r4, { ...silent, resolveInternalTypes: false, userInvocationTable: functions });
  return (focus, variables) => evaluate(focus, { ...variables });
}

/** Names of the variables that an expression uses: "resource" of `%resource`. @throws Error when the expression is not FHIRPath */
export function variablesOf(expression: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = ({ type, text, children = [] }: PathTree): void => {
    if (type === 'ExternalConstantTerm' && text !== undefined) names.add(text.replace(/^[`'](.*)[`']$/s, '$1'));
    for (const child of children) visit(child);
  };
  visit(loaded().fhirpath.parse(expression));
  return names;
}

/** The value of a FHIRPath literal: "@2015-02-07", "1.50". */
export function literalOf(text: string): PathValue {
  return compileUserFhirPath(text)([], {})[0];
}

/** Where a value stands: its type and the element that holds it, when it is one of a resource. */
export function elementOf(
  value: PathValue,
): { readonly type: string | undefined; readonly name: string; readonly holder: unknown } | undefined {
  const node = value as (ResourceNode & { readonly parentResNode?: { readonly data?: unknown } | null }) | null;
  if (typeof node !== 'object' || node === null || !('parentResNode' in node) || typeof node.propName !== 'string') return undefined;
  return { type: node.fhirNodeDataType ?? undefined, name: node.propName, holder: node.parentResNode?.data };
}

/** A value as JSON has it. */
export function jsonOf(value: PathValue): unknown {
  const data = typeof value === 'object' && value !== null && 'parentResNode' in value ? (value as { data?: unknown }).data : value;
  if (typeof data === 'bigint') return Number(data);
  const own = typeof data === 'object' && data !== null && 'toJSON' in data ? data.toJSON : undefined;
  return typeof own === 'function' ? (own.call(data) as unknown) : data;
}

/** The places of a value below the value that was evaluated, from the outermost: the FHIRPath name and, in a list, the number. */
export function chainOf(value: PathValue): readonly { readonly name: string; readonly index: number | undefined }[] | undefined {
  let node = value as ResourceNode | undefined;
  if (typeof node !== 'object' || node === null || !('parentResNode' in node)) return undefined;
  const chain: { name: string; index: number | undefined }[] = [];
  for (; node?.parentResNode; node = node.parentResNode) {
    if (typeof node.propName !== 'string') return undefined;
    chain.unshift({ name: node.propName, index: node.index ?? undefined });
  }
  return chain;
}

/** Compiles an expression of a user for values of one type; what it gives keeps its place. @throws Error when it is not FHIRPath */
export function compileFhirPathNodes(
  expression: string,
  type: string,
  functions: PathFunctions = {},
): (value: unknown) => readonly PathValue[] {
  const { fhirpath, r4 } = loaded();
  const options = { ...silent, resolveInternalTypes: false, userInvocationTable: functions };
  const evaluate = fhirpath.compile({ base: type, expression }, r4, options);
  return (value) => evaluate(value, { resource: value });
}
