// One criterion as an SQL condition on a row of idx.
import { anyTokenSql } from './any-token.ts';
import { clinicalDateParameters } from './clinical-date.ts';
import { dateSql, numberSql } from './compare.ts';
import { anyUnit, bareKey, bothKey, codeKey, referenceKey } from './composite.ts';
import type {
  CompositeTerm,
  Criterion,
  DateTerm,
  NumberTerm,
  PlaceTerm,
  PlanContext,
  ReferenceTerm,
  StringTerm,
  Term,
  TokenTerm,
  WordsTerm,
} from './criterion.ts';
import { edgeHash, groupHash, parameterHash, partHash, targetHash, tokenHash, unitHash } from './hash.ts';
import { ofTypeHash } from './indexer.ts';
import { likePattern, or, timeText, type Values } from './statement.ts';
import { normalize } from './string.ts';
import { queryText } from './word-query.ts';

/** A condition's surroundings: the row of idx it is about. */
export interface Place {
  /** Alias of the row. */
  readonly row: string;
  /** Alias of the row's resource where the statement joins it: only there its times are. */
  readonly resource?: string;
  /** Few rows come here, those of one patient: conditions need not find them by an index. */
  readonly oneByOne?: boolean;
  readonly context: PlanContext;
  readonly values: Values;
}

function ofKind<K extends Term['kind']>(terms: readonly Term[], ...kinds: K[]): (Term & { kind: K })[] {
  return terms.filter((t): t is Term & { kind: K } => (kinds as string[]).includes(t.kind));
}

function existsIn(table: string, criterion: Criterion, { row, context, values }: Place, condition: string): string {
  const hashes = criterion.indexedAs.map((param) => parameterHash(context.tenant, criterion.type, param));
  const [only, ...more] = hashes;
  const p = more.length === 0 && only !== undefined ? `x.p = ${values.hash(only)}` : `x.p = any(${values.hashes(hashes)})`;
  return `exists (select 1 from ${table} x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid and ${p}${condition && ` and ${condition}`})`;
}

const tables: { readonly [kind: string]: string | undefined } = { date: 'dt', number: 'num', quantity: 'qty', string: 'str' };

export function criterionSql(criterion: Criterion, place: Place): string {
  const { kind, modifier, terms } = criterion;
  const { values } = place;
  if (modifier === 'missing') return missingSql(criterion, place);
  if (criterion.resolved || kind === 'token' || kind === 'uri' || modifier === 'identifier') return tokenSql(criterion, place);
  switch (kind) {
    case 'string':
      return existsIn('str', criterion, place, or(ofKind(terms, 'string').map((t) => stringSql(t, modifier, values))));
    case 'date':
      return dateCriterionSql(criterion, ofKind(terms, 'date'), place);
    case 'number':
      return existsIn('num', criterion, place, or(ofKind(terms, 'number').map((t) => numberTermSql(t, 'x.lo', 'x.hi', values))));
    case 'quantity':
      return existsIn('qty', criterion, place, or(ofKind(terms, 'quantity').map((t) => quantitySql(t, values))));
    case 'reference':
      return referenceSql(criterion, ofKind(terms, 'reference'), place);
    case 'place':
      return or(ofKind(terms, 'place').map((t) => placeSql(t, place)));
    case 'words':
      return or(ofKind(terms, 'words').map((t) => wordsSql(criterion, t, place)));
    case 'composite':
      return or(ofKind(terms, 'composite').map((t) => compositeSql(criterion, t, place)));
  }
}

function wordsSql({ param }: Criterion, { query }: WordsTerm, { row, values }: Place): string {
  const column = param === '_text' ? 'narrative' : 'content';
  return `exists (select 1 from txt x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid and x.${column} @@ ${values.add(queryText(query), 'tsquery')})`;
}

/** Whether the row itself holds the range of this date parameter. */
export function isSpan({ type, param }: Criterion): boolean {
  const parameters = clinicalDateParameters(type);
  return parameters.length === 1 && parameters[0] === param;
}

