// https://hl7.org/fhir/R4/operations.html — the route to the server's own operations; each asks for what it reads with the caller's rights.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { type OwnOperation, ownOperations } from '../operations/index.ts';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { cursorOwner, openCursor, sealCursor } from './cursor.ts';
import { copyResource } from './write/copy.ts';

interface Address {
  readonly type: string | undefined;
  readonly id: string | undefined;
}

/** What stands before the operation's name; undefined when more stands there than a type and an id. */
function addressOf({ segments }: Request): Address | undefined {
  const before = segments.slice(0, -1);
  return before.length > 2 ? undefined : { type: before[0], id: before[1] };
}

/** The operation that the address names, if it is one of the server's own; two may have one name on different types. */
export function ownOperation(server: Server, request: Request): OwnOperation | undefined {
  const address = addressOf(request);
  if (!address) return undefined;
  const { type, id } = address;
  if (type !== undefined && !server.types.has(type)) return undefined;
  return ownOperations.find(
    (each) =>
      `$${each.code}` === request.segments.at(-1) &&
      (type === undefined ? each.isOfSystem : id === undefined ? each.isOfType(type) : each.isOfInstance(type)),
  );
}

/** What the CapabilityStatement says of a type, or without one of the system. */
export function ownOperationsOf(type?: string): { readonly name: string; readonly definition: string }[] {
  return ownOperations
    .filter((each) => (type === undefined ? each.isOfSystem : each.isOfType(type) || each.isOfInstance(type)))
    .map(({ code, definition }) => ({ name: code, definition }));
}

/** @param dispatch runs another request of the same principal */
export async function runOwnOperation(
  operation: OwnOperation,
  server: Server,
  principal: Principal,
  request: Request,
  dispatch: (request: Request) => Promise<Answer>,
): Promise<Answer> {
  if (!operation.methods.some((method) => method === request.method))
    throw new OperationOutcomeError(
      405,
      { code: 'not-supported', diagnostics: 'This method is not supported here.' },
      { headers: { allow: operation.methods.join(', ') } },
    );
  const address = addressOf(request);
  const owner = cursorOwner(principal, request.segments.join('/'), []);
  return operation.run({
    server,
    principal,
    call: request,
    type: address?.type,
    id: address?.id,
    ask(method, path, { body, headers = {} } = {}) {
      const [address = '', search = ''] = path.split(/\?(.*)/s);
      return dispatch({
        method,
        segments: address.split('/').filter(Boolean),
        query: new URLSearchParams(search),
        headers,
        body: body === undefined ? undefined : copyResource(body),
        requestId: request.requestId,
      });
    },
    seal: (state) => sealCursor(server, { keys: state, rid: operation.code }, owner),
    unseal(text) {
      const cursor = openCursor(server, text, owner);
      if (cursor?.rid !== operation.code)
        throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'The paging cursor is not one of this operation.' });
      return cursor.keys.map(String);
    },
  });
}
