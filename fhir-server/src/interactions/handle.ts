// The route table of https://hl7.org/fhir/R4/http.html#summary: one request in, one answer out, audited. HTTP and the in-process client both come here.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { type Answer, jsonAnswer, type Request } from './answer.ts';
import { auditRow, Touched } from './audit.ts';
import { answerTrail, isTrail } from './audit-trail.ts';
import { capabilities } from './capabilities.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { instanceHistory, systemHistory, typeHistory } from './history.ts';
import { maskedAnswer } from './masked.ts';
import { invoke } from './operation.ts';
import { ownOperation, runOwnOperation } from './own-operations.ts';
import { patch } from './patch.ts';
import { read, vread } from './read.ts';
import { search } from './search.ts';
import { searchCompartment, searchSystem } from './search-system.ts';
import { isTerminologyOperation, terminology } from './terminology.ts';
import { bundle } from './transaction.ts';
import { update } from './update.ts';
import { validate } from './validate.ts';
import { viewedBundle, viewedResource } from './viewed.ts';

type Handler = (server: Server, principal: Principal, request: Request) => Promise<Answer>;

interface Route {
  readonly interaction: string;
  /** Writes carry their audit row in their own commit. */
  readonly auditsItself: boolean;
  readonly run: Handler;
}

const route = (interaction: string, run: Handler, auditsItself = false): Route => ({ interaction, run, auditsItself });

function methodNotAllowed(allow: string): OperationOutcomeError {
  return new OperationOutcomeError(
    405,
    { code: 'not-supported', diagnostics: 'This method is not supported here.' },
    { headers: { allow } },
  );
}

/** As an entry of a batch, too; by itself it is answered before anybody is asked for a token. */
async function metadata(server: Server): Promise<Answer> {
  return jsonAnswer(200, capabilities(server));
}

/** Addresses that exist for other methods. */
function methodsAt(server: Server, segments: readonly string[]): string | undefined {
  const [first = '', second, third, fourth] = segments;
  if (first === 'metadata' || first === '_history') return second === undefined ? 'GET' : undefined;
  if (first === '_search') return second === undefined ? 'POST' : undefined;
  if (!server.types.has(first) || second === undefined) return undefined;
  if (third === undefined) return second === '_search' ? 'POST' : second === '_history' ? 'GET' : 'GET, PUT, PATCH, DELETE';
  if (third === '_history') return segments.length <= 4 ? 'GET' : undefined;
  const isCompartment = server.definitions.compartments[first] !== undefined && (third === '*' || server.types.has(third));
  return fourth === undefined && isCompartment ? 'GET' : undefined;
}

/** The interaction that method and path name; refuses what is none. */
function routeOf(server: Server, request: Request, touched: Touched): Route {
  const { method, segments } = request;
  const [first, second, third, fourth] = segments;
  if (first === undefined) {
    if (method === 'POST')
      return route(
        'transaction',
        (s, p, r) => bundle(s, p, r, { single: (entry) => handle(s, p, entry), inside: (entry) => perform(s, p, entry) }),
        true,
      );
    if (method === 'GET') return route('search-system', viewedBundle(searchSystem));
    throw methodNotAllowed('GET, POST');
  }
  if (first === 'metadata' && second === undefined && method === 'GET') return route('capabilities', metadata);
  if (first === '_search' && second === undefined && method === 'POST') return route('search-system', viewedBundle(searchSystem));
  const operation = segments.find((s) => s.startsWith('$'));
  if (first === '_jobs') return route('job', (s, p, r) => s.jobs.answer(p, r));
  const { subscriptions } = server;
  if (first === 'Subscription' && subscriptions) return route('subscription', (_, p, r) => subscriptions.answer(p, r));
  if (operation === '$validate') return route(operation, validate);
  if (operation && isTerminologyOperation(request)) return route(operation, terminology);
  const own = operation && ownOperation(server, request);
  if (own) return route(operation, (s, p, r) => runOwnOperation(own, s, p, r, (entry) => perform(s, p, entry, touched)));
  if (operation) return route(operation, (s, p, r) => invoke(s, p, r, (entry) => perform(s, p, entry, touched)));
  if (isTrail(server, segments)) return answerTrail(request);
  if (first === '_history' && second === undefined && method === 'GET') return route('history-system', viewedBundle(systemHistory));
  const methods = methodsAt(server, segments);
  if (!server.types.has(first))
    throw methods === undefined
      ? new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'Unknown resource type.' })
      : methodNotAllowed(methods);
  if (second === undefined) {
    if (method === 'GET') return route('search-type', viewedBundle(search));
    if (method === 'POST') return route('create', create, true);
    if (method === 'PUT') return route('update', update, true);
    if (method === 'PATCH') return route('patch', patch, true);
    if (method === 'DELETE') return route('delete', remove, true);
    throw methodNotAllowed('GET, POST, PUT, PATCH, DELETE');
  }
  if (second === '_search' && third === undefined && method === 'POST') return route('search-type', viewedBundle(search));
  if (second === '_history' && third === undefined && method === 'GET') return route('history-type', viewedBundle(typeHistory));
  if (third === undefined && !second.startsWith('_')) {
    if (method === 'GET') return route('read', viewedResource(read));
    if (method === 'PUT') return route('update', update, true);
    if (method === 'PATCH') return route('patch', patch, true);
    if (method === 'DELETE') return route('delete', remove, true);
  }
  if (
    third &&
    server.definitions.compartments[first] &&
    fourth === undefined &&
    method === 'GET' &&
    (third === '*' || server.types.has(third))
  )
    return route('search-compartment', viewedBundle(searchCompartment));
  if (third === '_history' && fourth === undefined && method === 'GET') return route('history-instance', viewedBundle(instanceHistory));
  if (third === '_history' && segments.length === 4 && method === 'GET') return route('vread', viewedResource(vread));
  if (methods !== undefined) throw methodNotAllowed(methods);
  throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'There is nothing at this address.' });
}

/** @param outer what the request touched that this one is a part of: then it leaves no row of its own */
async function perform(server: Server, principal: Principal, request: Request, outer?: Touched, own = new Touched()): Promise<Answer> {
  const { run, interaction, auditsItself } = routeOf(server, request, outer ?? own);
  const answer = maskedAnswer(principal, await run(server, principal, request));
  if (auditsItself) return answer;
  // What is read while an answer is already being sent has no row to be part of.
  if (outer && !outer.isRecorded) {
    outer.inside(interaction, request, answer);
    return answer;
  }
  own.answered(request, answer);
  own.isRecorded = true;
  await server.audit.record({ ...auditRow(principal, request, interaction, answer.status), ...own.row(server, request) });
  return answer;
}

/** One request of the FHIR API with its principal. Refusals are audited too. @throws OperationOutcomeError */
export async function handle(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const touched = new Touched();
  try {
    return await perform(server, principal, request, undefined, touched);
  } catch (error) {
    const status = error instanceof OperationOutcomeError ? error.status : 500;
    touched.isRecorded = true;
    // A type that does not exist is anything that a client typed.
    const known = server.types.has(request.segments[0] ?? '') ? request : { ...request, segments: [] };
    if (status !== 503)
      await server.audit.record({
        ...auditRow(principal, known, 'refused', status),
        ...touched.row(server, known),
        method: request.method,
      });
    throw error;
  }
}

export { capabilities };
