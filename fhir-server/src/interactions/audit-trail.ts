// https://hl7.org/fhir/R4/auditevent.html — the trail as AuditEvent resources: read and searched, written by nobody but the server.
import {
  type Bundle,
  grantsFor,
  type InteractionLetter,
  OperationOutcomeError,
  type Principal,
  parseDate,
  seesSystemTimes,
} from '@limen/fhir-model';
import { type Action, auditEvent, isTrailType, type StoredRow } from '../audit/event.ts';
import { countTrail, searchTrail, type TrailCriterion } from '../audit/search.ts';
import type { Server } from '../server.ts';
import { type Answer, jsonAnswer, type Request } from './answer.ts';
import { cursorOwner, openCursor, sealCursor } from './cursor.ts';

type Handler = (server: Server, principal: Principal, request: Request) => Promise<Answer>;

/** Search parameters of the trail, as the CapabilityStatement lists them. */
export const trailParameters = [
  { name: '_id', type: 'token' },
  { name: 'action', type: 'token' },
  { name: 'agent', type: 'reference' },
  { name: 'altid', type: 'token' },
  { name: 'date', type: 'date' },
  { name: 'entity', type: 'reference' },
  { name: 'outcome', type: 'token' },
  { name: 'patient', type: 'reference' },
  { name: 'purpose', type: 'token' },
  { name: 'subtype', type: 'token' },
  { name: 'type', type: 'token' },
] as const;

/** Whether the address is one of the trail: of the type, or of a patient's compartment. */
export function isTrail(server: Pick<Server, 'clientIds'>, [first, , third]: readonly string[]): boolean {
  return isTrailType(server, first) || (first === 'Patient' && isTrailType(server, third));
}

/** Answers who wants to write to the trail. */
export const onlyServer = (): OperationOutcomeError =>
  new OperationOutcomeError(
    405,
    { code: 'not-supported', diagnostics: 'The audit trail is written by the server alone; AuditEvents can be read and searched.' },
    { headers: { allow: 'GET' } },
  );
const notFound = (): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });
const bad = (diagnostics: string): OperationOutcomeError => new OperationOutcomeError(400, { code: 'value', diagnostics });

/** @throws OperationOutcomeError for what the trail does not answer */
export function answerTrail({ method, segments }: Request): { interaction: string; auditsItself: false; run: Handler } {
  const [first, second, third, fourth] = segments;
  const route = (interaction: string, run: Handler) => ({ interaction, auditsItself: false as const, run });
  if (first === 'Patient') {
    if (method !== 'GET' || fourth !== undefined) throw onlyServer();
    return route('search-compartment', (s, p, r) => search(s, p, r, second));
  }
  if (method === 'POST' && second === '_search' && third === undefined) return route('search-type', search);
  if (method !== 'GET') throw onlyServer();
  if (second === undefined) return route('search-type', search);
  if (second === '_history')
    throw new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'Audit events have one version only.' });
  if (third === undefined) return route('read', read);
  if (third === '_history' && fourth === '1' && segments.length === 4) return route('vread', read);
  throw notFound();
}

/** Roles whose work is the trail. Of the others only systems with a scope for this very type, and patients for what is about them. */
const readers = ['auditor', 'privacy-officer', 'administrator'];

/** @returns the patient whose events alone may be seen; undefined: all */
function accessTo(principal: Principal, letter: InteractionLetter): string | undefined {
  const grants = grantsFor(principal.scopes, 'AuditEvent', letter).filter(({ constraint }) => constraint.length === 0);
  const isBroad = (level: string): boolean => grants.some((grant) => grant.level === level);
  if (readers.includes(principal.role) && isBroad('user')) return undefined;
  if (principal.role === 'system' && grants.some(({ level, type }) => level === 'system' && type === 'AuditEvent')) return undefined;
  if (principal.role === 'patient' && principal.patient !== undefined && isBroad('patient')) return principal.patient;
  throw new OperationOutcomeError(403, {
    code: 'forbidden',
    diagnostics:
      'The audit trail is for auditors, privacy officers and administrators, for systems with a scope for AuditEvent itself, and for patients about themselves.',
  });
}

