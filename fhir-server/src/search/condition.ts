// Criteria and grants as SQL conditions on a row `i` of idx. Text depends only on the shape of the query; every value is a parameter.

import { dateSql, numberSql } from './compare.ts';
import { bareKey, bothKey, codeKey, referenceKey, unitKey } from './composite.ts';
import type {
  CompositeTerm,
  Criterion,
  DateTerm,
  NumberTerm,
  PlanContext,
  ReferenceTerm,
  StringTerm,
  Term,
  TokenTerm,
} from './criterion.ts';
import { groupHash, parameterHash, partHash, targetHash, tokenHash, unitHash } from './hash.ts';
import { normalize } from './string.ts';

/** The parameters of one statement; $1 is the tenant. */
export class Values {
  readonly list: unknown[];

  constructor(tenant: number) {
    this.list = [tenant];
  }

  /** Adds a value and returns its placeholder with a cast. */
  add(value: unknown, cast: string): string {
    return `$${this.list.push(value)}::${cast}`;
  }

  /** The same, added when first asked for. */
  later(value: unknown, cast: string): () => string {
    let placeholder: string | undefined;
    return () => {
      placeholder ??= this.add(value, cast);
      return placeholder;
    };
  }

  hash(hash: bigint): string {
    return this.add(hash.toString(), 'int8');
  }

  hashes(hashes: readonly bigint[]): string {
    return this.add(hashes.map(String), 'int8[]');
  }
}

/** Timestamp text; years outside of what PostgreSQL's ISO input takes count as infinite. */
function timeText(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity';
  if (ms === Number.NEGATIVE_INFINITY) return '-infinity';
  const text = new Date(ms).toISOString();
  return text.startsWith('-') ? '-infinity' : text.startsWith('+') ? 'infinity' : text;
}

function termHash(tenant: number, type: string, param: string, term: TokenTerm): bigint {
  const { system, code } = term;
  if (code === undefined) return tokenHash(tenant, type, param, 'system', system ?? '', '');
  if (system === undefined) return tokenHash(tenant, type, param, 'code', '', code);
  return system === '' ? tokenHash(tenant, type, param, 'bare', '', code) : tokenHash(tenant, type, param, 'both', system, code);
}

function ofKind<K extends Term['kind']>(terms: readonly Term[], ...kinds: K[]): (Term & { kind: K })[] {
  return terms.filter((t): t is Term & { kind: K } => (kinds as string[]).includes(t.kind));
}

const or = (parts: readonly string[]): string =>
  parts.length === 0 ? 'false' : parts.length === 1 ? String(parts[0]) : `(${parts.join(' or ')})`;

function existsIn(table: string, p: string, condition: string): string {
  return `exists (select 1 from ${table} x where x.tenant = $1 and x.shard = i.shard and x.rid = i.rid and x.p = ${p}${condition && ` and ${condition}`})`;
}

const tables: { readonly [kind: string]: string | undefined } = { date: 'dt', number: 'num', quantity: 'qty', string: 'str' };

