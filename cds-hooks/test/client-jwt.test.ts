// CH-06, CH-07: the client's JWT. Attacks first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { clarithromycin, issueOf, now, orderSign, post, publicBase, simvastatin } from './fixture.ts';

const iss = 'https://ehr.example';
const aud = `${publicBase}/cds-services/medication-safety`;
const seconds = Math.floor(now.getTime() / 1000);
const es = await generateKeyPair('ES384');
const rs = await generateKeyPair('RS384');
const foreign = await generateKeyPair('ES384');
const jwks = {
  keys: [
    { ...(await exportJWK(es.publicKey)), kid: 'es', alg: 'ES384', use: 'sig' },
    { ...(await exportJWK(rs.publicKey)), kid: 'rs', alg: 'RS384', use: 'sig' },
  ],
};
const claims = { iss, aud, exp: seconds + 300, iat: seconds, jti: 'j1' };
const sign = (payload: JWTPayload, header = { alg: 'ES384', kid: 'es' }, key: CryptoKey | Uint8Array = es.privateKey): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ typ: 'JWT', ...header }).sign(key);
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (name: keyof typeof claims): JWTPayload => Object.fromEntries(Object.entries(claims).filter(([n]) => n !== name));

function replayStore() {
  const recorded = new Set<string>();
  return { recorded, seen: async (issuer: string, jti: string) => recorded.has(`${issuer}|${jti}`) || !recorded.add(`${issuer}|${jti}`) };
}

async function call(token: string | undefined, replay = replayStore(), requireAuthorization = true) {
  const headers: { [name: string]: string } = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return post(
    'medication-safety',
    orderSign([simvastatin, clarithromycin]),
    { clients: [{ iss, jwks }], replay, requireAuthorization },
    headers,
  );
}

const attacks: readonly (readonly [string, () => Promise<string>])[] = [
  ['alg none', async () => `${encoded({ alg: 'none' })}.${encoded(claims)}.`],
  [
    'HS256 with the public key as secret',
    () => sign(claims, { alg: 'HS256', kid: 'es' }, new TextEncoder().encode(JSON.stringify(jwks.keys[0]))),
  ],
  [
    'ES256, an algorithm we do not accept',
    async () => sign(claims, { alg: 'ES256', kid: 'es' }, (await generateKeyPair('ES256')).privateKey),
  ],
  ['the key of somebody else', () => sign(claims, undefined, foreign.privateKey)],
  ['an unknown kid', () => sign(claims, { alg: 'ES384', kid: 'other' })],
  [
    'changed claims under the old signature',
    async () => {
      const [head, , signature] = (await sign(claims)).split('.');
      return `${head}.${encoded({ ...claims, exp: seconds + 301 })}.${signature}`;
    },
  ],
  ['an unknown iss', () => sign({ ...claims, iss: 'https://other.example' })],
  ['the URL of the other service', () => sign({ ...claims, aud: `${publicBase}/cds-services/acute-care-risk` })],
  ['the origin only', () => sign({ ...claims, aud: publicBase })],
  ['two audiences', () => sign({ ...claims, aud: [aud, 'https://other.example'] })],
  ['expired', () => sign({ ...claims, iat: seconds - 900, exp: seconds - 600 })],
  ['iat in the future', () => sign({ ...claims, iat: seconds + 600, exp: seconds + 900 })],
  ['a life of a day', () => sign({ ...claims, exp: seconds + 86_400 })],
  ['no exp', () => sign(without('exp'))],
  ['no iat', () => sign(without('iat'))],
  ['no jti', () => sign(without('jti'))],
  ['an empty jti', () => sign({ ...claims, jti: '' })],
  [
    'a crit header',
    async () =>
      sign(claims, { alg: 'ES384', kid: 'es', crit: ['x'], x: 1 } as never).catch(
        async () => `${encoded({ alg: 'ES384', kid: 'es', crit: ['x'], x: 1 })}.${encoded(claims)}.AAAA`,
      ),
  ],
  ['no JWT at all', async () => 'opaque'],
];
for (const [why, token] of attacks) {
  test(`CH-06 401: ${why}; its jti is not recorded`, async () => {
    const replay = replayStore();
    const response = await call(await token(), replay);
    assert.equal(response.status, 401);
    assert.equal(issueOf(response).code, 'login');
    assert.equal(response.headers['WWW-Authenticate'], 'Bearer');
    assert.equal(replay.recorded.size, 0);
    // A token that is there is verified even where none is required.
    assert.equal((await call(await token(), replayStore(), false)).status, 401);
  });
}

test('CH-06 401: no Authorization where it is required; allowed as cds-open where it is not', async () => {
  assert.equal((await call(undefined)).status, 401);
  assert.equal((await call(undefined, replayStore(), false)).status, 200);
});

test('CH-06: ES384 and RS384 are accepted, a replayed token is not, not even by another instance with the same store', async () => {
  const replay = replayStore();
  assert.equal((await call(await sign(claims), replay)).status, 200);
  assert.equal((await call(await sign({ ...claims, jti: 'j2' }, { alg: 'RS384', kid: 'rs' }, rs.privateKey), replay)).status, 200);
  assert.equal((await call(await sign(claims), replay)).status, 401);
});

test('CH-07: a forged token does not burn the jti of a true one', async () => {
  const replay = replayStore();
  assert.equal((await call(await sign(claims, undefined, foreign.privateKey), replay)).status, 401);
  assert.equal((await call(await sign(claims), replay)).status, 200);
});
