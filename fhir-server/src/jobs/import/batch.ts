// One batch of an import through the door (ARCHITECTURE sentence 2): validate -> crosswalk -> de-identify -> authorize content -> index -> commit.
// A line that is refused is reported and costs no other line; what is stored and its place in the ledger become durable together.
import { createHash } from 'node:crypto';
import { Tally } from '@limen/deidentification';
import { type OperationOutcome, OperationOutcomeError, type Principal, parseReference, type Resource } from '@limen/fhir-model';
import { definitionTypes, forgetDefinitions } from '../../interactions/stored-definitions.ts';
import { claimFaults, claimsOf } from '../../interactions/write/claims.ts';
import type { WriteResult } from '../../interactions/write/entry.ts';
import { isSubset, planChange, surroundingsOf } from '../../interactions/write/plan.ts';
import type { Target } from '../../interactions/write/targets.ts';
import { requireWrite } from '../../operations/import.ts';
import type { Line } from '../../operations/ndjson-lines.ts';
import type { Server } from '../../server.ts';
import type { Change, Commit } from '../../store/commit.ts';
import type { Stored } from '../../store/read.ts';
import type { SourceIds } from '../../vault/index.ts';
import type { BatchKey, BatchResult, Ledger } from './ledger.ts';
import { type Item, type Refused, type Translated, translate } from './translate.ts';

export interface BatchGround {
  readonly server: Server;
  readonly sourceIds: SourceIds;
  readonly principal: Principal;
  readonly source: string;
  readonly jobId: string;
  readonly ledger: Ledger;
  /** A line as JSON values. @throws OperationOutcomeError */
  readonly parse: (bytes: Buffer) => unknown;
  readonly seen: Seen;
  /** What the door does is counted. */
  readonly isReported: boolean;
}

/** Own patient (rid) of what this run has planned, by "Type/id"; bounded: what is forgotten is looked up. */
export class Seen {
  readonly #owners = new Map<string, bigint | undefined>();
  readonly #maximum = 200_000;

  has(reference: string): boolean {
    return this.#owners.has(reference);
  }

  owner(reference: string): bigint | undefined {
    return this.#owners.get(reference);
  }

  add(reference: string, owner: bigint | undefined): void {
    if (this.#owners.size >= this.#maximum) this.#owners.clear();
    this.#owners.set(reference, owner);
  }
}

export interface Batch {
  readonly input: number;
  /** Type of the input; undefined where the body says it. */
  readonly type: string | undefined;
  readonly lines: readonly Line[];
}

export interface PlannedBatch {
  readonly commit: Commit;
  readonly result: BatchResult;
  /** "Patient/id" that it brings. */
  readonly patients: readonly string[];
  /** Those that it refers to, with the rid that its rows hold. */
  readonly needs: ReadonlyMap<string, bigint>;
}

const maximumIssues = 50;
const lineExtension = 'https://limen.example/import-line';

export function digestOf(lines: readonly Line[]): string {
  const hash = createHash('sha256');
  for (const { bytes } of lines) hash.update(bytes).update('\n');
  return hash.digest('hex');
}

/** @throws PlanOutdated when others were faster: to be planned again */
export async function planBatch(ground: BatchGround, batch: Batch, key: BatchKey): Promise<PlannedBatch> {
  const { server, ledger, principal, jobId } = ground;
  const refused: Refused[] = [];
  const items = await readItems(ground, batch, refused);
  const translated = await translate(server, ground.sourceIds, ground.source, items, refused);
  const planned = await planItems(ground, distinct(translated, refused), refused);
  const { changes, results } = planned;
  const stored: { [type: string]: number } = {};
  for (const { type } of results) stored[type] = (stored[type] ?? 0) + 1;
  const result: BatchResult = {
    lines: batch.lines.length,
    stored,
    errors: refused.map(({ place, error }) => outcomeAt(place, error)),
    open: openReferences(ground.seen, planned.kept),
    ...(planned.tally ? { deidentification: planned.tally.counts } : {}),
  };
  const patients: readonly string[] = results.filter(({ type }) => type === 'Patient').map(({ id }) => `Patient/${id}`);
  return {
    result,
    patients,
    needs: new Map([...planned.patientRids].filter(([patient]) => !patients.includes(patient))),
    commit: {
      at: planned.at,
      changes,
      conditions: [],
      audit: [
        {
          interaction: 'import',
          client: principal.clientId,
          status: 200,
          requestId: jobId,
          ...(results.length > 0 ? { resources: results.map((r) => `${r.type}/${r.id}/${r.version}`) } : {}),
        },
      ],
      idempotency: ledger.record(key, result),
    },
  };
}

/** What is to be done when the batch is stored. */
export async function afterCommit(server: Server, { changes }: Commit): Promise<void> {
  const types = new Set(changes.map(({ type }) => server.types.name(type)));
  if ([...types].some((type) => definitionTypes.has(type))) forgetDefinitions(server);
  if (types.has('SearchParameter')) await server.searchParameters.refresh();
}

/** The extension says which line of which input. */
function outcomeAt(place: string, error: OperationOutcomeError): OperationOutcome {
  const { resourceType, issue } = error.outcome;
  return { resourceType, extension: [{ url: lineExtension, valueString: place }], issue: issue.slice(0, maximumIssues) };
}

async function readItems(ground: BatchGround, { input, type, lines }: Batch, refused: Refused[]): Promise<Item[]> {
  const items: Item[] = [];
  for (const { number, bytes } of lines) {
    const place = `${input + 1}:${number}`;
    try {
      items.push({ place, resource: await readResource(ground, bytes, type) });
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      refused.push({ place, error });
    }
  }
  return items;
}

const sourceId = /^[A-Za-z0-9.-]{1,64}$/;

async function readResource({ server, principal, parse }: BatchGround, bytes: Buffer, expected: string | undefined): Promise<Resource> {
  const resource = parse(bytes) as Resource | null;
  const type = resource?.resourceType;
  if (!resource || typeof type !== 'string' || !server.types.has(type) || (expected !== undefined && type !== expected))
    throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'The line is no resource of the type that is imported.' });
  requireWrite(principal, type);
  if (typeof resource.id !== 'string' || !sourceId.test(resource.id))
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The resource has no id.', expression: `${type}.id` });
  if (isSubset(resource))
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'The resource is tagged SUBSETTED: it is not whole.',
      expression: `${type}.meta.tag`,
    });
  const issues = server.validator.validate(resource, type, { deidentified: principal.plane === 'stored' });
  if (issues.length === 0 && claimsOf(resource).length > 0) issues.push(...(await claimFaults(server, resource)));
  if (issues.length > 0) throw new OperationOutcomeError(422, issues);
  return resource;
}

