// One notification to one endpoint: no redirect, a deadline, nothing of the answer is kept.
import type { Definition } from './definition.ts';

const deadlineMs = 10_000;

export interface Sent {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly body: string | undefined;
}

/** Whether the endpoint has taken it (2xx). */
export async function send({ headers }: Definition, { method, url, body }: Sent): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(deadlineMs),
      headers: [...headers.map(([name, value]): [string, string] => [name, value]), ...(body === undefined ? [] : [contentType])],
      ...(body === undefined ? {} : { body }),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

const contentType: [string, string] = ['content-type', 'application/fhir+json'];
