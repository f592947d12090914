// https://hl7.org/fhir/R4/bundle.html — fullUrls, links, search results, and what a document or message must hold of what it refers to.
import type { Issue } from '@limen/fhir-model';
import { isObject, type JsonObject } from './elements.ts';
import { objectsOf } from './presence.ts';

const fault = (code: Issue['code'], diagnostics: string, expression: string): Issue => ({
  severity: 'error',
  code,
  diagnostics,
  expression,
});
const restful = /^https?:\/\/.*\/([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/;
const relative = /^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/;

function fullUrl({ fullUrl: url, resource }: JsonObject, path: string): Issue[] {
  if (typeof url !== 'string') return [];
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) return [fault('value', 'A fullUrl must be absolute.', `${path}.fullUrl`)];
  const [, type, id] = restful.exec(url) ?? [];
  if (type === undefined || !isObject(resource) || typeof resource['id'] !== 'string') return [];
  if (type === resource['resourceType'] && id === resource['id']) return [];
  return [fault('value', 'A fullUrl on a server ends with the type and the id of its resource.', `${path}.fullUrl`)];
}

function searchResult({ resource, search }: JsonObject, path: string): Issue[] {
  if (!isObject(resource)) return [];
  const isOutcome = resource['resourceType'] === 'OperationOutcome';
  const mode = isObject(search) ? search['mode'] : undefined;
  if (mode === 'outcome' && !isOutcome) return [fault('value', 'An outcome of a search is an OperationOutcome.', `${path}.resource`)];
  if (!isOutcome && resource['id'] === undefined) return [fault('required', 'A result of a search has an id.', `${path}.resource.id`)];
  return [];
}

function links(bundle: JsonObject): Issue[] {
  const seen = new Set<unknown>();
  return objectsOf(bundle, 'link').flatMap(({ relation }, i) => {
    if (!seen.has(relation)) {
      seen.add(relation);
      return [];
    }
    return [fault('duplicate', 'A relation may be linked once.', `Bundle.link[${i}].relation`)];
  });
}

/** The references that must lead into a document or message, with their paths under the first resource. */
function* inward(holder: JsonObject, path: string, names: readonly string[]): Generator<readonly [string, string]> {
  for (const name of names) {
    const value = holder[name];
    for (const [i, each] of (Array.isArray(value) ? value : [value]).entries()) {
      if (!isObject(each)) continue;
      const where = `${path}.${name}${Array.isArray(value) ? `[${i}]` : ''}`;
      if (typeof each['reference'] === 'string') yield [each['reference'], where];
      if (name === 'section' || name === 'attester' || name === 'event') yield* inward(each, where, insideOf[name] ?? []);
    }
  }
}
const insideOf: { readonly [name: string]: readonly string[] } = {
  section: ['author', 'focus', 'entry', 'section'],
  attester: ['party'],
  event: ['detail'],
};
const referrers: { readonly [type: string]: readonly string[] | undefined } = {
  document: ['subject', 'encounter', 'author', 'attester', 'custodian', 'event', 'section'],
  message: ['focus'],
};

function matches(reference: string, base: string | undefined, entries: readonly JsonObject[]): number {
  const [address = '', version] = reference.split('/_history/');
  const url = relative.test(address) ? `${base ?? ''}${address}` : address;
  return entries.filter(({ fullUrl: given, resource }) => {
    const meta = isObject(resource) && isObject(resource['meta']) ? resource['meta'] : {};
    return given === url && (version === undefined || meta['versionId'] === version);
  }).length;
}

function resolved(bundle: JsonObject): Issue[] {
  const entries = objectsOf(bundle, 'entry');
  const [first] = entries;
  const names = referrers[String(bundle['type'])];
  if (!names || !first || !isObject(first['resource'])) return [];
  const own = String(first['fullUrl'] ?? '');
  const base = restful.test(own) ? own.split('/').slice(0, -2).join('/').concat('/') : undefined;
  const issues: Issue[] = [];
  for (const [reference, path] of inward(first['resource'], 'Bundle.entry[0].resource', names)) {
    const isOurs = relative.test(reference.split('/_history/')[0] ?? '') || reference.startsWith('urn:');
    const found = isOurs ? matches(reference, base, entries) : 1;
    if (found === 0) issues.push(fault('not-found', 'The bundle does not hold what this refers to.', `${path}.reference`));
    else if (found > 1)
      issues.push(fault('multiple-matches', 'The bundle holds several resources that this may refer to.', `${path}.reference`));
  }
  return issues;
}

/** The rules of a Bundle at the root. */
export function bundleIssues(bundle: JsonObject): Issue[] {
  const entries = objectsOf(bundle, 'entry');
  const paths = entries.map((_, i) => `Bundle.entry[${i}]`);
  return [
    ...entries.flatMap((entry, i) => fullUrl(entry, paths[i] ?? '')),
    ...(bundle['type'] === 'searchset' ? entries.flatMap((entry, i) => searchResult(entry, paths[i] ?? '')) : []),
    ...links(bundle),
    ...resolved(bundle),
  ];
}

/** Parameters that hold resources of a type refer to those when they refer to the type. */
export function parametersIssues(parameters: JsonObject): Issue[] {
  const resources = objectsOf(parameters, 'parameter').map(({ resource }) => (isObject(resource) ? resource : {}));
  const known = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`));
  const types = new Set(resources.filter(({ id }) => id !== undefined).map(({ resourceType }) => String(resourceType)));
  return resources.flatMap((resource, i) =>
    Object.entries(resource).flatMap(([name, value]) => {
      const reference = isObject(value) ? value['reference'] : undefined;
      if (typeof reference !== 'string' || !relative.test(reference) || known.has(reference)) return [];
      if (!types.has(reference.split('/')[0] ?? '')) return [];
      return [
        fault('not-found', 'The parameters do not hold what this refers to.', `Parameters.parameter[${i}].resource.${name}.reference`),
      ];
    }),
  );
}
