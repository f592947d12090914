// From a resource to its rows in the search tables: what every write pays, so paths are compiled and token hashes remembered.
import type { Resource } from '@limen/fhir-model';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';
import type { IndexRows } from '../store/index-rows.ts';
import { accessRows } from './access-rows.ts';
import { clinicalDateParameters } from './clinical-date.ts';
import { compositeRows } from './composite.ts';
import { edgeHash, parameterHash, targetHash, tokenHash, unitHash } from './hash.ts';
import { numberText } from './number.ts';
import { type Group, type Parameter, parametersOf } from './parameter.ts';
import type { RangeValue, TokenValue, Value } from './value.ts';
import { contentWords, narrativeWords, vectorText } from './words.ts';

export interface Indexer {
  /** All search rows of one resource. */
  index(resource: Resource, tenant: number): IndexRows;
}

/** Rows while they grow; sets, because a value may be selected twice. */
interface Draft {
  readonly tokens: Set<bigint>;
  readonly hot: Set<bigint>;
  ofOwnPatient: boolean;
  readonly dates: Map<string, IndexRows['dates'][number]>;
  readonly quantities: IndexRows['quantities'][number][];
  readonly numbers: IndexRows['numbers'][number][];
  readonly strings: Map<string, IndexRows['strings'][number]>;
  readonly texts: IndexRows['texts'][number][];
  readonly groups: Map<string, readonly Group[]>;
}

interface Hashes {
  readonly all: readonly bigint[];
  /** Without the one of the system alone. */
  readonly codes: readonly bigint[];
}

interface Compiled {
  readonly parameter: Parameter;
  /** Hashes of the parameter by tenant. */
  readonly hashes: Map<number, ParameterHashes>;
}

interface ParameterHashes {
  readonly p: bigint;
  readonly present: bigint;
  /** Of the texts that tokens are sorted by. */
  readonly sort: bigint;
  /** Hashes of token values by text: codes repeat endlessly. */
  readonly remembered: Map<string, Hashes>;
}

/** Identifiers do not repeat: what is remembered must have an end. */
const rememberedMaximum = 2000;

/** The instant of the row itself (`lu`) answers this one. */
const columnParameter = '_lastUpdated';

interface Span {
  readonly lo: number;
  readonly hi: number;
  readonly detailed: boolean;
}

/** Parameters in use now: those of R4, and those that users define. */
export interface ParameterSet {
  readonly definitions: Definitions;
  readonly stamp: bigint;
}

export interface IndexerOptions {
  /** Absent: the given definitions. */
  readonly inUse?: () => ParameterSet;
  /** Whether the words of resources are indexed. */
  readonly words?: boolean;
}

/** By the parameters of a type, which stay the same object until one of them changes. */
const compiledTypes = new WeakMap<ReadonlyMap<string, Parameter>, readonly Compiled[]>();
const compiledParameters = new WeakMap<Parameter, Compiled>();

function compiledOf(parameters: ReadonlyMap<string, Parameter>): readonly Compiled[] {
  let found = compiledTypes.get(parameters);
  if (!found) {
    found = [...parameters.values()].filter((p) => p.code !== columnParameter && p.unionOf.length === 0).map(compiledParameter);
    compiledTypes.set(parameters, found);
  }
  return found;
}

function compiledParameter(parameter: Parameter): Compiled {
  let found = compiledParameters.get(parameter);
  if (!found) {
    found = { parameter, hashes: new Map() };
    compiledParameters.set(parameter, found);
  }
  return found;
}

/** Compiles the parameters of every resource type. */
export async function compileIndexer(definitions: Definitions, options: IndexerOptions = {}): Promise<Indexer> {
  const { inUse = () => ({ definitions, stamp: 0n }), words = false } = options;
  for (const type of resourceTypes(definitions)) compiledOf(parametersOf(definitions, type));
  return {
    index(resource, tenant) {
      const type = resource.resourceType;
      const draft = emptyDraft();
      const { definitions: current, stamp } = inUse();
      const span = clinicalSpan(definitions, type, resource);
      // The one range of the primary date is the row's own.
      const inRow = span && !span.detailed ? clinicalDateParameters(type)[0] : undefined;
      for (const c of compiledOf(parametersOf(current, type)))
        if (c.parameter.code !== inRow) addParameter(type, c, resource, tenant, draft);
      return {
        stamp,
        access: accessRows(definitions, resource, tenant),
        words: words ? { narrative: vectorText(narrativeWords(resource)), content: vectorText(contentWords(resource)) } : undefined,
        self: targetHash(tenant, `${type}/${resource.id ?? ''}`),
        tsMs: span?.lo,
        teMs: span?.hi,
        detailed: span?.detailed ?? false,
        tokens: [...draft.tokens],
        ofOwnPatient: draft.ofOwnPatient,
        hot: [...draft.hot],
        dates: [...draft.dates.values()],
        quantities: draft.quantities,
        numbers: draft.numbers,
        strings: [...draft.strings.values()],
        texts: draft.texts,
        places: type === 'Location' ? placesOf(resource) : [],
        composites: compositeRows(draft.groups.values(), tenant),
      };
    },
  };
}

function emptyDraft(): Draft {
  return {
    tokens: new Set(),
    hot: new Set(),
    ofOwnPatient: false,
    dates: new Map(),
    quantities: [],
    numbers: [],
    strings: new Map(),
    texts: [],
    groups: new Map(),
  };
}

