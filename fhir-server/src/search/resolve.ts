// What a search needs to know before its statement is written: the tokens behind texts, value sets and hierarchies, and the few resources that chains lead to.
import { OperationOutcomeError } from '@limen/fhir-model';
import { visitedSql } from './condition.ts';
import {
  type Chain,
  type ChainTarget,
  type Condition,
  type Criterion,
  isCriterion,
  type Plan,
  type PlanContext,
  type ReverseChain,
} from './criterion.ts';
import { parameterHash, tokenHash } from './hash.ts';
import { likePattern, Values } from './statement.ts';
import { normalize } from './string.ts';

interface Code {
  readonly system: string;
  readonly code: string;
}

/** Terminology as searches need it; undefined: the value set or code system is not known here. */
export interface Codes {
  /** Codes of a value set, by canonical. */
  in(valueSet: string): Promise<readonly Code[] | undefined>;
  /** The code and all that it subsumes. */
  below(code: Code): Promise<readonly Code[] | undefined>;
  /** The code and all that subsume it. */
  above(code: Code): Promise<readonly Code[] | undefined>;
}

export interface Sources {
  run(plan: Plan): Promise<{ readonly rows: readonly object[] }>;
  readonly codes: Codes;
  /** Whether chains are followed now: not for conditionals, whose statement is run again under a lock. */
  readonly chains: boolean;
}

/** Texts or codes that a value may stand for. */
const maximumTokens = 5000;
/** Up to so many resources a chain is a list of tokens; beyond, a sub-query for each row is cheaper. */
const fewResources = 2000;
const scannedSources = 20_000;

/** The conditions with their look-ups done. @throws OperationOutcomeError 400, 404 */
export async function resolve(conditions: readonly Condition[], context: PlanContext, sources: Sources): Promise<Condition[]> {
  return Promise.all(conditions.map((condition) => resolveOne(condition, context, sources)));
}

async function resolveOne(condition: Condition, context: PlanContext, sources: Sources): Promise<Condition> {
  if (isCriterion(condition)) return resolveTerms(condition, context, sources);
  switch (condition.kind) {
    case 'chain':
      return resolveChain(condition, context, sources);
    case 'has':
      return resolveHas(condition, context, sources);
    default:
      return { ...condition, conditions: await resolve(condition.conditions, context, sources) };
  }
}

async function resolveTerms(criterion: Criterion, context: PlanContext, sources: Sources): Promise<Criterion> {
  const { modifier, kind } = criterion;
  if (modifier === 'text') return { ...criterion, resolved: await textTokens(criterion, context, sources, wordStarts) };
  if (kind === 'uri' && modifier === 'contains')
    return { ...criterion, resolved: await textTokens(criterion, context, sources, (text) => [`%${likePattern(text)}%`]) };
  if (kind === 'uri' && modifier === 'below')
    return {
      ...criterion,
      resolved: await textTokens(criterion, context, sources, (text) => [likePattern(text), `${likePattern(text)}/%`]),
    };
  if (kind === 'uri' && modifier === 'above') return { ...criterion, resolved: uriPrefixes(criterion, context.tenant) };
  if (kind !== 'token') return criterion;
  if (modifier === 'in' || modifier === 'not-in' || modifier === 'above' || modifier === 'below')
    return { ...criterion, resolved: await codeTokens(criterion, context.tenant, sources.codes) };
  return criterion;
}

/** A text matches from its start or from the start of one of its words. */
function wordStarts(text: string): string[] {
  const norm = likePattern(normalize(text));
  return [`${norm}%`, `% ${norm}%`];
}

async function textTokens(
  criterion: Criterion,
  context: PlanContext,
  { run }: Sources,
  patterns: (text: string) => readonly string[],
): Promise<bigint[]> {
  const values = new Values(context.tenant);
  const ps = values.hashes(criterion.indexedAs.map((param) => parameterHash(context.tenant, criterion.type, param)));
  const likes = criterion.terms
    .flatMap((t) => (t.kind === 'string' ? patterns(t.text) : []))
    .map((like) => `text like ${values.add(like, 'text')}`);
  const text = `select hash from term where tenant = $1 and p = any(${ps}) and (${likes.join(' or ')}) limit ${values.add(maximumTokens + 1, 'int8')}`;
  const { rows } = await run({ text, values: values.list });
  if (rows.length > maximumTokens) throw tooMany();
  return (rows as { hash: string }[]).map((row) => BigInt(row.hash));
}

