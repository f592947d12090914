// https://hl7.org/fhir/R4/search.html — the query of a search, checked whole before anything is looked up: what is unknown is refused, never dropped.
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { parseElements } from '../view/index.ts';
import { clinicalDateParameter, clinicalDateParameters } from './clinical-date.ts';
import type { Criterion, Include, Modifier, SearchQuery, SortKey, Term } from './criterion.ts';
import { type Parameter, parametersOf } from './parameter.ts';
import { isOwnPatientParameter } from './patient.ts';
import { malformed, parseComposite, parseTerm, splitEscaped, type TermContext, unsupported } from './term.ts';

export interface SearchOptions {
  /** `Prefer: handling=lenient`: unknown parameters are left out and reported instead of refused. */
  readonly lenient: boolean;
  /** Own base URL, so that absolute references to this server are found. */
  readonly base?: string;
  /** Now, for the prefix `ap`. */
  readonly now?: Date;
}

const defaultCount = 20;
const maximumCount = 1000;
const maximumTerms = 500;

interface Draft {
  readonly criteria: Criterion[];
  readonly sort: SortKey[];
  count: number;
  total: SearchQuery['total'];
  summaryCount: boolean;
  readonly includes: Include[];
  readonly revincludes: Include[];
  cursor: string | undefined;
  readonly ignored: string[];
  readonly used: [string, string][];
}

type Reader = (draft: Draft, value: string, definitions: Definitions, type: string) => void;

const resultParameters: { readonly [name: string]: Reader | undefined } = {
  _sort: (draft, value, definitions, type) => draft.sort.push(...value.split(',').map((key) => sortKey(definitions, type, key))),
  _count: (draft, value) => {
    if (!/^\d{1,9}$/.test(value)) throw malformed('_count is not a whole number.');
    draft.count = Math.min(Number(value), maximumCount);
  },
  _total: (draft, value) => {
    if (value !== 'none' && value !== 'estimate' && value !== 'accurate') throw malformed('_total is not none, estimate or accurate.');
    draft.total = value;
  },
  _summary: (draft, value) => {
    if (!['true', 'text', 'data', 'count', 'false'].includes(value)) throw malformed('_summary is not true, text, data, count or false.');
    draft.summaryCount = value === 'count';
  },
  // How much of a resource is shown is the view's business: here the names are checked and kept for the self link.
  _elements: (_draft, value, definitions, type) => parseElements(definitions, type, [value]),
  _include: (draft, value, definitions, type) => draft.includes.push(include(definitions, value, type, '_include')),
  _revinclude: (draft, value, definitions, type) => draft.revincludes.push(include(definitions, value, type, '_revinclude')),
  _cursor: (draft, value) => {
    draft.cursor = value;
  },
};
const withoutEffect: ReadonlySet<string> = new Set(['_format', '_pretty']);
const notBuilt: ReadonlySet<string> = new Set([
  '_contained',
  '_containedType',
  '_text',
  '_content',
  '_list',
  '_has',
  '_filter',
  '_query',
  '_type',
  '_score',
  'near',
]);

/**
 * Parses and checks a query.
 * @throws OperationOutcomeError 400 for anything unknown, not built or malformed; its text never holds a value
 */
export function parseSearch(definitions: Definitions, type: string, query: URLSearchParams | string, options: SearchOptions): SearchQuery {
  const context: TermContext = { definitions, nowMs: (options.now ?? new Date()).getTime(), base: options.base };
  const draft: Draft = {
    criteria: [],
    sort: [],
    count: defaultCount,
    total: undefined,
    summaryCount: false,
    includes: [],
    revincludes: [],
    cursor: undefined,
    ignored: [],
    used: [],
  };
  for (const [name, value] of typeof query === 'string' ? new URLSearchParams(query) : query) {
    if (withoutEffect.has(name)) continue;
    readParameter(draft, type, name, value, context, options.lenient);
  }
  if (draft.criteria.reduce((n, c) => n + c.terms.length, 0) > maximumTerms) throw unsupported('The search has too many values.');
  return { type, ...draft, summaryCount: draft.summaryCount || draft.count === 0 };
}

function readParameter(draft: Draft, type: string, name: string, value: string, context: TermContext, lenient: boolean): void {
  const read = resultParameters[name];
  if (read) {
    read(draft, value, context.definitions, type);
    draft.used.push([name, value]);
    return;
  }
  const [path = '', modifier] = splitModifier(name);
  if (notBuilt.has(path) || path in resultParameters) throw unsupported('A search parameter or its modifier is not supported.');
  if (path.includes('.')) throw unsupported('Chained search parameters are not supported.');
  const parameter = parametersOf(context.definitions, type).get(path);
  if (!parameter) {
    if (!lenient) throw unsupported('A search parameter is unknown for this resource type.');
    draft.ignored.push(name);
    return;
  }
  draft.criteria.push(criterion(type, parameter, modifier, value, context));
  draft.used.push([name, value]);
}

