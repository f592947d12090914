// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html — the request for a code, and what is kept until its answer comes.

import type { SmartEndpoints } from './issuer.ts';
import { challengeOf, randomText } from './pkce.ts';

/** The part of Storage that is used: sessionStorage, or a Map's worth of it in tests. */
export type Keep = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface Pending {
  readonly iss: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly tokenEndpoint: string;
  readonly issuer: string | undefined;
}

export const clientId = 'limen-app';
const granted =
  'openid fhirUser user/*.rs user/RiskAssessment.cu user/DetectedIssue.cu user/Provenance.c user/$acute-care-risk user/$check-medications';
const keyOf = (state: string): string => `limen-launch:${state}`;

export interface AuthorizationRequest {
  readonly iss: string;
  readonly origin: string;
  readonly endpoints: SmartEndpoints;
  /** From the EHR; absent: standalone, the server asks for the patient. */
  readonly launch: string | undefined;
}

/** The address of the authorization request; verifier and state are kept under the state. */
export async function authorizationUrl({ iss, origin, endpoints, launch }: AuthorizationRequest, keep: Keep): Promise<string> {
  const state = randomText();
  const verifier = randomText();
  const redirectUri = `${origin}/app/`;
  const pending: Pending = { iss, verifier, redirectUri, tokenEndpoint: endpoints.token, issuer: endpoints.issuer };
  keep.setItem(keyOf(state), JSON.stringify(pending));
  const url = new URL(endpoints.authorize);
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: `${launch === undefined ? 'launch/patient' : 'launch'} ${granted}`,
    state,
    aud: iss,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
    ...(launch === undefined ? {} : { launch }),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/** What was kept for this state, once: an answer that nobody here asked for has nothing kept. */
function takePending(state: string | null, keep: Keep): Pending | undefined {
  if (!state) return undefined;
  const text = keep.getItem(keyOf(state));
  keep.removeItem(keyOf(state));
  return text ? (JSON.parse(text) as Pending) : undefined;
}

export type CodeAnswer = { readonly code: string; readonly pending: Pending } | { readonly refused: string };

/** The answer at the redirect URI. @param query of the address the browser came back with */
export function readAnswer(query: URLSearchParams, keep: Keep): CodeAnswer {
  const pending = takePending(query.get('state'), keep);
  if (!pending) return { refused: 'This answer does not belong to a launch that was started in this window.' };
  const from = query.get('iss');
  if (from && pending.issuer && from !== pending.issuer) return { refused: 'The answer came from another server.' };
  if (query.has('error')) return { refused: 'Access was not granted.' };
  const code = query.get('code');
  return code ? { code, pending } : { refused: 'The answer holds no code.' };
}
