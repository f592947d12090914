// https://hl7.org/fhir/R4/validation.html — what $validate says beyond the definitions: rules that the specification has in its text, codes of
// known systems, definitions of extensions. Too slow for every write, and too strict for some of what is sent.
import { setImmediate } from 'node:timers/promises';
import type { Issue } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { bundleIssues, parametersIssues } from './content-bundle.ts';
import { codeSystemIssues, valueSetIssues } from './content-codes.ts';
import { datatypeRules } from './content-datatypes.ts';
import { definitionRules } from './content-definitions.ts';
import { extensionsOf } from './content-extensions.ts';
import { TerminologyContent } from './content-terminology.ts';
import { type Visit, visitsOf } from './content-walk.ts';
import type { JsonObject } from './elements.ts';
import type { Profiles } from './profiles.ts';

const maxIssues = 200;
const visitsPerTurn = 500;

/** Rules of a resource type; their paths begin with the type. */
async function ofResource(resource: JsonObject, definitions: Definitions, terms: TerminologyContent): Promise<Issue[]> {
  const type = String(resource['resourceType']);
  if (type === 'Bundle') return bundleIssues(resource);
  if (type === 'Parameters') return parametersIssues(resource);
  if (type === 'CodeSystem') return codeSystemIssues(resource);
  if (type === 'ValueSet') return valueSetIssues(resource, terms);
  return definitionRules[type]?.(resource, definitions) ?? [];
}

async function ofVisit(visit: Visit, definitions: Definitions, terms: TerminologyContent, profiles: Profiles): Promise<Issue[]> {
  const issues = datatypeRules.map((rule) => rule(visit)).filter((issue) => issue !== undefined);
  issues.push(...(await terms.issuesOf(visit)), ...(await extensionsOf(visit, profiles)));
  if (visit.value !== visit.owner) return issues;
  const own = await ofResource(visit.owner, definitions, terms);
  return [...issues, ...own.map((issue) => ({ ...issue, expression: visit.path + (issue.expression?.replace(/^[A-Za-z]+/, '') ?? '') }))];
}

/** The faults of content, at most 200. */
export async function contentIssues(resource: JsonObject, definitions: Definitions, profiles: Profiles): Promise<Issue[]> {
  const terms = new TerminologyContent(profiles.valueSets);
  const issues: Issue[] = [];
  for (const [i, visit] of visitsOf(resource, definitions).entries()) {
    if (issues.length >= maxIssues) break;
    // A large Bundle must not keep everybody else waiting.
    if (i % visitsPerTurn === visitsPerTurn - 1) await setImmediate();
    issues.push(...(await ofVisit(visit, definitions, terms, profiles)));
  }
  return issues;
}
