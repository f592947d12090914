// https://hl7.org/fhir/R4/http.html#delete, #cdelete
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { parseIfMatch, writeOne } from './single.ts';

export async function remove(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id] = request.segments;
  const ifMatch = parseIfMatch(request.headers['if-match']);
  const shared = { kind: 'delete' as const, type, expression: type, ...(ifMatch === undefined ? {} : { ifMatch }) };
  if (id !== undefined) return writeOne(server, principal, request, 'delete', { ...shared, id });
  const condition = request.query.toString();
  if (condition === '')
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'A delete needs an id or a search condition.' });
  return writeOne(server, principal, request, 'delete', { ...shared, condition });
}
