// https://hl7.org/fhir/R4/terminology-service.html — $expand, $validate-code, $lookup, $subsumes and $translate, by GET or POST.
import { allowsOperation, grantsFor, OperationOutcomeError, type Principal, parseExact, type Resource } from '@limen/fhir-model';
import { expand, expandSignature } from '../operations/expand.ts';
import { lookup, lookupSignature } from '../operations/lookup.ts';
import { subsumes, subsumesSignature } from '../operations/subsumes.ts';
import { Input, type Signature } from '../operations/terminology-input.ts';
import { translate, translateSignature } from '../operations/translate.ts';
import { validateCodeInCodeSystem, validateCodeInValueSet, validateInCodeSystem, validateInValueSet } from '../operations/validate-code.ts';
import type { Server } from '../server.ts';
import type { TerminologyService } from '../terminology/index.ts';
import { type Answer, jsonAnswer, type Request } from './answer.ts';
import { read } from './read.ts';

interface TerminologyOperation {
  readonly signature: Signature;
  readonly run: (service: TerminologyService, input: Input, now: Date) => Promise<Resource>;
}

const operations: readonly TerminologyOperation[] = [
  { signature: expandSignature, run: expand },
  { signature: validateInValueSet, run: validateCodeInValueSet },
  { signature: validateInCodeSystem, run: validateCodeInCodeSystem },
  { signature: lookupSignature, run: lookup },
  { signature: subsumesSignature, run: subsumes },
  { signature: translateSignature, run: translate },
];

const find = (type: string | undefined, operation: string | undefined): TerminologyOperation | undefined =>
  operations.find(({ signature }) => signature.type === type && `$${signature.code}` === operation);

/** What the CapabilityStatement says of a type. */
export function terminologyOperations(type: string): { readonly name: string; readonly definition: string }[] {
  return operations
    .filter(({ signature }) => signature.type === type)
    .map(({ signature: { code } }) => ({ name: code, definition: `http://hl7.org/fhir/OperationDefinition/${type}-${code}` }));
}

export function isTerminologyOperation({ segments }: Request): boolean {
  return find(segments[0], segments.at(-1)) !== undefined;
}

/** Terminology is about no patient: who may read the type without a condition may ask it; else the operation's own scope is needed. */
function authorize(principal: Principal, { type, code }: Signature): void {
  if (grantsFor(principal.scopes, type, 'r').some(({ constraint }) => constraint.length === 0) || allowsOperation(principal.scopes, code))
    return;
  throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for this operation.' });
}

/** The resource of the address, as the principal may read it. */
async function instance(server: Server, principal: Principal, request: Request, id: string): Promise<Resource> {
  const asked = { ...request, method: 'GET', segments: [request.segments[0] ?? '', id], headers: {}, query: new URLSearchParams() };
  const { body } = await read(server, principal, asked);
  return parseExact(body ?? 'null') as Resource;
}

function bodyOf(server: Server, { method, body }: Request): unknown {
  if (method !== 'POST' || body === undefined) return undefined;
  const type = (body as { resourceType?: unknown } | null)?.resourceType;
  const issues = server.validator.validate(body, typeof type === 'string' && server.types.has(type) ? type : 'Parameters');
  if (issues.length > 0) throw new OperationOutcomeError(400, issues);
  return body;
}

/** One call of a terminology operation; what is asked is neither stored nor logged. */
export async function terminology(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type, second, third] = request.segments;
  const found = find(type, request.segments.at(-1));
  const id = third === undefined ? undefined : second;
  if (!found || request.segments.length > 3 || (id !== undefined && !found.signature.instance))
    throw new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'No such operation at this address.' });
  if (request.method !== 'GET' && request.method !== 'POST')
    throw new OperationOutcomeError(
      405,
      { code: 'not-supported', diagnostics: 'Operations are called by GET or POST.' },
      { headers: { allow: 'GET, POST' } },
    );
  authorize(principal, found.signature);
  const about = id === undefined ? undefined : await instance(server, principal, request, id);
  const input = new Input(found.signature, { query: request.query, body: bodyOf(server, request) }, about);
  return jsonAnswer(200, await found.run(server.terminology, input, server.now()));
}
