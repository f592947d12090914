// https://hl7.org/fhir/R4/graphql.html#searching — arguments as search parameters, and the fields of a page.

import { queryFault } from './fault.ts';
import type { Plain } from './query.ts';
import type { Connection } from './source.ts';

/** GraphQL has no hyphens: "_" stands for them, but at the beginning. */
const parameterName = (name: string): string => name.slice(0, 1) + name.slice(1).replaceAll('_', '-');

function valuesOf(value: Plain): string[] {
  const items: readonly Plain[] = Array.isArray(value) ? (value as readonly Plain[]) : [value];
  return items.map((each) => {
    if (each === null || typeof each === 'object') throw queryFault('A search takes texts, numbers and codes.', 'value');
    return String(each);
  });
}

/**
 * The search that the arguments ask for.
 * @param referred the resource that the found ones must refer to, by the parameter that `_reference` names
 */
export function searchParams(args: ReadonlyMap<string, Plain>, referred: string | undefined): readonly (readonly [string, string])[] {
  const by = args.get('_reference');
  if ((referred === undefined) !== (by === undefined))
    throw queryFault('What refers to a resource is searched by _reference, inside the resource.', 'required');
  const params: [string, string][] = [];
  for (const [name, value] of args) {
    if (name === '_reference') params.push([parameterName(String(value)), referred ?? '']);
    else for (const each of valuesOf(value)) params.push([parameterName(name), each]);
  }
  return params;
}

const pageFields = ['count', 'offset', 'pagesize', 'first', 'previous', 'next', 'last'] as const;

/** The value of a page's field, `edges` apart; nothing where it has none. */
export function connectionFields(found: Connection, name: string): readonly unknown[] {
  if (name === 'edges') return [];
  const field = pageFields.find((each) => each === name);
  if (field === undefined) throw queryFault('The query has a field that does not exist.');
  return found[field] === undefined ? [] : [found[field]];
}
