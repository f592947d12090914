// The door's way for every write (ARCHITECTURE sentence 2): validate -> de-identify -> authorize content -> index -> commit.
// A plan is made from what was read; when the store moved meanwhile nothing is stored and the plan is made again.

import { classifyTexts, type Deidentified, mentionedNames, type Tally } from '@limen/deidentification';
import { grantsFor, type Issue, OperationOutcomeError, type Principal, parseExact, parseReference, type Resource } from '@limen/fhir-model';
import type { AuditRow } from '../../audit/chain.ts';
import { Pace } from '../../pace.ts';
import { deidentifyFresh } from '../../patch/index.ts';
import { recheck } from '../../search/index.ts';
import type { Server } from '../../server.ts';
import { type Change, type IdempotencyRecord, PlanOutdated } from '../../store/commit.ts';
import { shardOf } from '../../store/ids.ts';
import { type Person, pseudonymOf } from '../../vault/index.ts';
import { accessFor, isUnrestricted } from '../access.ts';
import { isTrail, onlyServer } from '../audit-trail.ts';
import { definitionTypes, forgetDefinitions } from '../stored-definitions.ts';
import { claimFaults, claimsOf, withdrawClaims } from './claims.ts';
import { type Match, maximumDeleted, resolveConditionals } from './conditionals.ts';
import { copyResource } from './copy.ts';
import type { RequestedEntry, WriteEntry, WriteResult } from './entry.ts';
import { resolveInside } from './inside.ts';
import { mergeIntoStored, takeDeleteMarks } from './merge.ts';
import { applyPatches } from './patches.ts';
import { isStoredForm, type Persons, resolvePersons } from './persons.ts';
import { lookUpReferences, rewriteReferences } from './references.ts';
import { type Target, targetsOf } from './targets.ts';

export interface WriteRequest {
  readonly principal: Principal;
  readonly entries: readonly RequestedEntry[];
  /** The audit row, given what was touched ("Type/id/version"). */
  audit(results: readonly WriteResult[]): AuditRow;
  idempotency?(results: readonly WriteResult[]): IdempotencyRecord;
}

const maximumPlans = 8;

/** Validates, plans and commits; all entries become durable together or none. */
export async function write(server: Server, request: WriteRequest): Promise<readonly WriteResult[]> {
  authorizeEntries(request.principal, request.entries);
  if (request.entries.some(({ type }) => isTrail(server, [type]))) throw onlyServer();
  await validateEntries(server, request.principal, request.entries);
  for (let attempt = 1; ; attempt++) {
    try {
      const results = await planAndCommit(server, request, attempt === 1);
      if (request.entries.some(({ type }) => definitionTypes.has(type))) forgetDefinitions(server);
      if (request.entries.some(({ type }) => type === 'SearchParameter')) await server.searchParameters.refresh();
      return results;
    } catch (error) {
      if (!(error instanceof PlanOutdated)) throw error;
      if (attempt === maximumPlans)
        throw new OperationOutcomeError(
          409,
          { code: 'conflict', diagnostics: 'The same resources are being changed by others; try again.' },
          { cause: error },
        );
    }
  }
}

const letters = { create: 'c', update: 'u', delete: 'd', patch: 'u' } as const;

/** Rights before anything else: what a token may not write reaches neither the validator nor the vault. */
function authorizeEntries(principal: Principal, entries: readonly RequestedEntry[]): void {
  for (const { type, kind, expression } of entries) {
    if (grantsFor(principal.scopes, type, letters[kind]).length > 0) continue;
    throw new OperationOutcomeError(403, {
      code: 'forbidden',
      diagnostics: 'The access token has no scope for this interaction on this resource type.',
      expression,
    });
  }
}

