// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html — a view as data: its shape is checked, its paths are not compiled yet.
import { OperationOutcomeError } from '@limen/fhir-model';

interface Column {
  readonly name: string;
  readonly path: Path;
  readonly isCollection: boolean;
}

/** An expression and where in the view it stands. */
export interface Path {
  readonly text: string;
  readonly at: string;
}

export interface Select {
  readonly forEach: Path | undefined;
  /** `forEachOrNull`: one row of nulls where there is no element. */
  readonly isOuter: boolean;
  readonly columns: readonly Column[];
  readonly selects: readonly Select[];
  readonly unions: readonly Select[];
  /** Names of all columns, in the order of the table. */
  readonly names: readonly string[];
}

export interface Constant {
  readonly name: string;
  /** "valueDate" */
  readonly element: string;
  readonly value: string | number | boolean;
}

export interface View {
  readonly resource: string;
  readonly selects: readonly Select[];
  readonly where: readonly Path[];
  readonly constants: readonly Constant[];
  readonly names: readonly string[];
}

type Json = { readonly [name: string]: unknown };

const maximumDepth = 16;
const maximumColumns = 500;
const maximumPathLength = 4000;
const nameFormat = /^[A-Za-z][A-Za-z0-9_]{0,254}$/;
const constantElements =
  /^value(Base64Binary|Boolean|Canonical|Code|Date|DateTime|Decimal|Id|Instant|Integer|Integer64|Oid|String|PositiveInt|Time|UnsignedInt|Uri|Url|Uuid)$/;

/** A refusal of the view: `at` is where in it. */
export function viewFault(
  diagnostics: string,
  at: string,
  code: 'invalid' | 'required' | 'not-supported' | 'too-costly' = 'invalid',
): OperationOutcomeError {
  return new OperationOutcomeError(422, { code, diagnostics, expression: at });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(holder: Json, name: string, at: string): readonly Json[] {
  const value = holder[name] ?? [];
  if (!Array.isArray(value) || !value.every(isObject)) throw viewFault('This must be a list of objects.', `${at}.${name}`);
  return value;
}

function pathOf(value: unknown, at: string): Path {
  if (typeof value !== 'string' || value === '') throw viewFault('A path is a FHIRPath expression.', at, 'required');
  if (value.length > maximumPathLength) throw viewFault('The path is too long.', at, 'too-costly');
  return { text: value, at };
}

function nameOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || !nameFormat.test(value))
    throw viewFault('A name has letters, digits and underscores, and starts with a letter.', at);
  return value;
}

function columnOf(column: Json, at: string): Column {
  const isCollection = column['collection'] ?? false;
  if (typeof isCollection !== 'boolean') throw viewFault('collection is true or false.', `${at}.collection`);
  return { name: nameOf(column['name'], `${at}.name`), path: pathOf(column['path'], `${at}.path`), isCollection };
}

function checkUnion(unions: readonly Select[], at: string): void {
  const [first] = unions;
  for (const [i, union] of unions.entries())
    if (first && union.names.join() !== first.names.join())
      throw viewFault('All parts of a union have the same columns in the same order.', `${at}.unionAll[${i}]`);
}

function selectOf(select: Json, at: string, depth: number): Select {
  if (depth > maximumDepth) throw viewFault('The view nests too deeply.', at, 'too-costly');
  if (select['repeat'] !== undefined) throw viewFault('repeat is not supported.', `${at}.repeat`, 'not-supported');
  const inner = select['forEach'] === undefined ? 'forEachOrNull' : 'forEach';
  if (inner === 'forEach' && select['forEachOrNull'] !== undefined)
    throw viewFault('forEach and forEachOrNull exclude each other.', `${at}.forEachOrNull`);
  const part = (name: string): readonly Select[] =>
    listOf(select, name, at).map((each, i) => selectOf(each, `${at}.${name}[${i}]`, depth + 1));
  const columns = listOf(select, 'column', at).map((each, i) => columnOf(each, `${at}.column[${i}]`));
  const selects = part('select');
  const unions = part('unionAll');
  checkUnion(unions, at);
  return {
    forEach: select[inner] === undefined ? undefined : pathOf(select[inner], `${at}.${inner}`),
    isOuter: inner === 'forEachOrNull',
    columns,
    selects,
    unions,
    names: [...columns.map(({ name }) => name), ...selects.flatMap(({ names }) => names), ...(unions[0]?.names ?? [])],
  };
}

function constantOf(constant: Json, at: string): Constant {
  const elements = Object.keys(constant).filter((key) => key.startsWith('value'));
  const [element = ''] = elements;
  const value = constant[element];
  if (elements.length !== 1 || !constantElements.test(element) || !['string', 'number', 'boolean'].includes(typeof value))
    throw viewFault('A constant has one value of a primitive type.', `${at}.value`);
  return { name: nameOf(constant['name'], `${at}.name`), element, value: value as Constant['value'] };
}

function wheresOf(view: Json): Path[] {
  return listOf(view, 'where', 'ViewDefinition').map((each, i) => pathOf(each['path'], `ViewDefinition.where[${i}].path`));
}

/** @param types names of the resource types @throws OperationOutcomeError 422 when it is no ViewDefinition */
export function parseView(view: unknown, isType: (name: string) => boolean): View {
  const root = 'ViewDefinition';
  if (!isObject(view)) throw viewFault('A view is an object.', root);
  if (view['resourceType'] !== undefined && view['resourceType'] !== root) throw viewFault('This is no ViewDefinition.', root);
  const resource = view['resource'];
  if (typeof resource !== 'string' || !isType(resource))
    throw viewFault('A view is about one type of resources.', `${root}.resource`, 'required');
  const selects = listOf(view, 'select', root).map((each, i) => selectOf(each, `${root}.select[${i}]`, 1));
  if (selects.length === 0) throw viewFault('A view selects something.', `${root}.select`, 'required');
  const names = selects.flatMap((each) => each.names);
  if (names.length === 0) throw viewFault('A view has columns.', `${root}.select`, 'required');
  if (names.length > maximumColumns) throw viewFault('The view has too many columns.', `${root}.select`, 'too-costly');
  if (new Set(names).size !== names.length) throw viewFault('Two columns have the same name.', `${root}.select`);
  const constants = listOf(view, 'constant', root).map((each, i) => constantOf(each, `${root}.constant[${i}]`));
  return { resource, selects, where: wheresOf(view), constants, names };
}
