// The meaning of a query on one resource, without hashes or indexes: matches are checked with it after the fetch, written content before the commit.
import { type Definitions, loadDefinitions } from '@limen/fhir-model/definitions';
import { dateMatches, numberMatches } from './compare.ts';
import type { Criterion, Term } from './criterion.ts';
import { type Group, parametersOf } from './parameter.ts';
import { normalize } from './string.ts';
import type { Value } from './value.ts';

/**
 * Whether the resource meets every criterion.
 * @param _tenant no part in it: a body belongs to the tenant it was read for
 */
export function recheck(
  query: { readonly criteria: readonly Criterion[] },
  resource: { readonly resourceType: string },
  _tenant: number,
): boolean {
  const definitions = loadDefinitions();
  return query.criteria.every((criterion) => meets(definitions, criterion, resource));
}

function meets(definitions: Definitions, criterion: Criterion, resource: { readonly resourceType: string }): boolean {
  // A criterion of another type never holds: access must not widen by a mix-up.
  if (criterion.type !== resource.resourceType) return false;
  const parameter = parametersOf(definitions, criterion.type).get(criterion.param);
  if (!parameter) return false;
  if (criterion.kind === 'composite') {
    const groups = parameter.groups(resource);
    if (criterion.modifier === 'missing') return (groups.length === 0) === criterion.missing;
    return criterion.terms.some((term) => groups.some((group) => groupMatches(term, group)));
  }
  const values = parameter.values(resource);
  if (criterion.modifier === 'missing') return (values.length === 0) === criterion.missing;
  const any = criterion.terms.some((term) => values.some((value) => termMatches(term, criterion.modifier, value)));
  return criterion.modifier === 'not' ? !any : any;
}

function groupMatches(term: Term, group: Group): boolean {
  return (
    term.kind === 'composite' &&
    term.parts.every((part, n) => group.parts[n]?.some((value) => termMatches(part, undefined, value)) ?? false)
  );
}

function termMatches(term: Term, modifier: Criterion['modifier'], value: Value): boolean {
  switch (term.kind) {
    case 'token': {
      const token = value.kind === 'reference' && modifier === 'identifier' ? value.identifier : value;
      if (token?.kind !== 'token') return false;
      return (term.system === undefined || term.system === token.system) && (term.code === undefined || term.code === token.code);
    }
    case 'string':
      return value.kind === 'string' && stringMatches(term.text, modifier, value.norm, value.raw);
    case 'date':
      return value.kind === 'range' && dateMatches(term, value.lo, value.hi);
    case 'number':
      return value.kind === 'range' && numberMatches(term, value.lo, value.hi);
    case 'quantity': {
      const { unit } = term;
      const known =
        value.kind === 'range' &&
        (unit === undefined || value.units.some(([system, code]) => system === unit.system && code === unit.code));
      return known && numberMatches(term, value.lo, value.hi);
    }
    case 'reference':
      return value.kind === 'reference' && value.targets.some((target) => term.targets.includes(target));
    case 'composite':
      return false;
  }
}

function stringMatches(text: string, modifier: Criterion['modifier'], norm: string, raw: string): boolean {
  if (modifier === 'exact') return raw === text;
  return modifier === 'contains' ? norm.includes(normalize(text)) : norm.startsWith(normalize(text));
}
