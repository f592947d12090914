// How bridge, hooks and operations know FHIR: in one process a direct call into the server's pipeline, across processes HTTP.
import type { Bundle, OperationOutcomeIssue, Resource } from '@medplum/fhirtypes';
import { OperationOutcomeError } from './outcome.ts';

export interface FhirRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** Relative to the base, no leading slash: "Patient/1", "Observation?patient=1", "" for a batch or transaction. */
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface FhirResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: Resource | undefined;
}

export interface FhirClient {
  /** Never throws for an HTTP error status; throws only when there is no answer. */
  request(request: FhirRequest): Promise<FhirResponse>;
}

function refuse(response: FhirResponse): never {
  const issues: OperationOutcomeIssue[] =
    response.body?.resourceType === 'OperationOutcome' ? response.body.issue : [{ severity: 'error', code: 'exception' }];
  throw new OperationOutcomeError(
    response.status,
    issues.map((i) => ({
      code: i.code,
      ...(i.diagnostics ? { diagnostics: i.diagnostics } : {}),
      ...(i.expression?.[0] ? { expression: i.expression[0] } : {}),
      ...(i.details?.text ? { details: i.details.text } : {}),
    })),
  );
}

/** GET; an error status becomes an OperationOutcomeError. */
export async function read<T extends Resource>(client: FhirClient, path: string, signal?: AbortSignal): Promise<T> {
  const response = await client.request({ method: 'GET', path, ...(signal ? { signal } : {}) });
  if (response.status !== 200 || !response.body) refuse(response);
  return response.body as T;
}

/** All matches of a search, following `next` links up to `maximum` resources. */
export async function searchAll<T extends Resource>(
  client: FhirClient,
  query: string,
  maximum: number,
  signal?: AbortSignal,
): Promise<T[]> {
  const found: T[] = [];
  let path: string | undefined = query;
  while (path && found.length < maximum) {
    const page: Bundle = await read<Bundle>(client, path, signal);
    for (const entry of page.entry ?? []) {
      if (entry.resource && entry.search?.mode !== 'outcome') found.push(entry.resource as T);
    }
    const next: string | undefined = page.link?.find((l) => l.relation === 'next')?.url;
    path = next?.slice(next.indexOf('/fhir/') + '/fhir/'.length);
  }
  return found.slice(0, maximum);
}

/** FHIR over HTTP with a bearer token. */
export function httpFhirClient(base: string, token: () => Promise<string> | string): FhirClient {
  return {
    async request(request) {
      const response = await fetch(`${base.replace(/\/$/, '')}/${request.path}`, {
        method: request.method,
        headers: {
          authorization: `Bearer ${await token()}`,
          accept: 'application/fhir+json',
          ...(request.body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        ...(request.signal ? { signal: request.signal } : {}),
        redirect: 'error',
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: text ? (JSON.parse(text) as Resource) : undefined,
      };
    },
  };
}
