// https://hl7.org/fhir/R4/http.html#history — instance and type level; `_count`, keyset paging by signed cursor.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import type { Stored } from '../store/read.ts';
import { accessFor } from './access.ts';
import type { Answer, Request } from './answer.ts';
import { openCursor, sealCursor } from './cursor.ts';
import { covers } from './read.ts';

const refusedParameter = (): OperationOutcomeError =>
  new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'This history parameter is not supported.' });

const historyParameters: ReadonlySet<string> = new Set(['_count', '_cursor', '_format', '_pretty', '_summary', '_elements']);

/** What was asked about the form of the resources, for the links. */
function viewParameters(query: URLSearchParams): string {
  const kept = new URLSearchParams([...query].filter(([name]) => name === '_summary' || name === '_elements'));
  return kept.size > 0 ? `&${kept}` : '';
}

function countOf(query: URLSearchParams): number {
  for (const name of query.keys()) if (!historyParameters.has(name)) throw refusedParameter();
  const text = query.get('_count') ?? '50';
  if (!/^\d{1,6}$/.test(text)) throw new OperationOutcomeError(400, { code: 'value', diagnostics: '_count is not a number.' });
  return Math.min(Math.max(Number(text), 1), 1000);
}

function historyEntry(server: Server, stored: Stored): string {
  const url = `${stored.type}/${stored.id}`;
  const method = stored.deleted ? 'DELETE' : stored.version === 1 ? 'POST' : 'PUT';
  const response = JSON.stringify({
    status: stored.deleted ? '204' : stored.version === 1 ? '201' : '200',
    etag: `W/"${stored.version}"`,
    lastModified: stored.lastUpdated.toISOString(),
  });
  const resource = stored.text ? `"resource":${stored.text},` : '';
  return `{"fullUrl":"${server.base}/${url}",${resource}"request":{"method":"${method}","url":"${method === 'POST' ? stored.type : url}"},"response":${response}}`;
}

function historyBundle(
  server: Server,
  entries: readonly Stored[],
  links: readonly { relation: string; url: string }[],
  total: number | undefined,
): Answer {
  const head = `"resourceType":"Bundle","type":"history"${total === undefined ? '' : `,"total":${total}`},"link":${JSON.stringify(links)}`;
  const body = entries.length > 0 ? `,"entry":[${entries.map((s) => historyEntry(server, s)).join(',')}]` : '';
  return { status: 200, headers: {}, body: `{${head}${body}}` };
}

export async function instanceHistory(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id = ''] = request.segments;
  const access = await accessFor(server, principal, type, 'r');
  const count = countOf(request.query);
  const cursor = openCursor(server, request.query.get('_cursor'));
  const current = await server.reader.current(type, id);
  if (!current || !covers(server, access, current))
    throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });
  const self = `${server.base}/${type}/${id}/_history?_count=${count}${viewParameters(request.query)}`;
  if (request.query.get('_summary') === 'count') return historyBundle(server, [], [{ relation: 'self', url: self }], current.version);
  const versions = await server.reader.instanceHistory(type, id, { count: count + 1, ...(cursor ? { before: Number(cursor.rid) } : {}) });
  const page = versions.slice(0, count);
  const links = [{ relation: 'self', url: self }];
  const last = page.at(-1);
  if (versions.length > count && last)
    links.push({ relation: 'next', url: `${self}&_cursor=${sealCursor(server, { keys: [], rid: String(last.version) })}` });
  return historyBundle(server, page, links, current.version);
}

export async function typeHistory(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = ''] = request.segments;
  if (request.query.get('_summary') === 'count') throw refusedParameter();
  const access = await accessFor(server, principal, type, 's');
  if (access.some((g) => g.criteria.length > 0)) {
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'Type history needs a scope without a granular constraint.' });
  }
  const patient = access.every((g) => g.patientRid !== undefined) ? access[0]?.patientRid : undefined;
  const count = countOf(request.query);
  const cursor = openCursor(server, request.query.get('_cursor'));
  const found = await server.reader.typeHistory(type, patient, {
    count: count + 1,
    ...(cursor ? { before: { lu: cursor.keys[0] ?? '', rid: cursor.rid } } : {}),
  });
  const page = found.slice(0, count);
  const self = `${server.base}/${type}/_history?_count=${count}${viewParameters(request.query)}`;
  const links = [{ relation: 'self', url: self }];
  const last = page.at(-1);
  if (found.length > count && last) {
    links.push({
      relation: 'next',
      url: `${self}&_cursor=${sealCursor(server, { keys: [last.lastUpdated.toISOString()], rid: last.rid.toString() })}`,
    });
  }
  return historyBundle(server, page, links, undefined);
}
