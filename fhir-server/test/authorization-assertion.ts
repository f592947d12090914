// Client assertions, good ones and the bad ones of the checklist (J01-J13).
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Pool } from 'pg';
import { registerClient } from '../src/operational/index.ts';

let audience = '';

/** The token endpoint that the assertions are made for. */
export function assertFor(origin: string): void {
  audience = `${origin}/oauth/token`;
}

const keys = new Map<string, { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }>();

export const algorithms = ['RS384', 'ES384'] as const;
export type Algorithm = (typeof algorithms)[number];

export const systemId = (alg: Algorithm) => `system-${alg}`;

export async function registerSystem(pool: Pool, alg: Algorithm): Promise<void> {
  const pair = await generateKeyPair(alg, { extractable: true });
  keys.set(systemId(alg), pair);
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: `${alg}-1`, alg, use: 'sig' };
  await registerClient(pool, {
    clientId: systemId(alg),
    name: 'System',
    authMethod: 'private_key_jwt',
    jwks: { keys: [jwk] },
    grantTypes: ['client_credentials'],
    scope: 'system/Patient.rs system/Observation.rs',
    plane: 'identified',
  });
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

function claims(alg: Algorithm): JWTPayload {
  const id = systemId(alg);
  return { iss: id, sub: id, aud: audience, exp: nowSeconds() + 240, jti: randomUUID() };
}

export interface Assertion {
  readonly payload?: JWTPayload;
  readonly without?: string;
  readonly header?: { readonly [name: string]: string };
  readonly signer?: string;
}

export async function assertion(alg: Algorithm, change: Assertion = {}): Promise<string> {
  const payload = { ...claims(alg), ...change.payload };
  if (change.without) delete payload[change.without];
  const key = keys.get(change.signer ?? systemId(alg));
  assert.ok(key);
  return new SignJWT(payload).setProtectedHeader({ alg, kid: `${alg}-1`, typ: 'JWT', ...change.header }).sign(key.privateKey);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function hs256(alg: Algorithm): Promise<string> {
  const key = keys.get(systemId(alg));
  assert.ok(key);
  const text = `${encode({ alg: 'HS256', kid: `${alg}-1` })}.${encode(claims(alg))}`;
  return `${text}.${createHmac('sha256', await exportSPKI(key.publicKey))
    .update(text)
    .digest('base64url')}`;
}

async function broken(alg: Algorithm): Promise<string> {
  const [header, payload, signature] = (await assertion(alg)).split('.');
  const bytes = Buffer.from(signature ?? '', 'base64url');
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}

const other = (alg: Algorithm): Algorithm => (alg === 'RS384' ? 'ES384' : 'RS384');

export const refusals: readonly { readonly id: string; readonly why: string; readonly jwt: (alg: Algorithm) => Promise<string> }[] = [
  { id: 'J01', why: 'bad signature', jwt: broken },
  { id: 'J02', why: 'unknown kid', jwt: (alg) => assertion(alg, { header: { kid: 'another' } }) },
  { id: 'J03', why: 'alg none', jwt: async (alg) => `${encode({ alg: 'none' })}.${encode(claims(alg))}.` },
  { id: 'J04', why: 'HS256 with the public key', jwt: hs256 },
  { id: 'J05', why: 'exp in the past', jwt: (alg) => assertion(alg, { payload: { exp: nowSeconds() - 60 } }) },
  { id: 'J06', why: 'exp more than five minutes ahead', jwt: (alg) => assertion(alg, { payload: { exp: nowSeconds() + 600 } }) },
  ...['iss', 'sub', 'aud', 'exp', 'jti'].map((without) => ({
    id: 'J07',
    why: `${without} missing`,
    jwt: (alg: Algorithm) => assertion(alg, { without }),
  })),
  { id: 'J08', why: 'iss is not sub', jwt: (alg) => assertion(alg, { payload: { iss: systemId(other(alg)) } }) },
  { id: 'J09', why: 'aud is another URL', jwt: (alg) => assertion(alg, { payload: { aud: 'https://evil.example/token' } }) },
  { id: 'J12', why: 'unknown client', jwt: (alg) => assertion(alg, { payload: { iss: 'nobody', sub: 'nobody' } }) },
  {
    id: 'J12',
    why: 'a client that has no token endpoint',
    jwt: (alg) => assertion(alg, { payload: { iss: 'hl7-channel', sub: 'hl7-channel' } }),
  },
  { id: 'J13', why: 'key of another client', jwt: (alg) => assertion(other(alg), { payload: { iss: systemId(alg), sub: systemId(alg) } }) },
];
