// https://hl7.org/fhir/R4/conformance-module.html — definitions are about each other: search parameters, profiles, capabilities.
import type { Issue } from '@limen/fhir-model';
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import type { JsonObject } from './elements.ts';
import { objectsOf } from './presence.ts';

const fault = (code: Issue['code'], diagnostics: string, expression: string): Issue => ({
  severity: 'error',
  code,
  diagnostics,
  expression,
});

function parameterOf(definitions: Definitions, canonical: unknown): SearchParameterDefinition | undefined {
  const url = typeof canonical === 'string' ? canonical.split('|')[0] : undefined;
  return url === undefined ? undefined : definitions.searchParameters.find((each) => each.url === url);
}

function searchParameter(resource: JsonObject, definitions: Definitions): Issue[] {
  const issues: Issue[] = [];
  if (resource['type'] === 'composite' && objectsOf(resource, 'component').length < 2)
    issues.push(fault('business-rule', 'A composite search parameter has two components or more.', 'SearchParameter.component'));
  const origin = parameterOf(definitions, resource['derivedFrom']);
  if (!origin) return issues;
  if (origin.type !== resource['type'])
    issues.push(fault('business-rule', 'The type is not that of the search parameter that this is derived from.', 'SearchParameter.type'));
  const bases = Array.isArray(resource['base']) ? resource['base'] : [];
  const general = origin.base.some((base) => base === 'Resource' || base === 'DomainResource');
  for (const [i, base] of bases.entries())
    if (!general && !origin.base.includes(base))
      issues.push(
        fault('business-rule', 'The search parameter that this is derived from is not about this type.', `SearchParameter.base[${i}]`),
      );
  return issues;
}

function capabilityStatement(resource: JsonObject, definitions: Definitions): Issue[] {
  return objectsOf(resource, 'rest').flatMap((rest, i) =>
    objectsOf(rest, 'resource').flatMap((type, j) =>
      objectsOf(type, 'searchParam').flatMap((parameter, k) => {
        const known = parameterOf(definitions, parameter['definition']);
        if (!known || known.type === parameter['type']) return [];
        return [
          fault(
            'value',
            'The type is not that of the search parameter.',
            `CapabilityStatement.rest[${i}].resource[${j}].searchParam[${k}].type`,
          ),
        ];
      }),
    ),
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The types that may stand at a step of a path; none when R4 does not have it, undefined when the type is not known. */
function typesAt(type: string, name: string, definitions: Definitions): readonly string[] | undefined {
  const elements = definitions.types[type]?.elements;
  if (!elements) return undefined;
  for (const element of elements) {
    if (element.name === name) return element.types.map(({ code }) => code);
    if (!element.name.endsWith('[x]')) continue;
    const chosen = element.types.filter(({ code }) => element.name.slice(0, -3) + capital(code) === name);
    if (chosen.length > 0) return chosen.map(({ code }) => code);
  }
  return [];
}

/** Whether R4 has the path; what stands under an open choice may be anything that one of its types has. */
function isPath(path: string, definitions: Definitions): boolean {
  const [root = '', ...steps] = path.split('.');
  let types: readonly string[] = [root];
  for (const step of steps) {
    const next = types.map((type) => typesAt(type, step, definitions));
    if (next.includes(undefined)) return true;
    types = next.flatMap((each) => each ?? []);
    if (types.length === 0) return false;
  }
  return true;
}

/** https://hl7.org/fhir/R4/profiling.html — a profile on a type of R4 constrains elements that the type has. */
function structureDefinition(resource: JsonObject, definitions: Definitions): Issue[] {
  const { type } = resource;
  if (resource['derivation'] !== 'constraint' || typeof type !== 'string' || !definitions.types[type]) return [];
  const issues = objectsOf(resource, 'differential').flatMap((differential) =>
    objectsOf(differential, 'element').map(({ path }, i) =>
      typeof path !== 'string' || isPath(path, definitions)
        ? undefined
        : fault('value', 'The type does not have this element.', `StructureDefinition.differential.element[${i}].path`),
    ),
  );
  return issues.filter((issue) => issue !== undefined);
}

export const definitionRules: { readonly [type: string]: ((resource: JsonObject, definitions: Definitions) => Issue[]) | undefined } = {
  CapabilityStatement: capabilityStatement,
  SearchParameter: searchParameter,
  StructureDefinition: structureDefinition,
};
