// One request of a drill: an answer or the lack of one, always within a time.

export interface Reached {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Callable {
  readonly fhirBase: string;
  backendToken(): Promise<string>;
}

export interface Sent {
  readonly method?: string;
  readonly body?: object;
  readonly key?: string;
  readonly timeoutMs?: number;
}

/** @returns undefined when there was no answer */
export async function call(
  product: Callable,
  target: string,
  { method, body, key, timeoutMs = 20_000 }: Sent = {},
): Promise<Reached | undefined> {
  try {
    const response = await fetch(`${product.fhirBase}/${target}`, {
      method: method ?? (body ? 'POST' : 'GET'),
      headers: {
        authorization: `Bearer ${await product.backendToken()}`,
        ...(body ? { 'content-type': 'application/fhir+json' } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch {
    return undefined;
  }
}