/** One criterion. */
export function criterionSql(criterion: Criterion, context: PlanContext, values: Values): string {
  const { kind, modifier, terms } = criterion;
  if (modifier === 'missing') return missingSql(criterion, context, values);
  if (kind === 'token' || kind === 'uri' || modifier === 'identifier') return tokenSql(criterion, context, values);
  const p = (): string => values.hash(parameterHash(criterion.type, criterion.param));
  switch (kind) {
    case 'string':
      return existsIn('str', p(), or(ofKind(terms, 'string').map((t) => stringSql(t, modifier, values))));
    case 'date':
      if (criterion.param === '_lastUpdated') return or(ofKind(terms, 'date').map((t) => lastUpdatedSql(t, values)));
      return existsIn(
        'dt',
        p(),
        or(
          ofKind(terms, 'date').map((t) =>
            dateSql(t.prefix, {
              lo: 'x.lo',
              hi: 'x.hi',
              from: values.later(timeText(t.lo), 'timestamptz'),
              to: values.later(timeText(t.hi), 'timestamptz'),
            }),
          ),
        ),
      );
    case 'number':
      return existsIn('num', p(), or(ofKind(terms, 'number').map((t) => numberTermSql(t, 'x.lo', 'x.hi', values))));
    case 'quantity':
      return existsIn(
        'qty',
        p(),
        or(
          ofKind(terms, 'quantity').map(
            (t) =>
              `(x.unit = ${values.hash(unitHash(t.unit?.system ?? '', t.unit?.code ?? ''))} and ${numberTermSql(t, 'x.lo', 'x.hi', values)})`,
          ),
        ),
      );
    case 'reference':
      return referenceSql(criterion, ofKind(terms, 'reference'), context, values);
    case 'composite':
      return or(ofKind(terms, 'composite').map((t) => compositeSql(criterion, t, values)));
  }
}

function missingSql(criterion: Criterion, context: PlanContext, values: Values): string {
  const { type, param } = criterion;
  if (param === '_lastUpdated') return criterion.missing ? 'false' : 'true';
  const table = tables[criterion.kind];
  const present = table
    ? existsIn(table, values.hash(parameterHash(type, param)), '')
    : `i.tok @> array[${values.hash(tokenHash(context.tenant, type, param, 'present', '', ''))}]`;
  return criterion.missing ? `not ${present}` : present;
}

/** Name under which the tokens of a criterion are hashed. */
const tokenParam = (c: Criterion): string => (c.modifier === 'identifier' ? `${c.param}:identifier` : c.param);

/** The one hash that a criterion demands, if it is that simple: these are put together into one array condition. */
export function singleTokenHash(criterion: Criterion, tenant: number): bigint | undefined {
  const [term, ...more] = criterion.terms;
  if (more.length > 0 || term?.kind !== 'token' || (criterion.modifier !== undefined && criterion.modifier !== 'identifier'))
    return undefined;
  return termHash(tenant, criterion.type, tokenParam(criterion), term);
}

function tokenSql(criterion: Criterion, context: PlanContext, values: Values): string {
  const hashes = ofKind(criterion.terms, 'token').map((t) => termHash(context.tenant, criterion.type, tokenParam(criterion), t));
  const any = `i.tok && ${values.hashes(hashes)}`;
  return criterion.modifier === 'not' ? `not (${any})` : any;
}

const likePattern = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

function stringSql(term: StringTerm, modifier: string | undefined, values: Values): string {
  const norm = normalize(term.text);
  if (modifier === 'exact') return `(x.norm = ${values.add(norm, 'text')} and x.raw = ${values.add(term.text, 'text')})`;
  return `x.norm like ${values.add(modifier === 'contains' ? `%${likePattern(norm)}%` : `${likePattern(norm)}%`, 'text')}`;
}

function numberTermSql(term: NumberTerm, lo: string, hi: string, values: Values): string {
  const value = values.later(term.value, 'float8');
  return numberSql(term.prefix, { lo, hi, value, from: values.later(term.lo, 'float8'), to: values.later(term.hi, 'float8') });
}

