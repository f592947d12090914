// What each entry writes to: a new id, the current version, or nothing (a conditional create that found its resource).
import { OperationOutcomeError, type Principal, parseReference } from '@limen/fhir-model';
import type { AccessPredicate } from '../../search/index.ts';
import type { Server } from '../../server.ts';
import { PlanOutdated } from '../../store/commit.ts';
import { newId } from '../../store/ids.ts';
import type { Stored } from '../../store/read.ts';
import { accessFor, isUnrestricted } from '../access.ts';
import { covers, isHidden } from '../read.ts';
import { type Conditionals, maximumDeleted } from './conditionals.ts';
import type { WriteEntry } from './entry.ts';
import type { Persons } from './persons.ts';

export interface Target {
  readonly kind: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  readonly rid: bigint;
  /** Version after the write. */
  readonly version: number;
  readonly status: 200 | 201 | 204;
  /** False: nothing is written for this entry. */
  readonly write: boolean;
  readonly current: Stored | undefined;
}

interface Ground {
  readonly server: Server;
  readonly principal: Principal;
  readonly persons: Persons;
  readonly conditionals: Conditionals;
  /** Current versions by "Type/id": entries by id, persons' Patients, matches of conditionals. */
  readonly current: ReadonlyMap<string, Stored>;
  /** False when the plan is made again. */
  readonly firstPlan: boolean;
}

export async function targetsOf(
  server: Server,
  principal: Principal,
  entries: readonly WriteEntry[],
  persons: Persons,
  conditionals: Conditionals,
  firstPlan: boolean,
): Promise<{ targets: Target[]; byUrl: Map<string, string> }> {
  const wanted = new Map<string, { type: string; id: string }>();
  const want = (type: string, id: string | undefined): void => {
    if (id) wanted.set(`${type}/${id}`, { type, id });
  };
  for (const [i, entry] of entries.entries()) {
    want(entry.type, entry.id);
    if (entry.type === 'Patient') want('Patient', persons.ofEntry(i)?.patientId);
    for (const match of conditionals.ofEntry(i)?.found ?? []) want(match.type, match.id);
  }
  const ground: Ground = {
    server,
    principal,
    persons,
    conditionals,
    current: await server.reader.currentMany([...wanted.values()], true),
    firstPlan,
  };
  const targets: Target[] = [];
  const byUrl = new Map<string, string>();
  const byCondition = new Map<string, Target>();
  for (const [i, entry] of entries.entries()) {
    const key = entry.kind === 'delete' ? undefined : conditionals.ofEntry(i)?.key;
    const twin = key ? byCondition.get(key) : undefined;
    // Two entries that meet the same condition are one resource.
    const target = twin && entry.kind === 'create' ? { ...twin, status: 200 as const, write: false } : await targetOf(ground, entry, i);
    targets.push(target);
    const reference = `${target.type}/${target.id}`;
    if (key) {
      byCondition.set(key, target);
      byUrl.set(key, reference);
    }
    if (entry.fullUrl) byUrl.set(entry.fullUrl, reference);
    const tail = /^https?:\/\/.*\/([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})$/.exec(entry.fullUrl ?? '')?.[1];
    if (tail) byUrl.set(tail, reference);
  }
  const seen = new Set<string>();
  for (const target of targets.filter((t) => t.write)) {
    const key = `${target.type}/${target.id}`;
    if (seen.has(key))
      throw new OperationOutcomeError(422, { code: 'duplicate', diagnostics: 'Two entries of the request change the same resource.' });
    seen.add(key);
  }
  return { targets, byUrl };
}

function targetOf(ground: Ground, entry: WriteEntry, index: number): Promise<Target> {
  if (entry.kind === 'create') return createTarget(ground, entry, index);
  if (entry.condition !== undefined) return conditionalTarget(ground, entry, index);
  return byIdTarget(ground, entry);
}

function idForCreate({ server, persons }: Ground, entry: WriteEntry, index: number): string {
  if (server.clientIds) return newId(undefined);
  if (entry.type === 'Patient') return persons.ofEntry(index)?.patientId ?? newId(undefined);
  const own = entry.resource ? server.door.collect(entry.resource).ownPatient : undefined;
  return newId(persons.ofReference(own)?.patientId ?? parseReference(own)?.id);
}

async function createTarget(ground: Ground, entry: WriteEntry, index: number): Promise<Target> {
  await accessFor(ground.server, ground.principal, entry.type, 'c');
  const match = ground.conditionals.ofEntry(index);
  if (match?.found[1])
    throw new OperationOutcomeError(412, {
      code: 'multiple-matches',
      diagnostics: 'The condition of a conditional create matches several resources.',
      expression: entry.expression,
    });
  const [found] = match?.found ?? [];
  if (found) return { ...existing(ground, found), kind: 'create', status: 200, write: false };
  const id = idForCreate(ground, entry, index);
  const current = ground.current.get(`${entry.type}/${id}`);
  if (current && !current.deleted) {
    // A twin may have committed between the lookup of the condition and this read: look again before saying no.
    if (match && ground.firstPlan) throw new PlanOutdated();
    throw new OperationOutcomeError(409, {
      code: 'duplicate',
      diagnostics: 'An identifier of this Patient already belongs to a Patient here; use If-None-Exist or a conditional update.',
      expression: entry.expression,
    });
  }
  return {
    kind: 'create',
    type: entry.type,
    id,
    rid: current?.rid ?? (await ground.server.nextRid()),
    version: (current?.version ?? 0) + 1,
    status: 201,
    write: true,
    current,
  };
}

