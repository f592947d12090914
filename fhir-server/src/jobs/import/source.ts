// Where an import may read: addresses that begin with one that the operator listed, compared part by part, never followed elsewhere.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { OperationOutcomeError } from '@limen/fhir-model';
import { OutgoingError, openOutgoing } from '../../outgoing/index.ts';

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

function isSafe(url: URL): boolean {
  if (url.username || url.password || url.hash) return false;
  if (url.protocol === 'file:') return url.host === '' && url.search === '';
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.has(url.hostname));
}

/** Whether the address lies under one that is allowed; a folder never allows what only begins like its name. */
export function isAllowedSource(allowed: readonly string[], url: URL): boolean {
  if (!isSafe(url) || /%2e|%2f|%5c/i.test(url.pathname)) return false;
  return allowed.some((text) => {
    const base = new URL(text);
    const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
    return url.protocol === base.protocol && url.host === base.host && url.pathname.startsWith(folder);
  });
}

function unreadable(cause?: unknown): OperationOutcomeError {
  return new OperationOutcomeError(422, { code: 'not-found', diagnostics: 'An input cannot be read.' }, { cause });
}

/**
 * The bytes of an input, unpacked.
 * @throws OperationOutcomeError 422 when there is none; what breaks later breaks the stream
 */
export async function openSource(allowed: readonly string[], text: string): Promise<Readable> {
  const url = new URL(text);
  // The list may have become shorter since the job was taken in.
  if (!isAllowedSource(allowed, url)) throw unreadable();
  const stream = url.protocol === 'file:' ? await openFile(allowed, url) : await openHttp(url);
  return url.pathname.endsWith('.gz') ? stream.pipe(createGunzip()) : stream;
}

async function openFile(allowed: readonly string[], url: URL): Promise<Readable> {
  try {
    // A link must not lead out of the folder.
    const file = await realpath(fileURLToPath(url));
    const roots = allowed.filter((each) => each.startsWith('file:')).map((each) => realpath(fileURLToPath(each)).catch(() => undefined));
    const isInside = (await Promise.all(roots)).some((root) => root !== undefined && file.startsWith(`${root}/`));
    if (!isInside || !(await stat(file)).isFile()) throw unreadable();
    return createReadStream(file, { highWaterMark: 256 * 1024 });
  } catch (cause) {
    throw unreadable(cause);
  }
}

async function openHttp(url: URL): Promise<Readable> {
  const headers = { accept: 'application/fhir+ndjson' };
  // The operator listed the address: it may lie in the organization's own network.
  const response = await openOutgoing(url, { headers }, { trusted: () => true }).catch((cause: unknown) => {
    if (cause instanceof OutgoingError && (cause.failure === 'refused' || cause.failure === 'redirected')) throw unreadable(cause);
    throw cause;
  });
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode < 300) return response;
  response.destroy();
  if (statusCode >= 500) throw new Error('the source does not answer');
  throw unreadable();
}
