// The audit row of a request: codes and ids only.
import type { Principal } from '@limen/fhir-model';
import type { AuditRow } from '../audit/chain.ts';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import type { WriteResult } from './write/entry.ts';

/** Of one event; a page of a search holds no more. */
const maximumPatients = 1000;
/** Every type once, in a few ways. */
const maximumInner = 200;
const maximumParameters = 50;

export function auditRow(
  principal: Principal,
  request: Request,
  interaction: string,
  status: number,
  results: readonly WriteResult[] = [],
): AuditRow {
  const [type, id] = request.segments;
  const patients = new Set<string>();
  for (const result of results) {
    if (result.type === 'Patient' && result.id) patients.add(result.id);
    addPatients(patients, result.text);
  }
  return {
    interaction,
    client: principal.clientId,
    ...(principal.userId ? { user: principal.userId } : {}),
    ...(principal.fhirUser ? { agent: principal.fhirUser } : {}),
    ...(principal.purpose ? { purpose: principal.purpose } : {}),
    ...(type && /^[A-Z][A-Za-z]+$/.test(type) ? { type } : {}),
    // An id that was never given out may be anything a client typed: only the form of ours is kept.
    ...(id && isOwnId(id) ? { id } : {}),
    status,
    ...(results.length > 0 ? { resources: results.map((r) => `${r.type}/${r.id}/${r.version}`) } : {}),
    ...(patients.size > 0 ? { patients: [...patients] } : {}),
    requestId: request.requestId,
  };
}

/** Ids as the server gives them: of resources, and of events of this trail (chain and number). */
const isOwnId = (id: string): boolean => /^[0-9a-f-]{36}(-\d{1,19})?$/.test(id);

/** Whom a text of ours is about: every reference and address in it that names a patient. */
function addPatients(patients: Set<string>, text: string | undefined): void {
  const mark = 'Patient/';
  for (let at = text?.indexOf(mark) ?? -1; text !== undefined && at >= 0; at = text.indexOf(mark, at + mark.length)) {
    if (patients.size >= maximumPatients) return;
    const before = text[at - 1];
    const id =
      before === '"' || before === '/'
        ? /^[A-Za-z0-9.-]{1,64}(?=["/])/.exec(text.slice(at + mark.length, at + mark.length + 65))?.[0]
        : undefined;
    if (id !== undefined) patients.add(id);
  }
}

/** What a request touches on its way, for the one row that it leaves. */
export class Touched {
  /** Its row is written: what comes now needs one of its own. */
  isRecorded = false;
  private readonly patients = new Set<string>();
  private readonly ran = new Set<string>();

  /** A request that this one made for its answer. */
  inside(interaction: string, request: Request, answer: Answer): void {
    const type = request.segments.find((segment) => /^[A-Z][A-Za-z]+$/.test(segment));
    if (this.ran.size < maximumInner) this.ran.add(type ? `${interaction} ${type}` : interaction);
    this.answered(request, answer);
  }

  answered({ segments }: Request, { body }: Answer): void {
    const [type, id = ''] = segments;
    if (type === 'Patient' && isOwnId(id)) this.patients.add(id);
    addPatients(this.patients, body);
  }

  row(server: Server, { segments, query }: Request): Pick<AuditRow, 'patients' | 'inner' | 'parameters'> {
    const [type, id = ''] = segments;
    if (type === 'Patient' && isOwnId(id)) this.patients.add(id);
    const parameters = knownNames(server, query);
    return {
      ...(this.patients.size > 0 ? { patients: [...this.patients] } : {}),
      ...(this.ran.size > 0 ? { inner: [...this.ran] } : {}),
      ...(parameters.length > 0 ? { parameters } : {}),
    };
  }
}

const resultNames = new Set(
  '_id _lastUpdated _tag _profile _security _text _content _list _has _type _sort _count _include _revinclude _summary _total _elements _contained _filter _since _at'.split(
    ' ',
  ),
);
const namesOf = new WeakMap<object, ReadonlySet<string>>();

/** A name that no specification knows may be anything a client typed. */
function knownNames({ searchParameters }: Server, query: URLSearchParams): string[] {
  if (query.size === 0) return [];
  const { definitions } = searchParameters;
  const known = namesOf.get(definitions) ?? new Set(definitions.searchParameters.map(({ code }) => code));
  namesOf.set(definitions, known);
  const names = [...query.keys()].map((name) => /^[\w-]+/.exec(name)?.[0] ?? '').filter((name) => known.has(name) || resultNames.has(name));
  return [...new Set(names)].slice(0, maximumParameters);
}
