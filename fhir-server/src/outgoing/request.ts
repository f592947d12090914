// Every request that this server sends to an address somebody else wrote down. The name is resolved once, each address it has is looked at,
// and the connection goes to exactly those: a name that changes its mind in between gains nothing (DNS rebinding).
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { kindOfAddress } from './addresses.ts';

export type OutgoingFailure = 'refused' | 'unreachable' | 'redirected' | 'too-large' | 'too-slow';

/** Why there is no answer; the text never names the address. */
export class OutgoingError extends Error {
  readonly failure: OutgoingFailure;

  constructor(failure: OutgoingFailure) {
    super(`outgoing request: ${failure}`);
    this.name = 'OutgoingError';
    this.failure = failure;
  }
}

type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface OutgoingRules {
  /** Origins that may lie in the organization's network and may use plain HTTP. */
  readonly trusted: (origin: string) => boolean;
  /** Absent: the system's resolver. */
  readonly resolve?: Resolve;
}

export interface OutgoingRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface OutgoingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const defaultTimeoutMs = 10_000;
/** A connection on which nothing moves any more. */
const idleMs = 5 * 60_000;
const defaultMaximumBytes = 1024 * 1024;
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

const resolveBySystem: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true, verbatim: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });

function mayConnect(url: URL, address: string, isTrusted: boolean): boolean {
  const kind = kindOfAddress(address);
  if (kind === 'public') return true;
  // A listed name may be at home here; to this very machine only a name that says so leads.
  return isTrusted && (kind === 'organization' || (kind === 'loopback' && loopbackNames.has(url.hostname)));
}

/** The addresses to connect to. @throws OutgoingError when one of them is off limits */
async function checkedAddresses(url: URL, rules: OutgoingRules): Promise<readonly LookupAddress[]> {
  const isTrusted = rules.trusted(url.origin);
  const isPlain = url.protocol === 'http:';
  if ((!isPlain && url.protocol !== 'https:') || (isPlain && !isTrusted) || url.username || url.password)
    throw new OutgoingError('refused');
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(literal);
  const found = family
    ? [{ address: literal, family }]
    : await (rules.resolve ?? resolveBySystem)(url.hostname).catch(() => {
        throw new OutgoingError('unreachable');
      });
  if (found.length === 0) throw new OutgoingError('unreachable');
  if (!found.every(({ address }) => mayConnect(url, address, isTrusted))) throw new OutgoingError('refused');
  return found;
}

/** Hands the connection the addresses that were checked, whatever it asks for. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

function send(url: URL, asked: OutgoingRequest, addresses: readonly LookupAddress[], signal: AbortSignal): ClientRequest {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { method = 'GET', headers = {}, body } = asked;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = open(url, { method, headers: { ...headers, ...length }, lookup: pinned(addresses), agent: false, signal });
  sent.setTimeout(idleMs, () => sent.destroy());
  sent.end(body);
  return sent;
}

/**
 * The answer with its body still to be read. No redirect is followed. `timeoutMs` bounds the time until the headers are there.
 * @throws OutgoingError
 */
export async function openOutgoing(url: URL, asked: OutgoingRequest, rules: OutgoingRules): Promise<IncomingMessage> {
  const addresses = await checkedAddresses(url, rules);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), asked.timeoutMs ?? defaultTimeoutMs);
  const signal = asked.signal ? AbortSignal.any([asked.signal, deadline.signal]) : deadline.signal;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = send(url, asked, addresses, signal);
      sent.on('response', resolve);
      sent.on('error', reject);
    });
    const { statusCode = 0 } = response;
    if (statusCode >= 300 && statusCode < 400) {
      response.destroy();
      throw new OutgoingError('redirected');
    }
    return response;
  } catch (error) {
    if (error instanceof OutgoingError) throw error;
    throw new OutgoingError(signal.aborted ? 'too-slow' : 'unreachable');
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The whole answer, of bounded size and time.
 * @throws OutgoingError
 */
export async function fetchOutgoing(
  url: URL,
  asked: OutgoingRequest & { readonly maximumBytes?: number },
  rules: OutgoingRules,
): Promise<OutgoingAnswer> {
  const { maximumBytes = defaultMaximumBytes, timeoutMs = defaultTimeoutMs } = asked;
  const until = AbortSignal.timeout(timeoutMs);
  const response = await openOutgoing(url, { ...asked, signal: asked.signal ? AbortSignal.any([asked.signal, until]) : until }, rules);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maximumBytes) throw new OutgoingError('too-large');
      chunks.push(chunk);
    }
  } catch (error) {
    response.destroy();
    if (error instanceof OutgoingError) throw error;
    throw new OutgoingError(until.aborted ? 'too-slow' : 'unreachable');
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') };
}
