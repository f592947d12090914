// JWTs that an EHR signed: https://www.rfc-editor.org/rfc/rfc8725
import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import type { KeySets } from '../client-keys.ts';
import { EhrRefusal } from './parts.ts';

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384'];
const clockSeconds = 10;
const longest = 16 * 1024;

export interface Expected {
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a JWT of this issuer for this audience, which has not expired and says whom it is about. @throws EhrRefusal */
export async function claimsOf(
  keySets: KeySets,
  token: string,
  { jwks, issuer, audience }: Expected,
): Promise<JWTPayload & { sub: string }> {
  const refusal = new EhrRefusal('The token of the EHR is not valid.', 403);
  if (token.length > longest) throw refusal;
  try {
    const { kid } = decodeProtectedHeader(token);
    const keys = createLocalJWKSet(await keySets.at(jwks, kid));
    const checks = { issuer, audience, algorithms, clockTolerance: clockSeconds, requiredClaims: ['exp', 'sub'] };
    const { payload } = await jwtVerify(token, keys, checks);
    if (!payload.sub) throw refusal;
    return { ...payload, sub: payload.sub };
  } catch (error) {
    if (error instanceof joseErrors.JOSEError || error instanceof TypeError) throw refusal;
    throw error;
  }
}
