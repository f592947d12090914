// One notification to one endpoint: no redirect, a deadline, nothing of the answer is kept.
import { fetchOutgoing } from '../outgoing/index.ts';
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
    // A name that stands there twice becomes one header with both values.
    const named = Object.fromEntries(
      new Headers([...headers.map(([name, value]): [string, string] => [name, value]), ...(body === undefined ? [] : [contentType])]),
    );
    const asked = { method, headers: named, timeoutMs: deadlineMs, maximumBytes: 64 * 1024, ...(body === undefined ? {} : { body }) };
    // The operator listed the address: it may lie in the organization's own network.
    const { status } = await fetchOutgoing(new URL(url), asked, { trusted: () => true });
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}

const contentType: [string, string] = ['content-type', 'application/fhir+json'];
