// From a resource to its rows in the search tables: what every write pays, so paths are compiled and token hashes remembered.
import type { Resource } from '@limen/fhir-model';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';
import { clinicalDateParameters } from './clinical-date.ts';
import { compositeRows } from './composite.ts';
import { parameterHash, targetHash, tokenHash, unitHash } from './hash.ts';
import { type Group, type Parameter, parametersOf } from './parameter.ts';
import type { IndexRows } from './rows.ts';
import type { RangeValue, TokenValue, Value } from './value.ts';

export interface Indexer {
  /** All search rows of one resource. */
  index(resource: Resource, tenant: number): IndexRows;
}

/** Rows while they grow; sets, because a value may be selected twice. */
interface Draft {
  readonly tokens: Set<bigint>;
  readonly hot: Set<bigint>;
  readonly dates: Map<string, IndexRows['dates'][number]>;
  readonly quantities: IndexRows['quantities'][number][];
  readonly numbers: IndexRows['numbers'][number][];
  readonly strings: Map<string, IndexRows['strings'][number]>;
  readonly references: Map<string, IndexRows['references'][number]>;
  readonly groups: Map<string, readonly Group[]>;
}

interface Compiled {
  readonly parameter: Parameter;
  readonly p: bigint;
}

/** The instant of the row itself (`lu`) answers this one. */
const columnParameter = '_lastUpdated';

/** Compiles the parameters of every resource type. */
export async function compileIndexer(definitions: Definitions): Promise<Indexer> {
  const compiled = new Map<string, readonly Compiled[]>();
  for (const type of resourceTypes(definitions)) {
    const parameters = [...parametersOf(definitions, type).values()].filter((p) => p.code !== columnParameter);
    compiled.set(
      type,
      parameters.map((parameter) => ({ parameter, p: parameterHash(type, parameter.code) })),
    );
  }
  return {
    index(resource, tenant) {
      const type = resource.resourceType;
      const draft = emptyDraft();
      for (const c of compiled.get(type) ?? []) addParameter(type, c, resource, tenant, draft);
      return {
        tsMs: clinicalDate(definitions, type, resource),
        tokens: [...draft.tokens],
        hot: [...draft.hot],
        dates: [...draft.dates.values()],
        quantities: draft.quantities,
        numbers: draft.numbers,
        strings: [...draft.strings.values()],
        references: [...draft.references.values()],
        composites: compositeRows([...draft.groups.values()].flat()),
      };
    },
  };
}

function emptyDraft(): Draft {
  return {
    tokens: new Set(),
    hot: new Set(),
    dates: new Map(),
    quantities: [],
    numbers: [],
    strings: new Map(),
    references: new Map(),
    groups: new Map(),
  };
}

/** Start of the first clinical date that there is; its end when only that is known. */
function clinicalDate(definitions: Definitions, type: string, resource: Resource): number | undefined {
  for (const code of clinicalDateParameters(type)) {
    const ranges = parametersOf(definitions, type).get(code)?.values(resource) ?? [];
    let first: number | undefined;
    for (const range of ranges as RangeValue[]) {
      const at = Number.isFinite(range.lo) ? range.lo : range.hi;
      if (first === undefined || at < first) first = at;
    }
    if (first !== undefined) return first;
  }
  return undefined;
}

function addParameter(type: string, compiled: Compiled, resource: Resource, tenant: number, draft: Draft): void {
  const { parameter } = compiled;
  if (parameter.kind === 'composite') {
    const groups = parameter.groups(resource);
    if (groups.length === 0) return;
    draft.tokens.add(tokenHash(tenant, type, parameter.code, 'present', '', ''));
    for (const name of parameter.groupNames)
      draft.groups.set(
        name,
        groups.filter((g) => g.name === name),
      );
    return;
  }
  const values = parameter.values(resource);
  if (values.length === 0) return;
  if (parameter.kind === 'token' || parameter.kind === 'uri' || parameter.kind === 'reference') {
    draft.tokens.add(tokenHash(tenant, type, parameter.code, 'present', '', ''));
  }
  for (const value of values) addValue(type, compiled, value, tenant, draft);
}

function addValue(type: string, compiled: Compiled, value: Value, tenant: number, draft: Draft): void {
  const { parameter, p } = compiled;
  switch (value.kind) {
    case 'token': {
      for (const hash of tokenHashes(tenant, type, parameter.code, value)) draft.tokens.add(hash);
      if (parameter.code === 'code') for (const hash of codeHashes(tenant, type, parameter.code, value)) draft.hot.add(hash);
      return;
    }
    case 'string':
      draft.strings.set(`${parameter.code} ${value.raw}`, { p, norm: value.norm, raw: value.raw });
      return;
    case 'reference':
      for (const target of value.targets) draft.references.set(`${parameter.code} ${target}`, { p, target: targetHash(target) });
      if (value.identifier) {
        for (const hash of tokenHashes(tenant, type, `${parameter.code}:identifier`, value.identifier)) draft.tokens.add(hash);
      }
      return;
    case 'range':
      addRange(parameter, p, value, draft);
  }
}

function addRange({ kind, code: param }: Parameter, p: bigint, value: RangeValue, draft: Draft): void {
  const { lo, hi } = value;
  if (kind === 'date') draft.dates.set(`${param} ${lo} ${hi}`, { p, lo, hi });
  else if (kind === 'number') draft.numbers.push({ p, lo, hi });
  else for (const [system, code] of value.units) draft.quantities.push({ p, unit: unitHash(system, code), lo, hi });
}

/** Forms under which a code is found; `|code` only where it has no system. */
function codeHashes(tenant: number, type: string, param: string, token: TokenValue): bigint[] {
  if (token.code === '') return [];
  const { system, code } = token;
  return [
    tokenHash(tenant, type, param, 'code', '', code),
    system === '' ? tokenHash(tenant, type, param, 'bare', '', code) : tokenHash(tenant, type, param, 'both', system, code),
  ];
}

function tokenHashes(tenant: number, type: string, param: string, token: TokenValue): bigint[] {
  const hashes = codeHashes(tenant, type, param, token);
  if (token.system !== '') hashes.push(tokenHash(tenant, type, param, 'system', token.system, ''));
  return hashes;
}
