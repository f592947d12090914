// https://hl7.org/fhir/uv/bulkdata/STU2/export.html — one export: type by type, page by page into NDJSON files. Constant memory; a run that was cut
// off goes on at its last checkpoint, with the same moment of the store.
import { operationOutcome, type Principal } from '@limen/fhir-model';
import type { ExportRequest } from '../../operations/export.ts';
import type { Server } from '../../server.ts';
import type { JobResult, OutputFile, Run } from '../job.ts';
import type { JobStore } from '../store.ts';
import { type FileState, type JobFolder, NdjsonWriter } from './files.ts';
import { type TypeFilter, typeFilter } from './filters.ts';
import { type ExportRow, type PageQuery, readPage } from './page.ts';

const pageSize = 500;
const checkpointMs = 500;

export interface ExportContext {
  readonly server: Server;
  readonly store: JobStore;
  readonly folder: JobFolder;
  /** Resources a file. */
  readonly fileMaximum: number;
}

/** How far an export has come. */
interface Progress {
  /** Types that are finished. */
  readonly done: readonly string[];
  readonly rid: string;
  readonly scanned: number;
  /** Files of the finished types and of the one in work. */
  readonly output: readonly FileState[];
  readonly deleted: readonly FileState[];
  readonly error: readonly FileState[];
}

const fresh: Progress = { done: [], rid: '0', scanned: 0, output: [], deleted: [], error: [] };

interface Writers {
  readonly output: NdjsonWriter;
  readonly deleted: NdjsonWriter;
  readonly error: NdjsonWriter;
}

interface Work {
  readonly context: ExportContext;
  readonly run: Run;
  readonly request: ExportRequest;
  readonly query: Omit<PageQuery, 'type' | 'afterRid'>;
  progress: Progress;
}

export async function runExport(context: ExportContext, run: Run, principal: Principal, request: ExportRequest): Promise<JobResult> {
  const { server, folder } = context;
  await folder.make(run.job.id);
  const work: Work = {
    context,
    run,
    request,
    query: await pageQuery(context, run, request),
    progress: { ...fresh, ...(run.job.progress as Partial<Progress>) },
  };
  if (!(await isWhole(work))) work.progress = fresh;
  for (const type of request.types.filter((each) => !work.progress.done.includes(each))) {
    await exportType(work, type, await typeFilter(server, principal, request, type));
    work.progress = { ...work.progress, done: [...work.progress.done, type], rid: '0' };
  }
  await run.checkpoint(work.progress);
  const files = (states: readonly FileState[]): OutputFile[] => states.map(({ bytes: _, ...file }) => file);
  const { output, deleted, error } = work.progress;
  return { output: files(output), deleted: files(deleted), error: files(error) };
}

async function isWhole({ context, run, progress }: Work): Promise<boolean> {
  for (const { name, bytes } of [...progress.output, ...progress.deleted, ...progress.error])
    if (((await context.folder.size(run.job.id, name)) ?? -1) < bytes) return false;
  return true;
}

async function pageQuery({ server, store }: ExportContext, { job }: Run, request: ExportRequest): Promise<Work['query']> {
  const { patients } = request;
  return {
    tenant: server.tenant,
    limit: pageSize,
    snapshot: job.snapshot,
    ofPatients: request.level !== 'system',
    patients: patients && [...(await server.reader.patientRids(patients)).values()].map(String),
    sinceSnapshot: request.since ? await store.snapshotAt(request.since) : undefined,
    since: request.since,
  };
}

async function exportType(work: Work, type: string, filter: TypeFilter): Promise<void> {
  const { context, run } = work;
  const { server, folder, fileMaximum } = context;
  const writer = (files: readonly FileState[], lines: string, stem: string): NdjsonWriter =>
    new NdjsonWriter(folder, run.job.id, lines, stem, fileMaximum, files);
  const isOf = ({ type: each }: FileState): boolean => each === type;
  const earlier = work.progress.output.filter((file) => !isOf(file));
  const writers: Writers = {
    output: writer(work.progress.output.filter(isOf), type, type),
    deleted: writer(work.progress.deleted, 'Bundle', 'deleted'),
    error: writer(work.progress.error, 'OperationOutcome', 'error'),
  };
  let savedMs = performance.now();
  for (let more = true; more; ) {
    run.proceed();
    const rows = await readPage(server.pool, { ...work.query, type: server.types.number(type), afterRid: work.progress.rid });
    await writePage(work, type, filter, writers, rows);
    more = rows.length === pageSize;
    work.progress = {
      ...work.progress,
      rid: rows.at(-1)?.rid ?? work.progress.rid,
      scanned: work.progress.scanned + rows.length,
      output: [...earlier, ...writers.output.files],
      deleted: writers.deleted.files,
      error: writers.error.files,
    };
    if (performance.now() - savedMs < checkpointMs) continue;
    await run.checkpoint(work.progress);
    savedMs = performance.now();
  }
}

async function writePage(
  { context, request }: Work,
  type: string,
  filter: TypeFilter,
  to: Writers,
  rows: readonly ExportRow[],
): Promise<void> {
  const lines: string[] = [];
  const gone: string[] = [];
  const failed: string[] = [];
  for (const row of rows) {
    if (row.id === null || filter.hides({ labels: row.labels ?? [], rules: row.rules ?? [], seen: row.seen ?? false })) continue;
    if (row.deleted) {
      // A filter can't be asked of what has no content any more.
      if (!request.filters[type]) gone.push(deletion(type, row.id));
      continue;
    }
    try {
      const line = row.body ? filter.line(context.server.codec.decode(type, row.codec, row.body)) : undefined;
      if (line !== undefined) lines.push(line);
    } catch {
      failed.push(
        JSON.stringify(operationOutcome({ code: 'exception', diagnostics: 'A resource could not be exported.', expression: type })),
      );
    }
  }
  await to.output.append(lines);
  await to.deleted.append(gone);
  await to.error.append(failed);
}

function deletion(type: string, id: string): string {
  const entry = [{ request: { method: 'DELETE', url: `${type}/${id}` } }];
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
}
