// What create, update, patch and delete share: the body, If-Match, Idempotency-Key, the audit row, the answer.
import { OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { type Answer, jsonAnswer, preferReturn, type Request, successOutcome, versionHeaders } from './answer.ts';
import { auditRow } from './audit.ts';
import { withIdempotency } from './idempotency.ts';
import type { RequestedEntry, WriteResult } from './write/entry.ts';
import { write } from './write/plan.ts';

export function resourceBody(request: Request, type: string): Resource {
  const body = request.body as Resource | undefined;
  if (body === undefined || body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not a FHIR resource.' });
  }
  if (body.resourceType !== type) {
    throw new OperationOutcomeError(400, {
      code: 'invalid',
      diagnostics: 'The resource type of the body is not that of the URL.',
      expression: 'resourceType',
    });
  }
  return body;
}

export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(header)?.[1];
  // An ETag that we never gave names no current version.
  return version === undefined ? -1 : Number(version);
}

export async function writeOne(
  server: Server,
  principal: Principal,
  request: Request,
  interaction: string,
  entry: RequestedEntry,
): Promise<Answer> {
  const [result] = await withIdempotency(server, principal, request, (idempotency) =>
    write(server, {
      principal,
      entries: [entry],
      audit: (results) => auditRow(principal, request, interaction, results[0]?.status ?? 200, results),
      ...(idempotency ? { idempotency } : {}),
    }),
  );
  return answerTo(server, request, result as WriteResult, entry.kind);
}

function answerTo(server: Server, request: Request, result: WriteResult, kind: RequestedEntry['kind']): Answer {
  const prefer = preferReturn(request);
  if (kind === 'delete') {
    const headers: { [name: string]: string } = result.version > 0 ? { etag: `W/"${result.version}"` } : {};
    // There is no representation of what is gone.
    return prefer === 'OperationOutcome' ? jsonAnswer(200, successOutcome(), headers) : { status: 204, headers, body: undefined };
  }
  const headers = versionHeaders(server, result, kind === 'create' || result.status === 201);
  if (prefer === 'minimal') return { status: result.status, headers, body: undefined };
  if (prefer === 'OperationOutcome') return jsonAnswer(result.status, successOutcome(), headers);
  return { status: result.status, headers, body: result.text };
}
