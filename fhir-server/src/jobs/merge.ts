// The store's side of a merge: everything of the loser becomes the survivor's in one commit, so that no half of it is ever seen.
import { eachReference, OperationOutcomeError, parseExact, parseReference, type Resource } from '@limen/fhir-model';
import { Pace } from '../pace.ts';
import type { Server } from '../server.ts';
import { type Change, PlanOutdated } from '../store/commit.ts';
import { shardOf } from '../store/ids.ts';
import type { Stored } from '../store/read.ts';
import { type Merge, movedResource, type VaultCases, type Who } from '../vault/index.ts';

/** What one commit can hold. */
const maximumResources = 20_000;
const maximumPlans = 8;

type Patient = Extract<Resource, { resourceType: 'Patient' }>;

async function patientOf(server: Server, id: string): Promise<Stored & { readonly text: string }> {
  const stored = await server.reader.current('Patient', id);
  if (stored?.text === undefined || stored.deleted)
    throw new OperationOutcomeError(422, { code: 'business-rule', diagnostics: 'A merge needs two Patients that are stored.' });
  return { ...stored, text: stored.text };
}

/** Current resources of a patient, and others' that refer to it by a search parameter. */
async function recordOf(server: Server, patient: Stored): Promise<Stored[]> {
  const columns = "r.type, r.rid, r.id, r.version, date_part('epoch', r.lu) * 1000 as ms, r.deleted, r.pat, r.codec, r.body";
  const { rows } = await server.pool.query(
    `select ${columns} from idx i join res r on r.tenant = i.tenant and r.shard = i.shard and r.rid = i.rid
     where i.tenant = $1 and i.pat = $2 and r.rid <> $2 and not r.deleted limit $3`,
    [server.tenant, patient.rid.toString(), maximumResources + 1],
  );
  if (rows.length > maximumResources)
    throw new OperationOutcomeError(422, {
      code: 'too-costly',
      diagnostics: 'The record that would be moved has more than 20000 resources.',
    });
  return server.reader.byRows(rows);
}

/** The next version of a stored resource. */
function changeOf(server: Server, stored: Stored, resource: Resource, pat: bigint | undefined, at: Date): Change {
  const version = stored.version + 1;
  const body = { ...resource, meta: { ...resource.meta, versionId: String(version), lastUpdated: at.toISOString() } } as Resource;
  return {
    type: server.types.number(stored.type),
    shard: shardOf(stored.id, server.clientIds),
    rid: stored.rid,
    id: stored.id,
    version,
    deleted: false,
    codec: server.codec.current,
    body: server.codec.encode(stored.type, JSON.stringify(body)),
    pat,
    rows: server.indexer.index(body, server.tenant),
  };
}

function linked(patient: Patient, other: string, type: 'replaced-by' | 'replaces'): Patient {
  const link = (patient.link ?? []).filter((each) => each.other?.reference !== `Patient/${other}`);
  const inactive = type === 'replaced-by' ? { active: false } : {};
  return { ...patient, ...inactive, link: [...link, { other: { reference: `Patient/${other}` }, type }] };
}

const isLinked = ({ link }: Patient, other: string): boolean => (link ?? []).some((each) => each.other?.reference === `Patient/${other}`);

function movedTo(server: Server, text: string, { loser, survivor, moveDays }: Merge): Resource {
  const shifts = !server.policy.keepsTimeline && server.policy.name !== 'safe-harbor';
  const resource = movedResource(server.definitions, parseExact(text) as Resource, shifts ? moveDays : 0);
  eachReference(resource, (reference) => {
    const literal = parseReference(reference);
    return literal?.type === 'Patient' && literal.id === loser ? `Patient/${survivor}` : undefined;
  });
  return resource;
}

async function plan(server: Server, merge: Merge, at: Date): Promise<Change[]> {
  const loser = await patientOf(server, merge.loser);
  const survivor = await patientOf(server, merge.survivor);
  const changes: Change[] = [];
  for (const [stored, other, type] of [
    [loser, merge.survivor, 'replaced-by'],
    [survivor, merge.loser, 'replaces'],
  ] as const) {
    const patient = parseExact(stored.text) as Patient;
    if (!isLinked(patient, other)) changes.push(changeOf(server, stored, linked(patient, other, type), stored.rid, at));
  }
  const pace = new Pace();
  for (const stored of await recordOf(server, loser)) {
    if (pace.isDue) await pace.rest();
    changes.push(changeOf(server, stored, movedTo(server, stored.text ?? '{}', merge), survivor.rid, at));
  }
  return changes;
}

/** @returns how many resources were moved; a repeat finds nothing left to do */
async function moveRecord(server: Server, merge: Merge, who: Who, requestId: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const at = server.now();
    const changes = await plan(server, merge, at);
    if (changes.length === 0) return 0;
    const audit = {
      interaction: 'merge',
      client: who.client,
      ...(who.account === undefined ? {} : { user: who.account }),
      type: 'Patient',
      id: merge.survivor,
      status: 200,
      resources: changes.map(({ type, id, version }) => `${server.types.name(type)}/${id}/${version}`),
      requestId,
    };
    try {
      await server.committer.commit({ at, changes, conditions: [], audit: [audit] });
      return changes.filter(({ id }) => id !== merge.loser && id !== merge.survivor).length;
    } catch (error) {
      if (!(error instanceof PlanOutdated) || attempt === maximumPlans) throw error;
    }
  }
}

/**
 * First the identity, so that nothing new comes for the loser, then the record. Between them the loser's record stands as it was; asked for again,
 * or at the next start, the merge goes on.
 */
export async function mergePatients(
  server: Server,
  cases: VaultCases,
  { loser, survivor }: { readonly loser: string; readonly survivor: string },
  who: Who,
  requestId: string,
): Promise<{ readonly moved: number }> {
  const from = await patientOf(server, loser);
  await patientOf(server, survivor);
  await recordOf(server, from);
  const merge = await cases.startMerge(loser, survivor, who);
  server.vault.forget([loser, survivor]);
  return { moved: (merge.moved ?? 0) + (await finish(server, cases, merge, who, requestId)) };
}

async function finish(server: Server, cases: VaultCases, merge: Merge, who: Who, requestId: string): Promise<number> {
  const moved = await moveRecord(server, merge, who, requestId);
  if (merge.moved === undefined || moved > 0) await cases.finishMerge(merge, moved);
  return moved;
}

/** Goes on with what a process that died left, and moves what was being written for a loser while it was merged. */
export async function resumeMerges(server: Server, cases: VaultCases): Promise<void> {
  for (const merge of await cases.merges(true)) {
    try {
      await finish(server, cases, merge, { client: 'limen', account: undefined }, 'resumed');
    } catch (error) {
      // A Patient that was deleted since, or a record grown too large, must not keep the server from starting.
      if (!(error instanceof OperationOutcomeError)) throw error;
      server.log.warn({ event: 'merge-not-finished', status: error.status });
    }
  }
}
