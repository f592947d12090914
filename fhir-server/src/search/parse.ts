// https://hl7.org/fhir/R4/search.html — the query of a search, checked whole before anything is looked up: what is unknown is refused, never dropped.
import type { Definitions } from '@limen/fhir-model/definitions';
import { parseElements } from '../view/index.ts';
import { clinicalDateParameter, clinicalDateParameters } from './clinical-date.ts';
import { type Condition, conditionsWithin, type Include, isCriterion, type SearchQuery, type SortKey } from './criterion.ts';
import { parseFilter } from './filter.ts';
import { parametersOf } from './parameter.ts';
import { conditionOf } from './parse-condition.ts';
import { malformed, type TermContext, tooMuch, unsupported } from './term.ts';

export interface SearchOptions {
  /** `Prefer: handling=lenient`: unknown parameters are left out and reported instead of refused. */
  readonly lenient: boolean;
  /** Own base URL, so that absolute references to this server are found. */
  readonly base?: string;
  /** Now, for the prefix `ap`. */
  readonly now?: Date;
  /** Whether the words of resources are kept, for `_text` and `_content`; absent: they are not asked here. */
  readonly texts?: 'kept' | 'removed';
}

const defaultCount = 20;
const maximumCount = 1000;
const maximumTerms = 2000;
const maximumConditions = 100;
/** Each list is read. */
const maximumLists = 20;

interface Draft {
  readonly criteria: Condition[];
  readonly sort: SortKey[];
  count: number;
  total: SearchQuery['total'];
  summaryCount: boolean;
  readonly includes: Include[];
  readonly revincludes: Include[];
  readonly lists: string[];
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
  _include: (draft, value, definitions, type) => draft.includes.push(include(definitions, value, type, '_include', false)),
  '_include:iterate': (draft, value, definitions, type) => draft.includes.push(include(definitions, value, type, '_include', true)),
  _revinclude: (draft, value, definitions, type) => draft.revincludes.push(include(definitions, value, type, '_revinclude', false)),
  '_revinclude:iterate': (draft, value, definitions, type) =>
    draft.revincludes.push(include(definitions, value, type, '_revinclude', true)),
  _list: (draft, value) => {
    for (const id of value.split(',')) {
      if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id)) throw malformed('_list is not the id of a List.');
      draft.lists.push(id);
    }
    if (draft.lists.length > maximumLists) throw unsupported('_list names more than 20 lists: ask in several searches.');
  },
  // The search rows are those of whole resources (ADR 0021).
  _contained: (_draft, value) => {
    if (value === 'true' || value === 'both')
      throw unsupported(
        'Contained resources are not searched by themselves: leave out _contained, and search for the resources that contain them.',
      );
    if (value !== 'false') throw malformed('_contained is not true, false or both.');
  },
  _cursor: (draft, value) => {
    draft.cursor = value;
  },
};
const withoutEffect: ReadonlySet<string> = new Set(['_format', '_pretty']);
/** What R4 has and this server has not, and what to do instead. */
const notBuilt: { readonly [name: string]: string | undefined } = {
  _containedType: 'Contained resources are not searched by themselves: leave out _containedType.',
  _query: 'Named queries are not supported: use search parameters, or an operation of the CapabilityStatement.',
  _type: '_type belongs to searches of several types: ask for it at the base of the server.',
  _score: '_score is not supported: matches are not ranked; order them by _sort.',
};

/**
 * Parses and checks a query.
 * @throws OperationOutcomeError 400 for anything unknown, not built or malformed; its text never holds a value
 */
export function parseSearch(definitions: Definitions, type: string, query: URLSearchParams | string, options: SearchOptions): SearchQuery {
  const context: TermContext = {
    definitions,
    nowMs: (options.now ?? new Date()).getTime(),
    base: options.base,
    texts: options.texts,
    budget: { conditions: maximumConditions },
  };
  const draft: Draft = {
    criteria: [],
    sort: [],
    count: defaultCount,
    total: undefined,
    summaryCount: false,
    includes: [],
    revincludes: [],
    lists: [],
    cursor: undefined,
    ignored: [],
    used: [],
  };
  for (const [name, value] of typeof query === 'string' ? new URLSearchParams(query) : query) {
    if (withoutEffect.has(name)) continue;
    readParameter(draft, type, name, value, context, options.lenient);
  }
  checkSize(draft.criteria);
  return { type, ...draft, summaryCount: draft.summaryCount || draft.count === 0 };
}