/** From the start of the first clinical date to the end of the last. Detailed: several dates, or those of a parameter that may stand in. */
function clinicalSpan(definitions: Definitions, type: string, resource: Resource): Span | undefined {
  const codes = clinicalDateParameters(type);
  for (const code of codes) {
    const ranges = (parametersOf(definitions, type).get(code)?.values(resource) ?? []) as RangeValue[];
    const [first] = ranges;
    if (!first) continue;
    if (ranges.length === 1) return { lo: first.lo, hi: first.hi, detailed: codes.length > 1 };
    return { lo: Math.min(...ranges.map((r) => r.lo)), hi: Math.max(...ranges.map((r) => r.hi)), detailed: true };
  }
  return undefined;
}

function placesOf(resource: Resource): IndexRows['places'] {
  const { position } = resource as { position?: { latitude?: unknown; longitude?: unknown } };
  const latitude = Number(numberText(position?.latitude) ?? Number.NaN);
  const longitude = Number(numberText(position?.longitude) ?? Number.NaN);
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? [{ latitude, longitude }] : [];
}

function hashesOf(type: string, { parameter, hashes }: Compiled, tenant: number): ParameterHashes {
  let known = hashes.get(tenant);
  if (!known) {
    const { code } = parameter;
    known = {
      p: parameterHash(tenant, type, code),
      present: tokenHash(tenant, type, code, 'present', '', ''),
      sort: parameterHash(tenant, type, sortTexts(code)),
      remembered: new Map(),
    };
    hashes.set(tenant, known);
  }
  return known;
}

function addParameter(type: string, compiled: Compiled, resource: Resource, tenant: number, draft: Draft): void {
  const { parameter } = compiled;
  if (parameter.kind === 'composite') {
    const groups = parameter.groups(resource);
    if (groups.length === 0) return;
    draft.tokens.add(hashesOf(type, compiled, tenant).present);
    for (const name of parameter.groupNames)
      draft.groups.set(
        name,
        groups.filter((g) => g.name === name),
      );
    return;
  }
  const values = parameter.values(resource);
  if (values.length === 0) return;
  const hashes = hashesOf(type, compiled, tenant);
  if (parameter.kind === 'token' || parameter.kind === 'uri' || parameter.kind === 'reference') draft.tokens.add(hashes.present);
  for (const value of values) addValue(type, parameter, hashes, value, tenant, draft);
}

function addValue(type: string, parameter: Parameter, hashes: ParameterHashes, value: Value, tenant: number, draft: Draft): void {
  const { p } = hashes;
  switch (value.kind) {
    case 'token': {
      const { all, codes } = rememberedHashes(type, parameter.code, hashes, value, tenant);
      for (const hash of all) draft.tokens.add(hash);
      const exact = codes.at(-1);
      if (value.sortable && exact !== undefined) draft.texts.push({ p: hashes.sort, hash: exact, text: value.code });
      if (parameter.code === 'code') for (const hash of codes) draft.hot.add(hash);
      if (parameter.kind === 'uri' && codes[0] !== undefined) draft.texts.push({ p, hash: codes[0], text: value.code });
      for (const { system, code } of value.types ?? [])
        draft.tokens.add(ofTypeHash(tenant, type, parameter.code, system, code, value.code));
      return;
    }
    case 'text': {
      const hash = tokenHash(tenant, type, parameter.code, 'text', '', value.norm);
      draft.tokens.add(hash);
      draft.texts.push({ p, hash, text: value.norm });
      return;
    }
    case 'string':
      draft.strings.set(`${parameter.code} ${value.raw}`, { p, norm: value.norm, raw: value.raw });
      return;
    case 'reference':
      for (const target of value.targets) {
        draft.tokens.add(edgeHash(p, targetHash(tenant, target)));
        if (parameter.ownPatient && target.startsWith('Patient/')) draft.ofOwnPatient = true;
      }
      if (value.identifier) {
        for (const hash of tokenHashes(tenant, type, `${parameter.code}:identifier`, value.identifier).all) draft.tokens.add(hash);
      }
      return;
    case 'range':
      addRange(parameter, p, value, draft);
  }
}

/** Name under which the codes of a parameter are among the texts, to be sorted by. */
export const sortTexts = (param: string): string => `${param}:code`;

/** `:of-type`: system and code of the identifier's type with its value, all three in one token. */
export function ofTypeHash(tenant: number, type: string, param: string, system: string, code: string, value: string): bigint {
  return tokenHash(tenant, type, param, 'of-type', `${system}|${code}`, value);
}

function addRange({ kind, code: param }: Parameter, p: bigint, value: RangeValue, draft: Draft): void {
  const { lo, hi, unit } = value;
  if (kind === 'date') draft.dates.set(`${param} ${lo} ${hi}`, { p, lo, hi });
  else if (kind === 'number') draft.numbers.push({ p, lo, hi });
  else {
    const code = unit?.code === undefined ? null : unitHash(unit.code);
    const label = unit?.label === undefined ? null : unitHash(unit.label);
    draft.quantities.push({ p, unit: 0n, lo, hi, code, label });
    if (unit?.exact)
      draft.quantities.push({ p, unit: unitHash(unit.exact.key), lo: unit.exact.lo, hi: unit.exact.hi, code: null, label: null });
  }
}

function rememberedHashes(type: string, param: string, { remembered }: ParameterHashes, token: TokenValue, tenant: number): Hashes {
  const key = `${token.system}|${token.code}`;
  const known = remembered.get(key);
  if (known) return known;
  const hashes = tokenHashes(tenant, type, param, token);
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
