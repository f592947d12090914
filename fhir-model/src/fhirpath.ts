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
    options: { traceFn: () => void },
  ): (value: unknown, variables: { [name: string]: unknown }) => unknown[];
}

const load = createRequire(import.meta.url);
let engine: { readonly fhirpath: Engine; readonly r4: unknown } | undefined;

/** Without this the engine prints what `trace()` is given: content of resources. */
const silent = { traceFn: () => {} };

/**
 * Compiles an expression for values of one type. The engine is loaded at the first use (0.2 s), so that who only serves base resources does
 * not pay for it. `resolve()` and `memberOf()` have no server to ask: their evaluation throws.
 * @param type what the values are: a resource type, a datatype or the path of a backbone element ("Observation.component")
 * @throws Error when the expression is not FHIRPath
 */
export function compileFhirPath(expression: string, type: string): FhirPath {
  engine ??= { fhirpath: load('fhirpath') as Engine, r4: load('fhirpath/fhir-context/r4') };
  const evaluate = engine.fhirpath.compile({ base: type, expression }, engine.r4, silent);
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
