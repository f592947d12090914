// https://hl7.org/fhir/R4/http.html — the app's requests, with the launch's token. No answer's text goes anywhere but to the page.
import type { Bundle, OperationOutcome, Parameters, Resource } from '@limen/fhir-model';
import type { ResourceOf } from './resource-of.ts';

export class FhirError extends Error {
  readonly status: number;
  readonly missingScope: boolean;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
    this.missingScope = status === 403;
  }
}

/** The token is worth nothing any more and cannot be renewed. */
class SessionEnded extends Error {}

export interface TokenSource {
  readonly base: string;
  token(): string;
  /** @returns false when there is nothing to renew with */
  renew(): Promise<boolean>;
  ended(): void;
}

export interface Page<T> {
  readonly resources: readonly T[];
  /** True when there was more than was asked for. */
  readonly cut: boolean;
  /** How many there are, where the query asks for it. */
  readonly total: number | undefined;
  /** The server's clock when it answered, for `_lastUpdated`. */
  readonly serverTime: Date | undefined;
}

const timeoutMs = 30_000;

function messageOf(status: number, outcome: OperationOutcome | undefined): string {
  const issue = outcome?.resourceType === 'OperationOutcome' ? outcome.issue?.[0] : undefined;
  return issue?.diagnostics ?? issue?.details?.text ?? (status === 0 ? 'The server cannot be reached.' : `The server answered ${status}.`);
}

export class FhirHttp {
  readonly #source: TokenSource;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  async #send(method: string, url: string, body: Resource | undefined): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: {
        accept: 'application/fhir+json',
        authorization: `Bearer ${this.#source.token()}`,
        ...(body ? { 'content-type': 'application/fhir+json' } : {}),
      },
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    return fetch(url, init).catch(() => {
      throw new FhirError(0, messageOf(0, undefined));
    });
  }

  async #request(method: string, path: string, body?: Resource): Promise<Response> {
    const url = this.#within(path);
    let response = await this.#send(method, url, body);
    if (response.status === 401 && (await this.#source.renew())) response = await this.#send(method, url, body);
    if (response.status === 401) {
      this.#source.ended();
      throw new SessionEnded('The session has ended.');
    }
    if (response.ok) return response;
    const outcome = (await response.json().catch(() => undefined)) as OperationOutcome | undefined;
    throw new FhirError(response.status, messageOf(response.status, outcome));
  }

  /** The token goes to our own server only, whatever a `next` link says. */
  #within(path: string): string {
    const { base } = this.#source;
    if (!/^https?:/.test(path)) return `${base}/${path}`;
    if (!path.startsWith(`${base}/`) && !path.startsWith(`${base}?`)) throw new FhirError(0, 'A link leads to another server.');
    return path;
  }

  async read<T extends Resource['resourceType']>(type: T, id: string): Promise<ResourceOf<T>> {
    return (await (await this.#request('GET', `${type}/${id}`)).json()) as ResourceOf<T>;
  }

  /** All matches, following `next`, up to `most`. */
  async search<T extends Resource['resourceType']>(type: T, query: string, most: number): Promise<Page<ResourceOf<T>>> {
    const resources: ResourceOf<T>[] = [];
    let serverTime: Date | undefined;
    let total: number | undefined;
    let next: string | undefined = `${type}?${query}`;
    while (next && resources.length < most) {
      const response: Response = await this.#request('GET', next);
      serverTime ??= dateOf(response);
      const bundle = (await response.json()) as Bundle;
      total ??= bundle.total;
      for (const entry of bundle.entry ?? []) if (entry.resource?.resourceType === type) resources.push(entry.resource as ResourceOf<T>);
      next = bundle.link?.find((link) => link.relation === 'next')?.url;
    }
    return { resources: resources.slice(0, most), cut: next !== undefined || resources.length > most, total, serverTime };
  }

  /** How many match; undefined where the server does not say. */
  async count(type: Resource['resourceType'], query: string): Promise<number | undefined> {
    return ((await (await this.#request('GET', `${type}?${query}&_summary=count`)).json()) as Bundle).total;
  }

  /** An operation by POST. */
  async operation(path: string, parameters: Parameters): Promise<Resource> {
    return (await (await this.#request('POST', path, parameters)).json()) as Resource;
  }

  /** A transaction: all of it or nothing. */
  async transaction(bundle: Bundle): Promise<Bundle> {
    return (await (await this.#request('POST', '', bundle)).json()) as Bundle;
  }
}

function dateOf(response: Response): Date | undefined {
  const text = response.headers.get('date');
  const date = text ? new Date(text) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}