/** lu is one millisecond long: conditions stay on the bare column, so that its index serves. */
function lastUpdatedSql(term: DateTerm, values: Values): string {
  const from = values.later(timeText(term.lo), 'timestamptz');
  const to = values.later(timeText(term.hi), 'timestamptz');
  switch (term.prefix) {
    case 'eq':
    case 'ap':
      return `(i.lu >= ${from()} and i.lu < ${to()})`;
    case 'ne':
      return `not (i.lu >= ${from()} and i.lu < ${to()})`;
    case 'gt':
    case 'sa':
      return `i.lu >= ${to()}`;
    case 'lt':
    case 'eb':
      return `i.lu < ${from()}`;
    case 'ge':
      return `i.lu >= ${from()}`;
    case 'le':
      return `i.lu < ${to()}`;
  }
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

function referenceSql(criterion: Criterion, terms: readonly ReferenceTerm[], context: PlanContext, values: Values): string {
  const own = ownPatients(criterion, context);
  if (own) {
    // pat may come from another element where this one is empty. `= any` keeps the check a filter: no index should be driven by it.
    const present = `${values.hash(tokenHash(context.tenant, criterion.type, criterion.param, 'present', '', ''))} = any(i.tok)`;
    const patient = own.length === 1 ? `i.pat = ${values.hash(own[0] ?? 0n)}` : `i.pat = any(${values.hashes(own)})`;
    return `(${patient} and ${present})`;
  }
  const targets = terms.flatMap((t) => t.targets).map(targetHash);
  return existsIn('ref', values.hash(parameterHash(criterion.type, criterion.param)), `x.tgt = any(${values.hashes(targets)})`);
}

function partTermKeys(term: Term | undefined): string[] {
  if (term?.kind === 'reference') return term.targets.map(referenceKey);
  if (term?.kind !== 'token' || term.code === undefined) return [];
  if (term.system === undefined) return [codeKey(term.code)];
  return [term.system === '' ? bareKey(term.code) : bothKey(term.system, term.code)];
}

function compositeSql(criterion: Criterion, term: CompositeTerm, values: Values): string {
  const [first, ...rest] = term.parts;
  const [quantity] = ofKind(rest, 'quantity');
  const unit = quantity ? unitKey(quantity.unit?.system ?? '', quantity.unit?.code ?? '') : '';
  const groups = criterion.groups.flatMap((name) => partTermKeys(first).map((key) => groupHash(name, key, unit)));
  const conditions = [`x.grp = any(${values.hashes(groups)})`];
  const second = rest.find((t) => t.kind === 'token' || t.kind === 'reference');
  conditions.push(`x.k = any(${values.hashes(second ? partTermKeys(second).map(partHash) : [0n])})`);
  let range = 0;
  for (const part of rest) {
    const [lo, hi] = range === 0 ? ['x.lo', 'x.hi'] : ['x.lo2', 'x.hi2'];
    if (part.kind === 'date')
      conditions.push(dateSql(part.prefix, { lo, hi, from: values.later(part.lo, 'float8'), to: values.later(part.hi, 'float8') }));
    else if (part.kind === 'number' || part.kind === 'quantity') conditions.push(numberTermSql(part, lo, hi, values));
    else if (part.kind === 'string') conditions.push(`x.s like ${values.add(`${likePattern(normalize(part.text))}%`, 'text')}`);
    if (part.kind === 'date' || part.kind === 'number' || part.kind === 'quantity') range++;
  }
  return `exists (select 1 from comp x where x.tenant = $1 and x.shard = i.shard and x.rid = i.rid and ${conditions.join(' and ')})`;
}

/** What the caller may see; undefined when that is everything. */
export function accessSql(context: PlanContext, values: Values): string | undefined {
  if (context.access.some((g) => g.patientRid === undefined && g.criteria.length === 0)) return undefined;
  const grants = context.access.map((grant) => {
    const parts = grant.criteria.map((c) => criterionSql(c, context, values));
    if (grant.patientRid !== undefined) parts.unshift(`i.pat = ${values.hash(grant.patientRid)}`);
    return parts.length === 1 ? String(parts[0]) : `(${parts.join(' and ')})`;
  });
  return or(grants);
}

/** DECISIONS 1: only what lies far enough back; a patient and undated resources appear with the first such dated one of that patient. */
export function visibilitySql(context: PlanContext, values: Values): string | undefined {
  if (context.visibleBeforeMs === undefined) return undefined;
  const before = values.add(timeText(context.visibleBeforeMs), 'timestamptz');
  return `(i.ts < ${before} or (i.ts is null and exists (select 1 from idx v where v.tenant = $1 and v.pat = i.pat and v.ts < ${before})))`;
}
