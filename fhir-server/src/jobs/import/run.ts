// One import: inputs in order, batches of some hundred lines, two of them being committed while the next is prepared. A run that goes on reads its
// inputs again and passes over the batches that its ledger holds.
import { Tally } from '@limen/deidentification';
import { type OperationOutcome, OperationOutcomeError, operationOutcome, type Principal } from '@limen/fhir-model';
import type { ImportRequest } from '../../operations/import.ts';
import { type Line, linesOf } from '../../operations/ndjson-lines.ts';
import type { Server } from '../../server.ts';
import { PlanOutdated } from '../../store/commit.ts';
import type { SourceIds } from '../../vault/index.ts';
import { type JobFolder, NdjsonWriter } from '../export/files.ts';
import type { JobResult, Run } from '../job.ts';
import { afterCommit, type Batch, type BatchGround, digestOf, type PlannedBatch, planBatch, Seen } from './batch.ts';
import { Ledger } from './ledger.ts';
import { openSource } from './source.ts';

const batchLines = 200;
const inFlight = 2;
const maximumPlans = 8;
const checkpointMs = 500;
const errorLines = 100_000;

export interface ImportContext {
  readonly server: Server;
  readonly sourceIds: SourceIds;
  readonly folder: JobFolder;
  readonly allowedSources: readonly string[];
  readonly parse: (bytes: Buffer) => unknown;
}

export type Bytes = AsyncIterable<Buffer | Uint8Array | string>;

interface Work {
  readonly ground: BatchGround;
  readonly run: Run;
  /** Batches of earlier runs: content by key. */
  readonly stored: ReadonlyMap<string, Buffer>;
  readonly committing: Set<Promise<void>>;
  /** Commits that bring Patients: what refers to these must not be stored before them. */
  readonly patients: Map<string, Promise<void>>;
  failure: unknown;
  lines: number;
  savedMs: number;
}

/** @param body the input itself, of a direct import */
export async function runImport(
  context: ImportContext,
  run: Run,
  principal: Principal,
  request: ImportRequest,
  body?: Bytes,
): Promise<JobResult> {
  const { server, sourceIds, parse } = context;
  const jobId = run.job.id;
  const ledger = new Ledger(server, jobId);
  const work: Work = {
    ground: {
      server,
      sourceIds,
      principal,
      source: request.inputSource,
      jobId,
      ledger,
      parse,
      seen: new Seen(),
      isReported: request.isReported,
    },
    run,
    stored: run.job.attempt > 1 ? await ledger.stored() : new Map(),
    committing: new Set(),
    patients: new Map(),
    failure: undefined,
    lines: 0,
    savedMs: performance.now(),
  };
  try {
    if (body) await importStream(work, 0, undefined, body);
    for (const [i, { type, url }] of request.inputs.entries())
      await importStream(work, i, type, await openSource(context.allowedSources, url));
  } finally {
    // Whatever happened: what is being committed is waited for, so that the next run finds it.
    await Promise.allSettled(work.committing);
  }
  if (work.failure !== undefined) throw work.failure;
  await run.checkpoint({ lines: work.lines });
  return report(context, jobId, ledger, request.isReported);
}

async function importStream(work: Work, input: number, type: string | undefined, stream: Bytes): Promise<void> {
  let lines: Line[] = [];
  let batches = 0;
  for await (const line of linesOf(stream)) {
    lines.push(line);
    if (lines.length < batchLines) continue;
    await take(work, { input, type, lines }, batches++);
    lines = [];
  }
  if (lines.length > 0) await take(work, { input, type, lines }, batches);
}