/** A resource comes once in a batch: the first counts. */
function distinct(items: readonly Translated[], refused: Refused[]): Translated[] {
  const seen = new Set<string>();
  return items.filter(({ reference, resource, place }) => {
    const isFirst = !seen.has(reference);
    seen.add(reference);
    if (!isFirst)
      refused.push({
        place,
        error: new OperationOutcomeError(409, {
          code: 'duplicate',
          diagnostics: 'Another line nearby is the same resource, or the Patient of the same person.',
          expression: resource.resourceType,
        }),
      });
    return isFirst;
  });
}

interface PlannedItems {
  readonly at: Date;
  readonly patientRids: ReadonlyMap<string, bigint>;
  readonly kept: Translated[];
  readonly changes: Change[];
  readonly results: WriteResult[];
  readonly tally: Tally | undefined;
}

async function planItems(ground: BatchGround, items: readonly Translated[], refused: Refused[]): Promise<PlannedItems> {
  const { server, principal, seen } = ground;
  const current = await currentOf(server, items);
  let at = server.now().getTime();
  for (const stored of current.values()) at = Math.max(at, stored.lastUpdated.getTime() + 1);
  const persons = { ofEntry: () => undefined, ofReference: personsOf(items) };
  const surroundings = await surroundingsOf(
    server,
    items.map(({ resource }) => resource),
    principal.plane === 'identified',
  );
  const targets = await Promise.all(items.map((item) => targetOf(ground, item, current.get(item.reference))));
  const rids = await patientRids(ground, items, targets);
  const planned: PlannedItems = {
    at: new Date(at),
    patientRids: rids,
    kept: [],
    changes: [],
    results: [],
    tally: ground.isReported ? new Tally() : undefined,
  };
  const owners = await encounterOwners(ground, items);
  for (const [i, item] of items.entries()) {
    const target = targets[i] as Target;
    const { resource, place } = item;
    const entry = { kind: 'create', type: target.type, resource, expression: target.type } as const;
    const tally = planned.tally && new Tally();
    try {
      requirePatients(item, rids);
      const { change, result } = await planChange(server, principal, entry, target, persons, i, rids, surroundings, planned.at, tally);
      checkEncounter(item, change.pat, owners);
      if (target.type === 'Encounter') owners.set(item.reference, change.pat);
      if (tally) planned.tally?.addAll(tally.counts);
      planned.kept.push(item);
      planned.results.push(result);
      // Sent again as it was, a resource gets no new version.
      if (!isSame(target.current, result.text)) planned.changes.push(change);
      seen.add(item.reference, change.pat);
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      refused.push({ place, error });
    }
  }
  return planned;
}