function missingSql(criterion: Criterion, place: Place): string {
  const { type, param, indexedAs } = criterion;
  const { row, values, context } = place;
  if (param === '_lastUpdated') return criterion.missing ? 'false' : 'true';
  if (criterion.kind === 'date' && isSpan(criterion)) return `${row}.ts is ${criterion.missing ? '' : 'not '}null`;
  const table = tables[criterion.kind];
  const present =
    criterion.kind === 'place'
      ? `exists (select 1 from geo x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid)`
      : table
        ? existsIn(table, criterion, place, '')
        : `${row}.tok && ${values.hashes(indexedAs.map((name) => tokenHash(context.tenant, type, name, 'present', '', '')))}`;
  return criterion.missing ? `not ${present}` : present;
}

function termHash(tenant: number, type: string, param: string, term: TokenTerm): bigint {
  const { system, code } = term;
  if (code === undefined) return tokenHash(tenant, type, param, 'system', system ?? '', '');
  if (system === undefined) return tokenHash(tenant, type, param, 'code', '', code);
  return system === '' ? tokenHash(tenant, type, param, 'bare', '', code) : tokenHash(tenant, type, param, 'both', system, code);
}

/** Any of these hashes meets a token criterion. */
function tokenHashes(criterion: Criterion, tenant: number): readonly bigint[] {
  if (criterion.resolved) return criterion.resolved;
  const { type, modifier, terms } = criterion;
  return criterion.indexedAs.flatMap((indexed) => {
    const param = modifier === 'identifier' ? `${indexed}:identifier` : indexed;
    return terms.flatMap((term) => {
      if (term.kind === 'token') return [termHash(tenant, type, param, term)];
      return term.kind === 'identifier' ? [ofTypeHash(tenant, type, param, term.typeSystem, term.typeCode, term.value)] : [];
    });
  });
}

function tokenSql(criterion: Criterion, place: Place): string {
  const any = anyTokenSql(tokenHashes(criterion, place.context.tenant), place);
  return criterion.modifier === 'not' || criterion.modifier === 'not-in' ? `not (${any})` : any;
}

/** The one search token that a criterion demands, if it is that simple: these are put together into one array condition. */
export function singleTokenHash(criterion: Criterion, context: PlanContext): bigint | undefined {
  const { kind, modifier, terms } = criterion;
  if (modifier === 'missing' || modifier === 'not' || modifier === 'not-in') return undefined;
  if (kind === 'reference' && modifier === undefined && !ownPatients(criterion, context)) {
    const edges = edgesOf(criterion, ofKind(terms, 'reference'), context.tenant);
    return edges.length === 1 ? edges[0] : undefined;
  }
  if (kind !== 'token' && kind !== 'uri' && modifier !== 'identifier') return undefined;
  const hashes = tokenHashes(criterion, context.tenant);
  return hashes.length === 1 ? hashes[0] : undefined;
}

function stringSql(term: StringTerm, modifier: string | undefined, values: Values): string {
  const norm = normalize(term.text);
  if (modifier === 'exact') return `(x.norm = ${values.add(norm, 'text')} and x.raw = ${values.add(term.text, 'text')})`;
  return `x.norm like ${values.add(modifier === 'contains' ? `%${likePattern(norm)}%` : `${likePattern(norm)}%`, 'text')}`;
}

function dateCriterionSql(criterion: Criterion, terms: readonly DateTerm[], place: Place): string {
  if (criterion.param === '_lastUpdated') return lastUpdatedSql(terms, place);
  if (isSpan(criterion)) return or(terms.map((t) => spanSql(criterion, t, place)));
  return existsIn('dt', criterion, place, or(terms.map((t) => dateTermSql(t, 'x.lo', 'x.hi', place.values))));
}

function dateTermSql(term: DateTerm, lo: string, hi: string, values: Values): string {
  const from = values.later(timeText(term.lo), 'timestamptz');
  const to = values.later(timeText(term.hi), 'timestamptz');
  return dateSql(term.prefix, { lo, hi, from, to });
}

