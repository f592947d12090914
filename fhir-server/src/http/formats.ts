// https://hl7.org/fhir/R4/http.html#mime-type — which format a request speaks and which it wants back. Interactions know JSON only: XML is made here.
import { isUtf8 } from 'node:buffer';
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonPatchType, xmlPatchType } from '../patch/index.ts';
import { formatXml, parseXmlInTurns } from '../xml/index.ts';
import { parseJsonInTurns } from './scan.ts';

export interface Format {
  readonly kind: 'json' | 'xml';
  readonly pretty: boolean;
}

/** Reading XML costs many times what JSON of the same content costs. */
export const xmlLimitBytes = 10 * 1024 * 1024;
export const bodyLimits = { maxDepth: 64, maxKeysPerObject: 2000 };
const jsonTypes = ['application/fhir+json', 'application/json', 'application/json+fhir'];
const xmlTypes = ['application/fhir+xml', 'application/xml', 'text/xml', 'application/xml+fhir'];
const contentTypes = { json: 'application/fhir+json; charset=utf-8', xml: 'application/fhir+xml; charset=utf-8' };
const kinds: ReadonlyMap<string, Format['kind']> = new Map([
  ...['json', 'text/json', ...jsonTypes].map((type) => [type, 'json'] as const),
  ...['xml', ...xmlTypes].map((type) => [type, 'xml'] as const),
]);
/** The release that this server speaks, as clients write it. */
const fhirVersions: ReadonlySet<string> = new Set(['4.0', '4.0.1']);

interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function mediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';');
  const parameters = rest.map((part): [string, string] => {
    const [name = '', value = ''] = part.split('=', 2);
    return [name.trim().toLowerCase(), value.trim().replaceAll('"', '').toLowerCase()];
  });
  return { type: type.trim().toLowerCase(), parameters: new Map(parameters) };
}

/** Whether the media type names no release of FHIR, or ours. */
function isOurRelease({ parameters }: MediaType): boolean {
  const version = parameters.get('fhirversion');
  return version === undefined || fhirVersions.has(version);
}

function notAcceptable(): OperationOutcomeError {
  return new OperationOutcomeError(406, {
    code: 'not-supported',
    diagnostics: 'This server answers application/fhir+json and application/fhir+xml, FHIR 4.0.',
  });
}

interface Preference {
  readonly quality: number;
  /** 0 is any type, 1 a family of types, 2 a type. */
  readonly precision: number;
}

/** How much the header wants this format: its most precise range counts. */
function preference(ranges: readonly MediaType[], kind: Format['kind']): Preference {
  let best: Preference = { quality: 0, precision: -1 };
  for (const range of ranges) {
    const isNamed = range.type.includes('/') && kinds.get(range.type) === kind;
    const precision = isNamed ? 2 : range.type === 'application/*' ? 1 : range.type === '*/*' ? 0 : -1;
    const text = range.parameters.get('q');
    const quality = text === undefined ? 1 : Number(text) || 0;
    if (precision < 0) continue;
    if (precision > best.precision || (precision === best.precision && quality > best.quality)) best = { quality, precision };
  }
  return best;
}

function acceptedKind(accept: string): Format['kind'] | undefined {
  const ranges = accept.split(',').map(mediaType).filter(isOurRelease);
  const json = preference(ranges, 'json');
  const xml = preference(ranges, 'xml');
  if (json.quality === 0 && xml.quality === 0) return undefined;
  const order = json.quality - xml.quality || json.precision - xml.precision;
  if (order !== 0) return order > 0 ? 'json' : 'xml';
  // Wanted alike: what the client names first.
  return ranges.map(({ type }) => kinds.get(type)).find((kind) => kind !== undefined) ?? 'json';
}

/**
 * The format of the answer: `_format` counts before `Accept`.
 * @throws OperationOutcomeError 406
 */
export function negotiate(query: URLSearchParams, accept: string | undefined): Format {
  const pretty = query.get('_pretty') === 'true';
  const asked = query.get('_format');
  if (asked) {
    const type = mediaType(asked);
    // A plus that was not encoded arrives as a blank.
    const kind = isOurRelease(type) ? kinds.get(type.type.replace(' ', '+')) : undefined;
    if (!kind) throw notAcceptable();
    return { kind, pretty };
  }
  if (accept === undefined || accept === '*/*' || accept === 'application/fhir+json') return { kind: 'json', pretty };
  const kind = acceptedKind(accept);
  if (!kind) throw notAcceptable();
  return { kind, pretty };
}

/** Whether the header asks for a format of FHIR by its name. */
export function namesFhirType(accept: string): boolean {
  return accept.split(',').some((range) => kinds.has(mediaType(range).type));
}

/** The format of a refusal: as asked when that can be understood, else JSON. Only the FHIR base speaks XML. */
export function refusalFormat(request: FastifyRequest): Format {
  if (!request.url.startsWith('/fhir')) return { kind: 'json', pretty: false };
  try {
    return negotiate(new URLSearchParams(request.url.split('?')[1] ?? ''), request.headers.accept);
  } catch {
    return { kind: 'json', pretty: false };
  }
}

/** JSON text as the client wants it; stored text that is wanted as JSON is not touched. */
export function rendered(json: string, { kind, pretty }: Format): { readonly contentType: string; readonly text: string } {
  const contentType = contentTypes[kind];
  if (kind === 'xml') return { contentType, text: formatXml(parseExact(json) as Resource, loadDefinitions(), { pretty }) };
  return { contentType, text: pretty ? JSON.stringify(parseExact(json), undefined, 2) : json };
}

/** A body in another character set or of another release would be misread. */
function checkParameters(request: FastifyRequest): void {
  const type = mediaType(request.headers['content-type'] ?? '');
  const charset = type.parameters.get('charset');
  if ((charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) || !isOurRelease(type))
    throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'Send FHIR 4.0 in UTF-8.' });
}

/** Lines of FHIR JSON are not gathered: who takes them reads the stream. */
const ndjsonTypes = ['application/fhir+ndjson', 'application/ndjson'];

/** Bodies in FHIR JSON and FHIR XML become the same JSON values; a query of GraphQL becomes the value that it is in JSON. */
export function parseFhirBodies(scope: FastifyInstance): void {
  scope.addContentTypeParser(ndjsonTypes, async (request: FastifyRequest, body: unknown) => {
    checkParameters(request);
    return body;
  });
  scope.addContentTypeParser([...jsonTypes, jsonPatchType], { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    checkParameters(request);
    return body.length === 0 ? undefined : parseJsonInTurns(body, bodyLimits);
  });
  scope.addContentTypeParser(xmlTypes, { parseAs: 'buffer', bodyLimit: xmlLimitBytes }, async (request: FastifyRequest, body: Buffer) => {
    checkParameters(request);
    return body.length === 0 ? undefined : parseXmlInTurns(body, loadDefinitions(), bodyLimits);
  });
  // Taken as a text: what it means depends on the resource that it is for.
  scope.addContentTypeParser(
    xmlPatchType,
    { parseAs: 'buffer', bodyLimit: xmlLimitBytes },
    async (request: FastifyRequest, body: Buffer) => {
      checkParameters(request);
      if (!isUtf8(body)) throw new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not XML in UTF-8.' });
      return body.toString('utf8');
    },
  );
  scope.addContentTypeParser('application/graphql', { parseAs: 'string' }, async (request: FastifyRequest, query: string) => {
    checkParameters(request);
    return { query };
  });
}
