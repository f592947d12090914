// https://hl7.org/fhir/R4/http.html#transaction — batch: entries on their own; transaction: DELETE, POST, PUT, PATCH, GET, all or nothing.
import { type Bundle, type BundleEntry, OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import { parsePatch } from '../patch/index.ts';
import type { Server } from '../server.ts';
import { type Answer, preferReturn, type Request, successOutcome } from './answer.ts';
import { auditRow } from './audit.ts';
import { withIdempotency } from './idempotency.ts';
import { parseIfMatch } from './single.ts';
import type { RequestedEntry, WriteResult } from './write/entry.ts';
import { write } from './write/plan.ts';

type Dispatch = (request: Request) => Promise<Answer>;

/** Runs one request of the pipeline; given by the router, so that batch entries and GETs take the ordinary way. */
export interface Dispatchers {
  /** An entry of a batch: a request of its own, its refusal audited. */
  readonly single: Dispatch;
  /** A GET of a transaction: its refusal is the transaction's. */
  readonly inside: Dispatch;
}

const maximumEntries = 5000;

export async function bundle(server: Server, principal: Principal, request: Request, dispatch: Dispatchers): Promise<Answer> {
  const body = request.body as Bundle | undefined;
  if (body?.resourceType !== 'Bundle')
    throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'The base takes a Bundle of type batch or transaction.' });
  const issues = server.validator.validate({ resourceType: 'Bundle', type: body.type }, 'Bundle');
  if (issues.length > 0) throw new OperationOutcomeError(400, issues);
  if (body.entry !== undefined && !Array.isArray(body.entry))
    throw new OperationOutcomeError(400, { code: 'structure', expression: 'Bundle.entry', diagnostics: 'Not a list.' });
  if ((body.entry?.length ?? 0) > maximumEntries)
    throw new OperationOutcomeError(413, { code: 'too-long', diagnostics: `A Bundle may have at most ${maximumEntries} entries.` });
  if (body.type === 'batch') return batch(body, request, dispatch.single);
  if (body.type === 'transaction') return transaction(server, principal, body, request, dispatch.inside);
  throw new OperationOutcomeError(400, {
    code: 'value',
    expression: 'Bundle.type',
    diagnostics: 'Only batch and transaction Bundles are processed.',
  });
}

interface ParsedEntry {
  readonly index: number;
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly entry: BundleEntry;
}

