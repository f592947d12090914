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

interface Hashes {
  readonly all: readonly bigint[];
  /** Without the one of the system alone. */
  readonly codes: readonly bigint[];
}

interface Compiled {
  readonly parameter: Parameter;
  readonly p: bigint;
  /** Hashes of token values by tenant and text: codes repeat endlessly. */
  readonly remembered: Map<string, Hashes>;
}

/** Identifiers do not repeat: what is remembered must have an end. */
const rememberedMaximum = 2000;

/** The instant of the row itself (`lu`) answers this one. */
const columnParameter = '_lastUpdated';

/** Compiles the parameters of every resource type. */
export async function compileIndexer(definitions: Definitions): Promise<Indexer> {
  const compiled = new Map<string, readonly Compiled[]>();
  for (const type of resourceTypes(definitions)) {
    const parameters = [...parametersOf(definitions, type).values()].filter((p) => p.code !== columnParameter);
    compiled.set(
      type,
      parameters.map((parameter) => ({ parameter, p: parameterHash(type, parameter.code), remembered: new Map() })),
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
        composites: compositeRows(draft.groups.values()),
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
      const { all, codes } = rememberedHashes(type, compiled, value, tenant);
      for (const hash of all) draft.tokens.add(hash);
      if (parameter.code === 'code') for (const hash of codes) draft.hot.add(hash);
      return;
    }
    case 'string':
      draft.strings.set(`${parameter.code} ${value.raw}`, { p, norm: value.norm, raw: value.raw });
      return;
    case 'reference':
      for (const target of value.targets) draft.references.set(`${parameter.code} ${target}`, { p, target: targetHash(target) });
      if (value.identifier) {
        for (const hash of tokenHashes(tenant, type, `${parameter.code}:identifier`, value.identifier).all) draft.tokens.add(hash);
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

function rememberedHashes(type: string, { parameter, remembered }: Compiled, token: TokenValue, tenant: number): Hashes {
  const key = `${tenant}|${token.system}|${token.code}`;
  const known = remembered.get(key);
  if (known) return known;
  const hashes = tokenHashes(tenant, type, parameter.code, token);
  if (remembered.size >= rememberedMaximum) remembered.clear();
  remembered.set(key, hashes);
  return hashes;
}

/** Forms under which a token is found; `|code` only where it has no system. */
function tokenHashes(tenant: number, type: string, param: string, { system, code }: TokenValue): Hashes {
  const codes = code === '' ? [] : [tokenHash(tenant, type, param, 'code', '', code)];
  if (code !== '')
    codes.push(system === '' ? tokenHash(tenant, type, param, 'bare', '', code) : tokenHash(tenant, type, param, 'both', system, code));
  return { codes, all: system === '' ? codes : [...codes, tokenHash(tenant, type, param, 'system', system, '')] };
}