/** Structure first: nothing of an invalid request reaches the vault. */
async function validateEntries(server: Server, principal: Principal, entries: readonly RequestedEntry[]): Promise<void> {
  const issues: Issue[] = [];
  const pace = new Pace();
  for (const entry of entries) {
    if (pace.isDue) await pace.rest();
    const { resource, type, expression } = entry;
    if (!resource) continue;
    if (entry.kind === 'update' && isSubset(resource))
      issues.push({
        code: 'business-rule',
        diagnostics: 'The resource is tagged SUBSETTED: what was left out of it would be lost. Read the whole resource, or send a patch.',
        expression: `${expression}.meta.tag`,
      });
    const deidentified = principal.plane === 'stored' || isStoredForm(server, resource);
    const whole = server.validator.validate(resource, type, { deidentified });
    const found = isPartial(principal, entry) ? whole.filter((issue) => !isMissingElement(issue)) : whole;
    if (found.length === 0 && claimsOf(resource).length > 0) found.push(...(await claimFaults(server, resource)));
    for (const issue of found) {
      issues.push({
        ...issue,
        expression:
          issue.expression?.replace(/^[A-Z][A-Za-z]+/, (root) => (expression.startsWith('Bundle') ? expression : root)) ?? expression,
      });
    }
  }
  if (issues.length > 0) throw new OperationOutcomeError(422, issues.slice(0, 50));
}

/** https://hl7.org/fhir/R4/search.html#summary: what `_summary` and `_elements` answer is tagged, so that nobody takes it for the resource. */
export function isSubset({ meta }: Resource): boolean {
  return meta?.tag?.some(({ system, code }) => code === 'SUBSETTED' && system?.endsWith('/v3-ObservationValue')) ?? false;
}

/** What such an update lacks stays as it is stored; together they are validated when the stored resource is known. */
function isPartial({ updateMode }: Principal, { kind, condition }: RequestedEntry): boolean {
  return updateMode === 'merge' && kind === 'update' && condition !== undefined;
}

/** An element of the resource itself: what lies deeper is replaced with its parent, so it must be whole. */
function isMissingElement({ code, expression }: Issue): boolean {
  return code === 'required' && /^[A-Za-z]+\.[A-Za-z]+(\[x\])?$/.test(expression ?? '');
}

async function planAndCommit(server: Server, request: WriteRequest, firstPlan: boolean): Promise<readonly WriteResult[]> {
  const { principal } = request;
  const { entries: asked, conditions } = await applyPatches(server, principal, request.entries);
  const copied = asked.map((e) => (e.resource ? { ...e, resource: copyResource(e.resource) } : e));
  const persons = await resolvePersons(server, principal, copied);
  const named = await resolveInside(server, principal, copied, persons);
  const conditionals = await resolveConditionals(server, principal, named, persons);
  const further = named.map((entry, i) => furtherDeletes(server, entry, conditionals.ofEntry(i)));
  const entries = [...named, ...further.flat()];
  const { targets, byUrl } = await targetsOf(server, principal, entries, persons, conditionals, firstPlan);
  for (const [i, entry] of entries.entries()) {
    if (entry.resource && targets[i]?.write) rewriteReferences(server, entry.resource, byUrl, conditionals, entry.expression);
  }
  const surroundings = await surroundingsOf(
    server,
    entries.flatMap((e) => (e.resource ? [e.resource] : [])),
    principal.plane === 'identified',
  );
  const known = await lookUpReferences(server, principal, entries, targets);
  const owners = new Map(known.owners);
  let at = server.now().getTime();
  for (const target of targets) if (target.write && target.current) at = Math.max(at, target.current.lastUpdated.getTime() + 1);
  const results: WriteResult[] = [];
  const changes: Change[] = [];
  const pace = new Pace();
  for (const [i, entry] of entries.entries()) {
    if (pace.isDue) await pace.rest();
    const target = targets[i] as Target;
    const planned = target.write
      ? await planChange(server, principal, entry, target, persons, i, known.rids, surroundings, new Date(at))
      : undefined;
    if (planned) {
      changes.push(planned.change);
      owners.set(`${target.type}/${target.id}`, planned.change.pat);
    }
    results.push(planned?.result ?? unchanged(target));
  }
  checkEncounters(entries, targets, owners);
  const answers = results.slice(0, named.length).map((result, i) => (further[i]?.length === 0 ? result : deletedSeveral(result)));
  await server.committer.commit({
    at: new Date(at),
    changes,
    conditions: [...conditions, ...conditionals.conditions],
    audit: [request.audit(results)],
    ...(request.idempotency ? { idempotency: request.idempotency(answers) } : {}),
  });
  return answers;
}