/** The range in the row; where the row only holds the span of several, the span bounds the search and the ranges decide. */
function spanSql(criterion: Criterion, term: DateTerm, place: Place): string {
  const { row, values } = place;
  const from = values.later(timeText(term.lo), 'timestamptz');
  const to = values.later(timeText(term.hi), 'timestamptz');
  const own = dateSql(term.prefix, { lo: `${row}.ts`, hi: `${row}.te`, from, to });
  const detail = existsIn('dt', criterion, place, dateSql(term.prefix, { lo: 'x.lo', hi: 'x.hi', from, to }));
  return `(${spanBound(term.prefix, row, from, to)} and case when ${row}.detailed then ${detail} else ${own} end)`;
}

/** What the span of every resource that matches must meet; a range may be empty (a period that ends where it starts). */
function spanBound(prefix: DateTerm['prefix'], row: string, from: () => string, to: () => string): string {
  switch (prefix) {
    case 'eq':
    case 'ap':
      return `${row}.ts <= ${to()} and ${row}.te >= ${from()}`;
    case 'gt':
    case 'sa':
      return `${row}.te >= ${to()}`;
    case 'ge':
      return `${row}.te >= ${from()}`;
    case 'lt':
    case 'eb':
      return `${row}.ts <= ${from()}`;
    case 'le':
      return `${row}.ts <= ${to()}`;
    case 'ne':
      return `${row}.ts is not null`;
  }
}

/** lu is one millisecond long: conditions stay on the bare column, so that its index serves. */
function lastUpdatedSql(terms: readonly DateTerm[], { row, resource, values }: Place): string {
  const condition = (lu: string): string => or(terms.map((t) => lastUpdatedTermSql(t, lu, values)));
  if (resource) return condition(`${resource}.lu`);
  return `exists (select 1 from res x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid and ${condition('x.lu')})`;
}

function lastUpdatedTermSql(term: DateTerm, lu: string, values: Values): string {
  const from = values.later(timeText(term.lo), 'timestamptz');
  const to = values.later(timeText(term.hi), 'timestamptz');
  switch (term.prefix) {
    case 'eq':
    case 'ap':
      return `(${lu} >= ${from()} and ${lu} < ${to()})`;
    case 'ne':
      return `not (${lu} >= ${from()} and ${lu} < ${to()})`;
    case 'gt':
    case 'sa':
      return `${lu} >= ${to()}`;
    case 'lt':
    case 'eb':
      return `${lu} < ${from()}`;
    case 'ge':
      return `${lu} >= ${from()}`;
    case 'le':
      return `${lu} < ${to()}`;
  }
}

function numberTermSql(term: NumberTerm, lo: string, hi: string, values: Values): string {
  const value = values.later(term.value, 'float8');
  return numberSql(term.prefix, { lo, hi, value, from: values.later(term.lo, 'float8'), to: values.later(term.hi, 'float8') });
}

function quantitySql(term: NumberTerm, values: Values): string {
  const { unit } = term;
  const number = numberTermSql(term, 'x.lo', 'x.hi', values);
  if (unit?.kind === 'exact') return `(x.unit = ${values.hash(unitHash(unit.key))} and ${number})`;
  const written = unit && values.hash(unitHash(unit.text));
  return `(x.unit = 0 and ${number}${written ? ` and (x.code = ${written} or x.label = ${written})` : ''})`;
}

const patientPrefix = 'Patient/';

/** rids of the patients that a criterion names, when it names nothing but known own patients. */
export function ownPatients(criterion: Criterion, context: PlanContext): bigint[] | undefined {
  if (!criterion.ownPatient || criterion.modifier !== undefined) return undefined;
  const rids = ofKind(criterion.terms, 'reference')
    .flatMap((t) => t.targets)
    .map((target) => (target.startsWith(patientPrefix) ? context.patientRid(target.slice(patientPrefix.length)) : undefined));
  return rids.every((rid) => rid !== undefined) ? rids : undefined;
}

function edgesOf(criterion: Criterion, terms: readonly ReferenceTerm[], tenant: number): bigint[] {
  const p = parameterHash(tenant, criterion.type, criterion.param);
  return terms.flatMap((t) => t.targets).map((target) => edgeHash(p, targetHash(tenant, target)));
}

