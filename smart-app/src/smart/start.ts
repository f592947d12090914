// What the address of the page asks for: an EHR launch, the answer to one, a running session, or nothing yet (standalone).
import { allowedIssuer, endpointsOf } from './issuer.ts';
import { authorizationUrl, type Keep, readAnswer } from './pending.ts';
import { exchangeCode, keepSession, keptSession, type Session } from './session.ts';

export type Start =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'leave'; readonly url: string }
  | { readonly kind: 'standalone' }
  | { readonly kind: 'refused'; readonly reason: string };

/** The authorization request of a launch (`launch`) or of a standalone start (undefined). */
export async function authorize(iss: string | null, launch: string | undefined, origin: string, keep: Keep): Promise<Start> {
  const base = allowedIssuer(iss, origin);
  if (!base) return { kind: 'refused', reason: 'This app only opens records of the server that it comes from.' };
  const response = await fetch(`${base}/.well-known/smart-configuration`, { headers: { accept: 'application/json' }, cache: 'no-store' });
  const endpoints = response.ok ? endpointsOf(await response.json().catch(() => undefined), origin) : undefined;
  if (!endpoints) return { kind: 'refused', reason: 'The server does not say how to sign in.' };
  return { kind: 'leave', url: await authorizationUrl({ iss: base, origin, endpoints, launch }, keep) };
}

async function finish(query: URLSearchParams, keep: Keep): Promise<Start> {
  const answer = readAnswer(query, keep);
  if ('refused' in answer) return { kind: 'refused', reason: answer.refused };
  const session = await exchangeCode(answer.code, answer.pending);
  if (!session) return { kind: 'refused', reason: 'The server gave no access to a patient.' };
  keepSession(session, keep);
  return { kind: 'session', session };
}

/** @param address of the page; @param clean called before anything is sent, to take code and state out of the address */
export async function start(address: URL, keep: Keep, clean: () => void): Promise<Start> {
  const query = address.searchParams;
  if (query.has('state') || query.has('code') || query.has('error')) {
    clean();
    return finish(query, keep);
  }
  if (address.pathname.endsWith('/launch')) {
    const launch = query.get('launch');
    if (!launch) return { kind: 'refused', reason: 'The launch holds no launch token.' };
    const iss = query.get('iss');
    // Another EHR: the server, which alone knows which ones are registered, signs in there and comes back with a launch of its own.
    if (iss && !allowedIssuer(iss, address.origin)) return { kind: 'leave', url: `/ehr/launch?${new URLSearchParams({ iss, launch })}` };
    return authorize(iss, launch, address.origin, keep);
  }
  const session = keptSession(keep);
  return session ? { kind: 'session', session } : { kind: 'standalone' };
}
