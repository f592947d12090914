// https://cds-hooks.hl7.org/2.0/#providing-fhir-resources-to-a-cds-service — what came along, and what has to be fetched. 412 when neither gives it.
import { type Bundle, type FhirClient, OperationOutcomeError, type Resource } from '@limen/fhir-model';
import type { ServiceDefinition } from './discovery.ts';
import type { CdsServiceOptions, HookFhirClient } from './options.ts';
import { type HookRequest, isObject } from './request.ts';

/** Resources by prefetch key; an empty list: looked up, nothing there. */
export type Prefetched = { readonly [key: string]: readonly Resource[] };

const fetchTimeoutMs = 2_000;
const maxPages = 50;
const maxResources = 10_000;

function missing(key: string): OperationOutcomeError {
  return new OperationOutcomeError(412, {
    code: 'not-found',
    diagnostics: 'Data that this service needs is not in the prefetch and could not be fetched.',
    expression: `prefetch.${key}`,
  });
}

function isResource(value: unknown): value is Resource {
  return isObject(value) && typeof value.resourceType === 'string';
}

/** The path of a next link, which must lie under the server that we may fetch from. */
function nextPath(bundle: Bundle, fhirServer: string | undefined): string | undefined | false {
  if (!Array.isArray(bundle.link)) return undefined;
  const url = bundle.link.find((l) => l?.relation === 'next')?.url;
  if (url === undefined) return undefined;
  const base = `${fhirServer?.replace(/\/$/, '')}/`;
  return fhirServer && url.startsWith(base) && !url.slice(base.length).includes('..') ? url.slice(base.length) : false;
}

/** What a FHIR server is asked with: only an allow-listed one, only with a token that still lives. */
export function clientOf(request: HookRequest, options: CdsServiceOptions): HookFhirClient | undefined {
  const { fhirServer, fhirAuthorization } = request;
  if (!fhirServer || !fhirAuthorization || fhirAuthorization.expiresInSeconds <= 0) return undefined;
  return options.fhirClientFor(fhirServer, fhirAuthorization.accessToken);
}

interface Source {
  readonly client: FhirClient | undefined;
  readonly fhirServer: string | undefined;
  readonly signal: AbortSignal;
}

async function get({ client, signal }: Source, path: string, key: string): Promise<Resource> {
  if (!client) throw missing(key);
  const response = await client.request({ method: 'GET', path, signal }).catch(() => undefined);
  if (response?.status !== 200 || !isResource(response.body)) throw missing(key);
  return response.body;
}

/** A resource as it is; a Bundle as its resources, all pages of it. */
async function expand(first: Resource, source: Source, key: string): Promise<Resource[]> {
  const found: Resource[] = [];
  let page: Resource = first;
  for (let pages = 0; page.resourceType === 'Bundle'; pages++) {
    if (page.entry !== undefined && !Array.isArray(page.entry)) throw missing(key);
    for (const entry of page.entry ?? []) if (isResource(entry?.resource)) found.push(entry.resource);
    const next = nextPath(page, source.fhirServer);
    if (next === undefined) return found;
    if (next === false || pages >= maxPages || found.length > maxResources) throw missing(key);
    page = await get(source, next, key);
  }
  return [page];
}

async function resolve(key: string, template: string, request: HookRequest, source: Source): Promise<readonly Resource[]> {
  const given = request.prefetch[key];
  if (given === null) return [];
  if (given !== undefined && !isResource(given))
    throw new OperationOutcomeError(400, {
      code: 'invalid',
      diagnostics: 'A prefetch value is a resource or null.',
      expression: `prefetch.${key}`,
    });
  // An OperationOutcome says that the client's own look-up failed.
  if (given !== undefined && given.resourceType !== 'OperationOutcome') return expand(given, source, key);
  const path = template.replaceAll('{{context.patientId}}', request.context.patientId);
  return expand(await get(source, path, key), source, key);
}

/**
 * All prefetch keys of a service, in parallel.
 * @throws OperationOutcomeError 412 for the first that is neither there nor fetchable
 */
export async function prefetched(service: ServiceDefinition, request: HookRequest, options: CdsServiceOptions): Promise<Prefetched> {
  const source = { client: clientOf(request, options), fhirServer: request.fhirServer, signal: AbortSignal.timeout(fetchTimeoutMs) };
  const entries = Object.entries(service.prefetch).map(
    async ([key, template]) => [key, await resolve(key, template, request, source)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
