// A small EHR, written against SMART App Launch 2.2 alone: discovery, authorization with PKCE, token, keys and one Patient.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What an answer is bent to. */
export interface Bend {
  readonly claims?: JWTPayload;
  readonly tokens?: { readonly [name: string]: unknown };
  readonly signer?: CryptoKey;
  readonly discovery?: { readonly [name: string]: unknown };
  readonly identifier?: readonly object[];
}

export const ehrClient = { clientId: 'limen-at-ehr', secret: 'a secret: with % and +' };
export const mrn = { system: 'urn:mrn', value: 'MRN-1' };
const ehrToken = 'token-of-the-ehr';

export class EhrSimulator {
  bend: Bend = {};
  origin = '';
  readonly seen: string[] = [];
  readonly #codes = new Map<string, { readonly challenge: string; readonly nonce: string }>();
  #server: Server | undefined;
  #key: CryptoKey | undefined;
  #jwk: object = {};

  async start(): Promise<void> {
    const pair = await generateKeyPair('RS256', { extractable: true });
    this.#key = pair.privateKey;
    this.#jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
    this.#server = createServer((request, response) => void this.#answer(request, response)).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    assert.ok(address && typeof address === 'object');
    this.origin = `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  get iss(): string {
    return `${this.origin}/r4`;
  }

  /** What the user's browser brings back from the authorization endpoint. */
  authorize(address: URL): URLSearchParams {
    const asked = address.searchParams;
    assert.equal(address.pathname, '/authorize');
    assert.equal(asked.get('aud'), this.iss);
    assert.equal(asked.get('client_id'), ehrClient.clientId);
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.equal(asked.get('launch'), 'launch-1');
    const code = randomUUID();
    this.#codes.set(code, { challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce') ?? '' });
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.origin });
  }

  signed(claims: JWTPayload): Promise<string> {
    const key = this.bend.signer ?? this.#key;
    assert.ok(key);
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(key);
  }

  /** An access token that carries the launch context. */
  accessToken(change: JWTPayload = {}): Promise<string> {
    const exp = Math.floor(Date.now() / 1000) + 300;
    return this.signed({ iss: this.origin, aud: 'limen', sub: 'user-1', exp, scope: 'patient/*.rs user/*.rs', patient: 'p1', ...change });
  }

  async #token(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const form = new URLSearchParams((await request.toArray()).join(''));
    const code = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const basic = Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64').toString();
    const isClient = basic === `${ehrClient.clientId}:${encodeURIComponent(ehrClient.secret)}`;
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!isClient || !code || challenge !== code.challenge) return { status: 400, body: { error: 'invalid_grant' } };
    const exp = Math.floor(Date.now() / 1000) + 300;
    const fhirUser = `${this.iss}/Practitioner/x`;
    const claims = { iss: this.origin, aud: ehrClient.clientId, sub: 'user-1', nonce: code.nonce, exp, fhirUser, ...this.bend.claims };
    const tokens = { access_token: ehrToken, token_type: 'bearer', expires_in: 120, patient: 'p1', id_token: await this.signed(claims) };
    return { status: 200, body: { ...tokens, ...this.bend.tokens } };
  }

  async #body(request: IncomingMessage): Promise<{ status: number; body: object }> {
    if (request.url === '/r4/.well-known/smart-configuration') {
      const { origin } = this;
      const endpoints = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token`, jwks_uri: `${origin}/jwks` };
      const s256 = { code_challenge_methods_supported: ['S256'], authorization_response_iss_parameter_supported: true };
      return { status: 200, body: { issuer: origin, ...endpoints, ...s256, ...this.bend.discovery } };
    }
    if (request.url === '/jwks') return { status: 200, body: { keys: [this.#jwk] } };
    if (request.url === '/token') return this.#token(request);
    const isPatient = request.url === '/r4/Patient/p1' && (request.headers.authorization ?? '').startsWith('Bearer ');
    if (!isPatient) return { status: 404, body: {} };
    const name = [{ family: 'Canaryname' }];
    return { status: 200, body: { resourceType: 'Patient', id: 'p1', name, identifier: this.bend.identifier ?? [mrn] } };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(request.url ?? '');
    const { status, body } = await this.#body(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}