async function currentOf(server: Server, items: readonly Translated[]): Promise<Map<string, Stored>> {
  return server.reader.currentMany(
    items.filter(({ isNew }) => !isNew).map(({ resource, id }) => ({ type: resource.resourceType, id })),
    true,
  );
}

function personsOf(items: readonly Translated[]): (reference: string | undefined) => Translated['person'] {
  const byPatient = new Map<string, Translated['person']>(items.map(({ person }) => [`Patient/${person?.patientId}`, person]));
  return (reference) => (reference === undefined ? undefined : byPatient.get(reference.replace(/\/_history\/.*$/, '')));
}

async function targetOf(
  { server, seen }: BatchGround,
  { resource, id, reference }: Translated,
  current: Stored | undefined,
): Promise<Target> {
  // Planned again, a Patient keeps its rid: others may be planned with it.
  const earlier = resource.resourceType === 'Patient' ? seen.owner(reference) : undefined;
  return {
    kind: current ? 'update' : 'create',
    type: resource.resourceType,
    id,
    rid: current?.rid ?? earlier ?? (await server.nextRid()),
    version: (current?.version ?? 0) + 1,
    status: current ? 200 : 201,
    write: true,
    current,
  };
}

/** rids of the patients that are stored, on their way, or brought by the batch. */
async function patientRids(
  { server, seen }: BatchGround,
  items: readonly Translated[],
  targets: readonly Target[],
): Promise<Map<string, bigint>> {
  const rids = new Map<string, bigint>();
  const wanted: string[] = [];
  for (const [i, { reference, resource, mentions }] of items.entries()) {
    if (resource.resourceType === 'Patient') rids.set(reference, (targets[i] as Target).rid);
    for (const mention of mentions) {
      if (!mention.startsWith('Patient/') || rids.has(mention)) continue;
      const onItsWay = seen.owner(mention);
      if (onItsWay !== undefined) rids.set(mention, onItsWay);
      else wanted.push(mention.slice('Patient/'.length));
    }
  }
  for (const [id, rid] of await server.reader.patientRids([...new Set(wanted)]))
    if (!rids.has(`Patient/${id}`)) rids.set(`Patient/${id}`, rid);
  return rids;
}

/** A Patient that was refused itself has a person, but no record that others could belong to. */
function requirePatients({ mentions, resource }: Translated, rids: ReadonlyMap<string, bigint>): void {
  if (mentions.every((mention) => !mention.startsWith('Patient/') || rids.has(mention))) return;
  throw new OperationOutcomeError(422, {
    code: 'not-found',
    diagnostics: 'A Patient that the resource names is not stored.',
    expression: resource.resourceType,
  });
}

function encounterOf(resource: Resource): string | undefined {
  const reference = (resource as { encounter?: { reference?: string } }).encounter?.reference;
  const literal = parseReference(reference);
  return literal?.type === 'Encounter' ? `Encounter/${literal.id}` : undefined;
}

async function encounterOwners({ server, seen }: BatchGround, items: readonly Translated[]): Promise<Map<string, bigint | undefined>> {
  const owners = new Map<string, bigint | undefined>();
  const wanted = new Set<string>();
  for (const { resource } of items) {
    const encounter = encounterOf(resource);
    if (encounter === undefined) continue;
    if (seen.has(encounter)) owners.set(encounter, seen.owner(encounter));
    else wanted.add(encounter);
  }
  const found = await server.reader.currentMany(
    [...wanted].map((reference) => ({ type: 'Encounter', id: reference.slice('Encounter/'.length) })),
    false,
  );
  for (const [reference, { pat }] of found) owners.set(reference, pat);
  return owners;
}

/** DECISIONS 13; of an encounter that has not come yet nothing is known. */
function checkEncounter({ resource }: Translated, own: bigint | undefined, owners: ReadonlyMap<string, bigint | undefined>): void {
  const encounter = encounterOf(resource);
  if (own === undefined || encounter === undefined || !owners.has(encounter) || owners.get(encounter) === own) return;
  throw new OperationOutcomeError(422, {
    code: 'business-rule',
    diagnostics: 'The encounter is not one of the same patient.',
    expression: `${resource.resourceType}.encounter`,
  });
}

const systemPart = /"versionId":"\d+","lastUpdated":"[^"]+"/;

function isSame(current: Stored | undefined, text: string | undefined): boolean {
  if (!current?.text || text === undefined) return false;
  return current.text.replace(systemPart, '') === text.replace(systemPart, '');
}

/** References to what this run has not seen: judged when everything has come. */
function openReferences(seen: Seen, items: readonly Translated[]): BatchResult['open'] {
  const open = new Map<string, string>();
  for (const { mentions, place } of items)
    for (const mention of mentions) if (!seen.has(mention) && !open.has(mention)) open.set(mention, place);
  return [...open];
}
