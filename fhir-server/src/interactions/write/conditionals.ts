// Step 2 of a write: every conditional (If-None-Exist, conditional update and delete, conditional references) looked up in one round trip.
import { createHash } from 'node:crypto';
import { eachReference, isConditionalReference, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { type AccessPredicate, planMatch } from '../../search/index.ts';
import type { Server } from '../../server.ts';
import { type Condition, unionOf } from '../../store/commit.ts';
import type { Stored } from '../../store/read.ts';
import type { Person } from '../../vault/index.ts';
import { accessFor } from '../access.ts';
import { guardedOnly } from '../guard.ts';
import { translateIdentifiers } from '../identifiers.ts';
import { refuseMasked } from '../masked.ts';
import { planContext, readSearch, resolved, searchAccess } from '../search-context.ts';
import type { WriteEntry } from './entry.ts';
import type { Persons } from './persons.ts';

export interface Match {
  /** Type and canonical translated query: equal keys are the same condition. */
  readonly key: string;
  /** At most two, which is 412 in most cases; of a conditional delete one more than may be deleted. */
  readonly found: readonly Stored[];
}

export interface Conditionals {
  ofEntry(index: number): Match | undefined;
  ofReference(reference: string): Match | undefined;
  /** To be looked up again under the lock. */
  readonly conditions: readonly Condition[];
}

/** Most resources that one conditional delete may delete. */
export const maximumDeleted = 1000;

interface Lookup {
  key: string;
  lock: number;
  text: string;
  values: unknown[];
}

async function lookup(
  server: Server,
  principal: Principal,
  type: string,
  search: string,
  owner: Person | undefined,
  access: AccessPredicate,
  maximum = 2,
): Promise<Lookup> {
  const translated = await translateIdentifiers(server, principal, type, new URLSearchParams(search), owner);
  const parsed = await readSearch(server, type, translated, false);
  refuseMasked(server, principal, parsed);
  if (parsed.criteria.length === 0) {
    throw new OperationOutcomeError(412, {
      code: 'multiple-matches',
      diagnostics: 'A conditional interaction needs at least one search criterion.',
    });
  }
  const others = searchAccess(server, principal);
  const context = await planContext(server, parsed, async (visited) => (visited === type ? access : others(visited)));
  const plan = planMatch(await resolved(server, parsed, context, false), context, maximum);
  const key = `${type}?${[...translated]
    .map(([k, v]) => `${k}=${v}`)
    .sort()
    .join('&')}`;
  return {
    key: maximum === 2 ? key : `${key}#${maximum}`,
    lock: lockKey(key),
    text: plan.text,
    values: plan.values,
  };
}

/** 31-bit advisory lock key of a condition; a collision only makes two requests wait for each other. */
const lockKey = (key: string): number => createHash('sha256').update(key).digest().readUInt16BE(0);

function ownerOf(server: Server, entry: WriteEntry, persons: Persons, index: number): Person | undefined {
  if (entry.type === 'Patient') return persons.ofEntry(index);
  const own = entry.resource ? server.door.collect(entry.resource).ownPatient : undefined;
  const query = new URLSearchParams(entry.condition ?? '');
  const named = query.get('patient') ?? query.get('subject');
  return persons.ofReference(own) ?? persons.ofReference(named?.includes('/') ? named : `Patient/${named}`);
}

/** How many matches must be known to answer. */
function matchesOf({ conditionalDelete }: Server, { kind }: WriteEntry): number {
  return kind === 'delete' && conditionalDelete === 'multiple' ? maximumDeleted + 1 : 2;
}

export async function resolveConditionals(
  server: Server,
  principal: Principal,
  entries: readonly WriteEntry[],
  persons: Persons,
): Promise<Conditionals> {
  const lookups = new Map<string, Lookup>();
  const entryKeys = new Map<number, string>();
  const referenceKeys = new Map<string, string>();
  const add = (found: Lookup): string => {
    lookups.set(found.key, found);
    return found.key;
  };
  for (const [index, entry] of entries.entries()) {
    const owner = ownerOf(server, entry, persons, index);
    if (entry.condition !== undefined) {
      const letter = entry.kind === 'create' ? 'c' : entry.kind === 'update' ? 'u' : 'd';
      const access = await accessFor(server, principal, entry.type, letter);
      entryKeys.set(index, add(await lookup(server, principal, entry.type, entry.condition, owner, access, matchesOf(server, entry))));
    }
    const references: string[] = [];
    eachReference(entry.resource, (reference) => {
      if (isConditionalReference(reference)) references.push(reference);
      return undefined;
    });
    for (const reference of references) {
      if (referenceKeys.has(reference)) continue;
      const [type = '', search = ''] = reference.split(/\?(.*)/s);
      if (!server.types.has(type))
        throw new OperationOutcomeError(400, {
          code: 'value',
          diagnostics: 'A conditional reference names an unknown resource type.',
          expression: entry.expression,
        });
      // Resolving shows nothing that a scope would be needed for: only whether exactly one exists, which the write itself tells.
      const access: AccessPredicate = principal.patient ? await accessFor(server, principal, type, 's') : guardedOnly(server, principal);
      referenceKeys.set(reference, add(await lookup(server, principal, type, search, owner, access)));
    }
  }
  const all = [...lookups.values()];
  const matches = await runLookups(server, all);
  return {
    ofEntry: (index) => matches.get(entryKeys.get(index) ?? ''),
    ofReference: (reference) => matches.get(referenceKeys.get(reference) ?? ''),
    conditions: all.map((l) => ({
      lock: l.lock,
      text: l.text,
      values: l.values,
      found: (matches.get(l.key)?.found ?? []).map((s) => s.rid.toString()),
    })),
  };
}

async function runLookups(server: Server, lookups: readonly Lookup[]): Promise<Map<string, Match>> {
  if (lookups.length === 0) return new Map();
  const union = unionOf(lookups);
  const { rows } = await server.pool.query(
    `select u.n, r.type, r.rid, r.id, r.version, date_part('epoch', r.lu) * 1000 as ms, r.deleted, r.pat, r.codec, null as body
     from (${union.text}) u join res r on r.tenant = $${union.values.length + 1} and r.shard = u.shard and r.rid = u.rid order by u.n, r.rid`,
    [...union.values, server.tenant],
  );
  return new Map(lookups.map((l, n) => [l.key, { key: l.key, found: server.reader.byRows(rows.filter((row) => row.n === n)) }]));
}
