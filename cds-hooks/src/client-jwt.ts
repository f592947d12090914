// https://cds-hooks.hl7.org/2.0/#trusting-cds-clients — the JWT by which a CDS client says who it is.
import { OperationOutcomeError } from '@limen/fhir-model';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { CdsServiceOptions } from './options.ts';

/** Never none, never a shared secret: RFC 8725 3.1. */
const algorithms = ['ES384', 'RS384'];
const skewSeconds = 60;
/** Longer lives would fill the replay store; the specification's example is 5 minutes. */
const maxLifeSeconds = 3600;
const maxTokenLength = 8192;

function refuse(cause?: unknown): never {
  throw new OperationOutcomeError(
    401,
    { code: 'login', diagnostics: 'The Authorization header holds no valid token of a registered CDS client.' },
    { ...(cause === undefined ? {} : { cause }), headers: { 'WWW-Authenticate': 'Bearer' } },
  );
}

/** Reads what has to be known before the signature can be checked; nothing of it is trusted yet. */
function issuerOf(token: string): string {
  try {
    if (!algorithms.includes(decodeProtectedHeader(token).alg ?? '')) refuse();
    return decodeJwt(token).iss ?? refuse();
  } catch (error) {
    return refuse(error);
  }
}

/** @param url exactly the one that was called */
async function verified(token: string, url: string, { clients, now }: CdsServiceOptions): Promise<JWTPayload> {
  const issuer = issuerOf(token);
  const client = clients.find((c) => c.iss === issuer) ?? refuse();
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(client.jwks), {
      algorithms,
      issuer,
      audience: url,
      requiredClaims: ['exp', 'iat', 'jti'],
      clockTolerance: skewSeconds,
      maxTokenAge: maxLifeSeconds,
      currentDate: now(),
    });
    return payload;
  } catch (error) {
    return refuse(error);
  }
}

/**
 * Who calls: the issuer of a verified token, or `cds-open` where a call without Authorization is allowed.
 * A token that is there is always verified.
 * @throws OperationOutcomeError 401
 */
export async function authenticate(authorization: string | undefined, url: string, options: CdsServiceOptions): Promise<string> {
  if (authorization === undefined) return options.requireAuthorization ? refuse() : 'cds-open';
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization)?.[1];
  if (!token || token.length > maxTokenLength) return refuse();
  const { iss, jti, exp, iat, aud } = await verified(token, url, options);
  if (aud !== url && !(Array.isArray(aud) && aud.length === 1)) return refuse();
  if (!iss || typeof jti !== 'string' || jti === '' || jti.length > 256 || !exp || !iat || exp - iat > maxLifeSeconds) return refuse();
  // Only now: a jti recorded before the signature is checked could be burnt by anybody.
  if (await options.replay.seen(iss, jti, (exp + skewSeconds) * 1000)) return refuse();
  return iss;
}
