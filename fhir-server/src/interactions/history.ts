// https://hl7.org/fhir/R4/http.html#history — instance, type and system level; `_count`, `_since`, `_at`, keyset paging by signed cursor.
import { grantsFor, OperationOutcomeError, type Principal, parseDate, seesSystemTimes } from '@limen/fhir-model';
import { resourceTypes } from '@limen/fhir-model/definitions';
import type { Server } from '../server.ts';
import type { VersionPeriod, VisibleType } from '../store/history.ts';
import type { Stored } from '../store/read.ts';
import { accessFor } from './access.ts';
import type { Answer, Request } from './answer.ts';
import { cursorOwner, openCursor, sealCursor } from './cursor.ts';
import { guardOf } from './guard.ts';
import { covers } from './read.ts';

const refusedParameter = (): OperationOutcomeError =>
  new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'This history parameter is not supported.' });

const historyParameters: ReadonlySet<string> = new Set([
  '_count',
  '_cursor',
  '_since',
  '_at',
  '_format',
  '_pretty',
  '_summary',
  '_elements',
]);

/** What was asked besides the page, for the links. */
function askedParameters(query: URLSearchParams): string {
  const kept = new URLSearchParams([...query].filter(([name]) => /^_(summary|elements|since|at)$/.test(name)));
  return kept.size > 0 ? `&${kept}` : '';
}

/** `_since` and `_at`; refused where system times would give the offset away (DECISIONS 1). */
function periodOf(principal: Principal, query: URLSearchParams): VersionPeriod {
  const [since, at] = ['_since', '_at'].map((name) => query.getAll(name));
  const given = [...(since ?? []), ...(at ?? [])];
  if (given.length === 0) return {};
  if (!seesSystemTimes(principal)) throw refusedParameter();
  if (query.get('_summary') === 'count') throw refusedParameter();
  if (given.length > 1) throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: '_since and _at: one of them, once.' });
  // A "+" of a zone that was not encoded has become a space.
  const period = parseDate((given[0] ?? '').replace(' ', '+'));
  if (!period) throw new OperationOutcomeError(400, { code: 'value', diagnostics: '_since takes an instant, _at a date or time.' });
  return since?.length ? { since: new Date(period.startMs) } : { at: period };
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
  const period = periodOf(principal, request.query);
  const owner = cursorOwner(principal, `${type}/${id}/_history`, request.query);
  const cursor = openCursor(server, request.query.get('_cursor'), owner);
  const current = await server.reader.current(type, id);
  if (!current || !covers(access, current)) throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });
  const self = `${server.base}/${type}/${id}/_history?_count=${count}${askedParameters(request.query)}`;
  if (request.query.get('_summary') === 'count') return historyBundle(server, [], [{ relation: 'self', url: self }], current.version);
  const before = cursor ? { before: Number(cursor.rid) } : {};
  const versions = await server.reader.instanceHistory(type, id, { count: count + 1, ...before }, period);
  // A version is shown to who may see it and the newest one; what was restricted once stays so in the versions of then.
  const page = versions.slice(0, count);
  const shown = page.filter((version) => version.deleted || covers(access, version));
  const links = [{ relation: 'self', url: self }];
  const last = page.at(-1);
  if (versions.length > count && last)
    links.push({ relation: 'next', url: `${self}&_cursor=${sealCursor(server, { keys: [], rid: String(last.version) }, owner)}` });
  const isWhole = !period.since && !period.at && shown.length === page.length;
  return historyBundle(server, shown, links, isWhole ? current.version : undefined);
}

/** What a principal may see of the history of a type: all, one patient's part, or nothing. */
async function visibleType(server: Server, principal: Principal, type: string): Promise<VisibleType> {
  const access = await accessFor(server, principal, type, 's');
  if (access.some((g) => g.patientRid === undefined && g.criteria.length === 0)) return { type };
  if (access.some((g) => g.criteria.length > 0)) {
    throw new OperationOutcomeError(403, {
      code: 'forbidden',
      diagnostics: 'The history of types needs scopes without a granular constraint.',
    });
  }
  return { type, patient: access[0]?.patientRid ?? 0n };
}

export async function typeHistory(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = ''] = request.segments;
  return typesHistory(server, principal, request, `/${type}`, [await visibleType(server, principal, type)]);
}

/** Of all types that the token may search. */
export async function systemHistory(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const types = resourceTypes(server.definitions).filter((type) => grantsFor(principal.scopes, type, 's').length > 0);
  if (types.length === 0)
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for the history of any type.' });
  return typesHistory(server, principal, request, '', await Promise.all(types.map((type) => visibleType(server, principal, type))));
}

async function typesHistory(
  server: Server,
  principal: Principal,
  request: Request,
  at: string,
  visible: readonly VisibleType[],
): Promise<Answer> {
  if (request.query.get('_summary') === 'count') throw refusedParameter();
  const count = countOf(request.query);
  const period = periodOf(principal, request.query);
  const owner = cursorOwner(principal, `${at}/_history`, request.query);
  const cursor = openCursor(server, request.query.get('_cursor'), owner);
  const before = cursor ? { before: { lu: cursor.keys[0] ?? '', rid: cursor.rid } } : {};
  const found = await server.reader.typesHistory(visible, { count: count + 1, ...before }, period, guardOf(server, principal));
  const page = found.slice(0, count);
  const self = `${server.base}${at}/_history?_count=${count}${askedParameters(request.query)}`;
  const links = [{ relation: 'self', url: self }];
  const last = page.at(-1);
  if (found.length > count && last) {
    links.push({
      relation: 'next',
      url: `${self}&_cursor=${sealCursor(server, { keys: [last.lastUpdated.toISOString()], rid: last.rid.toString() }, owner)}`,
    });
  }
  return historyBundle(server, page, links, undefined);
}
