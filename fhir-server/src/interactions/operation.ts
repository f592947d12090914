// https://hl7.org/fhir/R4/operations.html — checks the input by the OperationDefinition, runs the provider, stores what affects state.
import { createHash } from 'node:crypto';
import {
  type AsOf,
  allowsOperation,
  type FhirClient,
  type OperationContext,
  OperationOutcomeError,
  type OperationResult,
  type Parameters,
  type Principal,
  parseReference,
  type Resource,
  searchAll,
} from '@limen/fhir-model';
import { checkInput, inputOf, providerOf } from '../operations/input.ts';
import { provenanceOf } from '../operations/provenance.ts';
import type { Server } from '../server.ts';
import type { Answer, Request } from './answer.ts';
import { auditRow } from './audit.ts';
import { copyResource } from './write/copy.ts';
import type { WriteEntry } from './write/entry.ts';
import { resolvedFor, surroundingsOf, write } from './write/plan.ts';

const deadlineMs = 10_000;
const yearDays = 365;

export async function invoke(
  server: Server,
  principal: Principal,
  request: Request,
  dispatch: (request: Request) => Promise<Answer>,
): Promise<Answer> {
  const { provider, id } = providerOf(server, request);
  const { definition } = provider;
  if (!allowsOperation(principal.scopes, definition.code))
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for this operation.' });
  if (definition.affectsState && request.method === 'GET')
    throw new OperationOutcomeError(
      405,
      { code: 'not-supported', diagnostics: 'This operation changes state: use POST.' },
      { headers: { allow: 'POST' } },
    );
  const input = inputOf(provider, request);
  checkInput(server, provider, input);
  const deidentified = await deidentifyInline(server, principal, input);
  const client = clientThrough(dispatch, request.requestId);
  const given = (input.parameter ?? []).find((p) => p.name === 'asOf');
  const context: OperationContext = {
    principal,
    client,
    ...(id ? { id } : {}),
    parameters: deidentified,
    asOf: (patientId) => asOfPatient(server, client, patientId, given?.valueDate),
    signal: AbortSignal.timeout(deadlineMs),
  };
  const result = await provider.handle(context);
  const results =
    definition.affectsState && result.digest !== undefined ? await storeOnce(server, principal, request, client, result) : result.results;
  const output = result.output(results);
  return { status: 200, headers: {}, body: JSON.stringify(output) };
}

/** The caller's own principal, through the same pipeline. */
export function clientThrough(dispatch: (request: Request) => Promise<Answer>, requestId: string): FhirClient {
  return {
    async request(r) {
      const [path = '', search = ''] = r.path.split(/\?(.*)/s);
      try {
        const answer = await dispatch({
          method: r.method,
          segments: path.split('/').filter(Boolean),
          query: new URLSearchParams(search),
          headers: r.headers ?? {},
          body: r.body === undefined ? undefined : copyResource(r.body),
          requestId,
        });
        return { status: answer.status, headers: answer.headers, body: answer.body ? (JSON.parse(answer.body) as Resource) : undefined };
      } catch (error) {
        if (!(error instanceof OperationOutcomeError)) throw error;
        return { status: error.status, headers: error.headers, body: error.outcome };
      }
    },
  };
}

/** DECISIONS 2: now on the patient's stored timeline, or the end of the last encounter when the record ended over 12 months before. */
export async function asOfPatient(server: Server, client: FhirClient, patientId: string, given: string | undefined): Promise<AsOf> {
  const person = server.policy.keepsTimeline ? undefined : (await server.vault.findByPatientId([patientId])).get(patientId);
  const now = new Date(server.now().getTime() + (person?.offsetDays ?? 0) * 86_400_000);
  const today = now.toISOString().slice(0, 10);
  if (given !== undefined) {
    if (given > today)
      throw new OperationOutcomeError(422, {
        code: 'business-rule',
        expression: 'Parameters.parameter',
        diagnostics: 'asOf lies after now on this timeline.',
      });
    return { date: given, basis: 'given' };
  }
  const { rows } = await server.pool.query<{ newest: Date | null }>(
    `select max(i.ts) as newest from idx i join res r on r.tenant = i.tenant and r.type = $2 and r.id = $3 and i.pat = r.rid where i.tenant = $1`,
    [server.tenant, server.types.number('Patient'), patientId],
  );
  const newest = rows[0]?.newest;
  if (newest && now.getTime() - newest.getTime() <= yearDays * 86_400_000) return { date: today, basis: 'now' };
  const [last] = await searchAll<Extract<Resource, { resourceType: 'Encounter' }>>(
    client,
    `Encounter?patient=${patientId}&_sort=-date&_count=1`,
    1,
  );
  const end = (last?.period?.end ?? last?.period?.start)?.slice(0, 10);
  return end ? { date: end, basis: 'last-encounter' } : { date: today, basis: 'now' };
}

/** Stores results with their Provenance in one transaction, unless an equal unreviewed one is there (DECISIONS 22). */
async function storeOnce(
  server: Server,
  principal: Principal,
  request: Request,
  client: FhirClient,
  result: OperationResult,
): Promise<readonly Resource[]> {
  if (result.results.length === 0) return [];
  const type = result.results[0]?.resourceType ?? '';
  const known = await searchAll<Resource>(
    client,
    `${type}?identifier=${encodeURIComponent(`https://limen.example/input-digest|${result.digest}`)}&_count=100`,
    100,
  );
  const unreviewed = known.filter((r) => (r as { status?: string }).status === 'preliminary');
  if (unreviewed.length >= result.results.length) return unreviewed;
  const urls = result.results.map((_, i) => resultUrl(result.digest ?? '', i));
  const entries: WriteEntry[] = result.results.map((resource, i) => ({
    kind: 'create',
    type: resource.resourceType,
    resource,
    fullUrl: urls[i] as string,
    expression: resource.resourceType,
  }));
  entries.push({
    kind: 'create',
    type: 'Provenance',
    resource: provenanceOf(result.origin, urls, principal, server.now()),
    expression: 'Provenance',
  });
  // Operation output is already de-identified: the door only verifies it.
  const made = await write(server, {
    principal: { ...principal, plane: 'stored' },
    entries,
    audit: (results) => auditRow(principal, request, 'operation-result', 201, results),
  });
  return made.slice(0, result.results.length).map((m) => JSON.parse(m.text ?? '{}') as Resource);
}

/** A urn:uuid that is the same for the same inputs. */
function resultUrl(digest: string, index: number): string {
  const hex = createHash('sha256').update(`${digest}|${index}`).digest('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Resources given inline go through the door like any other (identified plane) or are verified. */
async function deidentifyInline(server: Server, principal: Principal, input: Parameters): Promise<Parameters> {
  const given = (input.parameter ?? []).flatMap(({ resource }) => (resource ? [resource] : []));
  const surroundings = principal.plane === 'stored' ? {} : await surroundingsOf(server, given, true);
  const parameter = await Promise.all(
    (input.parameter ?? []).map(async (p) => {
      if (!p.resource) return p;
      const patientId = parseReference(server.door.collect(p.resource).ownPatient)?.id;
      const person = patientId ? (await server.vault.findByPatientId([patientId])).get(patientId) : undefined;
      const resolved = resolvedFor(server, person, server.now(), surroundings);
      const resource =
        principal.plane === 'stored' ? server.door.verify(p.resource, resolved) : server.door.apply(p.resource, resolved).resource;
      return { ...p, resource };
    }),
  );
  return { ...input, parameter };
}
