// https://hl7.org/fhir/R4/search.html#summary — a reading interaction whose answer shows as much of each resource as `_summary` or `_elements` ask for.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { parseView } from '../view/index.ts';
import type { Answer, Request } from './answer.ts';

type Handler = (server: Server, principal: Principal, request: Request) => Promise<Answer>;

/** An interaction that answers one resource. */
export function viewedResource(run: Handler): Handler {
  return async (server, principal, request) => {
    if (request.query.get('_summary') === 'count')
      throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'Only searches and histories can be counted.' });
    const view = parseView(server.definitions, request.segments[0] ?? '', request.query);
    const answer = await run(server, principal, request);
    return view && answer.body !== undefined ? { ...answer, body: view.resource(answer.body) } : answer;
  };
}

/** The type whose elements may be named: that of the search, or what all types share. */
function typeShown(server: Server, { segments }: Request): string {
  const [first = '', , third = ''] = segments;
  const type = server.types.has(third) ? third : third === '*' ? '' : first;
  return server.types.has(type) ? type : 'Resource';
}

/** An interaction that answers a Bundle of resources. */
export function viewedBundle(run: Handler): Handler {
  return async (server, principal, request) => {
    const view = parseView(server.definitions, typeShown(server, request), request.query);
    const answer = await run(server, principal, request);
    return view && answer.body !== undefined ? { ...answer, body: view.bundle(answer.body) } : answer;
  };
}
