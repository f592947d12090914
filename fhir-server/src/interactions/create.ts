// https://hl7.org/fhir/R4/http.html#create, #ccreate (If-None-Exist)
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { resourceBody, writeOne } from './single.ts';

export async function create(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = ''] = request.segments;
  const resource = resourceBody(request, type);
  const condition = request.headers['if-none-exist'];
  if (condition === '') throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'If-None-Exist is empty.' });
  return writeOne(server, principal, request, 'create', {
    kind: 'create',
    type,
    resource,
    expression: type,
    ...(condition === undefined ? {} : { condition: condition.replace(/^.*\?/, '') }),
  });
}
