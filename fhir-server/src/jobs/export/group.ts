// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters — whose data an export of a Group is: its members when it was asked for.
import { OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import { accessFor } from '../../interactions/access.ts';
import { covers } from '../../interactions/read.ts';
import type { ExportRequest } from '../../operations/export.ts';
import type { Server } from '../../server.ts';

/** Logical ids of the patients of a Group that the caller may read. @throws OperationOutcomeError 404 */
async function membersOf(server: Server, principal: Principal, id: string): Promise<ReadonlySet<string>> {
  const access = await accessFor(server, principal, 'Group', 'r');
  const stored = await server.reader.current('Group', id);
  if (!stored?.text || !covers(access, stored))
    throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });
  const group = JSON.parse(stored.text) as Extract<Resource, { resourceType: 'Group' }>;
  const references = (group.member ?? []).filter(({ inactive }) => inactive !== true).map(({ entity }) => entity?.reference);
  return new Set(references.flatMap((reference) => /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(reference ?? '')?.[1] ?? []));
}

/** The request with the patients that it is limited to: members of the Group, of them those that are named. */
export async function withMembers(server: Server, principal: Principal, request: ExportRequest): Promise<ExportRequest> {
  if (request.group === undefined) return request;
  const members = await membersOf(server, principal, request.group);
  const named = request.patients ? new Set(request.patients) : undefined;
  return { ...request, patients: [...members].filter((id) => !named || named.has(id)) };
}