/** Bounds what a statement may hold: an OR of a thousand values is a search, of a million an attack. */
function checkSize(criteria: readonly Condition[]): void {
  let terms = 0;
  for (const criterion of criteria) {
    for (const condition of conditionsWithin(criterion)) if (isCriterion(condition)) terms += condition.terms.length;
  }
  if (terms > maximumTerms) throw tooMuch();
}

/** A name that every object has, as `constructor`, is none of the table's. */
function own<T>(table: { readonly [name: string]: T | undefined }, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function readParameter(draft: Draft, type: string, name: string, value: string, context: TermContext, lenient: boolean): void {
  const read = own(resultParameters, name);
  if (read) {
    read(draft, value, context.definitions, type);
    draft.used.push([name, value]);
    return;
  }
  const [path = ''] = name.split(':');
  const instead = own(notBuilt, path);
  if (instead !== undefined) throw unsupported(instead);
  if (own(resultParameters, path) && path !== name)
    throw unsupported('A search result parameter has a modifier that it does not take: only _include and _revinclude take :iterate.');
  const condition = name === '_filter' ? parseFilter(type, value, context) : conditionOf(type, name, value, context);
  if (!condition) {
    if (!lenient)
      throw unsupported('A search parameter is unknown for this resource type: the CapabilityStatement lists those that are known.');
    draft.ignored.push(name);
    return;
  }
  draft.criteria.push(condition);
  draft.used.push([name, value]);
}

function sortKey(definitions: Definitions, type: string, text: string): SortKey {
  const descending = text.startsWith('-');
  const param = descending ? text.slice(1) : text;
  if (param === '_id') return { param, kind: 'id', descending };
  if (param === '_lastUpdated') return { param, kind: 'lastUpdated', descending };
  const kind = parametersOf(definitions, type).get(param)?.kind;
  if (kind === undefined)
    throw unsupported(
      '_sort names a search parameter that is unknown for this resource type: the CapabilityStatement lists those that are known.',
    );
  // Only where nothing stands in for the primary date is the row's own time stamp exactly this parameter.
  if (param === clinicalDateParameter(type) && clinicalDateParameters(type).length === 1)
    return { param, kind: 'clinicalDate', descending };
  const isIdentifier = kind === 'token' && parametersOf(definitions, type).get(param)?.definition.code === 'identifier';
  if (kind === 'reference' || kind === 'composite' || kind === 'special' || isIdentifier)
    throw unsupported(
      'Sorting by this search parameter is not supported, as its values have no order: sort by a date, number, quantity, string, code or uri.',
    );
  return { param, kind, descending };
}

/** `Source:param`, `Source:param:Target`, `Source:*`, `*`. */
function include(definitions: Definitions, value: string, type: string, name: '_include' | '_revinclude', iterate: boolean): Include {
  if (value === '*' && name === '_include') return { source: type, param: '*', target: undefined, iterate };
  if (value === '*')
    throw unsupported('_revinclude=* is not supported: name what is to come along, as _revinclude=Type:parameter or _revinclude=Type:*.');
  const [source = '', param = '', target, ...rest] = value.split(':');
  const parameters = definitions.types[source]?.kind === 'resource' ? parametersOf(definitions, source) : undefined;
  if (!parameters || rest.length > 0 || (param !== '*' && parameters.get(param)?.kind !== 'reference'))
    throw malformed('An include does not name a reference parameter as Type:parameter.');
  if (target !== undefined && definitions.types[target]?.kind !== 'resource') throw malformed('An include names an unknown target type.');
  if (!iterate && name === '_include' && source !== type)
    throw malformed('An include starts from another type than the one that is searched; _include:iterate may.');
  if (!iterate && name === '_revinclude' && target !== undefined && target !== type)
    throw malformed('A reverse include leads to another type than the one that is searched; _revinclude:iterate may.');
  return { source, param, target, iterate };
}
