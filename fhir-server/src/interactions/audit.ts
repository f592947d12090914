// The audit row of a request: codes and ids only.
import type { Principal } from '@limen/fhir-model';
import type { AuditRow } from '../audit/chain.ts';
import type { Request } from './answer.ts';
import type { WriteResult } from './write/entry.ts';

export function auditRow(
  principal: Principal,
  request: Request,
  interaction: string,
  status: number,
  results: readonly WriteResult[] = [],
): AuditRow {
  const [type, id] = request.segments;
  return {
    interaction,
    client: principal.clientId,
    ...(principal.userId ? { user: principal.userId } : {}),
    ...(principal.purpose ? { purpose: principal.purpose } : {}),
    ...(type && /^[A-Z][A-Za-z]+$/.test(type) ? { type } : {}),
    // An id that was never given out may be anything a client typed: only the form of ours is kept.
    ...(id && /^[0-9a-f-]{36}$/.test(id) ? { id } : {}),
    status,
    ...(results.length > 0 ? { resources: results.map((r) => `${r.type}/${r.id}/${r.version}`) } : {}),
    requestId: request.requestId,
  };
}