/** Deletes of all matches but the first, which the entry itself deletes; none where that one is refused. */
function furtherDeletes({ conditionalDelete }: Server, entry: WriteEntry, match: Match | undefined): WriteEntry[] {
  const [, ...others] = match?.found ?? [];
  if (entry.kind !== 'delete' || conditionalDelete === 'single' || others.length >= maximumDeleted) return [];
  const { type, expression, ifMatch } = entry;
  return others.map(({ id }) => ({ kind: 'delete', type, id, expression, ...(ifMatch === undefined ? {} : { ifMatch }) }));
}

/** Of several there is no version to tell. */
function deletedSeveral(result: WriteResult): WriteResult {
  return { ...result, id: '', version: 0, text: undefined };
}

function unchanged(target: Target): WriteResult {
  const { current } = target;
  return {
    status: target.status,
    type: target.type,
    id: target.id,
    version: current?.version ?? target.version,
    lastUpdated: current?.lastUpdated ?? new Date(0),
    text: current?.text,
  };
}

/** What a resource says of an encounter must be said of the encounter's patient (DECISIONS 13). */
function checkEncounters(
  entries: readonly WriteEntry[],
  targets: readonly Target[],
  owners: ReadonlyMap<string, bigint | undefined>,
): void {
  for (const [i, entry] of entries.entries()) {
    const target = targets[i];
    const encounter = (entry.resource as { encounter?: { reference?: string } } | undefined)?.encounter?.reference;
    if (!target?.write || !encounter?.startsWith('Encounter/')) continue;
    const own = owners.get(`${target.type}/${target.id}`);
    const theirs = owners.get(encounter.replace(/\/_history\/.*$/, ''));
    if (own === undefined || own === theirs) continue;
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'The encounter is not one of the same patient.',
      expression: `${entry.expression}.encounter`,
    });
  }
}

function storedResource({ current }: Target): Resource | undefined {
  return current?.text ? (parseExact(current.text) as Resource) : undefined;
}

/** What a request says around each of its resources. */
type Surroundings = Pick<Parameters<Server['door']['apply']>[1], 'mentionedNames' | 'classified'>;

/** The names in the resources of a request and, where the door will transform them, what the classifier finds in their texts. */
export async function surroundingsOf(server: Server, resources: readonly Resource[], transforms: boolean): Promise<Surroundings> {
  if (server.policy.name === 'synthetic') return {};
  const classified = transforms ? await classifyTexts(server.textClassifier, server.policy.classifyFrom, resources) : undefined;
  return { mentionedNames: mentionedNames(resources), ...(classified ? { classified } : {}) };
}

/** What the door needs to know about the owner of a resource. */
export function resolvedFor(
  server: Server,
  person: Person | undefined,
  at: Date,
  surroundings: Surroundings = {},
): Parameters<Server['door']['apply']>[1] {
  const movedDays = server.policy.keepsTimeline ? 0 : (person?.offsetDays ?? 0);
  const asOf = new Date(at.getTime() + movedDays * 86_400_000).toISOString().slice(0, 10);
  return {
    asOf,
    tenantPseudonym: server.tenantPseudonym,
    ...surroundings,
    ...(person
      ? {
          person: {
            pseudonym: person.pseudonym,
            offsetDays: person.offsetDays,
            facts: person.facts,
            pseudonymOf: pseudonymOf(person),
          },
        }
      : {}),
  };
}

