// https://hl7.org/fhirpath/N1/ — FHIRPath expressions of definitions as functions. Node only: kept out of the browser-safe index.
import { createRequire } from 'node:module';

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
    options: { traceFn: () => void; resolveInternalTypes?: boolean },
  ): (value: unknown, variables: { [name: string]: unknown }) => unknown[];
}

const load = createRequire(import.meta.url);
let engine: { readonly fhirpath: Engine; readonly r4: unknown } | undefined;

/** Without this the engine prints what `trace()` is given: content of resources. */
const silent = { traceFn: () => {} };

function loaded(): NonNullable<typeof engine> {
  engine ??= { fhirpath: load('fhirpath') as Engine, r4: load('fhirpath/fhir-context/r4') };
  return engine;
}

/**
 * Compiles an expression for values of one type. The engine is loaded at the first use (0.2 s), so that who only serves base resources does
 * not pay for it. `resolve()` and `memberOf()` have no server to ask: their evaluation throws.
 * @param type what the values are: a resource type, a datatype or the path of a backbone element ("Observation.component")
 * @throws Error when the expression is not FHIRPath
 */
export function compileFhirPath(expression: string, type: string): FhirPath {
  const { fhirpath, r4 } = loaded();
  const evaluate = fhirpath.compile({ base: type, expression }, r4, silent);
  return (value, { resource, rootResource = resource }) => evaluate(value, { resource, rootResource });
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
