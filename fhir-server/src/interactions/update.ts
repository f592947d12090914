// https://hl7.org/fhir/R4/http.html#update, #cond-update
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { parseIfMatch, resourceBody, writeOne } from './single.ts';

export async function update(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id] = request.segments;
  const resource = resourceBody(request, type);
  const ifMatch = parseIfMatch(request.headers['if-match']);
  const shared = { kind: 'update' as const, type, resource, expression: type, ...(ifMatch === undefined ? {} : { ifMatch }) };
  if (id !== undefined) return writeOne(server, principal, request, 'update', { ...shared, id });
  const condition = request.query.toString();
  if (condition === '')
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'An update needs an id or a search condition.' });
  return writeOne(server, principal, request, 'update', { ...shared, condition });
}
