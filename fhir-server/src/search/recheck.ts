// The meaning of a query on one resource, without hashes or indexes: matches are checked with it after the fetch, written content before the commit.
import { type Definitions, loadDefinitions } from '@limen/fhir-model/definitions';
import { dateMatches, numberMatches } from './compare.ts';
import { type Condition, type Criterion, type IdentifierTerm, isCriterion, type Term, type TokenTerm } from './criterion.ts';
import { type Group, parametersOf } from './parameter.ts';
import { uriAncestors } from './resolve.ts';
import { normalize } from './string.ts';
import type { TokenValue, Value } from './value.ts';
import { wordsMatch } from './word-query.ts';
import { contentWords, narrativeWords } from './words.ts';

/** Whether the resource meets every condition; what only the store can tell (chains, `_has`, value sets) it never meets. */
export function recheck(query: { readonly criteria: readonly Condition[] }, resource: { readonly resourceType: string }): boolean {
  const definitions = loadDefinitions();
  const holds = (condition: Condition): boolean => {
    if (isCriterion(condition)) return meets(definitions, condition, resource);
    if (condition.kind === 'and') return condition.conditions.every(holds);
    if (condition.kind === 'or') return condition.conditions.some(holds);
    return condition.kind === 'not' && !condition.conditions.every(holds);
  };
  return query.criteria.every(holds);
}

function meets(definitions: Definitions, criterion: Criterion, resource: { readonly resourceType: string }): boolean {
  // A criterion of another type never holds: access must not widen by a mix-up.
  if (criterion.type !== resource.resourceType) return false;
  if (criterion.kind === 'words') return meetsWords(criterion, resource);
  const parameter = parametersOf(definitions, criterion.type).get(criterion.param);
  if (!parameter) return false;
  if (criterion.kind === 'composite') {
    const groups = parameter.groups(resource);
    if (criterion.modifier === 'missing') return (groups.length === 0) === criterion.missing;
    return criterion.terms.some((term) => groups.some((group) => groupMatches(term, group)));
  }
  const values = parameter.values(resource);
  if (criterion.modifier === 'missing') return (values.length === 0) === criterion.missing;
  // What needs a look-up can't be told from the resource alone: it never holds here.
  if (criterion.modifier === 'in' || criterion.modifier === 'not-in') return false;
  if (criterion.kind === 'token' && (criterion.modifier === 'above' || criterion.modifier === 'below')) return false;
  const any = criterion.terms.some((term) => values.some((value) => termMatches(term, criterion.modifier, value)));
  return criterion.modifier === 'not' ? !any : any;
}

function meetsWords({ param, terms }: Criterion, resource: { readonly resourceType: string }): boolean {
  const words = param === '_text' ? narrativeWords(resource) : contentWords(resource);
  return terms.some((term) => term.kind === 'words' && wordsMatch(term.query, words));
}

/** Whether `recheck` can tell a criterion from the resource alone. */
export function isSelfContained({ kind, modifier }: Criterion): boolean {
  if (modifier === 'in' || modifier === 'not-in' || kind === 'place' || kind === 'words') return false;
  return !(kind === 'token' && (modifier === 'above' || modifier === 'below'));
}

function groupMatches(term: Term, group: Group): boolean {
  return (
    term.kind === 'composite' &&
    term.parts.every((part, n) => group.parts[n]?.some((value) => termMatches(part, undefined, value)) ?? false)
  );
}

function termMatches(term: Term, modifier: Criterion['modifier'], value: Value): boolean {
  switch (term.kind) {
    case 'token':
      return tokenMatches(term, value.kind === 'reference' && modifier === 'identifier' ? value.identifier : value);
    case 'identifier':
      return value.kind === 'token' && isOfType(term, value);
    case 'string':
      if (value.kind === 'token') return uriMatches(term.text, modifier, value.code);
      if (value.kind === 'text') return modifier === 'text' && wordMatches(normalize(term.text), value.norm);
      return value.kind === 'string' && stringMatches(term.text, modifier, value.norm, value.raw);
    case 'place':
      return false;
    case 'date':
      return value.kind === 'range' && dateMatches(term, value.lo, value.hi);
    case 'number':
      return value.kind === 'range' && numberMatches(term, value.lo, value.hi);
    case 'quantity': {
      if (value.kind !== 'range') return false;
      const { unit } = term;
      if (unit === undefined) return numberMatches(term, value.lo, value.hi);
      const exact = value.unit?.exact;
      if (unit.kind === 'exact') return exact?.key === unit.key && numberMatches(term, exact.lo, exact.hi);
      return (value.unit?.code === unit.text || value.unit?.label === unit.text) && numberMatches(term, value.lo, value.hi);
    }
    case 'reference':
      return value.kind === 'reference' && value.targets.some((target) => term.targets.includes(target));
    case 'words':
    case 'composite':
      return false;
  }
}

function tokenMatches(term: TokenTerm, token: Value | TokenValue | undefined): boolean {
  if (token?.kind !== 'token') return false;
  return (term.system === undefined || term.system === token.system) && (term.code === undefined || term.code === token.code);
}

function isOfType(term: IdentifierTerm, value: TokenValue): boolean {
  return value.code === term.value && (value.types ?? []).some((t) => t.system === term.typeSystem && t.code === term.typeCode);
}

function uriMatches(uri: string, modifier: Criterion['modifier'], value: string): boolean {
  if (modifier === 'contains') return value.includes(uri);
  return modifier === 'above' ? uriAncestors(uri).includes(value) : uriAncestors(value).includes(uri);
}

function wordMatches(wanted: string, norm: string): boolean {
  return norm.startsWith(wanted) || norm.includes(` ${wanted}`);
}

function stringMatches(text: string, modifier: Criterion['modifier'], norm: string, raw: string): boolean {
  if (modifier === 'exact') return raw === text;
  return modifier === 'contains' ? norm.includes(normalize(text)) : norm.startsWith(normalize(text));
}
