// https://hl7.org/fhir/R4/binary.html#rest — a Binary goes in and out as what it holds, unless a client speaks of it in a format of FHIR.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Request as InteractionRequest } from '../interactions/answer.ts';
import type { Server } from '../server.ts';
import { namesFhirType } from './formats.ts';

interface Binary {
  readonly resourceType: 'Binary';
  readonly id?: string;
  readonly contentType: string;
  readonly securityContext?: { readonly reference?: string };
  readonly data?: string;
}

/** What is taken from a stored resource into a header, and from a header into a resource. */
const mediaType = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(; ?[\w-]{1,40}=(?:[\w.+-]{1,100}|"[\w .+-]{1,100}"))*$/;
const literal = /^(?=[A-Z])[A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/;

function unsupported(): OperationOutcomeError {
  return new OperationOutcomeError(415, {
    code: 'not-supported',
    diagnostics: 'Send application/fhir+json or application/fhir+xml; other types are for Binary only.',
  });
}

/** Reads bodies of all types that have no parser of their own. */
export function parseBinaryBodies(scope: FastifyInstance): void {
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (!/^\/fhir\/Binary(\/[^/]*)?\/?(\?|$)/.test(request.url)) throw unsupported();
    return body;
  });
}

/**
 * The resource that a body of another type stands for.
 * @throws OperationOutcomeError 415 where such a body is for nothing, 422 where the policy keeps no content
 */
export function binaryOf(server: Server, { method, headers }: FastifyRequest, segments: readonly string[], content: Buffer): Binary {
  const [type, id, more] = segments;
  const isWrite = method === 'POST' ? id === undefined : method === 'PUT' && id !== undefined;
  const contentType = headers['content-type']?.trim() ?? '';
  if (type !== 'Binary' || more !== undefined || !isWrite || !mediaType.test(contentType)) throw unsupported();
  if (server.policy.name !== 'synthetic')
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      details: 'removed-by-policy',
      diagnostics: 'The de-identification policy keeps no content of a Binary: nothing is stored.',
    });
  const context = headers['x-security-context'];
  return {
    resourceType: 'Binary',
    ...(id === undefined ? {} : { id }),
    contentType,
    ...(typeof context === 'string' && context !== '' ? { securityContext: { reference: context } } : {}),
    data: content.toString('base64'),
  };
}

/** A read of a Binary by a client that asks for no format of FHIR, and not for a part of the resource. */
export function asksForContent({ method, segments, query, headers }: InteractionRequest): boolean {
  const isRead = segments.length === 2 || (segments.length === 4 && segments[2] === '_history');
  if (method !== 'GET' || segments[0] !== 'Binary' || !isRead || segments[1]?.startsWith('_') || segments[1]?.startsWith('$')) return false;
  return !['_format', '_summary', '_elements'].some((name) => query.has(name)) && !namesFhirType(headers['accept'] ?? '');
}

interface Content {
  readonly bytes: Buffer;
  readonly headers: { readonly [name: string]: string };
}

/**
 * @returns undefined when the resource has no content (its policy kept none, or there never was one) and the client takes anything
 * @throws OperationOutcomeError 406 when it takes nothing but content
 */
export function contentOf(body: string, { headers }: InteractionRequest): Content | undefined {
  const { contentType, data, securityContext } = JSON.parse(body) as Binary;
  if (typeof data === 'string')
    return { bytes: Buffer.from(data, 'base64'), headers: contentHeaders(contentType, securityContext?.reference) };
  const accept = headers['accept'];
  if (accept === undefined || accept.includes('*/*')) return undefined;
  throw new OperationOutcomeError(406, {
    code: 'not-supported',
    diagnostics: 'This Binary has no content here; ask for application/fhir+json or application/fhir+xml.',
  });
}

function contentHeaders(contentType: string, reference = ''): Content['headers'] {
  return {
    'content-type': mediaType.test(contentType) ? contentType : 'application/octet-stream',
    // It may be a page with a script, written by anybody: no browser shows it as one of ours.
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    ...(literal.test(reference) ? { 'x-security-context': reference } : {}),
  };
}