/** An id is the name of a chain and a row's number in it. */
function rowOf(id: string): { lane: string; n: string } | undefined {
  const [, lane, n] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([1-9]\d{0,17})$/.exec(id) ?? [];
  return lane && n ? { lane, n } : undefined;
}

async function read(server: Server, principal: Principal, { segments }: Request): Promise<Answer> {
  const patient = accessTo(principal, 'r');
  const named = rowOf(segments[1] ?? '');
  if (!named) throw notFound();
  const [row] = await searchTrail(server.pool, server.tenant, [{ by: 'id', values: [named] }, ...own(patient)], { limit: 1 });
  if (!row) throw notFound();
  return jsonAnswer(200, auditEvent(row, server.base, patient), { etag: 'W/"1"', 'last-modified': row.at.toUTCString() });
}

const own = (patient: string | undefined): TrailCriterion[] => (patient === undefined ? [] : [{ by: 'patient', values: [patient] }]);

const idOf = (value: string): string => /^(?:.*\/)?Patient\/([A-Za-z0-9.-]{1,64})$/.exec(value)?.[1] ?? value;
/** `system|code` and `code`; the systems are the ones that the events show. */
const codeOf = (value: string): string => value.replace(/^.*\|/, '');

function entityOf(value: string): { type: string; id: string } {
  const [, type, id] = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(value) ?? [];
  if (!type || !id) throw bad('entity is a reference with its type: Type/id.');
  return { type, id };
}

function timeOf(value: string): { from?: number; upTo?: number; not?: true } {
  const [, prefix = 'eq', text = ''] = /^(eq|ne|gt|ge|lt|le|sa|eb)?(.+)$/.exec(value) ?? [];
  const when = parseDate(text);
  if (!when) throw bad('date is a FHIR date, with a prefix where wanted.');
  const { startMs, endMs } = when;
  if (prefix === 'gt' || prefix === 'sa') return { from: endMs };
  if (prefix === 'ge') return { from: startMs };
  if (prefix === 'lt' || prefix === 'eb') return { upTo: startMs };
  if (prefix === 'le') return { upTo: endMs };
  return { from: startMs, upTo: endMs, ...(prefix === 'ne' ? { not: true as const } : {}) };
}

/** @throws OperationOutcomeError when the trail knows no such parameter or value */
function criterionOf(name: string, values: readonly string[]): TrailCriterion | undefined {
  switch (name) {
    case '_id':
      return { by: 'id', values: values.flatMap((value) => rowOf(value) ?? []) };
    case 'patient':
    case 'patient:Patient':
      return { by: 'patient', values: values.map(idOf) };
    case 'entity':
      return { by: 'entity', values: values.map(entityOf) };
    case 'entity:Patient':
      return { by: 'patient', values: values.map(idOf) };
    case 'agent':
      return { by: 'agent', values: values.map((value) => /[A-Z][A-Za-z]+\/[^/]+$/.exec(value)?.[0] ?? `Practitioner/${value}`) };
    case 'agent:Practitioner':
      return { by: 'agent', values: values.map((value) => `Practitioner/${value}`) };
    case 'agent:identifier':
    case 'altid':
      return { by: 'party', values: values.map(codeOf) };
    case 'purpose':
      return { by: 'purpose', values: values.map(codeOf) };
    case 'date':
      return { by: 'time', values: values.map(timeOf) };
    case 'action':
      return { by: 'action', values: values.map(codeOf).filter((code): code is Action => ['C', 'R', 'U', 'D', 'E'].includes(code)) };
    case 'outcome':
      return { by: 'outcome', values: values.map(codeOf).filter((code) => code === '0' || code === '4' || code === '8') };
    case 'type':
      return {
        by: 'isAccount',
        values: values
          .map(codeOf)
          .filter((code) => code === 'rest' || code === '110114')
          .map((code) => code === '110114'),
      };
    case 'subtype':
      return { by: 'interaction', values: values.map(codeOf).flatMap((code) => subtypes[code] ?? [code]) };
    default:
      return undefined;
  }
}