/** Waits for a free place, plans the batch and leaves its commit running. */
async function take(work: Work, batch: Batch, n: number): Promise<void> {
  const { ground, run, committing } = work;
  run.proceed();
  const key = ground.ledger.keyOf(batch.input, n, digestOf(batch.lines));
  work.lines += batch.lines.length;
  const stored = work.stored.get(key.key.toString('hex'));
  if (stored && !stored.equals(key.content))
    throw new OperationOutcomeError(422, {
      code: 'conflict',
      details: 'idempotency',
      diagnostics: 'The input is not the one that the import began with.',
    });
  if (stored) return;
  while (committing.size >= inFlight) await Promise.race(committing);
  if (work.failure !== undefined) throw work.failure;
  const planned = await planAgain(() => planBatch(ground, batch, key));
  const done = commitBatch(work, batch, key, planned).catch((error: unknown) => {
    work.failure ??= error;
  });
  committing.add(done);
  for (const patient of planned.patients) work.patients.set(patient, done);
  void done.then(() => {
    committing.delete(done);
    for (const patient of planned.patients) if (work.patients.get(patient) === done) work.patients.delete(patient);
  });
  if (performance.now() - work.savedMs < checkpointMs) return;
  await run.checkpoint({ lines: work.lines });
  work.savedMs = performance.now();
}

async function planAgain(plan: () => Promise<PlannedBatch>): Promise<PlannedBatch> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await plan();
    } catch (error) {
      if (!(error instanceof PlanOutdated) || attempt === maximumPlans) throw error;
    }
  }
}

async function commitBatch(work: Work, batch: Batch, key: Parameters<typeof planBatch>[2], first: PlannedBatch): Promise<void> {
  const { ground } = work;
  let planned = first;
  for (let attempt = 1; ; attempt++) {
    await Promise.all([...planned.needs.keys()].map((patient) => work.patients.get(patient)));
    if (work.failure !== undefined) return;
    if (!hasMoved(ground.seen, planned)) {
      try {
        await ground.server.committer.commit(planned.commit);
        await afterCommit(ground.server, planned.commit);
        return;
      } catch (error) {
        if (!(error instanceof PlanOutdated) || attempt === maximumPlans) throw error;
      }
    }
    planned = await planAgain(() => planBatch(ground, batch, key));
  }
}

/** Whether a Patient that it refers to was made by somebody else meanwhile. */
function hasMoved(seen: Seen, { needs }: PlannedBatch): boolean {
  return [...needs].some(([patient, rid]) => seen.has(patient) && seen.owner(patient) !== rid);
}

/** Sums up the ledger: what was stored, refused, and refers to what never came. */
async function report({ server, folder }: ImportContext, jobId: string, ledger: Ledger, isReported: boolean): Promise<JobResult> {
  await folder.make(jobId);
  const errors = new NdjsonWriter(folder, jobId, 'OperationOutcome', 'error', errorLines);
  const stored: { [type: string]: number } = {};
  const tally = new Tally();
  for await (const page of ledger.results()) {
    for (const { deidentification } of page) if (deidentification) tally.addAll(deidentification);
    for (const result of page) for (const [type, n] of Object.entries(result.stored)) stored[type] = (stored[type] ?? 0) + n;
    const refused = page.flatMap((result) => result.errors);
    const unresolved = await unresolvedOf(server, new Map(page.flatMap((result) => result.open)));
    await errors.append([...refused, ...unresolved].map((outcome) => JSON.stringify(outcome)));
  }
  const shared = { output: [], error: errors.files.map(({ bytes: _, ...file }) => file), stored };
  return isReported ? { ...shared, deidentification: tally.counts } : shared;
}

async function unresolvedOf(server: Server, open: ReadonlyMap<string, string>): Promise<OperationOutcome[]> {
  const wanted = [...open.keys()].map((reference) => {
    const [type = '', id = ''] = reference.split('/');
    return { type, id };
  });
  const found = await server.reader.currentMany(wanted, false);
  return [...open].flatMap(([reference, place]) => {
    const stored = found.get(reference);
    if (stored && !stored.deleted) return [];
    const outcome = operationOutcome({
      severity: 'warning',
      code: 'not-found',
      details: 'unresolved-reference',
      diagnostics: 'A reference points to a resource that is not stored here.',
    });
    return [
      {
        ...outcome,
        extension: [
          { url: 'https://limen.example/import-line', valueString: place },
          { url: 'https://limen.example/import-reference', valueString: reference },
        ],
      },
    ];
  });
}
