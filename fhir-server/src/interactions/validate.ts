// https://hl7.org/fhir/R4/resource-operation-validate.html — $validate on a type or an instance, by GET or POST.
import { allowsOperation, grantsFor, type Issue, OperationOutcomeError, type Principal, parseExact } from '@limen/fhir-model';
import { type ValidationRequest, validationIssues, validationOutcome, validationRequest } from '../operations/validate.ts';
import type { Server } from '../server.ts';
import { type Answer, jsonAnswer, type Request } from './answer.ts';
import { read } from './read.ts';

/** Validating is the rehearsal of a write, so who may write the type may do it; else the operation's own scope is needed. */
function authorize(principal: Principal, type: string): void {
  const mayWrite = grantsFor(principal.scopes, type, 'c').length > 0 || grantsFor(principal.scopes, type, 'u').length > 0;
  if (mayWrite || allowsOperation(principal.scopes, 'validate')) return;
  throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for this operation.' });
}

/** The stored resource as the principal may read it; a missing one is an issue, not a failure of the operation. */
async function stored(server: Server, principal: Principal, request: Request, type: string, id: string): Promise<unknown> {
  const answer = await read(server, principal, {
    ...request,
    method: 'GET',
    segments: [type, id],
    headers: {},
    query: new URLSearchParams(),
  });
  return parseExact(answer.body ?? 'null');
}

async function instanceIssues(server: Server, principal: Principal, request: Request, type: string, id: string): Promise<Issue[]> {
  try {
    await stored(server, principal, request, type, id);
    return [];
  } catch (error) {
    if (!(error instanceof OperationOutcomeError) || (error.status !== 404 && error.status !== 410)) throw error;
    return [{ severity: 'error', code: 'not-found', diagnostics: 'There is no such resource to update or delete.' }];
  }
}

function idIssues({ resource }: ValidationRequest, type: string, id: string): Issue[] {
  if ((resource as { id?: unknown } | null)?.id === id) return [];
  return [{ severity: 'error', code: 'invalid', diagnostics: 'An update has the id of its address.', expression: `${type}.id` }];
}

async function issuesOf(
  server: Server,
  principal: Principal,
  request: Request,
  input: ValidationRequest,
): Promise<{ issues: Issue[]; resource: unknown }> {
  const [type = '', second = ''] = request.segments;
  const id = second.startsWith('$') ? undefined : second;
  const { mode } = input;
  const target =
    id !== undefined && (mode === 'update' || mode === 'delete') ? await instanceIssues(server, principal, request, type, id) : [];
  if (mode === 'delete') {
    if (id === undefined) throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The mode delete is about an instance.' });
    return { issues: target, resource: undefined };
  }
  const resource = input.resource ?? (id === undefined ? undefined : await stored(server, principal, request, type, id));
  if (resource === undefined || resource === null)
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'There is no resource to validate.' });
  const issues = await validationIssues(server, type, { ...input, resource, deidentified: input.resource === undefined });
  const own = mode === 'update' && id !== undefined && input.resource ? idIssues(input, type, id) : [];
  return { issues: [...target, ...own, ...issues], resource };
}

/** 200 with an OperationOutcome for whatever was found; the request's content is neither stored nor logged nor sent back. */
export async function validate(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', , third] = request.segments;
  if (!server.types.has(type) || (request.segments.length === 3 ? third !== '$validate' : request.segments.length !== 2))
    throw new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'No such operation at this address.' });
  if (request.method !== 'GET' && request.method !== 'POST')
    throw new OperationOutcomeError(
      405,
      { code: 'not-supported', diagnostics: 'Operations are called by GET or POST.' },
      { headers: { allow: 'GET, POST' } },
    );
  authorize(principal, type);
  const input = validationRequest(request.method === 'POST' ? request.body : undefined, request.query, type);
  const { issues, resource } = await issuesOf(server, principal, request, input);
  return jsonAnswer(200, validationOutcome(issues, resource));
}
