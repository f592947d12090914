// https://hl7.org/fhir/R4/searchparameter.html — a search parameter that a user defines: what of it this server can search by, and what it refuses.
import { type Issue, OperationOutcomeError } from '@limen/fhir-model';
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { compileAdded, parametersOf } from './parameter.ts';
import { compilePaths, type VisitedElement, visitedElements } from './path.ts';
import type { ValueKind } from './value.ts';

/** The elements of the resource that matter here, of a valid resource. */
export interface SearchParameterResource {
  readonly resourceType: 'SearchParameter';
  readonly url: string;
  readonly status: string;
  readonly code: string;
  readonly base: readonly string[];
  readonly type: ValueKind;
  readonly expression?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

export interface UserParameterRules {
  /** Those of R4. */
  readonly definitions: Definitions;
  /** Whether the policy keeps all these elements. */
  keepsElements(type: string, elements: readonly VisitedElement[]): boolean;
}

const codeFormat = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
const longestExpression = 1000;
const mostParentheses = 40;

const dates = ['date', 'dateTime', 'instant', 'Period', 'Timing'];
const numbers = ['integer', 'decimal', 'positiveInt', 'unsignedInt'];
const quantities = ['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'Range'];
const uris = ['uri', 'url', 'canonical', 'oid', 'uuid'];

/** Datatypes whose values a parameter of each type compares. */
const datatypes: { readonly [kind: string]: ReadonlySet<string> | undefined } = {
  token: new Set(['code', 'Coding', 'CodeableConcept', 'Identifier', 'ContactPoint', 'boolean', 'string', 'id', ...uris]),
  uri: new Set(uris),
  string: new Set(['string', 'markdown', 'code', 'HumanName', 'Address', 'CodeableConcept', 'ContactPoint', 'Annotation']),
  date: new Set(dates),
  number: new Set([...numbers, 'Range']),
  quantity: new Set([...quantities, 'Money', 'SampledData']),
  reference: new Set(['Reference', 'canonical', 'uri']),
};

function refused(code: Issue['code'], diagnostics: string, element: string, details?: string): OperationOutcomeError {
  return new OperationOutcomeError(422, { code, diagnostics, expression: `SearchParameter.${element}`, ...(details ? { details } : {}) });
}

/**
 * The definition of an active parameter.
 * @throws OperationOutcomeError 422 for what this server would search wrongly or not at all
 */
export function userParameter(resource: SearchParameterResource, rules: UserParameterRules): SearchParameterDefinition {
  const { code, url, base, type, expression, target, component } = resource;
  if (!codeFormat.test(code))
    throw refused(
      'not-supported',
      'The code of a search parameter is a letter, then letters, digits and hyphens, 64 characters at most.',
      'code',
    );
  checkBase(resource, rules.definitions);
  checkExpression(resource);
  const definition: SearchParameterDefinition = {
    code,
    url,
    base,
    type,
    ...(expression ? { expression } : {}),
    ...(target ? { target } : {}),
    ...(type === 'composite' && component ? { component } : {}),
  };
  for (const resourceType of base) checkType(definition, resourceType, rules);
  return definition;
}

function checkBase({ base, code, type }: SearchParameterResource, definitions: Definitions): void {
  if (base.some((name) => definitions.types[name]?.kind !== 'resource'))
    throw refused(
      'not-supported',
      'A search parameter is defined for resource types by name: Resource and DomainResource are not supported as base.',
      'base',
    );
  if (base.some((name) => parametersOf(definitions, name).has(code)) || base.some((name) => isReserved(name, code)))
    throw refused('duplicate', 'R4 has a search parameter with this code for one of the base types: choose another code.', 'code');
  if (type === 'special' || !(type in datatypes || type === 'composite'))
    throw refused('not-supported', 'Search parameters of the type special are not supported.', 'type');
}

/** R4's parameters without an expression. */
function isReserved(type: string, code: string): boolean {
  return type === 'Location' && code === 'near';
}

function checkExpression({ expression, type, component }: SearchParameterResource): void {
  if (!expression) throw refused('required', 'A search parameter needs an expression.', 'expression');
  const parts = type === 'composite' ? (component ?? []).map((c) => c.expression) : [];
  for (const each of [expression, ...parts]) {
    if (each.length > longestExpression || each.split('(').length - 1 > mostParentheses)
      throw refused('too-long', 'The expression is too long: at most 1,000 characters and 40 parentheses.', 'expression');
  }
}

function checkType(definition: SearchParameterDefinition, type: string, { definitions, keepsElements }: UserParameterRules): void {
  const expression = definition.expression ?? '';
  let elements: VisitedElement[];
  try {
    elements = visitedElements(definitions, type, expression);
    checkEnds(definition, type, definitions);
    if (definition.type === 'composite') elements.push(...checkComponents(definition, type, definitions));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw refused(
      'not-supported',
      'The expression is outside of what this server can search by: paths of elements with where(), exists(), extension(), as, ofType(), is, |, =, !=, and, or, [n].',
      'expression',
    );
  }
  if (!keepsElements(type, elements))
    throw refused(
      'not-supported',
      'The parameter searches an element that the de-identification policy removes or changes.',
      'expression',
      'removed-by-policy',
    );
}

function checkEnds({ type: kind, expression = '' }: SearchParameterDefinition, type: string, definitions: Definitions): void {
  const paths = compilePaths(definitions, type, expression);
  if (paths.length === 0) throw refused('invalid', 'The expression selects no element of a base type.', 'expression');
  const fitting = datatypes[kind];
  if (fitting && !paths.some((path) => fitting.has(path.type)))
    throw refused('invalid', 'The expression selects no value of the type of the search parameter.', 'expression');
}

/** A composite is made of parameters that R4 defines for the same type. */
function checkComponents(definition: SearchParameterDefinition, type: string, definitions: Definitions): VisitedElement[] {
  const components = definition.component ?? [];
  if (components.length < 2) throw refused('required', 'A composite search parameter needs two components.', 'component');
  if (components.length > 2)
    throw refused('not-supported', 'A composite search parameter of more than two components is not supported.', 'component');
  const known = [...parametersOf(definitions, type).values()];
  const found = components.map((component) => known.find((p) => p.definition.url === component.definition));
  if (found.some((p) => !p || p.kind === 'composite'))
    throw refused(
      'not-supported',
      'A component of a composite is not a search parameter that R4 defines for the base type.',
      'component.definition',
    );
  if (found[0]?.kind !== 'token' && found[0]?.kind !== 'reference')
    throw refused('not-supported', 'The first component of a composite must be a token or a reference.', 'component');
  const contexts = compilePaths(definitions, type, definition.expression ?? '');
  compileAdded(definitions, type, definition);
  return contexts.flatMap(({ type: context }) =>
    components.flatMap((component) => visitedElements(definitions, type, component.expression, context)),
  );
}
