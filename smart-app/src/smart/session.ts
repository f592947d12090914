// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-access-token — the token of one launch, in this tab only.
import type { TokenSource } from '../fhir/http.ts';
import { clientId, type Keep, type Pending } from './pending.ts';

export interface Session {
  readonly iss: string;
  readonly tokenEndpoint: string;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly patient: string;
  /** Relative reference, e.g. "Practitioner/1"; absent when the server names nobody. */
  readonly fhirUser: string | undefined;
}

const sessionKey = 'limen-session';

interface TokenAnswer {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly patient?: string;
}

/** The fhirUser claim. The token came straight from the token endpoint, so its signature adds nothing (OpenID Connect Core 3.1.3.7). */
export function fhirUserOf(idToken: string | undefined, iss: string): string | undefined {
  const payload = idToken?.split('.')[1];
  if (!payload) return undefined;
  try {
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { readonly fhirUser?: unknown };
    if (typeof claims.fhirUser !== 'string') return undefined;
    const relative = claims.fhirUser.startsWith(`${iss}/`) ? claims.fhirUser.slice(iss.length + 1) : claims.fhirUser;
    return /^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(relative) ? relative : undefined;
  } catch {
    return undefined;
  }
}

async function askToken(endpoint: string, form: { readonly [name: string]: string }): Promise<TokenAnswer | undefined> {
  const response = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(form), credentials: 'omit', cache: 'no-store' });
  return response.ok ? ((await response.json()) as TokenAnswer) : undefined;
}

/** Exchanges a code. @returns undefined when the server gives no token or names no patient */
export async function exchangeCode(code: string, pending: Pending): Promise<Session | undefined> {
  const answer = await askToken(pending.tokenEndpoint, {
    grant_type: 'authorization_code',
    code,
    client_id: clientId,
    redirect_uri: pending.redirectUri,
    code_verifier: pending.verifier,
  });
  if (!answer?.access_token || !answer.patient) return undefined;
  return {
    iss: pending.iss,
    tokenEndpoint: pending.tokenEndpoint,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    patient: answer.patient,
    fhirUser: fhirUserOf(answer.id_token, pending.iss),
  };
}

export function keepSession(session: Session, keep: Keep): void {
  keep.setItem(sessionKey, JSON.stringify(session));
}

export function keptSession(keep: Keep): Session | undefined {
  const text = keep.getItem(sessionKey);
  return text ? (JSON.parse(text) as Session) : undefined;
}

/** The session as the FHIR client uses it: renewed at most once per refusal, forgotten when that fails. */
export class SessionTokens implements TokenSource {
  #session: Session;
  #renewing: Promise<boolean> | undefined;
  readonly #keep: Keep;
  readonly #onEnd: () => void;

  constructor(session: Session, keep: Keep, onEnd: () => void) {
    this.#session = session;
    this.#keep = keep;
    this.#onEnd = onEnd;
  }

  get base(): string {
    return this.#session.iss;
  }

  token(): string {
    return this.#session.accessToken;
  }

  /** Requests that are refused together share one renewal: a refresh token works once. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<boolean> {
    const { refreshToken, tokenEndpoint } = this.#session;
    if (!refreshToken) return false;
    const answer = await askToken(tokenEndpoint, { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId }).catch(
      () => undefined,
    );
    if (!answer?.access_token) return false;
    this.#session = { ...this.#session, accessToken: answer.access_token, refreshToken: answer.refresh_token ?? refreshToken };
    keepSession(this.#session, this.#keep);
    return true;
  }

  ended(): void {
    this.#keep.removeItem(sessionKey);
    this.#onEnd();
  }
}
