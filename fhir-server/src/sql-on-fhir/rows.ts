// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html#processing-algorithm — a view compiled: resource in, rows out.
import { OperationOutcomeError } from '@limen/fhir-model';
import { compileUserFhirPath, jsonOf, literalOf, type PathValue, variablesOf } from '@limen/fhir-model/fhirpath';
import { viewFunctions } from './functions.ts';
import { type Constant, type Path, parseView, type Select, type View, viewFault } from './view.ts';

/** Values in the order of the view's columns. */
export type Row = readonly unknown[];

export interface CompiledView {
  readonly resource: string;
  readonly names: readonly string[];
  /** Whether it looks at how precise decimals were written. */
  readonly needsDecimals: boolean;
  /** @throws OperationOutcomeError 422 when a path has no answer on this resource */
  rowsOf(resource: unknown): readonly Row[];
}

type Variables = { readonly [name: string]: unknown };
type Evaluate = (focus: readonly PathValue[], variables: Variables) => readonly PathValue[];
/** @param focus the element, nothing in the place of one that `forEachOrNull` misses */
type Producer = (focus: readonly PathValue[], variables: Variables) => readonly Row[];

const maximumRowsOfResource = 20_000;
const ownVariables = ['context', 'resource', 'rootResource', 'ucum', 'sct', 'loinc', 'rowIndex'];
const systems = { sct: 'http://snomed.info/sct', loinc: 'http://loinc.org' };

function compilePath({ text, at }: Path, known: ReadonlySet<string>): Evaluate {
  let evaluate: Evaluate;
  let used: ReadonlySet<string>;
  try {
    used = variablesOf(text);
    evaluate = compileUserFhirPath(text, viewFunctions);
  } catch {
    throw viewFault('The path is not FHIRPath.', at);
  }
  if ([...used].some((name) => !known.has(name))) throw viewFault('The path uses a constant that the view does not define.', at);
  return (focus, variables) => {
    try {
      return evaluate(focus, variables);
    } catch (error) {
      if (error instanceof OperationOutcomeError) throw error;
      throw viewFault('The path cannot be evaluated.', at);
    }
  };
}

/** Every row of the one beside every row of the other. */
function beside(left: readonly Row[], right: readonly Row[], at: string): readonly Row[] {
  if (left.length * right.length > maximumRowsOfResource) throw viewFault('One resource makes too many rows.', at, 'too-costly');
  return left.flatMap((row) => right.map((other) => [...row, ...other]));
}

function compileColumns(select: Select, known: ReadonlySet<string>): Producer {
  const columns = select.columns.map((column) => ({ ...column, evaluate: compilePath(column.path, known) }));
  return (focus, variables) => [
    columns.map(({ evaluate, isCollection, path }) => {
      const values = evaluate(focus, variables).map(jsonOf);
      if (isCollection) return values;
      if (values.length > 1) throw viewFault('The path gives several values, and the column is no collection.', path.at);
      return values[0] ?? null;
    }),
  ];
}

function compileSelect(select: Select, known: ReadonlySet<string>, at: string): Producer {
  const forEach = select.forEach ? compilePath(select.forEach, known) : undefined;
  const columns = compileColumns(select, known);
  const selects = select.selects.map((each, i) => compileSelect(each, known, `${at}.select[${i}]`));
  const unions = select.unions.map((each, i) => compileSelect(each, known, `${at}.unionAll[${i}]`));
  const inside: Producer = (focus, variables) => {
    let rows = columns(focus, variables);
    for (const each of selects) rows = beside(rows, each(focus, variables), at);
    return unions.length === 0
      ? rows
      : beside(
          rows,
          unions.flatMap((each) => each(focus, variables)),
          at,
        );
  };
  if (!forEach) return inside;
  return (focus, variables) => {
    const elements = focus.length === 0 ? [] : forEach(focus, variables);
    if (elements.length === 0) return select.isOuter ? inside([], { ...variables, rowIndex: 0 }) : [];
    return elements.flatMap((element, rowIndex) => inside([element], { ...variables, rowIndex }));
  };
}

/** Dates and times are compared as such. */
function constantValue({ element, value }: Constant, at: string): unknown {
  if (!/^value(?:Date|DateTime|Instant|Time)$/.test(element)) return value;
  try {
    return literalOf(element === 'valueTime' ? `@T${value}` : `@${value}`);
  } catch {
    throw viewFault('The constant is no date or time.', at);
  }
}

function compileWhere(path: Path, known: ReadonlySet<string>): (focus: readonly PathValue[], variables: Variables) => boolean {
  const evaluate = compilePath(path, known);
  return (focus, variables) => {
    const values = evaluate(focus, variables).map(jsonOf);
    if (values.length > 1 || (values.length === 1 && typeof values[0] !== 'boolean'))
      throw viewFault('The path of a filter gives true or false.', path.at);
    return values[0] === true;
  };
}

function pathsOf(select: Select): string[] {
  const own = [select.forEach?.text ?? '', ...select.columns.map(({ path }) => path.text)];
  return [...own, ...[...select.selects, ...select.unions].flatMap(pathsOf)];
}

/** @throws OperationOutcomeError 422 when the view is not valid */
export function compileView(definition: unknown, isType: (name: string) => boolean): CompiledView {
  const view: View = parseView(definition, isType);
  const constants = Object.fromEntries(view.constants.map((each, i) => [each.name, constantValue(each, `ViewDefinition.constant[${i}]`)]));
  const known = new Set([...ownVariables, ...Object.keys(constants)]);
  const wheres = view.where.map((each) => compileWhere(each, known));
  const selects = view.selects.map((each, i) => compileSelect(each, known, `ViewDefinition.select[${i}]`));
  const rowsOf = (resource: unknown): readonly Row[] => {
    const variables = { ...systems, rowIndex: 0, ...constants, resource, rootResource: resource };
    if (!wheres.every((isMet) => isMet([resource], variables))) return [];
    let rows: readonly Row[] = [[]];
    for (const each of selects) rows = beside(rows, each([resource], variables), 'ViewDefinition.select');
    return rows;
  };
  // Functions that do not exist show in the first evaluation.
  rowsOf({ resourceType: view.resource });
  const texts = view.selects.flatMap(pathsOf);
  return { resource: view.resource, names: view.names, needsDecimals: texts.some((text) => text.includes('Boundary')), rowsOf };
}