function tooMany(): OperationOutcomeError {
  return new OperationOutcomeError(400, {
    code: 'too-costly',
    diagnostics: 'A search value stands for too many codes or texts: narrow it.',
  });
}

/** The address and everything that it lies under. */
export function uriAncestors(uri: string): string[] {
  const found = [uri];
  for (let end = uri.lastIndexOf('/'); end > 0; end = uri.lastIndexOf('/', end - 1)) {
    if (uri[end - 1] === '/' || uri[end - 1] === ':') break;
    found.push(uri.slice(0, end));
  }
  return found;
}

function uriPrefixes({ type, indexedAs, terms }: Criterion, tenant: number): bigint[] {
  const uris = terms.flatMap((t) => (t.kind === 'string' ? uriAncestors(t.text) : []));
  return indexedAs.flatMap((param) => uris.map((uri) => tokenHash(tenant, type, param, 'code', '', uri)));
}

async function codeTokens({ type, indexedAs, terms, modifier }: Criterion, tenant: number, codes: Codes): Promise<bigint[]> {
  const found: Code[] = [];
  for (const term of terms) {
    const meant = await meaning(term, modifier, codes);
    if (!meant)
      throw new OperationOutcomeError(400, {
        code: 'not-found',
        diagnostics: 'A value set or code system of the search is not known to this server.',
      });
    found.push(...meant);
  }
  if (found.length > maximumTokens) throw tooMany();
  return indexedAs.flatMap((param) => found.map(({ system, code }) => tokenHash(tenant, type, param, 'both', system, code)));
}

async function meaning(
  term: Criterion['terms'][number],
  modifier: Criterion['modifier'],
  codes: Codes,
): Promise<readonly Code[] | undefined> {
  if (term.kind === 'string') return codes.in(term.text);
  if (term.kind !== 'token') return undefined;
  const code = { system: term.system ?? '', code: term.code ?? '' };
  return modifier === 'above' ? codes.above(code) : codes.below(code);
}

async function resolveChain(chain: Chain, context: PlanContext, sources: Sources): Promise<Chain> {
  const alternatives = await Promise.all(chain.alternatives.map((target) => resolveTarget(target, context, sources)));
  return { ...chain, alternatives };
}

async function resolveTarget(target: ChainTarget, context: PlanContext, sources: Sources): Promise<ChainTarget> {
  const condition = await resolveOne(target.condition, context, sources);
  if (!sources.chains) return { ...target, condition };
  const values = new Values(context.tenant);
  const where = visitedSql(target.type, condition, 't', context, values);
  const text = `select t.self, t.rid from idx t where ${where} limit ${values.add(fewResources + 1, 'int8')}`;
  const { rows } = await sources.run({ text, values: values.list });
  if (rows.length > fewResources) return { ...target, condition };
  const few = (rows as { self: string; rid: string }[]).map(({ self, rid }) => ({ self: BigInt(self), rid: BigInt(rid) }));
  return { ...target, condition, few };
}

async function resolveHas(has: ReverseChain, context: PlanContext, sources: Sources): Promise<ReverseChain> {
  const resolved = { ...has, condition: await resolveOne(has.condition, context, sources) };
  if (!sources.chains) return resolved;
  const values = new Values(context.tenant);
  const type = values.add(context.typeNumber(has.type), 'int2');
  const edge = values.hash(parameterHash(context.tenant, has.source, has.param));
  const where = visitedSql(has.source, resolved.condition, 's', context, values);
  const met = `select s.tok, s.pat from idx s where ${where} limit ${values.add(scannedSources, 'int8')}`;
  // A token is the edge of a reference exactly when it leads to a resource of the type.
  const reached =
    has.ownPatient && has.type === 'Patient'
      ? `t.rid = m.pat and (t.self # ${edge}) = any(m.tok)`
      : `t.self = any(array(select u # ${edge} from unnest(m.tok) u))`;
  const text = `with m as materialized (${met}) select c.scanned, r.rid from (select count(*) as scanned from m) c
    left join lateral (select distinct t.rid from m join idx t on t.tenant = $1 and t.type = ${type} and ${reached} limit ${values.add(fewResources + 1, 'int8')}) r on true`;
  const rows = (await sources.run({ text, values: values.list })).rows as { rid: string | null; scanned: string }[];
  if (rows.length > fewResources || Number(rows[0]?.scanned ?? 0) >= scannedSources) return resolved;
  return { ...resolved, few: rows.flatMap(({ rid }) => (rid === null ? [] : [BigInt(rid)])) };
}