/** A resource as it will be stored: through the door, validated again, its content authorized, indexed. @param tally what the door did, for who asks */
export async function planChange(
  server: Server,
  principal: Principal,
  entry: WriteEntry,
  target: Target,
  persons: Persons,
  index: number,
  known: ReadonlyMap<string, bigint>,
  surroundings: Surroundings,
  at: Date,
  tally?: Tally,
): Promise<{ change: Change; result: WriteResult }> {
  const shared = {
    type: server.types.number(target.type),
    shard: shardOf(target.id, server.clientIds),
    rid: target.rid,
    id: target.id,
    version: target.version,
  };
  if (!entry.resource) {
    return {
      change: { ...shared, deleted: true, codec: 0, body: Buffer.alloc(0), pat: target.current?.pat, rows: undefined },
      result: { status: 204, type: target.type, id: target.id, version: target.version, lastUpdated: at, text: undefined },
    };
  }
  const merges = principal.updateMode === 'merge' && !entry.patched;
  const deleted = merges ? takeDeleteMarks(entry.resource) : new Set<string>();
  const ownPatient = target.type === 'Patient' ? `Patient/${target.id}` : server.door.collect(entry.resource).ownPatient;
  const person = target.type === 'Patient' ? (persons.ofEntry(index) ?? persons.ofReference(ownPatient)) : persons.ofReference(ownPatient);
  const patient = parseReference(ownPatient);
  // Without its person the door would treat a patient's dates and texts as nobody's.
  if (patient?.type === 'Patient' && !person && server.policy.name !== 'synthetic') {
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'The vault knows no person for this patient; nothing is stored.',
    });
  }
  const resolved = resolvedFor(server, person, at, surroundings);
  const transforms = isTransformed(server, principal, entry, entry.resource);
  let body = throughDoor(server, { resource: entry.resource, patched: entry.patched, transforms }, resolved, storedResource(target), tally);
  if (merges && target.current?.text) body = mergeIntoStored(server, body, deleted, target.current.text);
  // Recorded is a system time: always the server's, whatever the door did to it (DECISIONS 23).
  if (target.type === 'Provenance') stampRecorded(body, at);
  const issues = server.validator.validate(body, target.type, { deidentified: true });
  if (issues.length > 0)
    throw new OperationOutcomeError(
      422,
      issues.map((i) => ({ ...i, diagnostics: 'De-identified, the resource would not be valid.' })),
    );
  server.searchParameters.check(body, target.id);
  if (transforms && server.policy.name !== 'synthetic') await withdrawClaims(server, body);
  const pat = patient?.type === 'Patient' ? (target.type === 'Patient' ? target.rid : known.get(`Patient/${patient.id}`)) : undefined;
  await authorizeContent(server, principal, target, body, pat);
  const { resourceType, ...rest } = body as Resource & { id?: string };
  const stored = {
    resourceType,
    id: target.id,
    ...rest,
    meta: { ...body.meta, versionId: String(target.version), lastUpdated: at.toISOString() },
  } as Resource;
  stored.id = target.id;
  const text = JSON.stringify(stored);
  return {
    change: {
      ...shared,
      deleted: false,
      codec: server.codec.current,
      body: server.codec.encode(target.type, text),
      pat,
      rows: server.indexer.index(stored, server.tenant),
    },
    result: { status: target.status, type: target.type, id: target.id, version: target.version, lastUpdated: at, text },
  };
}

/** DECISIONS 5 and ADR 0010: by whom and how a resource comes decides whether the door transforms it (of a patch: its new values) or only verifies. */
function isTransformed(server: Server, principal: Principal, { kind, id, patched }: WriteEntry, resource: Resource): boolean {
  if (principal.plane === 'stored') return false;
  return patched !== undefined || kind !== 'update' || id === undefined || !isStoredForm(server, resource);
}

interface Incoming {
  readonly resource: Resource;
  readonly patched: WriteEntry['patched'];
  readonly transforms: boolean;
}

function throughDoor(
  { door, policy }: Server,
  { resource, patched, transforms }: Incoming,
  resolved: Parameters<Server['door']['apply']>[1],
  stored: Resource | undefined,
  tally: Tally | undefined,
): Deidentified<Resource> {
  if (!transforms) return door.verify(resource, resolved, stored);
  if (!patched || !stored) return door.apply(resource, resolved, tally).resource;
  return door.verify(
    policy.name === 'synthetic' ? resource : deidentifyFresh(door, { resource, ...patched }, resolved, stored),
    resolved,
    stored,
  );
}

function stampRecorded(provenance: Resource, at: Date): void {
  const holder = provenance as { recorded?: string; _recorded?: unknown };
  holder.recorded = at.toISOString();
  delete holder._recorded;
}

/** The written content must lie inside what the token covers: own patient and granular constraints. */
async function authorizeContent(
  server: Server,
  principal: Principal,
  target: Target,
  body: Resource,
  pat: bigint | undefined,
): Promise<void> {
  const access = await accessFor(server, principal, target.type, target.kind === 'create' ? 'c' : 'u');
  if (isUnrestricted(access)) return;
  const inside = access.some((g) => (g.patientRid === undefined || g.patientRid === pat) && recheck({ criteria: g.criteria }, body));
  if (!inside)
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The resource lies outside of what the access token covers.' });
}
