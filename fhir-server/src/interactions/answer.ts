// What an interaction gives back, before HTTP: the body is the stored text where possible (never parsed on the way out).
import { type OperationOutcome, operationOutcome, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** JSON text. */
  readonly body: string | undefined;
  /** What is no resource, in pieces; only as an answer to a direct request. */
  readonly content?: { readonly type: string; readonly pieces: AsyncIterable<string> };
}

export interface Request {
  readonly method: string;
  /** Relative to the base, decoded path segments. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: { readonly [name: string]: string | undefined };
  /** Parsed JSON body. */
  readonly body: unknown;
  readonly requestId: string;
  /** The answer goes to the client as it is, not into a Bundle or to another part of the product. */
  readonly isDirect?: true;
}

export interface Version {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
}

export function versionHeaders(server: Server, v: Version, location: boolean): { [name: string]: string } {
  return {
    etag: `W/"${v.version}"`,
    'last-modified': v.lastUpdated.toUTCString(),
    ...(location ? { location: `${server.base}/${v.type}/${v.id}/_history/${v.version}` } : {}),
  };
}

export function jsonAnswer(status: number, resource: Resource | object, headers: { [name: string]: string } = {}): Answer {
  return { status, headers, body: JSON.stringify(resource) };
}

export function preferReturn(request: Request): 'minimal' | 'representation' | 'OperationOutcome' {
  const value = /\breturn="?(minimal|representation|OperationOutcome)\b/.exec(request.headers['prefer'] ?? '')?.[1];
  return (value as 'minimal' | 'representation' | 'OperationOutcome' | undefined) ?? 'representation';
}

export function successOutcome(): OperationOutcome {
  return operationOutcome({ severity: 'information', code: 'informational', diagnostics: 'The interaction succeeded.' });
}