/** "name:modifier"; a chain ("subject:Patient.name") keeps its dot in the first part, where it is refused. */
function splitModifier(name: string): [string, string | undefined] {
  const colon = name.indexOf(':');
  if (colon < 0) return [name, undefined];
  const modifier = name.slice(colon + 1);
  return modifier.includes('.') ? [`${name.slice(0, colon)}.`, undefined] : [name.slice(0, colon), modifier];
}

const modifiers: { readonly [kind: string]: readonly Modifier[] | undefined } = {
  token: ['missing', 'not'],
  uri: ['missing'],
  string: ['missing', 'exact', 'contains'],
  reference: ['missing', 'identifier'],
};

function criterion(type: string, parameter: Parameter, modifier: string | undefined, value: string, context: TermContext): Criterion {
  const { kind } = parameter;
  if (kind === 'special') throw unsupported('This search parameter is not supported.');
  const shared = {
    type,
    param: parameter.code,
    kind,
    missing: undefined,
    groups: parameter.groupNames,
    ownPatient: kind === 'reference' && isOwnPatientParameter(context.definitions, type, parameter.code),
  };
  if (modifier === 'missing') return { ...shared, modifier, missing: booleanOf(value), terms: [] };
  const targetType =
    kind === 'reference' && modifier !== undefined && context.definitions.types[modifier]?.kind === 'resource' ? modifier : undefined;
  if (modifier !== undefined && targetType === undefined && !modifiers[kind]?.includes(modifier as Modifier))
    throw unsupported('A search modifier is not supported.');
  const values = splitEscaped(value, ',');
  if (kind === 'composite')
    return { ...shared, modifier: undefined, terms: values.map((v) => parseComposite(v, parameter.components, context)) };
  const valueKind = modifier === 'identifier' ? 'token' : kind;
  const targets = targetType ? [targetType] : bareTargets(parameter.definition, type, context.definitions);
  const terms = values.map((v): Term => parseTerm(valueKind, v, targets, context));
  if (targetType) checkTargets(terms, targetType);
  return { ...shared, modifier: targetType ? undefined : (modifier as Modifier | undefined), terms };
}

/** Types that a bare id may name: those of the parameter, only Patient when its expression says so. */
function bareTargets(definition: SearchParameterDefinition, type: string, definitions: Definitions): readonly string[] {
  const own = (definition.expression ?? '').split('|').filter((part) => part.trim().startsWith(`${type}.`));
  const only = own.map((part) => /resolve\(\) is ([A-Za-z]+)/.exec(part)?.[1]);
  if (only.length > 0 && only.every((t) => t !== undefined)) return only;
  if (own.length === 1) {
    const element = /^[A-Za-z]+\.([A-Za-z]+)$/.exec(own[0]?.trim() ?? '')?.[1];
    const found = definitions.types[type]?.elements.find((e) => e.name === element);
    const targets = found?.types.flatMap((t) => t.targets ?? []) ?? [];
    if (targets.length > 0 && !targets.includes('Resource')) return targets;
  }
  return definition.target ?? [];
}

function checkTargets(terms: readonly Term[], type: string): void {
  for (const term of terms) {
    if (term.kind === 'reference' && term.targets.some((t) => !t.startsWith(`${type}/`) && !t.includes(`/${type}/`))) {
      throw malformed('A reference value does not have the type of its modifier.');
    }
  }
}

function booleanOf(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw malformed('The value of :missing is not true or false.');
  return value === 'true';
}

function sortKey(definitions: Definitions, type: string, text: string): SortKey {
  const descending = text.startsWith('-');
  const param = descending ? text.slice(1) : text;
  if (param === '_id') return { param, kind: 'id', descending };
  if (param === '_lastUpdated') return { param, kind: 'lastUpdated', descending };
  const kind = parametersOf(definitions, type).get(param)?.kind;
  if (kind === undefined) throw unsupported('_sort names a search parameter that is unknown for this resource type.');
  // Only where nothing stands in for the primary date is the row's own time stamp exactly this parameter.
  if (param === clinicalDateParameter(type) && clinicalDateParameters(type).length === 1)
    return { param, kind: 'clinicalDate', descending };
  if (kind !== 'date' && kind !== 'string' && kind !== 'number' && kind !== 'quantity')
    throw unsupported('Sorting by this search parameter is not supported.');
  return { param, kind, descending };
}

/** "Source:param" or "Source:param:Target". */
function include(definitions: Definitions, value: string, type: string, name: '_include' | '_revinclude'): Include {
  const [source = '', param = '', target, ...rest] = value.split(':');
  if (value === '*' || param === '*') throw unsupported('Wildcard includes are not supported.');
  const parameter = definitions.types[source]?.kind === 'resource' ? parametersOf(definitions, source).get(param) : undefined;
  if (rest.length > 0 || parameter?.kind !== 'reference')
    throw malformed('An include does not name a reference parameter as Type:parameter.');
  if (target !== undefined && definitions.types[target]?.kind !== 'resource') throw malformed('An include names an unknown target type.');
  if (name === '_include' && source !== type) throw malformed('An include starts from another type than the one that is searched.');
  if (name === '_revinclude' && target !== undefined && target !== type)
    throw malformed('A reverse include leads to another type than the one that is searched.');
  return { source, param, target };
}