/** Codes that several of our interactions, or one of another name, are shown with. */
const subtypes: { readonly [code: string]: readonly string[] } = {
  '110122': ['sign-in'],
  '110123': ['sign-out'],
  read: ['read', 'vread', 'history-instance'],
  search: ['search-type', 'search-system', 'search-compartment', 'history-type', 'history-system'],
};

const maximumCount = 1000;
const defaultCount = 50;

function countOf(text: string | null): number {
  if (text === null) return defaultCount;
  if (!/^\d{1,9}$/.test(text)) throw bad('_count is not a whole number.');
  return Math.min(Number(text), maximumCount);
}

const shaping = ['_count', '_cursor', '_sort', '_total', '_summary', '_elements'];

/** The parameters that were used, and what they ask for. @throws OperationOutcomeError for others, unless asked to be lenient */
function criteriaOf(principal: Principal, { query, headers }: Request): { used: [string, string][]; criteria: TrailCriterion[] } {
  const lenient = /handling=lenient/.test(headers['prefer'] ?? '');
  const used: [string, string][] = [];
  const criteria: TrailCriterion[] = [];
  for (const [name, value] of query) {
    if (shaping.includes(name)) continue;
    // Whoever may not see when things happened may not ask for it either.
    if (name === 'date' && !seesSystemTimes(principal))
      throw new OperationOutcomeError(400, {
        code: 'not-supported',
        diagnostics: 'The parameter date searches an element that your role does not see.',
      });
    const criterion = value === '' ? undefined : criterionOf(name, value.split(','));
    if (criterion) {
      criteria.push(criterion);
      used.push([name, value]);
    } else if (!lenient && value !== '')
      throw new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'The audit trail has no such search parameter.' });
  }
  const sort = query.get('_sort');
  if (sort !== null && sort !== '-date' && !lenient)
    throw new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'The audit trail is sorted by -date only.' });
  return { used, criteria };
}

/** @param compartment the patient of the address, whose events are asked for */
async function search(server: Server, principal: Principal, request: Request, compartment?: string): Promise<Answer> {
  const patient = accessTo(principal, 's');
  const { used, criteria: asked } = criteriaOf(principal, request);
  const criteria = [...asked, ...own(patient), ...own(compartment)];
  const path = request.segments.filter((segment) => segment !== '_search').join('/');
  const owner = cursorOwner(principal, path, used);
  const cursor = openCursor(server, request.query.get('_cursor'), owner);
  const onlyTotal = request.query.get('_summary') === 'count' || countOf(request.query.get('_count')) === 0;
  const limit = onlyTotal ? 0 : countOf(request.query.get('_count'));
  const [at, lane] = cursor?.keys ?? [];
  const after = cursor && at && lane ? { at, lane, n: cursor.rid } : undefined;
  const rows = onlyTotal ? [] : await searchTrail(server.pool, server.tenant, criteria, { limit: limit + 1, after });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next =
    last && rows.length > limit ? sealCursor(server, { keys: [last.at.toISOString(), last.lane], rid: String(last.n) }, owner) : undefined;
  const total =
    onlyTotal || request.query.get('_total') === 'accurate' ? await countTrail(server.pool, server.tenant, criteria) : undefined;
  return jsonAnswer(200, bundleOf(server, { path, used, limit, patient }, page, next, total));
}

function bundleOf(
  { base }: Server,
  { path, used, limit, patient }: { path: string; used: [string, string][]; limit: number; patient: string | undefined },
  page: readonly StoredRow[],
  next: string | undefined,
  total: number | undefined,
): Bundle {
  const url = (...more: [string, string][]): string => {
    const query = new URLSearchParams([...used, ['_count', String(limit)], ...more]);
    return `${base}/${path}?${query}`;
  };
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total === undefined ? {} : { total }),
    link: [{ relation: 'self', url: url() }, ...(next === undefined ? [] : [{ relation: 'next', url: url(['_cursor', next]) }])],
    entry: page.map((row) => {
      const resource = auditEvent(row, base, patient);
      return { fullUrl: `${base}/AuditEvent/${resource.id}`, resource, search: { mode: 'match' as const } };
    }),
  };
}
