// https://hl7.org/fhir/R4/terminology-module.html — CodeSystem and ValueSet: counts, properties, filters, and the codes that they list.
import type { Issue } from '@limen/fhir-model';
import { compileFhirPath } from '@limen/fhir-model/fhirpath';
import type { TerminologyContent } from './content-terminology.ts';
import { isObject, type JsonObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';
import { objectsOf } from './presence.ts';

const fault = (code: Issue['code'], diagnostics: string, expression: string): Issue => ({
  severity: 'error',
  code,
  diagnostics,
  expression,
});
const snomed = 'http://snomed.info/sct';
const concepts = 'http://hl7.org/fhir/concept-properties#';
/** https://hl7.org/fhir/R4/codesystem.html#defined-props */
const definedProperties: { readonly [code: string]: string | undefined } = {
  inactive: 'boolean',
  deprecated: 'dateTime',
  deprecationDate: 'dateTime',
  notSelectable: 'boolean',
  parent: 'code',
  child: 'code',
};

function countOf(holder: JsonObject): number {
  return objectsOf(holder, 'concept').reduce((sum, concept) => sum + 1 + countOf(concept), 0);
}

function properties(system: JsonObject): Issue[] {
  const seen = new Set<unknown>();
  return objectsOf(system, 'property').flatMap(({ code, uri, type }, i) => {
    const path = `CodeSystem.property[${i}]`;
    const issues: Issue[] = [];
    for (const [name, value] of [
      ['code', code],
      ['uri', uri],
    ] as const) {
      if (value !== undefined && seen.has(`${name} ${value}`))
        issues.push(fault('duplicate', 'The property is defined already.', `${path}.${name}`));
      seen.add(`${name} ${value}`);
    }
    const defined = typeof uri === 'string' && uri.startsWith(concepts) ? definedProperties[uri.slice(concepts.length)] : undefined;
    if (defined !== undefined && defined !== type)
      issues.push(fault('business-rule', 'The defined property has another type.', `${path}.type`));
    return issues;
  });
}

function conceptProperties(holder: JsonObject, types: ReadonlyMap<unknown, unknown>, path: string): Issue[] {
  return objectsOf(holder, 'concept').flatMap((concept, i) => {
    const where = `${path}.concept[${i}]`;
    const own = objectsOf(concept, 'property').flatMap((property, k) => {
      const type = types.get(property['code']);
      const key = Object.keys(property).find((name) => name.startsWith('value'));
      const isOther = typeof type === 'string' && key !== undefined && key.slice(5).toLowerCase() !== type.toLowerCase();
      return isOther ? [fault('business-rule', 'The property is defined with another type.', `${where}.property[${k}].value`)] : [];
    });
    return [...own, ...conceptProperties(concept, types, where)];
  });
}

/** https://hl7.org/fhir/R4/codesystem.html */
export function codeSystemIssues(system: JsonObject): Issue[] {
  const issues = properties(system);
  const types = new Map(objectsOf(system, 'property').map(({ code, type }): [unknown, unknown] => [code, type]));
  issues.push(...conceptProperties(system, types, 'CodeSystem'));
  if (system['supplements'] !== undefined && system['content'] !== 'supplement')
    issues.push(fault('business-rule', 'What supplements a code system has the content supplement.', 'CodeSystem.content'));
  const count = numberOf(system['count']);
  if (system['content'] === 'complete' && count !== undefined && count !== countOf(system))
    issues.push(fault('value', 'The count is not that of the concepts.', 'CodeSystem.count'));
  return issues;
}

/** Refinements and brackets aside, operands of an expression are joined by operators. */
const joined = /^[\s(]*(?:<<?!?|>>?!?|\^|\*)?\s*(?:\*|\d{6,18})(?:\s*\|[^|]*\|)?[\s)]*(?:(?:AND|OR|MINUS|,|:|=|\.|\{|\})|$)/i;

function snomedFilter({ property, op, value }: JsonObject, path: string, isCode: boolean | undefined): Issue[] {
  if (typeof value !== 'string') return [];
  if (property === 'concept' && isCode === false)
    return [fault('code-invalid', 'The filter names no code of the system.', `${path}.value`)];
  if (property === 'constraint' && op === '=' && /^\s*\d/.test(value) && !joined.test(value))
    return [fault('value', 'The filter is no expression of the constraint language.', `${path}.value`)];
  return [];
}

/** An expression in place of a filter's value: FHIRPath over the parameters that the value set declares. */
function expressionIssues(filter: JsonObject, path: string, parameters: ReadonlySet<unknown>): Issue[] {
  const partner = filter['_value'];
  const extensions = isObject(partner) ? objectsOf(partner, 'extension') : [];
  return extensions.flatMap(({ valueExpression: given }, i) => {
    if (!isObject(given) || typeof given['expression'] !== 'string') return [];
    const where = `${path}.value.extension[${i}].value.ofType(Expression)`;
    if (given['language'] !== 'text/fhirpath') return [fault('value', 'The expression must be FHIRPath.', `${where}.language`)];
    try {
      compileFhirPath(given['expression'], 'ValueSet');
    } catch {
      return [fault('value', 'The expression is no FHIRPath.', `${where}.expression`)];
    }
    const names = [...given['expression'].matchAll(/%([A-Za-z][\w-]*)/g)].map((match) => match[1]);
    return names.every((name) => parameters.has(name))
      ? []
      : [fault('value', 'The expression uses a parameter that is not declared.', `${where}.expression`)];
  });
}

const parameterUrl = 'http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter';
function parametersOf(valueSet: JsonObject): ReadonlySet<unknown> {
  const declared = objectsOf(valueSet, 'extension').filter(({ url }) => url === parameterUrl);
  return new Set(
    declared.flatMap((each) => objectsOf(each, 'extension').flatMap(({ url, valueCode }) => (url === 'name' ? [valueCode] : []))),
  );
}

async function includeIssues(
  include: JsonObject,
  path: string,
  parameters: ReadonlySet<unknown>,
  terms: TerminologyContent,
): Promise<Issue[]> {
  const { system } = include;
  const issues: Issue[] = [];
  if (typeof system === 'string' && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(system))
    issues.push(fault('value', 'The system must be an absolute address.', `${path}.system`));
  for (const [i, filter] of objectsOf(include, 'filter').entries()) {
    const where = `${path}.filter[${i}]`;
    issues.push(...expressionIssues(filter, where, parameters));
    if (
      definedProperties[String(filter['property'])] === 'boolean' &&
      typeof filter['value'] === 'string' &&
      !/^(?:true|false)$/.test(filter['value'])
    )
      issues.push(fault('value', 'The filter of a boolean property is true or false.', `${where}.value`));
    if (system === snomed) issues.push(...snomedFilter(filter, where, await terms.isOfSystem(snomed, String(filter['value']))));
  }
  for (const [i, { code }] of objectsOf(include, 'concept').entries())
    if (typeof system === 'string' && typeof code === 'string' && (await terms.isOfSystem(system, code)) === false)
      issues.push(fault('code-invalid', 'The code is not one of its code system.', `${path}.concept[${i}].code`));
  return issues;
}

/** https://hl7.org/fhir/R4/valueset.html */
export async function valueSetIssues(valueSet: JsonObject, terms: TerminologyContent): Promise<Issue[]> {
  const issues: Issue[] = [];
  const parameters = parametersOf(valueSet);
  for (const compose of objectsOf(valueSet, 'compose')) {
    for (const name of ['include', 'exclude'])
      for (const [i, include] of objectsOf(compose, name).entries())
        issues.push(...(await includeIssues(include, `ValueSet.compose.${name}[${i}]`, parameters, terms)));
  }
  return issues;
}