function parseEntry(entry: BundleEntry, index: number): ParsedEntry {
  const expression = `Bundle.entry[${index}].request`;
  const method = entry?.request?.method;
  const url = entry?.request?.url;
  if (typeof method !== 'string' || typeof url !== 'string')
    throw new OperationOutcomeError(400, { code: 'required', expression, diagnostics: 'An entry needs request.method and request.url.' });
  const [path = '', search = ''] = url.replace(/^\//, '').split(/\?(.*)/s);
  if (/^[a-z]+:/i.test(path))
    throw new OperationOutcomeError(400, {
      code: 'value',
      expression: `${expression}.url`,
      diagnostics: 'request.url must be relative to the base.',
    });
  return { index, method, segments: path.split('/').filter(Boolean), query: new URLSearchParams(search), entry };
}

function entryHeaders(entry: BundleEntry): { [name: string]: string | undefined } {
  const request = entry.request;
  return {
    ...(request?.ifMatch ? { 'if-match': request.ifMatch } : {}),
    ...(request?.ifNoneMatch ? { 'if-none-match': request.ifNoneMatch } : {}),
    ...(request?.ifModifiedSince ? { 'if-modified-since': request.ifModifiedSince } : {}),
    ...(request?.ifNoneExist ? { 'if-none-exist': request.ifNoneExist } : {}),
  };
}

async function batch(body: Bundle, request: Request, dispatch: Dispatch): Promise<Answer> {
  const entries: string[] = [];
  for (const [index, entry] of (body.entry ?? []).entries()) {
    entries.push(await batchEntry(entry, index, request, dispatch));
  }
  return {
    status: 200,
    headers: {},
    body: `{"resourceType":"Bundle","type":"batch-response"${entries.length > 0 ? `,"entry":[${entries.join(',')}]` : ''}}`,
  };
}

function batchEntry(entry: BundleEntry, index: number, request: Request, dispatch: Dispatch): Promise<string> {
  return answered(async () => {
    const parsed = parseEntry(entry, index);
    const { 'idempotency-key': key, prefer } = request.headers;
    const isHead = parsed.method === 'HEAD';
    const answer = await dispatch({
      method: isHead ? 'GET' : parsed.method,
      segments: parsed.segments,
      query: parsed.query,
      // The key of the batch holds for each of its entries.
      headers: { ...entryHeaders(entry), ...(prefer ? { prefer } : {}), ...(key ? { 'idempotency-key': `${key}#${index}` } : {}) },
      body: entry.resource,
      requestId: request.requestId,
    });
    return isHead ? withoutContent(answer) : answer;
  });
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-head */
const withoutContent = (answer: Answer): Answer => ({ ...answer, body: undefined });

/** The entry of an answer; a refusal becomes the outcome of its entry. */
async function answered(run: () => Promise<Answer>): Promise<string> {
  try {
    return responseEntry(await run());
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    return `{"response":{"status":"${error.status}","outcome":${JSON.stringify(error.outcome)}}}`;
  }
}

function responseEntry(answer: Answer): string {
  const response = {
    status: String(answer.status),
    ...(answer.headers['location'] ? { location: answer.headers['location'] } : {}),
    ...(answer.headers['etag'] ? { etag: answer.headers['etag'] } : {}),
    ...(answer.headers['last-modified'] ? { lastModified: new Date(answer.headers['last-modified']).toISOString() } : {}),
  };
  const isOutcome = answer.body?.startsWith('{"resourceType":"OperationOutcome"');
  if (isOutcome) return `{"response":${JSON.stringify(response).slice(0, -1)},"outcome":${answer.body}}}`;
  return `{${answer.body ? `"resource":${answer.body},` : ''}"response":${JSON.stringify(response)}}`;
}

function toWrite(parsed: ParsedEntry, server: Server): RequestedEntry {
  const { entry, index, method, segments, query } = parsed;
  const expression = `Bundle.entry[${index}].resource`;
  const [type = '', id] = segments;
  if (!server.types.has(type))
    throw new OperationOutcomeError(404, {
      code: 'not-supported',
      expression: `Bundle.entry[${index}].request.url`,
      diagnostics: 'Unknown resource type.',
    });
  // Subscriptions are no part of the store: their change could not be all or nothing with the rest.
  if (type === 'Subscription' && server.subscriptions)
    throw new OperationOutcomeError(422, {
      code: 'not-supported',
      expression: `Bundle.entry[${index}].request`,
      diagnostics: 'A transaction does not change subscriptions: send them by themselves or in a batch.',
    });
  const resource = entry.resource as Resource | undefined;
  const isPatch = method === 'PATCH';
  if (method !== 'DELETE' && !isPatch && resource?.resourceType !== type) {
    throw new OperationOutcomeError(400, {
      code: 'invalid',
      expression,
      diagnostics: 'The entry has no resource of the type that its url names.',
    });
  }
  const ifMatch = parseIfMatch(entry.request?.ifMatch);
  const shared = {
    type,
    expression,
    ...(entry.fullUrl ? { fullUrl: entry.fullUrl } : {}),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
  const search = query.toString();
  const body = resource && method !== 'DELETE' ? { resource } : {};
  if (isPatch && segments.length <= 2) {
    const patch = parsePatch(server.definitions, resource, type);
    if (id) return { ...shared, kind: 'patch', patch, id };
    if (search) return { ...shared, kind: 'patch', patch, condition: search };
  }
  if (method === 'POST' && segments.length === 1) {
    const condition = entry.request?.ifNoneExist?.replace(/^.*\?/, '');
    return { ...shared, ...body, kind: 'create', ...(condition ? { condition } : {}) };
  }
  if ((method === 'PUT' || method === 'DELETE') && segments.length <= 2) {
    const kind = method === 'PUT' ? 'update' : 'delete';
    if (id) return { ...shared, ...body, kind, id };
    if (search) return { ...shared, ...body, kind, condition: search };
  }
  throw new OperationOutcomeError(400, {
    code: 'not-supported',
    expression: `Bundle.entry[${index}].request`,
    diagnostics: 'This request is not supported in a transaction.',
  });
}

async function transaction(server: Server, principal: Principal, body: Bundle, request: Request, dispatch: Dispatch): Promise<Answer> {
  const parsed = (body.entry ?? []).map(parseEntry);
  const order = ['DELETE', 'POST', 'PUT', 'PATCH'];
  const writes = parsed
    .filter((p) => order.includes(p.method))
    .sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method) || a.index - b.index);
  const reads = parsed.filter((p) => p.method === 'GET' || p.method === 'HEAD');
  if (writes.length + reads.length < parsed.length)
    throw new OperationOutcomeError(400, {
      code: 'not-supported',
      diagnostics: 'An entry has a method that is not supported in a transaction.',
    });
  const entries = writes.map((p) => toWrite(p, server));
  const perform = (p: ParsedEntry): Promise<Answer> =>
    dispatch({
      method: 'GET',
      segments: p.segments,
      query: p.query,
      headers: entryHeaders(p.entry),
      body: undefined,
      requestId: request.requestId,
    });
  // A GET that can't be answered refuses the transaction while nothing is stored yet.
  for (const p of reads) await perform(p);
  const results = await withIdempotency(server, principal, request, (idempotency) =>
    write(server, {
      principal,
      entries,
      audit: (made) => auditRow(principal, request, 'transaction', 200, made),
      ...(idempotency ? { idempotency } : {}),
    }),
  );
  const answers: string[] = new Array(parsed.length).fill('');
  // Without a preference a transaction is short.
  const prefer = request.headers['prefer']?.includes('return=') ? preferReturn(request) : 'minimal';
  for (const [i, p] of writes.entries()) answers[p.index] = writtenEntry(server, results[i] as WriteResult, prefer);
  for (const p of reads)
    answers[p.index] = await answered(async () => (p.method === 'HEAD' ? withoutContent(await perform(p)) : perform(p)));
  return {
    status: 200,
    headers: {},
    body: `{"resourceType":"Bundle","type":"transaction-response"${answers.length > 0 ? `,"entry":[${answers.join(',')}]` : ''}}`,
  };
}

const statusText: { [status: number]: string } = { 200: '200 OK', 201: '201 Created', 204: '204 No Content' };

function writtenEntry(server: Server, result: WriteResult, prefer: ReturnType<typeof preferReturn>): string {
  const response = {
    status: statusText[result.status],
    ...(result.version > 0
      ? {
          location: `${server.base}/${result.type}/${result.id}/_history/${result.version}`,
          etag: `W/"${result.version}"`,
          lastModified: result.lastUpdated.toISOString(),
        }
      : {}),
    ...(prefer === 'OperationOutcome' ? { outcome: successOutcome() } : {}),
  };
  return `{${prefer === 'representation' && result.text ? `"resource":${result.text},` : ''}"response":${JSON.stringify(response)}}`;
}
