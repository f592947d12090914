// https://hl7.org/fhir/R4/http.html#patch, #patch-cond
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { jsonPatchType, parsePatch, xmlPatchType } from '../patch/index.ts';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { parseIfMatch, writeOne } from './single.ts';

const patchTypes: ReadonlySet<string> = new Set([jsonPatchType, xmlPatchType]);
const acceptPatch = [...patchTypes, 'application/fhir+json', 'application/fhir+xml'].join(', ');

/** The media type that a body must have come as; undefined for one of FHIR. */
function typeOf(body: unknown): string | undefined {
  if (Array.isArray(body)) return jsonPatchType;
  return typeof body === 'string' ? xmlPatchType : undefined;
}

export async function patch(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id] = request.segments;
  const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (contentType !== undefined && typeOf(request.body) !== (patchTypes.has(contentType) ? contentType : undefined))
    throw new OperationOutcomeError(
      415,
      {
        code: 'not-supported',
        diagnostics:
          'Send a JSON Patch as application/json-patch+json, an XML Patch as application/xml-patch+xml or a FHIRPath Patch as application/fhir+json.',
      },
      { headers: { 'accept-patch': acceptPatch } },
    );
  const ifMatch = parseIfMatch(request.headers['if-match']);
  const shared = {
    kind: 'patch' as const,
    type,
    patch: parsePatch(server.definitions, request.body, type),
    expression: type,
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
  if (id !== undefined) return writeOne(server, principal, request, 'patch', { ...shared, id });
  const condition = request.query.toString();
  if (condition === '')
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'A patch needs an id or a search condition.' });
  return writeOne(server, principal, request, 'patch', { ...shared, condition });
}