function referenceSql(criterion: Criterion, terms: readonly ReferenceTerm[], place: Place): string {
  const { row, context, values } = place;
  const edges = edgesOf(criterion, terms, context.tenant);
  const own = ownPatients(criterion, context);
  if (own?.length === 1 && edges.length === 1) {
    // pat may come from another element where this one is empty. `= any` keeps the check a filter: no index should be driven by it.
    return `(${row}.pat = ${values.hash(own[0] ?? 0n)} and ${values.hash(edges[0] ?? 0n)} = any(${row}.tok))`;
  }
  if (!own) return anyTokenSql(edges, place);
  return `(${row}.pat = any(${values.hashes(own)}) and ${anyTokenSql(edges, { ...place, oneByOne: true })})`;
}

const earthKilometres = 6371.0088;
const kilometresADegree = 111.2;

/** Great-circle distance, bounded by a box that the index finds. */
function placeSql({ latitude, longitude, kilometres }: PlaceTerm, { row, values }: Place): string {
  const float = (value: number): string => values.add(value, 'float8');
  const height = kilometres / kilometresADegree;
  const width = height / Math.max(0.01, Math.cos((Math.min(89, Math.abs(latitude) + height) * Math.PI) / 180));
  const box = [`x.latitude between ${float(latitude - height)} and ${float(latitude + height)}`];
  if (longitude - width > -180 && longitude + width < 180)
    box.push(`x.longitude between ${float(longitude - width)} and ${float(longitude + width)}`);
  const [lat, lon] = [float(latitude), float(longitude)];
  const haversine = `power(sin(radians(x.latitude - ${lat}) / 2), 2) + cos(radians(${lat})) * cos(radians(x.latitude)) * power(sin(radians(x.longitude - ${lon}) / 2), 2)`;
  const distance = `2 * ${earthKilometres} * asin(sqrt(least(1, ${haversine})))`;
  return `exists (select 1 from geo x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid and ${box.join(' and ')} and ${distance} <= ${float(kilometres)})`;
}

function partTermKeys(term: Term | undefined): string[] {
  if (term?.kind === 'reference') return term.targets.map(referenceKey);
  if (term?.kind !== 'token' || term.code === undefined) return [];
  if (term.system === undefined) return [codeKey(term.code)];
  return [term.system === '' ? bareKey(term.code) : bothKey(term.system, term.code)];
}

function compositeSql(criterion: Criterion, term: CompositeTerm, { row, context, values }: Place): string {
  const [first, ...rest] = term.parts;
  const unit = ofKind(rest, 'quantity')[0]?.unit;
  const unitKey = unit?.kind === 'exact' ? unit.key : anyUnit;
  const groups = criterion.groups.flatMap((name) => partTermKeys(first).map((key) => groupHash(context.tenant, name, key, unitKey)));
  const conditions = [`x.grp = any(${values.hashes(groups)})`];
  const second = rest.find((t) => t.kind === 'token' || t.kind === 'reference');
  conditions.push(`x.k = any(${values.hashes(second ? partTermKeys(second).map(partHash) : [0n])})`);
  if (unit?.kind === 'written') {
    const text = values.add(unit.text, 'text');
    conditions.push(`(split_part(x.s, E'\\x01', 1) = ${text} or split_part(x.s, E'\\x01', 2) = ${text})`);
  }
  let range = 0;
  for (const part of rest) {
    const [lo, hi] = range === 0 ? ['x.lo', 'x.hi'] : ['x.lo2', 'x.hi2'];
    if (part.kind === 'date')
      conditions.push(dateSql(part.prefix, { lo, hi, from: values.later(part.lo, 'float8'), to: values.later(part.hi, 'float8') }));
    else if (part.kind === 'number' || part.kind === 'quantity') conditions.push(numberTermSql(part, lo, hi, values));
    else if (part.kind === 'string') conditions.push(`x.s like ${values.add(`${likePattern(normalize(part.text))}%`, 'text')}`);
    if (part.kind === 'date' || part.kind === 'number' || part.kind === 'quantity') range++;
  }
  return `exists (select 1 from comp x where x.tenant = $1 and x.shard = ${row}.shard and x.rid = ${row}.rid and ${conditions.join(' and ')})`;
}
