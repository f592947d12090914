// What the status address of a job answers (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request).
import { type OperationOutcome, OperationOutcomeError } from '@limen/fhir-model';
import type { Answer } from '../interactions/answer.ts';
import type { JobResult, JobRow, OutputFile } from './job.ts';

/** Extensions of a manifest have a name and any content. */
const reportUrl = 'https://limen.example/deidentification-report';
const retryAfter = { 'retry-after': '1' };

/** In a few words and numbers, at most 100 characters. */
function progressText({ kind, state, progress }: JobRow): string {
  if (state === 'accepted') return 'waiting';
  if (kind === 'import') return `${Number(progress['lines'] ?? 0)} lines`;
  const done = Array.isArray(progress['done']) ? progress['done'].length : 0;
  return `${done} types done, ${Number(progress['scanned'] ?? 0)} resources looked at`;
}

export function pendingAnswer(job: JobRow): Answer {
  return { status: 202, headers: { ...retryAfter, 'x-progress': progressText(job) }, body: undefined };
}

/** @throws OperationOutcomeError of a job that failed */
export function finishedAnswer(job: JobRow, url: string, request: string): Answer {
  const { outcome } = job.result ?? {};
  if (job.state === 'failed') throw failure(outcome);
  const text = JSON.stringify(manifest(job, job.result ?? { output: [], error: [] }, url, request));
  const expires = job.expiresAt ? { expires: job.expiresAt.toUTCString() } : {};
  return { status: 200, headers: expires, body: undefined, content: { type: 'application/json', pieces: pieces(text) } };
}

function failure(outcome: OperationOutcome | undefined): OperationOutcomeError {
  const issues = (outcome?.issue ?? []).map(({ code, diagnostics, details }) => ({
    code,
    ...(diagnostics ? { diagnostics } : {}),
    ...(details?.text ? { details: details.text } : {}),
  }));
  return new OperationOutcomeError(500, issues.length > 0 ? issues : [{ code: 'exception', diagnostics: 'The job failed.' }]);
}

async function* pieces(text: string): AsyncGenerator<string> {
  yield text;
}

function manifest(job: JobRow, result: JobResult, url: string, request: string): object {
  const file = ({ type, name, count }: OutputFile): object => ({ type, url: `${url}/${name}`, count });
  const stored = Object.entries(result.stored ?? {}).map(([type, count]) => ({ type, count }));
  return {
    transactionTime: job.transactionTime.toISOString(),
    request,
    requiresAccessToken: true,
    output: [...result.output.map(file), ...stored],
    ...(result.deleted && result.deleted.length > 0 ? { deleted: result.deleted.map(file) } : {}),
    error: result.error.map(file),
    ...(result.deidentification ? { extension: { [reportUrl]: result.deidentification } } : {}),
  };
}

/** A file that the result of the job names. */
export function fileOf(job: JobRow, name: string): OutputFile | undefined {
  const { output = [], deleted = [], error = [] } = job.result ?? {};
  return job.state === 'completed' ? [...output, ...deleted, ...error].find((file) => file.name === name) : undefined;
}