function existing(ground: Ground, found: Stored): Omit<Target, 'status' | 'write' | 'kind'> {
  const current = ground.current.get(`${found.type}/${found.id}`) ?? found;
  return { type: current.type, id: current.id, rid: current.rid, version: current.version + 1, current };
}

async function conditionalTarget(ground: Ground, entry: WriteEntry, index: number): Promise<Target> {
  await accessFor(ground.server, ground.principal, entry.type, entry.kind === 'update' ? 'u' : 'd');
  const matches = ground.conditionals.ofEntry(index)?.found ?? [];
  const [found, second] = matches;
  if (entry.kind === 'delete' && matches.length > maximumDeleted)
    throw new OperationOutcomeError(412, {
      code: 'too-costly',
      diagnostics: `The condition matches more than ${maximumDeleted} resources; nothing is deleted.`,
      expression: entry.expression,
    });
  if (second && !(entry.kind === 'delete' && ground.server.conditionalDelete === 'multiple'))
    throw new OperationOutcomeError(412, {
      code: 'multiple-matches',
      diagnostics: 'The condition matches several resources.',
      expression: entry.expression,
    });
  if (found) {
    const target = existing(ground, found);
    if (entry.resource?.id && entry.resource.id !== target.id) throw idMismatch(entry);
    checkIfMatch(entry, target.current);
    return { ...target, kind: entry.kind, status: entry.kind === 'delete' ? 204 : 200, write: true };
  }
  if (entry.kind === 'delete')
    return { kind: 'delete', type: entry.type, id: '', rid: 0n, version: 0, status: 204, write: false, current: undefined };
  if (entry.resource?.id && !ground.server.clientIds && !entry.fullUrl) throw idMismatch(entry);
  const id = idForCreate(ground, entry, index);
  const current = ground.current.get(`${entry.type}/${id}`);
  // A person's Patient that the condition did not find (other identifier of the same person) is that Patient.
  return {
    kind: 'update',
    type: entry.type,
    id,
    rid: current?.rid ?? (await ground.server.nextRid()),
    version: (current?.version ?? 0) + 1,
    status: current ? 200 : 201,
    write: true,
    current,
  };
}

function idMismatch(entry: WriteEntry): OperationOutcomeError {
  return new OperationOutcomeError(400, {
    code: 'value',
    diagnostics: 'The id in the body is not the id of the resource that is written.',
    expression: `${entry.expression}.id`,
  });
}

function checkIfMatch(entry: WriteEntry, current: Stored | undefined): void {
  if (entry.ifMatch === undefined) return;
  if (!current || current.version !== entry.ifMatch) {
    throw new OperationOutcomeError(412, {
      code: 'conflict',
      diagnostics: 'If-Match names a version that is not the current one.',
      expression: entry.expression,
    });
  }
}

const noSuchResource = (): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });

/** Whether what would be replaced lies inside what the token covers; of a deletion only the patient is left to tell. */
function isInside(access: AccessPredicate, current: Stored): boolean {
  if (isHidden(access, current)) return false;
  return current.deleted ? access.some((g) => g.patientRid === undefined || g.patientRid === current.pat) : covers(access, current);
}

/** Of an update. Who sees not everything by scope is told that there is nothing. */
function unknownId({ server }: Ground, access: AccessPredicate): OperationOutcomeError {
  if (server.clientIds || !isUnrestricted(access)) return noSuchResource();
  return new OperationOutcomeError(405, {
    code: 'not-supported',
    diagnostics: 'Ids are given by this server: create with POST or use a conditional update.',
  });
}

async function byIdTarget(ground: Ground, entry: WriteEntry): Promise<Target> {
  const { server, principal } = ground;
  const id = entry.id ?? '';
  const access = await accessFor(server, principal, entry.type, entry.kind === 'update' ? 'u' : 'd');
  if (entry.kind === 'update' && entry.resource?.id !== id) throw idMismatch(entry);
  const current = ground.current.get(`${entry.type}/${id}`);
  // The version that was patched is not the current one any more: it is patched again.
  if (entry.patched && current?.version !== entry.patched.base) throw new PlanOutdated();
  const isVisible = current !== undefined && isInside(access, current);
  // What is hidden gets the answer for what is not there.
  if (current && !isVisible) throw entry.kind === 'update' ? unknownId(ground, access) : noSuchResource();
  if (entry.kind === 'delete') {
    if (!current) throw noSuchResource();
    checkIfMatch(entry, current);
    if (current.deleted)
      return { kind: 'delete', type: entry.type, id, rid: current.rid, version: current.version, status: 204, write: false, current };
    return { kind: 'delete', type: entry.type, id, rid: current.rid, version: current.version + 1, status: 204, write: true, current };
  }
  if (!current && !server.clientIds) throw unknownId(ground, access);
  checkIfMatch(entry, current);
  return {
    kind: 'update',
    type: entry.type,
    id,
    rid: current?.rid ?? (await server.nextRid()),
    version: (current?.version ?? 0) + 1,
    status: current && !current.deleted ? 200 : 201,
    write: true,
    current,
  };
}
