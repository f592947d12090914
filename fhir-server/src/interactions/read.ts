// https://hl7.org/fhir/R4/http.html#read, #vread
import { OperationOutcomeError, type Principal, type Resource, seesSystemTimes } from '@limen/fhir-model';
import { type AccessPredicate, recheck } from '../search/index.ts';
import type { Server } from '../server.ts';
import { hides } from '../store/guard.ts';
import type { Stored } from '../store/read.ts';
import { accessFor, isUnrestricted } from './access.ts';
import { type Answer, type Request, versionHeaders } from './answer.ts';

const notFound = (): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });

/** True when a label or a consent hides this resource from the caller, whatever the scopes. Rows of searches are not: their statement has seen to it. */
export function isHidden(access: AccessPredicate, { type, guarded }: Stored): boolean {
  const [guard] = access.map((grant) => grant.guard);
  return guard !== undefined && guarded !== undefined && hides(guard, type, guarded);
}

/** True when one of the grants covers this resource: own patient exactly, granular constraints on the body itself, no label or consent against it. */
export function covers(access: AccessPredicate, stored: Stored): boolean {
  if (isHidden(access, stored)) return false;
  if (isUnrestricted(access)) return true;
  const mine = access.filter((g) => g.patientRid === undefined || g.patientRid === stored.pat);
  if (mine.some((g) => g.criteria.length === 0)) return true;
  if (mine.length === 0 || stored.text === undefined) return false;
  const resource = JSON.parse(stored.text) as Resource;
  return mine.some((g) => recheck({ criteria: g.criteria }, resource));
}

export async function read(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id = ''] = request.segments;
  const access = await accessFor(server, principal, type, 'r');
  const stored = await server.reader.current(type, id);
  // The same answer for what does not exist and what may not be seen.
  if (!stored || !covers(access, stored)) throw notFound();
  if (stored.deleted)
    throw new OperationOutcomeError(
      410,
      { code: 'deleted', diagnostics: 'The resource was deleted.' },
      { headers: { etag: `W/"${stored.version}"` } },
    );
  const headers = versionHeaders(server, stored, false);
  if (isKnown(principal, request, stored)) return { status: 304, headers, body: undefined };
  return { status: 200, headers, body: stored.text };
}

/** Conditional read: whether the client has this version. If-None-Match counts where both are sent (RFC 9110 13.1.3). */
function isKnown(principal: Principal, { headers }: Request, { version, lastUpdated }: Stored): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined)
    return tags.split(',').some((tag) => /^(\*|(W\/)?"(\d{1,9})")$/.exec(tag.trim())?.at(-1) === String(version) || tag.trim() === '*');
  // For who may not see system times the answer would tell one.
  const sinceMs = seesSystemTimes(principal) ? Date.parse(headers['if-modified-since'] ?? '') : Number.NaN;
  return Math.floor(lastUpdated.getTime() / 1000) * 1000 <= sinceMs;
}

export async function vread(server: Server, principal: Principal, request: Request): Promise<Answer> {
  const [type = '', id = '', , version = ''] = request.segments;
  const access = await accessFor(server, principal, type, 'r');
  if (!/^[1-9]\d{0,8}$/.test(version)) throw notFound();
  const [stored, current] = await Promise.all([server.reader.version(type, id, Number(version)), server.reader.current(type, id)]);
  // What is hidden now has no older versions either.
  if (!stored || !current || isHidden(access, current) || !covers(access, stored)) throw notFound();
  if (stored.deleted)
    throw new OperationOutcomeError(410, { code: 'deleted', diagnostics: 'This version is the deletion of the resource.' });
  return { status: 200, headers: versionHeaders(server, stored, false), body: stored.text };
}
